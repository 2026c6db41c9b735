#!/bin/sh
# Serve ChatGLM3 6B 32K with TensorRT-LLM v0.9.0 on 1 GPU(s): tp 1 x pp 1
# Room: Download THUDM/chatglm3-6b-32k: 12.5 GB of disk
# Room: Convert the checkpoint to 1 rank(s): 12.5 GB of disk, 25.0 GB of memory with swap
# Room: Build the engine: 12.5 GB of disk, 25.0 GB of memory with swap
# Run it in the project's folder.
set -eu

workspace=/srv/trtllm
checkpoint=/srv/trtllm/checkpoints/chatglm3-6b-32k-339f17ff464d
converted=/srv/trtllm/checkpoints/chatglm3-32k-v0.9.0-tp1pp1-03f9fab4c16c-converted
engine=/srv/trtllm/engines/chatglm3-32k-v0.9.0-tp1pp1-03f9fab4c16c
repository=/srv/trtllm/repositories/chatglm3-32k-v0.9.0-tp1pp1-03f9fab4c16c-13318f

in_image() {
    docker run --rm --init --network none --gpus '"device=0"' --shm-size 16g --ulimit memlock=-1 \
        --ulimit stack=67108864 --cap-drop ALL --security-opt no-new-privileges --user 1000:1000 \
        --env HOME=/tmp --volume "$workspace":"$workspace" trtllm:v0.9.0 "$@"
}

# 1/31 Preflight
./inv doctor --quiet --tag v0.9.0 --recipe chatglm3:32k --tp 1 --pp 1

# 2/31 Image trtllm:v0.9.0
./inv image --tag v0.9.0

# 3/31 Make the workspace
mkdir -p "$workspace"/checkpoints "$workspace"/datasets "$workspace"/engines "$workspace"/repositories

# 4/31 Download THUDM/chatglm3-6b-32k
#      goes on where it stopped; every file is checked against the hub's sum
[ -e "$checkpoint" ] ||
    ./inv fetch THUDM/chatglm3-6b-32k --revision 339f17ff464d47b5077527c2b34e80a7719ede3e \
        --into "$checkpoint"

# 5/31 Convert the checkpoint to 1 rank(s)
#      tensor parallelism is decided here, never in trtllm-build
[ -e "$converted" ] || [ -e "$engine" ] ||
    in_image python3 /opt/trtllm/upstream/tensorrt_llm/examples/chatglm/convert_checkpoint.py \
        --model_dir "$checkpoint" --output_dir "$converted".partial --dtype float16 \
        --tp_size 1 --pp_size 1 --workers 1 --chatglm_version chatglm3

# 6/31 Publish the converted checkpoint
[ -e "$converted" ] || [ -e "$engine" ] ||
    mv "$converted".partial "$converted"

# 7/31 Build the engine
#      no --tp_size: the split in the converted checkpoint counts
[ -e "$engine" ] ||
    in_image trtllm-build --checkpoint_dir "$converted" --output_dir "$engine".partial \
        --gemm_plugin float16 --gpt_attention_plugin float16 --paged_kv_cache enable \
        --remove_input_padding enable --context_fmha enable --max_batch_size 1 \
        --max_beam_width 1 --max_input_len 30720 --max_output_len 2048 --workers 1

# 8/31 Verify and publish the engine
#      every rank, its size, and what its header says, against what was asked
[ -e "$engine" ] ||
    ./inv engines --finish "$engine" --asked \
        '{"recipe":"chatglm3","variant":"32k","identity":"03f9fab4c16c","release":"v0.9.0","tensorrt":"9.3.0.1","compute":"","checkpoint":["THUDM/chatglm3-6b-32k","339f17ff464d47b5077527c2b34e80a7719ede3e"],"tensor_parallel":1,"pipeline_parallel":1,"dtype":"float16","quantization":"","kv_cache_dtype":"","features":{"fmha":""},"max_batch_size":1,"max_input_len":30720,"max_output_len":2048}'

# 9/31 Copy the model-repository templates
[ -e "$repository" ] ||
    in_image cp -rT /opt/trtllm/upstream/all_models/inflight_batcher_llm "$repository".partial

# 10/31 Patch preprocessing/1/model.py: leave the tokenizer's special tokens as they are
#      ChatGLM's tokenizer has no setter: assigning pad_token fails with "can't set attribute"
[ -e "$repository" ] ||
    sed --in-place=.before-keep-special-tokens --regexp-extended --expression \
        's/^( *)(self\.tokenizer\.pad_token = self\.tokenizer\.eos_token)$/\1# \2/' \
        "$repository".partial/preprocessing/1/model.py

# 11/31 See that preprocessing/1/model.py is patched
#      else the file is not the release's own, and ChatGLM's tokenizer has no setter: assigning pad_token fails with "can't set attribute"
[ -e "$repository" ] ||
    grep --quiet --fixed-strings -- '# self.tokenizer.pad_token = self.tokenizer.eos_token' \
        "$repository".partial/preprocessing/1/model.py

