#!/bin/sh
# trtllm:v0.10.0: NVIDIA's 24.06-trtllm-python-py3 holds exactly v0.10.0, and builds engines as well as serving them
# Run it in the project's folder.
set -eu

store=/workspace/images/v0.10.0

# 1/18 Pull nvcr.io/nvidia/tritonserver:24.06-trtllm-python-py3
#      NVIDIA's 24.06-trtllm-python-py3 holds exactly v0.10.0, and builds engines as well as serving them
docker pull nvcr.io/nvidia/tritonserver:24.06-trtllm-python-py3

# 2/18 Make a place for triton-inference-server/tensorrtllm_backend
mkdir -p "$store"/context/upstream

# 3/18 Make a repository
GIT_TERMINAL_PROMPT=0 git init --quiet --bare "$store"/backend.git

# 4/18 Name its origin
GIT_TERMINAL_PROMPT=0 git --git-dir="$store"/backend.git --work-tree="$store"/context/upstream config remote.origin.url \
        https://github.com/triton-inference-server/tensorrtllm_backend.git

# 5/18 Name what is needed of it
GIT_TERMINAL_PROMPT=0 git --git-dir="$store"/backend.git --work-tree="$store"/context/upstream sparse-checkout set \
        --no-cone /all_models/ /tools/ /scripts/ '!tests/'

# 6/18 Fetch triton-inference-server/tensorrtllm_backend@b92bdd79b6c5
GIT_TERMINAL_PROMPT=0 git --git-dir="$store"/backend.git --work-tree="$store"/context/upstream fetch \
        --quiet --depth=1 --filter=blob:none origin b92bdd79b6c50fb67203b6064e73662163012fe3

# 7/18 Check it out
GIT_TERMINAL_PROMPT=0 git --git-dir="$store"/backend.git --work-tree="$store"/context/upstream checkout \
        --quiet --force --detach b92bdd79b6c50fb67203b6064e73662163012fe3

# 8/18 Make a place for NVIDIA/TensorRT-LLM
mkdir -p "$store"/context/upstream/tensorrt_llm

# 9/18 Make a repository
GIT_TERMINAL_PROMPT=0 git init --quiet --bare "$store"/tensorrt_llm.git

# 10/18 Name its origin
GIT_TERMINAL_PROMPT=0 git --git-dir="$store"/tensorrt_llm.git \
        --work-tree="$store"/context/upstream/tensorrt_llm config remote.origin.url \
        https://github.com/NVIDIA/TensorRT-LLM.git

# 11/18 Name what is needed of it
GIT_TERMINAL_PROMPT=0 git --git-dir="$store"/tensorrt_llm.git \
        --work-tree="$store"/context/upstream/tensorrt_llm sparse-checkout set --no-cone '/examples/*.py' \
        '/examples/*.txt' '/examples/*.json' '/examples/baichuan/**/*.py' '/examples/baichuan/**/*.txt' \
        '/examples/baichuan/**/*.json' '/examples/chatglm/**/*.py' '/examples/chatglm/**/*.txt' \
        '/examples/chatglm/**/*.json' '/examples/llama/**/*.py' '/examples/llama/**/*.txt' '/examples/llama/**/*.json' \
        '/examples/multimodal/**/*.py' '/examples/multimodal/**/*.txt' '/examples/multimodal/**/*.json' \
        '/examples/quantization/**/*.py' '/examples/quantization/**/*.txt' '/examples/quantization/**/*.json' \
        '/examples/qwen/**/*.py' '/examples/qwen/**/*.txt' '/examples/qwen/**/*.json' '/examples/qwenvl/**/*.py' \
        '/examples/qwenvl/**/*.txt' '/examples/qwenvl/**/*.json'

# 12/18 Fetch NVIDIA/TensorRT-LLM@9bd15f1937f5
GIT_TERMINAL_PROMPT=0 git --git-dir="$store"/tensorrt_llm.git \
        --work-tree="$store"/context/upstream/tensorrt_llm fetch --quiet --depth=1 \
        --filter=blob:none origin 9bd15f1937f52658fb116f30d58fea786ce5d03b

# 13/18 Check it out
GIT_TERMINAL_PROMPT=0 git --git-dir="$store"/tensorrt_llm.git \
        --work-tree="$store"/context/upstream/tensorrt_llm checkout --quiet --force \
        --detach 9bd15f1937f52658fb116f30d58fea786ce5d03b

# 14/18 Add the probe
cp environment/images/probe.py "$store"/context/probe.py

# 15/18 Build the overlay trtllm:v0.10.0-unverified
DOCKER_BUILDKIT=1 docker build --file dockerfiles/overlay.Dockerfile --tag trtllm:v0.10.0-unverified \
        --build-arg BASE=nvcr.io/nvidia/tritonserver:24.06-trtllm-python-py3 --label \
        'org.opencontainers.image.title=TensorRT-LLM on Triton' --label org.opencontainers.image.version=v0.10.0 \
        --label org.opencontainers.image.source=https://github.com/triton-inference-server/tensorrtllm_backend \
        --label org.opencontainers.image.revision=b92bdd79b6c50fb67203b6064e73662163012fe3 \
        --label org.opencontainers.image.base.name=nvcr.io/nvidia/tritonserver:24.06-trtllm-python-py3 \
        --label io.trtllm.release=v0.10.0 --label io.trtllm.way=ngc --label \
        io.trtllm.tensorrt-llm.revision=9bd15f1937f52658fb116f30d58fea786ce5d03b --label io.trtllm.made-by=overlay \
        --label io.trtllm.identity=5bf6df8a6fcb36d62325483e61d31db146fb1929ac6ea713eef7617635665de3 "$store"/context

# 16/18 Verify what is inside
#      claimed versus observed
docker run --rm --network=none --entrypoint python3 trtllm:v0.10.0-unverified /opt/trtllm/probe.py /opt/trtllm

# 17/18 Name it trtllm:v0.10.0
docker tag trtllm:v0.10.0-unverified trtllm:v0.10.0

# 18/18 Drop the working name
docker rmi trtllm:v0.10.0-unverified
