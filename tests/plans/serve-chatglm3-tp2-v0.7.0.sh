#!/bin/sh
# Serve ChatGLM3 6B with TensorRT-LLM v0.7.0 on 2 GPU(s): tp 2 x pp 1
# Room: Download THUDM/chatglm3-6b: 12.5 GB of disk
# Room: Build the engine for 2 rank(s): 12.5 GB of disk, 25.0 GB of memory with swap
# Run it in the project's folder.
set -eu

workspace=/srv/trtllm
checkpoint=/srv/trtllm/checkpoints/chatglm3-6b-103caa40027e
engine=/srv/trtllm/engines/chatglm3-v0.7.0-tp2pp1-8827ab5e0677
repository=/srv/trtllm/repositories/chatglm3-v0.7.0-tp2pp1-8827ab5e0677-8f4757

in_image() {
    docker run --rm --init --network none --gpus '"device=0,1"' --shm-size 16g \
        --ulimit memlock=-1 --ulimit stack=67108864 --cap-drop ALL --security-opt no-new-privileges \
        --user 1000:1000 --env HOME=/tmp --volume "$workspace":"$workspace" trtllm:v0.7.0 "$@"
}

# 1/28 Preflight
./inv doctor --quiet --tag v0.7.0 --recipe chatglm3 --tp 2 --pp 1

# 2/28 Image trtllm:v0.7.0
./inv image --tag v0.7.0

# 3/28 Make the workspace
mkdir -p "$workspace"/checkpoints "$workspace"/datasets "$workspace"/engines "$workspace"/repositories

# 4/28 Download THUDM/chatglm3-6b
#      goes on where it stopped; every file is checked against the hub's sum
[ -e "$checkpoint" ] ||
    ./inv fetch THUDM/chatglm3-6b --revision 103caa40027ebfd8450289ca2f278eac4ff26405 \
        --into "$checkpoint"

# 5/28 Build the engine for 2 rank(s)
#      world size is tensor times pipeline parallelism, and build.py wants all of them
[ -e "$engine" ] ||
    in_image python3 /opt/trtllm/upstream/tensorrt_llm/examples/chatglm/build.py \
        --model_name chatglm3_6b --model_dir "$checkpoint" --output_dir "$engine".partial \
        --dtype float16 --world_size 2 --tp_size 2 --pp_size 1 --use_gpt_attention_plugin float16 \
        --use_gemm_plugin float16 --use_inflight_batching --paged_kv_cache \
        --remove_input_padding --enable_context_fmha --max_batch_size 8 --max_beam_width 1 \
        --max_input_len 1024 --max_output_len 1024

# 6/28 Verify and publish the engine
#      every rank, its size, and what its header says, against what was asked
[ -e "$engine" ] ||
    ./inv engines --finish "$engine" --asked \
        '{"recipe":"chatglm3","variant":"","identity":"8827ab5e0677","release":"v0.7.0","tensorrt":"9.2.0.5","compute":"","checkpoint":["THUDM/chatglm3-6b","103caa40027ebfd8450289ca2f278eac4ff26405"],"tensor_parallel":2,"pipeline_parallel":1,"dtype":"float16","quantization":"","kv_cache_dtype":"","features":{"fmha":""},"max_batch_size":8,"max_input_len":1024,"max_output_len":1024}'

# 7/28 Copy the model-repository templates
[ -e "$repository" ] ||
    in_image cp -rT /opt/trtllm/upstream/all_models/inflight_batcher_llm "$repository".partial

# 8/28 Patch preprocessing/1/model.py: leave the tokenizer's special tokens as they are
#      ChatGLM's tokenizer has no setter: assigning pad_token fails with "can't set attribute"
[ -e "$repository" ] ||
    sed --in-place=.before-keep-special-tokens --regexp-extended --expression \
        's/^( *)(self\.tokenizer\.pad_token = self\.tokenizer\.eos_token)$/\1# \2/' \
        "$repository".partial/preprocessing/1/model.py

# 9/28 See that preprocessing/1/model.py is patched
#      else the file is not the release's own, and ChatGLM's tokenizer has no setter: assigning pad_token fails with "can't set attribute"
[ -e "$repository" ] ||
    grep --quiet --fixed-strings -- '# self.tokenizer.pad_token = self.tokenizer.eos_token' \
        "$repository".partial/preprocessing/1/model.py

