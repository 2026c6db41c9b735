#!/bin/sh
# Serve Llama 2 13B Chat with TensorRT-LLM v0.10.0 on 1 GPU(s): tp 1 x pp 1, int4_wo with a KV cache in fp8
# Room: Download meta-llama/Llama-2-13b-chat-hf: 26.0 GB of disk
# Room: Quantize the checkpoint for 1 rank(s): int4_wo: 6.5 GB of disk, 52.1 GB of memory with swap
# Room: Build the engine: 6.5 GB of disk, 13.0 GB of memory with swap
# Run it in the project's folder.
set -eu

workspace=/srv/trtllm
checkpoint=/srv/trtllm/checkpoints/Llama-2-13b-chat-hf-a2cb7a712bb6
calibration=/srv/trtllm/datasets/96df5e686bee/ccdv/cnn_dailymail
converted=/srv/trtllm/checkpoints/llama2-13b-v0.10.0-int4_wo-tp1pp1-c444af2e6339-converted
engine=/srv/trtllm/engines/llama2-13b-v0.10.0-int4_wo-tp1pp1-c444af2e6339
repository=/srv/trtllm/repositories/llama2-13b-v0.10.0-int4_wo-tp1pp1-c444af2e6339-977f66

in_image() {
    docker run --rm --init --network none --gpus '"device=0"' --shm-size 16g --ulimit memlock=-1 \
        --ulimit stack=67108864 --cap-drop ALL --security-opt no-new-privileges --user 1000:1000 \
        --env HOME=/tmp --volume "$workspace":"$workspace" trtllm:v0.10.0 "$@"
}

# 1/26 Preflight
./inv doctor --quiet --tag v0.10.0 --recipe llama2-13b --tp 1 --pp 1 --quant int4_wo

# 2/26 Image trtllm:v0.10.0
./inv image --tag v0.10.0

# 3/26 Make the workspace
mkdir -p "$workspace"/checkpoints "$workspace"/datasets "$workspace"/engines "$workspace"/repositories

# 4/26 Download meta-llama/Llama-2-13b-chat-hf
#      goes on where it stopped; every file is checked against the hub's sum
[ -e "$checkpoint" ] ||
    ./inv fetch meta-llama/Llama-2-13b-chat-hf --revision a2cb7a712bb6e5e736ca7f8cd98167f81a0b5bd8 \
        --into "$checkpoint"

# 5/26 Download abisee/cnn_dailymail
#      the containers have no network
[ -e "$calibration" ] || [ -e "$engine" ] ||
    ./inv fetch abisee/cnn_dailymail --kind dataset --revision 96df5e686bee6baa90b8bee7c28b81fa3fa6223d \
        --include README.md --include '3.0.0/*' --into "$calibration"

# 6/26 Quantize the checkpoint for 1 rank(s): int4_wo
#      tensor parallelism is decided here, never in trtllm-build
[ -e "$converted" ] || [ -e "$engine" ] ||
    in_image env HF_HUB_OFFLINE=1 HF_DATASETS_OFFLINE=1 python3 \
        /opt/trtllm/upstream/tensorrt_llm/examples/quantization/quantize.py --model_dir "$checkpoint" \
        --output_dir "$converted".partial --dtype float16 --tp_size 1 --pp_size 1 \
        --qformat int4_wo --kv_cache_dtype fp8 --calib_size 32 --calib_dataset "$calibration"

# 7/26 Publish the converted checkpoint
[ -e "$converted" ] || [ -e "$engine" ] ||
    mv "$converted".partial "$converted"

# 8/26 Build the engine
#      no --tp_size: the split in the converted checkpoint counts
[ -e "$engine" ] ||
    in_image trtllm-build --checkpoint_dir "$converted" --output_dir "$engine".partial \
        --gemm_plugin float16 --gpt_attention_plugin float16 --strongly_typed \
        --paged_kv_cache enable --remove_input_padding enable --context_fmha enable \
        --max_batch_size 2 --max_beam_width 1 --max_input_len 3072 --max_output_len 1024 \
        --workers 1