# 12/31 Patch postprocessing/1/model.py: leave the tokenizer's special tokens as they are
#      ChatGLM's tokenizer has no setter: assigning pad_token fails with "can't set attribute"
[ -e "$repository" ] ||
    sed --in-place=.before-keep-special-tokens --regexp-extended --expression \
        's/^( *)(self\.tokenizer\.pad_token = self\.tokenizer\.eos_token)$/\1# \2/' \
        "$repository".partial/postprocessing/1/model.py

# 13/31 See that postprocessing/1/model.py is patched
#      else the file is not the release's own, and ChatGLM's tokenizer has no setter: assigning pad_token fails with "can't set attribute"
[ -e "$repository" ] ||
    grep --quiet --fixed-strings -- '# self.tokenizer.pad_token = self.tokenizer.eos_token' \
        "$repository".partial/postprocessing/1/model.py

# 14/31 Patch preprocessing/1/model.py: let the tokenizer read words such as <|user|> as the tokens they name
#      ChatGLM3's chat template writes them; without encode_special_tokens they are taken apart like any other word
[ -e "$repository" ] ||
    sed --in-place=.before-read-special-tokens --regexp-extended --expression \
        's/^( *)(self\.(tokenizer_end_id|pad_id) = self\.tokenizer\.encode\()/\1self.tokenizer.encode_special_tokens = True; \2/' \
        "$repository".partial/preprocessing/1/model.py

# 15/31 See that preprocessing/1/model.py is patched
#      else the file is not the release's own, and ChatGLM3's chat template writes them; without encode_special_tokens they are taken apart like any other word
[ -e "$repository" ] ||
    grep --quiet --fixed-strings -- 'self.tokenizer.encode_special_tokens = True' \
        "$repository".partial/preprocessing/1/model.py

# 16/31 Patch tensorrt_llm_bls/1/model.py: end an answer on the engine when its client asks for it or has gone
#      upstream's BLS model tells the engine neither the request's id nor that its client has gone: it goes on for nobody
[ -e "$repository" ] ||
    sed --in-place=.before-end-with-client --regexp-extended --expression \
        's/^import triton_python_backend_utils as pb_utils$/import uuid\
\
import numpy as np\
import triton_python_backend_utils as pb_utils\
\
\
def request_id(request):\
    """What the engine knows the answer by: the id that its client gave, or a new number."""\
    return request.request_id() or str(uuid.uuid4().int >> 65)\
\
\
def until_cancelled(answers, request, identity):\
    """The answers; once the client has gone, the engine is asked to end them."""\
    kinds = {"input_ids": np.int32, "input_lengths": np.int32, "request_output_len": np.int32, "stop": np.bool_}\
    stopped = False\
    for answer in answers:\
        if not stopped and request.is_cancelled():\
            stopped = True\
            stop = [pb_utils.Tensor(name, np.ones([1, 1], kind)) for name, kind in kinds.items()]\
            asked = pb_utils.InferenceRequest(\
                model_name="tensorrt_llm", request_id=identity, requested_output_names=[], inputs=stop)\
            list(asked.exec(decoupled=True))\
        yield answer/' \
        --expression \
        's/^( *)for res in res_gen:$/\1req.request_id = request_id(request)\
\1for res in until_cancelled(res_gen, request, req.request_id):/' \
        "$repository".partial/tensorrt_llm_bls/1/model.py

# 17/31 See that tensorrt_llm_bls/1/model.py is patched
#      else the file is not the release's own, and upstream's BLS model tells the engine neither the request's id nor that its client has gone: it goes on for nobody
[ -e "$repository" ] ||
    grep --quiet --fixed-strings -- 'def until_cancelled(answers, request, identity):' \
        "$repository".partial/tensorrt_llm_bls/1/model.py

# 18/31 See that tensorrt_llm_bls/1/model.py is patched
#      else the file is not the release's own, and upstream's BLS model tells the engine neither the request's id nor that its client has gone: it goes on for nobody
[ -e "$repository" ] ||
    grep --quiet --fixed-strings -- 'for res in until_cancelled(' "$repository".partial/tensorrt_llm_bls/1/model.py

# 19/31 Patch tensorrt_llm_bls/1/lib/triton_decoder.py: end an answer on the engine when its client asks for it or has gone
#      upstream's BLS model tells the engine neither the request's id nor that its client has gone: it goes on for nobody
[ -e "$repository" ] ||
    sed --in-place=.before-end-with-client --regexp-extended --expression \
        's/^( *)model_name=self\.llm_model_name,$/\1model_name=self.llm_model_name, request_id=request.request_id,/' \
        "$repository".partial/tensorrt_llm_bls/1/lib/triton_decoder.py

# 20/31 See that tensorrt_llm_bls/1/lib/triton_decoder.py is patched
#      else the file is not the release's own, and upstream's BLS model tells the engine neither the request's id nor that its client has gone: it goes on for nobody
[ -e "$repository" ] ||
    grep --quiet --fixed-strings -- 'model_name=self.llm_model_name, request_id=request.request_id,' \
        "$repository".partial/tensorrt_llm_bls/1/lib/triton_decoder.py

