#!/bin/sh
# Serve Qwen2 7B Instruct with TensorRT-LLM v0.12.0 on 4 GPU(s): tp 4 x pp 1
# Room: Download Qwen/Qwen2-7B-Instruct: 15.2 GB of disk
# Room: Convert the checkpoint to 4 rank(s): 15.2 GB of disk, 30.5 GB of memory with swap
# Room: Build the engine: 15.2 GB of disk, 30.5 GB of memory with swap
# Run it in the project's folder.
set -eu

workspace=/srv/trtllm
checkpoint=/srv/trtllm/checkpoints/Qwen2-7B-Instruct-f2826a00ceef
converted=/srv/trtllm/checkpoints/qwen2-v0.12.0-tp4pp1-f461cd0240fa-converted
engine=/srv/trtllm/engines/qwen2-v0.12.0-tp4pp1-f461cd0240fa
repository=/srv/trtllm/repositories/qwen2-v0.12.0-tp4pp1-f461cd0240fa-89c126

in_image() {
    docker run --rm --init --network none --gpus '"device=0,1,2,3"' --shm-size 16g \
        --ulimit memlock=-1 --ulimit stack=67108864 --cap-drop ALL --security-opt no-new-privileges \
        --user 1000:1000 --env HOME=/tmp --volume "$workspace":"$workspace" trtllm:v0.12.0 "$@"
}

# 1/25 Preflight
./inv doctor --quiet --tag v0.12.0 --recipe qwen2 --tp 4 --pp 1

# 2/25 Image trtllm:v0.12.0
./inv image --tag v0.12.0

# 3/25 Make the workspace
mkdir -p "$workspace"/checkpoints "$workspace"/datasets "$workspace"/engines "$workspace"/repositories

# 4/25 Download Qwen/Qwen2-7B-Instruct
#      goes on where it stopped; every file is checked against the hub's sum
[ -e "$checkpoint" ] ||
    ./inv fetch Qwen/Qwen2-7B-Instruct --revision f2826a00ceef68f0f2b946d945ecc0477ce4450c \
        --into "$checkpoint"

# 5/25 Convert the checkpoint to 4 rank(s)
#      tensor parallelism is decided here, never in trtllm-build
[ -e "$converted" ] || [ -e "$engine" ] ||
    in_image python3 /opt/trtllm/upstream/tensorrt_llm/examples/qwen/convert_checkpoint.py \
        --model_dir "$checkpoint" --output_dir "$converted".partial --dtype float16 \
        --tp_size 4 --pp_size 1 --workers 4

# 6/25 Publish the converted checkpoint
[ -e "$converted" ] || [ -e "$engine" ] ||
    mv "$converted".partial "$converted"

# 7/25 Build the engine
#      no --tp_size: the split in the converted checkpoint counts
[ -e "$engine" ] ||
    in_image trtllm-build --checkpoint_dir "$converted" --output_dir "$engine".partial \
        --gemm_plugin float16 --gpt_attention_plugin float16 --paged_kv_cache enable \
        --remove_input_padding enable --context_fmha enable --max_batch_size 8 \
        --max_beam_width 1 --max_input_len 3072 --max_seq_len 4096 --workers 4

# 8/25 Verify and publish the engine
#      every rank, its size, and what its header says, against what was asked
[ -e "$engine" ] ||
    ./inv engines --finish "$engine" --asked \
        '{"recipe":"qwen2","variant":"","identity":"f461cd0240fa","release":"v0.12.0","tensorrt":"10.3.0.26","compute":"","checkpoint":["Qwen/Qwen2-7B-Instruct","f2826a00ceef68f0f2b946d945ecc0477ce4450c"],"tensor_parallel":4,"pipeline_parallel":1,"dtype":"float16","quantization":"","kv_cache_dtype":"","features":{"fmha":""},"max_batch_size":8,"max_input_len":3072,"max_output_len":1024}'

# 9/25 Copy the model-repository templates
[ -e "$repository" ] ||
    in_image cp -rT /opt/trtllm/upstream/all_models/inflight_batcher_llm "$repository".partial