# 9/26 Verify and publish the engine
#      every rank, its size, and what its header says, against what was asked
[ -e "$engine" ] ||
    ./inv engines --finish "$engine" --asked \
        '{"recipe":"llama2-13b","variant":"","identity":"c444af2e6339","release":"v0.10.0","tensorrt":"10.0.1.6","compute":"","checkpoint":["meta-llama/Llama-2-13b-chat-hf","a2cb7a712bb6e5e736ca7f8cd98167f81a0b5bd8"],"tensor_parallel":1,"pipeline_parallel":1,"dtype":"float16","quantization":"int4_wo","kv_cache_dtype":"fp8","features":{"fmha":""},"max_batch_size":2,"max_input_len":3072,"max_output_len":1024}'

# 10/26 Copy the model-repository templates
[ -e "$repository" ] ||
    in_image cp -rT /opt/trtllm/upstream/all_models/inflight_batcher_llm "$repository".partial

# 11/26 Patch tensorrt_llm_bls/1/model.py: end an answer on the engine when its client asks for it or has gone
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

# 12/26 See that tensorrt_llm_bls/1/model.py is patched
#      else the file is not the release's own, and upstream's BLS model tells the engine neither the request's id nor that its client has gone: it goes on for nobody
[ -e "$repository" ] ||
    grep --quiet --fixed-strings -- 'def until_cancelled(answers, request, identity):' \
        "$repository".partial/tensorrt_llm_bls/1/model.py

# 13/26 See that tensorrt_llm_bls/1/model.py is patched
#      else the file is not the release's own, and upstream's BLS model tells the engine neither the request's id nor that its client has gone: it goes on for nobody
[ -e "$repository" ] ||
    grep --quiet --fixed-strings -- 'for res in until_cancelled(' "$repository".partial/tensorrt_llm_bls/1/model.py

# 14/26 Patch tensorrt_llm_bls/1/lib/triton_decoder.py: end an answer on the engine when its client asks for it or has gone
#      upstream's BLS model tells the engine neither the request's id nor that its client has gone: it goes on for nobody
[ -e "$repository" ] ||
    sed --in-place=.before-end-with-client --regexp-extended --expression \
        's/^( *)model_name=self\.llm_model_name,$/\1model_name=self.llm_model_name, request_id=request.request_id,/' \
        "$repository".partial/tensorrt_llm_bls/1/lib/triton_decoder.py

# 15/26 See that tensorrt_llm_bls/1/lib/triton_decoder.py is patched
#      else the file is not the release's own, and upstream's BLS model tells the engine neither the request's id nor that its client has gone: it goes on for nobody
[ -e "$repository" ] ||
    grep --quiet --fixed-strings -- 'model_name=self.llm_model_name, request_id=request.request_id,' \
        "$repository".partial/tensorrt_llm_bls/1/lib/triton_decoder.py

# 16/26 Fill ensemble/config.pbtxt
[ -e "$repository" ] ||
    in_image python3 /opt/trtllm/upstream/tools/fill_template.py -i "$repository".partial/ensemble/config.pbtxt \
        triton_max_batch_size:2

# 17/26 Fill postprocessing/config.pbtxt
[ -e "$repository" ] ||
    in_image python3 /opt/trtllm/upstream/tools/fill_template.py -i \
        "$repository".partial/postprocessing/config.pbtxt \
        triton_max_batch_size:2,tokenizer_dir:"$checkpoint",postprocessing_instance_count:1

# 18/26 Fill preprocessing/config.pbtxt
[ -e "$repository" ] ||
    in_image python3 /opt/trtllm/upstream/tools/fill_template.py -i \
        "$repository".partial/preprocessing/config.pbtxt \
        triton_max_batch_size:2,tokenizer_dir:"$checkpoint",add_special_tokens:False,preprocessing_instance_count:1