# 21/31 Fill ensemble/config.pbtxt
[ -e "$repository" ] ||
    in_image python3 /opt/trtllm/upstream/tools/fill_template.py -i "$repository".partial/ensemble/config.pbtxt \
        triton_max_batch_size:1

# 22/31 Fill postprocessing/config.pbtxt
[ -e "$repository" ] ||
    in_image python3 /opt/trtllm/upstream/tools/fill_template.py -i \
        "$repository".partial/postprocessing/config.pbtxt \
        triton_max_batch_size:1,tokenizer_dir:"$checkpoint",postprocessing_instance_count:1

# 23/31 Fill preprocessing/config.pbtxt
[ -e "$repository" ] ||
    in_image python3 /opt/trtllm/upstream/tools/fill_template.py -i \
        "$repository".partial/preprocessing/config.pbtxt \
        triton_max_batch_size:1,tokenizer_dir:"$checkpoint",add_special_tokens:False,preprocessing_instance_count:1

# 24/31 Fill tensorrt_llm/config.pbtxt
[ -e "$repository" ] ||
    in_image python3 /opt/trtllm/upstream/tools/fill_template.py -i "$repository".partial/tensorrt_llm/config.pbtxt \
        triton_max_batch_size:1,decoupled_mode:True,max_queue_delay_microseconds:0,max_beam_width:1,batching_strategy:inflight_fused_batching,engine_dir:"$engine",max_tokens_in_paged_kv_cache:32768,max_attention_window_size:32768,batch_scheduler_policy:guaranteed_no_evict,kv_cache_free_gpu_mem_fraction:0.9,enable_trt_overlap:False,exclude_input_in_output:True,enable_kv_cache_reuse:False,normalize_log_probs:True,enable_chunked_context:False,gpu_device_ids:,lora_cache_optimal_adapter_size:,lora_cache_max_adapter_size:,lora_cache_gpu_memory_fraction:,lora_cache_host_memory_bytes:,decoding_mode:,medusa_choices:

# 25/31 Fill tensorrt_llm_bls/config.pbtxt
[ -e "$repository" ] ||
    in_image python3 /opt/trtllm/upstream/tools/fill_template.py -i \
        "$repository".partial/tensorrt_llm_bls/config.pbtxt \
        triton_max_batch_size:1,decoupled_mode:True,accumulate_tokens:True,tensorrt_llm_model_name:tensorrt_llm,tensorrt_llm_draft_model_name:,bls_instance_count:1

# 26/31 Publish the model repository
[ -e "$repository" ] ||
    mv "$repository".partial "$repository"

# 27/31 Make the network trtllm-chatglm3
#      no other container reaches the server, and no other host answers it
docker network inspect trtllm-chatglm3 >/dev/null 2>&1 ||
    docker network create --driver bridge --opt com.docker.network.bridge.enable_icc=false \
        --opt com.docker.network.bridge.enable_ip_masquerade=false --label io.trtllm.made-by=plan \
        --label io.trtllm.server=chatglm3 trtllm-chatglm3

# 28/31 Start the server with 1 rank(s)
docker run --detach --init --name trtllm-chatglm3 --network trtllm-chatglm3 \
        --label io.trtllm.server=chatglm3 --gpus '"device=0"' --publish 127.0.0.1:8000:8000 \
        --publish 127.0.0.1:8001:8001 --publish 127.0.0.1:8002:8002 --shm-size 16g \
        --ulimit memlock=-1 --ulimit stack=67108864 --cap-drop ALL --security-opt no-new-privileges \
        --log-driver json-file --log-opt max-size=100m --log-opt max-file=3 --user 1000:1000 \
        --env HOME=/tmp --volume "$repository":"$repository":ro --volume "$engine":"$engine":ro \
        --volume "$checkpoint":"$checkpoint":ro trtllm:v0.9.0 mpirun --allow-run-as-root \
        -n 1 /opt/tritonserver/bin/tritonserver --model-repository="$repository" \
        --http-port=8000 --grpc-port=8001 --metrics-port=8002 \
        --disable-auto-complete-config \
        --backend-config=python,shm-region-prefix-name=rank0_

# 29/31 Wait until the server is ready
curl --fail --silent --show-error --retry 900 --retry-delay 1 --retry-max-time 900 \
        --retry-connrefused --retry-all-errors http://127.0.0.1:8000/v2/health/ready

# 30/31 Ask the smoke question
./inv ask 'What'"'"'s new between ChatGLM3-6B and ChatGLM2-6B?' --url 127.0.0.1:8001 \
        --model tensorrt_llm_bls --accumulates --model-dir "$checkpoint" --recipe chatglm3:32k

# 31/31 Hold its answers against the checkpoint's own
./inv quality --compute --url 127.0.0.1:8001 --model tensorrt_llm_bls --model-dir "$checkpoint" \
        --recipe chatglm3:32k --accumulates