# 10/28 Patch postprocessing/1/model.py: leave the tokenizer's special tokens as they are
#      ChatGLM's tokenizer has no setter: assigning pad_token fails with "can't set attribute"
[ -e "$repository" ] ||
    sed --in-place=.before-keep-special-tokens --regexp-extended --expression \
        's/^( *)(self\.tokenizer\.pad_token = self\.tokenizer\.eos_token)$/\1# \2/' \
        "$repository".partial/postprocessing/1/model.py

# 11/28 See that postprocessing/1/model.py is patched
#      else the file is not the release's own, and ChatGLM's tokenizer has no setter: assigning pad_token fails with "can't set attribute"
[ -e "$repository" ] ||
    grep --quiet --fixed-strings -- '# self.tokenizer.pad_token = self.tokenizer.eos_token' \
        "$repository".partial/postprocessing/1/model.py

# 12/28 Patch preprocessing/1/model.py: let the tokenizer read words such as <|user|> as the tokens they name
#      ChatGLM3's chat template writes them; without encode_special_tokens they are taken apart like any other word
[ -e "$repository" ] ||
    sed --in-place=.before-read-special-tokens --regexp-extended --expression \
        's/^( *)(self\.(tokenizer_end_id|pad_id) = self\.tokenizer\.encode\()/\1self.tokenizer.encode_special_tokens = True; \2/' \
        "$repository".partial/preprocessing/1/model.py

# 13/28 See that preprocessing/1/model.py is patched
#      else the file is not the release's own, and ChatGLM3's chat template writes them; without encode_special_tokens they are taken apart like any other word
[ -e "$repository" ] ||
    grep --quiet --fixed-strings -- 'self.tokenizer.encode_special_tokens = True' \
        "$repository".partial/preprocessing/1/model.py

# 14/28 Patch tensorrt_llm_bls/1/model.py: end an answer on the engine when its client asks for it or has gone
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
        --expression 's/^( *)model_name="tensorrt_llm",$/\1model_name="tensorrt_llm", request_id=request_id(request),/' \
        --expression \
        's/^( *)for trtllm_response in trtllm_responses:$/\1for trtllm_response in until_cancelled(trtllm_responses, request, trtllm_request.request_id()):/' \
        "$repository".partial/tensorrt_llm_bls/1/model.py

# 15/28 See that tensorrt_llm_bls/1/model.py is patched
#      else the file is not the release's own, and upstream's BLS model tells the engine neither the request's id nor that its client has gone: it goes on for nobody
[ -e "$repository" ] ||
    grep --quiet --fixed-strings -- 'def until_cancelled(answers, request, identity):' \
        "$repository".partial/tensorrt_llm_bls/1/model.py

# 16/28 See that tensorrt_llm_bls/1/model.py is patched
#      else the file is not the release's own, and upstream's BLS model tells the engine neither the request's id nor that its client has gone: it goes on for nobody
[ -e "$repository" ] ||
    grep --quiet --fixed-strings -- 'request_id=request_id(request),' \
        "$repository".partial/tensorrt_llm_bls/1/model.py

# 17/28 See that tensorrt_llm_bls/1/model.py is patched
#      else the file is not the release's own, and upstream's BLS model tells the engine neither the request's id nor that its client has gone: it goes on for nobody
[ -e "$repository" ] ||
    grep --quiet --fixed-strings -- 'for trtllm_response in until_cancelled(' \
        "$repository".partial/tensorrt_llm_bls/1/model.py

# 18/28 Fill ensemble/config.pbtxt
[ -e "$repository" ] ||
    in_image python3 /opt/trtllm/upstream/tools/fill_template.py -i "$repository".partial/ensemble/config.pbtxt \
        triton_max_batch_size:8

# 19/28 Fill postprocessing/config.pbtxt
[ -e "$repository" ] ||
    in_image python3 /opt/trtllm/upstream/tools/fill_template.py -i \
        "$repository".partial/postprocessing/config.pbtxt \
        triton_max_batch_size:8,tokenizer_dir:"$checkpoint",tokenizer_type:auto,postprocessing_instance_count:1