# 10/25 Patch tensorrt_llm_bls/1/model.py: end an answer on the engine when its client asks for it or has gone
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

# 11/25 See that tensorrt_llm_bls/1/model.py is patched
#      else the file is not the release's own, and upstream's BLS model tells the engine neither the request's id nor that its client has gone: it goes on for nobody
[ -e "$repository" ] ||
    grep --quiet --fixed-strings -- 'def until_cancelled(answers, request, identity):' \
        "$repository".partial/tensorrt_llm_bls/1/model.py

# 12/25 See that tensorrt_llm_bls/1/model.py is patched
#      else the file is not the release's own, and upstream's BLS model tells the engine neither the request's id nor that its client has gone: it goes on for nobody
[ -e "$repository" ] ||
    grep --quiet --fixed-strings -- 'for res in until_cancelled(' "$repository".partial/tensorrt_llm_bls/1/model.py

# 13/25 Patch tensorrt_llm_bls/1/lib/triton_decoder.py: end an answer on the engine when its client asks for it or has gone
#      upstream's BLS model tells the engine neither the request's id nor that its client has gone: it goes on for nobody
[ -e "$repository" ] ||
    sed --in-place=.before-end-with-client --regexp-extended --expression \
        's/^( *)model_name=self\.llm_model_name,$/\1model_name=self.llm_model_name, request_id=request.request_id,/' \
        "$repository".partial/tensorrt_llm_bls/1/lib/triton_decoder.py

# 14/25 See that tensorrt_llm_bls/1/lib/triton_decoder.py is patched
#      else the file is not the release's own, and upstream's BLS model tells the engine neither the request's id nor that its client has gone: it goes on for nobody
[ -e "$repository" ] ||
    grep --quiet --fixed-strings -- 'model_name=self.llm_model_name, request_id=request.request_id,' \
        "$repository".partial/tensorrt_llm_bls/1/lib/triton_decoder.py

# 15/25 Fill ensemble/config.pbtxt
[ -e "$repository" ] ||
    in_image python3 /opt/trtllm/upstream/tools/fill_template.py -i "$repository".partial/ensemble/config.pbtxt \
        triton_max_batch_size:8

# 16/25 Fill postprocessing/config.pbtxt
[ -e "$repository" ] ||
    in_image python3 /opt/trtllm/upstream/tools/fill_template.py -i \
        "$repository".partial/postprocessing/config.pbtxt \
        triton_max_batch_size:8,tokenizer_dir:"$checkpoint",skip_special_tokens:True,postprocessing_instance_count:1

# 17/25 Fill preprocessing/config.pbtxt
[ -e "$repository" ] ||
    in_image python3 /opt/trtllm/upstream/tools/fill_template.py -i \
        "$repository".partial/preprocessing/config.pbtxt \
        triton_max_batch_size:8,tokenizer_dir:"$checkpoint",add_special_tokens:False,visual_model_path:,engine_dir:"$engine",preprocessing_instance_count:1

# 18/25 Fill tensorrt_llm/config.pbtxt
[ -e "$repository" ] ||
    in_image python3 /opt/trtllm/upstream/tools/fill_template.py -i "$repository".partial/tensorrt_llm/config.pbtxt \
        triton_backend:tensorrtllm,triton_max_batch_size:8,decoupled_mode:True,max_queue_delay_microseconds:0,max_queue_size:0,max_beam_width:1,batching_strategy:inflight_fused_batching,engine_dir:"$engine",encoder_engine_dir:,max_tokens_in_paged_kv_cache:32768,max_attention_window_size:4096,sink_token_length:,batch_scheduler_policy:guaranteed_no_evict,kv_cache_free_gpu_mem_fraction:0.9,kv_cache_host_memory_bytes:0,kv_cache_onboard_blocks:True,enable_trt_overlap:False,exclude_input_in_output:True,cancellation_check_period_ms:100,stats_check_period_ms:100,iter_stats_max_iterations:,request_stats_max_iterations:,enable_kv_cache_reuse:False,normalize_log_probs:True,enable_chunked_context:False,gpu_device_ids:,lora_cache_optimal_adapter_size:,lora_cache_max_adapter_size:,lora_cache_gpu_memory_fraction:,lora_cache_host_memory_bytes:,decoding_mode:,medusa_choices:,gpu_weights_percent:,enable_context_fmha_fp32_acc:False,multi_block_mode:True