# 19/26 Fill tensorrt_llm/config.pbtxt
[ -e "$repository" ] ||
    in_image python3 /opt/trtllm/upstream/tools/fill_template.py -i "$repository".partial/tensorrt_llm/config.pbtxt \
        triton_backend:tensorrtllm,triton_max_batch_size:2,decoupled_mode:True,max_queue_delay_microseconds:0,max_beam_width:1,batching_strategy:inflight_fused_batching,engine_dir:"$engine",max_tokens_in_paged_kv_cache:8192,max_attention_window_size:4096,sink_token_length:,batch_scheduler_policy:guaranteed_no_evict,kv_cache_free_gpu_mem_fraction:0.9,kv_cache_host_memory_bytes:0,kv_cache_onboard_blocks:True,enable_trt_overlap:False,exclude_input_in_output:True,cancellation_check_period_ms:100,stats_check_period_ms:100,iter_stats_max_iterations:,request_stats_max_iterations:,enable_kv_cache_reuse:False,normalize_log_probs:True,enable_chunked_context:False,gpu_device_ids:,lora_cache_optimal_adapter_size:,lora_cache_max_adapter_size:,lora_cache_gpu_memory_fraction:,lora_cache_host_memory_bytes:,decoding_mode:,medusa_choices:,gpu_weights_percent:

# 20/26 Fill tensorrt_llm_bls/config.pbtxt
[ -e "$repository" ] ||
    in_image python3 /opt/trtllm/upstream/tools/fill_template.py -i \
        "$repository".partial/tensorrt_llm_bls/config.pbtxt \
        triton_max_batch_size:2,decoupled_mode:True,accumulate_tokens:True,tensorrt_llm_model_name:tensorrt_llm,tensorrt_llm_draft_model_name:,bls_instance_count:2

# 21/26 Publish the model repository
[ -e "$repository" ] ||
    mv "$repository".partial "$repository"

# 22/26 Make the network trtllm-llama2-13b
#      no other container reaches the server, and no other host answers it
docker network inspect trtllm-llama2-13b >/dev/null 2>&1 ||
    docker network create --driver bridge --opt com.docker.network.bridge.enable_icc=false \
        --opt com.docker.network.bridge.enable_ip_masquerade=false --label io.trtllm.made-by=plan \
        --label io.trtllm.server=llama2-13b trtllm-llama2-13b

# 23/26 Start the server with 1 rank(s)
docker run --detach --init --name trtllm-llama2-13b --network trtllm-llama2-13b \
        --label io.trtllm.server=llama2-13b --gpus '"device=0"' --publish 127.0.0.1:8000:8000 \
        --publish 127.0.0.1:8001:8001 --publish 127.0.0.1:8002:8002 --shm-size 16g \
        --ulimit memlock=-1 --ulimit stack=67108864 --cap-drop ALL --security-opt no-new-privileges \
        --log-driver json-file --log-opt max-size=100m --log-opt max-file=3 --user 1000:1000 \
        --env HOME=/tmp --volume "$repository":"$repository":ro --volume "$engine":"$engine":ro \
        --volume "$checkpoint":"$checkpoint":ro trtllm:v0.10.0 mpirun --allow-run-as-root \
        -n 1 /opt/tritonserver/bin/tritonserver --model-repository="$repository" \
        --http-port=8000 --grpc-port=8001 --metrics-port=8002 \
        --disable-auto-complete-config \
        --backend-config=python,shm-region-prefix-name=rank0_

# 24/26 Wait until the server is ready
curl --fail --silent --show-error --retry 900 --retry-delay 1 --retry-max-time 900 \
        --retry-connrefused --retry-all-errors http://127.0.0.1:8000/v2/health/ready

# 25/26 Ask the smoke question
./inv ask \
        'You are a helpful, respectful and honest assistant. Always answer as helpfully as possible. what is the fastest fish in sea?' \
        --url 127.0.0.1:8001 --model tensorrt_llm_bls --accumulates --model-dir "$checkpoint"

# 26/26 Hold its answers against the checkpoint's own
./inv quality --compute --url 127.0.0.1:8001 --model tensorrt_llm_bls --model-dir "$checkpoint" \
        --accumulates