# 20/28 Fill preprocessing/config.pbtxt
[ -e "$repository" ] ||
    in_image python3 /opt/trtllm/upstream/tools/fill_template.py -i \
        "$repository".partial/preprocessing/config.pbtxt \
        triton_max_batch_size:8,tokenizer_dir:"$checkpoint",tokenizer_type:auto,preprocessing_instance_count:1

# 21/28 Fill tensorrt_llm/config.pbtxt
[ -e "$repository" ] ||
    in_image python3 /opt/trtllm/upstream/tools/fill_template.py -i "$repository".partial/tensorrt_llm/config.pbtxt \
        triton_max_batch_size:8,decoupled_mode:True,max_queue_delay_microseconds:0,max_beam_width:1,batching_strategy:inflight_fused_batching,engine_dir:"$engine",max_tokens_in_paged_kv_cache:16384,max_attention_window_size:2048,batch_scheduler_policy:guaranteed_no_evict,kv_cache_free_gpu_mem_fraction:0.9,max_num_sequences:,enable_trt_overlap:False,exclude_input_in_output:True,enable_kv_cache_reuse:False

# 22/28 Fill tensorrt_llm_bls/config.pbtxt
[ -e "$repository" ] ||
    in_image python3 /opt/trtllm/upstream/tools/fill_template.py -i \
        "$repository".partial/tensorrt_llm_bls/config.pbtxt \
        triton_max_batch_size:8,decoupled_mode:True,accumulate_tokens:True,bls_instance_count:8

# 23/28 Publish the model repository
[ -e "$repository" ] ||
    mv "$repository".partial "$repository"

# 24/28 Make the network trtllm-chatglm3
#      no other container reaches the server, and no other host answers it
docker network inspect trtllm-chatglm3 >/dev/null 2>&1 ||
    docker network create --driver bridge --opt com.docker.network.bridge.enable_icc=false \
        --opt com.docker.network.bridge.enable_ip_masquerade=false --label io.trtllm.made-by=plan \
        --label io.trtllm.server=chatglm3 trtllm-chatglm3

# 25/28 Start the server with 2 rank(s)
docker run --detach --init --name trtllm-chatglm3 --network trtllm-chatglm3 \
        --label io.trtllm.server=chatglm3 --gpus '"device=0,1"' --publish 127.0.0.1:8000:8000 \
        --publish 127.0.0.1:8001:8001 --publish 127.0.0.1:8002:8002 --shm-size 16g \
        --ulimit memlock=-1 --ulimit stack=67108864 --cap-drop ALL --security-opt no-new-privileges \
        --log-driver json-file --log-opt max-size=100m --log-opt max-file=3 --user 1000:1000 \
        --env HOME=/tmp --volume "$repository":"$repository":ro --volume "$engine":"$engine":ro \
        --volume "$checkpoint":"$checkpoint":ro trtllm:v0.7.0 mpirun --allow-run-as-root \
        -n 1 /opt/tritonserver/bin/tritonserver --model-repository="$repository" \
        --http-port=8000 --grpc-port=8001 --metrics-port=8002 \
        --disable-auto-complete-config \
        --backend-config=python,shm-region-prefix-name=rank0_ \
        : -n 1 /opt/tritonserver/bin/tritonserver --model-repository="$repository" \
        --model-control-mode=explicit --load-model=tensorrt_llm --http-port=8000 \
        --grpc-port=8001 --metrics-port=8002 --disable-auto-complete-config \
        --backend-config=python,shm-region-prefix-name=rank1_

# 26/28 Wait until the server is ready
curl --fail --silent --show-error --retry 900 --retry-delay 1 --retry-max-time 900 \
        --retry-connrefused --retry-all-errors http://127.0.0.1:8000/v2/health/ready

# 27/28 Ask the smoke question
./inv ask 'What'"'"'s new between ChatGLM3-6B and ChatGLM2-6B?' --url 127.0.0.1:8001 \
        --model tensorrt_llm_bls --accumulates --model-dir "$checkpoint" --recipe chatglm3

# 28/28 Hold its answers against the checkpoint's own
./inv quality --compute --url 127.0.0.1:8001 --model tensorrt_llm_bls --model-dir "$checkpoint" \
        --recipe chatglm3 --accumulates