# 19/25 Fill tensorrt_llm_bls/config.pbtxt
[ -e "$repository" ] ||
    in_image python3 /opt/trtllm/upstream/tools/fill_template.py -i \
        "$repository".partial/tensorrt_llm_bls/config.pbtxt \
        triton_max_batch_size:8,decoupled_mode:True,accumulate_tokens:True,tensorrt_llm_model_name:tensorrt_llm,tensorrt_llm_draft_model_name:,bls_instance_count:8

# 20/25 Publish the model repository
[ -e "$repository" ] ||
    mv "$repository".partial "$repository"

# 21/25 Make the network trtllm-qwen2
#      no other container reaches the server, and no other host answers it
docker network inspect trtllm-qwen2 >/dev/null 2>&1 ||
    docker network create --driver bridge --opt com.docker.network.bridge.enable_icc=false \
        --opt com.docker.network.bridge.enable_ip_masquerade=false --label io.trtllm.made-by=plan \
        --label io.trtllm.server=qwen2 trtllm-qwen2

# 22/25 Start the server with 4 rank(s)
docker run --detach --init --name trtllm-qwen2 --network trtllm-qwen2 --label io.trtllm.server=qwen2 \
        --gpus '"device=0,1,2,3"' --publish 127.0.0.1:8000:8000 --publish 127.0.0.1:8001:8001 \
        --publish 127.0.0.1:8002:8002 --shm-size 16g --ulimit memlock=-1 --ulimit stack=67108864 \
        --cap-drop ALL --security-opt no-new-privileges --log-driver json-file --log-opt max-size=100m \
        --log-opt max-file=3 --user 1000:1000 --env HOME=/tmp --volume "$repository":"$repository":ro \
        --volume "$engine":"$engine":ro --volume "$checkpoint":"$checkpoint":ro trtllm:v0.12.0 mpirun \
        --allow-run-as-root -n 1 /opt/tritonserver/bin/tritonserver \
        --model-repository="$repository" --http-port=8000 --grpc-port=8001 \
        --metrics-port=8002 --disable-auto-complete-config \
        --backend-config=python,shm-region-prefix-name=rank0_ \
        : -n 1 /opt/tritonserver/bin/tritonserver --model-repository="$repository" \
        --model-control-mode=explicit --load-model=tensorrt_llm --http-port=8000 \
        --grpc-port=8001 --metrics-port=8002 --disable-auto-complete-config \
        --backend-config=python,shm-region-prefix-name=rank1_ \
        : -n 1 /opt/tritonserver/bin/tritonserver --model-repository="$repository" \
        --model-control-mode=explicit --load-model=tensorrt_llm --http-port=8000 \
        --grpc-port=8001 --metrics-port=8002 --disable-auto-complete-config \
        --backend-config=python,shm-region-prefix-name=rank2_ \
        : -n 1 /opt/tritonserver/bin/tritonserver --model-repository="$repository" \
        --model-control-mode=explicit --load-model=tensorrt_llm --http-port=8000 \
        --grpc-port=8001 --metrics-port=8002 --disable-auto-complete-config \
        --backend-config=python,shm-region-prefix-name=rank3_

# 23/25 Wait until the server is ready
curl --fail --silent --show-error --retry 900 --retry-delay 1 --retry-max-time 900 \
        --retry-connrefused --retry-all-errors http://127.0.0.1:8000/v2/health/ready

# 24/25 Ask the smoke question
./inv ask '陆地上最快的动物是什么?' --url 127.0.0.1:8001 --model tensorrt_llm_bls \
        --accumulates --model-dir "$checkpoint"

# 25/25 Hold its answers against the checkpoint's own
./inv quality --compute --url 127.0.0.1:8001 --model tensorrt_llm_bls --model-dir "$checkpoint" \
        --accumulates
