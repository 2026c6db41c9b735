#!/bin/sh
# Build Qwen-VL Chat with TensorRT-LLM v0.10.0 on 1 GPU(s): tp 1 x pp 1
# Room: Download Qwen/Qwen-VL-Chat: 19.3 GB of disk
# Room: Convert the checkpoint to 1 rank(s): 19.3 GB of disk, 38.6 GB of memory with swap
# Room: Build the vision engine: 19.3 GB of disk, 38.6 GB of memory with swap
# Run it in the project's folder.
set -eu

workspace=/srv/trtllm
checkpoint=/srv/trtllm/checkpoints/Qwen-VL-Chat-f57cfbd358cb
converted=/srv/trtllm/checkpoints/qwen-vl-v0.10.0-tp1pp1-0a1180017ac4-converted
engine=/srv/trtllm/engines/qwen-vl-v0.10.0-tp1pp1-0a1180017ac4

in_image() {
    docker run --rm --init --network none --gpus '"device=0"' --shm-size 16g --ulimit memlock=-1 \
        --ulimit stack=67108864 --cap-drop ALL --security-opt no-new-privileges --user 1000:1000 \
        --env HOME=/tmp --volume "$workspace":"$workspace" trtllm:v0.10.0 "$@"
}

# 1/11 Preflight
./inv doctor --quiet --tag v0.10.0 --recipe qwen-vl --tp 1 --pp 1 --build

# 2/11 Image trtllm:v0.10.0
./inv image --tag v0.10.0

# 3/11 Make the workspace
mkdir -p "$workspace"/checkpoints "$workspace"/datasets "$workspace"/engines "$workspace"/repositories

# 4/11 Download Qwen/Qwen-VL-Chat
#      goes on where it stopped; every file is checked against the hub's sum
[ -e "$checkpoint" ] ||
    ./inv fetch Qwen/Qwen-VL-Chat --revision f57cfbd358cb56b710d963669ad1bcfb44cdcdd8 \
        --into "$checkpoint"

# 5/11 Make the vision engine's folder
[ -e "$engine" ] ||
    mkdir -p "$engine".partial/vision

# 6/11 Build the vision engine
#      image.pt, the test picture as a tensor, is left where the script runs
[ -e "$engine" ] ||
    in_image env -C "$engine".partial/vision python3 \
        /opt/trtllm/upstream/tensorrt_llm/examples/qwenvl/vit_onnx_trt.py \
        --pretrained_model_path "$checkpoint" --onnxFile \
        "$workspace"/checkpoints/qwen-vl-v0.10.0-tp1pp1-0a1180017ac4-onnx/visual_encoder.onnx \
        --planFile "$engine".partial/vision/visual_encoder/visual_encoder_fp16.plan \
        --maxBS 4 --image_url /opt/trtllm/upstream/tensorrt_llm/examples/qwenvl/pics/demo.jpeg

# 7/11 Convert the checkpoint to 1 rank(s)
#      tensor parallelism is decided here, never in trtllm-build
[ -e "$converted" ] || [ -e "$engine" ] ||
    in_image python3 /opt/trtllm/upstream/tensorrt_llm/examples/qwen/convert_checkpoint.py \
        --model_dir "$checkpoint" --output_dir "$converted".partial --dtype float16 \
        --tp_size 1 --pp_size 1 --workers 1

# 8/11 Publish the converted checkpoint
[ -e "$converted" ] || [ -e "$engine" ] ||
    mv "$converted".partial "$converted"

# 9/11 Build the engine
#      no --tp_size: the split in the converted checkpoint counts
[ -e "$engine" ] ||
    in_image trtllm-build --checkpoint_dir "$converted" --output_dir "$engine".partial \
        --gemm_plugin float16 --gpt_attention_plugin float16 --paged_kv_cache enable \
        --remove_input_padding enable --context_fmha enable --lookup_plugin float16 \
        --max_prompt_embedding_table_size 2048 --max_batch_size 8 --max_beam_width 1 \
        --max_input_len 2048 --max_output_len 1024 --workers 1

# 10/11 Verify and publish the engine
#      every rank, its size, and what its header says, against what was asked
[ -e "$engine" ] ||
    ./inv engines --finish "$engine" --asked \
        '{"recipe":"qwen-vl","variant":"","identity":"0a1180017ac4","release":"v0.10.0","tensorrt":"10.0.1.6","compute":"","checkpoint":["Qwen/Qwen-VL-Chat","f57cfbd358cb56b710d963669ad1bcfb44cdcdd8"],"tensor_parallel":1,"pipeline_parallel":1,"dtype":"float16","quantization":"","kv_cache_dtype":"","features":{"fmha":""},"max_batch_size":8,"max_input_len":2048,"max_output_len":1024}'

# 11/11 Ask about the test picture
#      expected in the answer: beach
in_image env -C "$engine"/vision python3 /opt/trtllm/upstream/tensorrt_llm/examples/qwenvl/run.py \
        --tokenizer_dir "$checkpoint" --qwen_engine_dir "$engine" --vit_engine_dir "$engine"/vision \
        --input_dir '{"image": "'"$engine"'/vision/image.pt"}' --images_path \
        '{"image": "/opt/trtllm/upstream/tensorrt_llm/examples/qwenvl/pics/demo.jpeg"}' \
        --input_text 'Describe the picture'
