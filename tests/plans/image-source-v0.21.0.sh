#!/bin/sh
# trtllm:v0.21.0: asked for: --from source
# Run it in the project's folder.
set -eu

store=/workspace/images/v0.21.0

# 1/22 Make a place for NVIDIA/TensorRT-LLM
GIT_TERMINAL_PROMPT=0 git init --quiet "$store"/checkout

# 2/22 Name its origin
GIT_TERMINAL_PROMPT=0 git -C "$store"/checkout config remote.origin.url https://github.com/NVIDIA/TensorRT-LLM.git

# 3/22 Fetch NVIDIA/TensorRT-LLM@b4b1185af320
GIT_TERMINAL_PROMPT=0 git -C "$store"/checkout fetch --quiet --depth=1 origin b4b1185af320f109f4cb73b1505832dbc63042d7

# 4/22 Check it out
GIT_TERMINAL_PROMPT=0 GIT_LFS_SKIP_SMUDGE=1 git -C "$store"/checkout checkout --quiet --force --detach b4b1185af320f109f4cb73b1505832dbc63042d7

# 5/22 Fetch the nested submodules
GIT_TERMINAL_PROMPT=0 GIT_LFS_SKIP_SMUDGE=1 git -C "$store"/checkout submodule update --init --recursive --depth=1

# 6/22 Turn git-lfs on in this checkout
GIT_TERMINAL_PROMPT=0 git -C "$store"/checkout lfs install --local

# 7/22 Pull the git-lfs files
GIT_TERMINAL_PROMPT=0 git -C "$store"/checkout lfs pull

# 8/22 Look for files that are still git-lfs pointers
#      a pointer would break the link step, hours later; each line must have * and not -
GIT_TERMINAL_PROMPT=0 git -C "$store"/checkout lfs ls-files

# 9/22 Pull nvcr.io/nvidia/pytorch:25.05-py3
docker pull nvcr.io/nvidia/pytorch:25.05-py3

# 10/22 Pull nvcr.io/nvidia/tritonserver:25.05-py3
docker pull nvcr.io/nvidia/tritonserver:25.05-py3

# 11/22 Build trtllm-source:v0.21.0
#      24 jobs need about 48 GB of memory and swap; this host has 64 GB
DOCKER_BUILDKIT=1 make -C "$store"/checkout/docker -o base_pull tritonrelease_build IMAGE_WITH_TAG=trtllm-source:v0.21.0 \
        BASE_IMAGE=nvcr.io/nvidia/pytorch BASE_TAG=25.05-py3 TRITON_IMAGE=nvcr.io/nvidia/tritonserver \
        TRITON_BASE_TAG=25.05-py3 CUDA_ARCHS=90-real 'BUILD_WHEEL_OPTS=--job_count 24' DOCKER_BUILD_OPTS=--load \
        'DOCKER_BUILD_ARGS=--build-arg=BASE_IMAGE=nvcr.io/nvidia/pytorch --build-arg=BASE_TAG=25.05-py3 --build-arg=TRITON_IMAGE=nvcr.io/nvidia/tritonserver --build-arg=TRITON_BASE_TAG=25.05-py3 --label io.trtllm.made-by=source --label io.trtllm.release=v0.21.0 --label io.trtllm.way=source --label '"'"'io.trtllm.built-from=BASE_IMAGE=nvcr.io/nvidia/pytorch:25.05-py3 TRITON_IMAGE=nvcr.io/nvidia/tritonserver:25.05-py3'"'"''

# 12/22 Make a place for NVIDIA/TensorRT-LLM
mkdir -p "$store"/context/upstream

# 13/22 Make a repository
GIT_TERMINAL_PROMPT=0 git init --quiet --bare "$store"/tensorrt_llm.git

# 14/22 Name its origin
GIT_TERMINAL_PROMPT=0 git --git-dir="$store"/tensorrt_llm.git --work-tree="$store"/context/upstream config remote.origin.url \
        https://github.com/NVIDIA/TensorRT-LLM.git

# 15/22 Name what is needed of it
GIT_TERMINAL_PROMPT=0 git --git-dir="$store"/tensorrt_llm.git --work-tree="$store"/context/upstream sparse-checkout set \
        --no-cone /triton_backend/all_models/ /triton_backend/tools/ /triton_backend/scripts/ '!tests/' \
        '/examples/*.py' '/examples/*.txt' '/examples/*.json' '/examples/models/contrib/baichuan/**/*.py' \
        '/examples/models/contrib/baichuan/**/*.txt' '/examples/models/contrib/baichuan/**/*.json' \
        '/examples/models/core/glm-4-9b/**/*.py' '/examples/models/core/glm-4-9b/**/*.txt' \
        '/examples/models/core/glm-4-9b/**/*.json' '/examples/models/core/llama/**/*.py' \
        '/examples/models/core/llama/**/*.txt' '/examples/models/core/llama/**/*.json' \
        '/examples/models/core/multimodal/**/*.py' '/examples/models/core/multimodal/**/*.txt' \
        '/examples/models/core/multimodal/**/*.json' '/examples/models/core/qwen/**/*.py' \
        '/examples/models/core/qwen/**/*.txt' '/examples/models/core/qwen/**/*.json' \
        '/examples/models/core/qwenvl/**/*.py' '/examples/models/core/qwenvl/**/*.txt' \
        '/examples/models/core/qwenvl/**/*.json' '/examples/quantization/**/*.py' '/examples/quantization/**/*.txt' \
        '/examples/quantization/**/*.json'

# 16/22 Fetch NVIDIA/TensorRT-LLM@b4b1185af320
GIT_TERMINAL_PROMPT=0 git --git-dir="$store"/tensorrt_llm.git --work-tree="$store"/context/upstream fetch \
        --quiet --depth=1 --filter=blob:none origin b4b1185af320f109f4cb73b1505832dbc63042d7

# 17/22 Check it out
GIT_TERMINAL_PROMPT=0 git --git-dir="$store"/tensorrt_llm.git --work-tree="$store"/context/upstream checkout \
        --quiet --force --detach b4b1185af320f109f4cb73b1505832dbc63042d7

# 18/22 Add the probe
cp environment/images/probe.py "$store"/context/probe.py

# 19/22 Build the overlay trtllm:v0.21.0-unverified
DOCKER_BUILDKIT=1 docker build --file dockerfiles/overlay.Dockerfile --tag trtllm:v0.21.0-unverified \
        --build-arg BASE=trtllm-source:v0.21.0 --label 'org.opencontainers.image.title=TensorRT-LLM on Triton' \
        --label org.opencontainers.image.version=v0.21.0 --label \
        org.opencontainers.image.source=https://github.com/triton-inference-server/tensorrtllm_backend \
        --label org.opencontainers.image.revision=2710a1ff62a700dbe01ae67f56d200102c249c46 \
        --label org.opencontainers.image.base.name=trtllm-source:v0.21.0 --label io.trtllm.release=v0.21.0 \
        --label io.trtllm.way=source --label io.trtllm.tensorrt-llm.revision=b4b1185af320f109f4cb73b1505832dbc63042d7 \
        --label io.trtllm.made-by=overlay --label \
        io.trtllm.identity=3bf9e9bb72784b02fac77d177a1627eb382edbf395f0f022c3927bc30fc123fa "$store"/context

# 20/22 Verify what is inside
#      claimed versus observed
docker run --rm --network=none --entrypoint python3 trtllm:v0.21.0-unverified /opt/trtllm/probe.py /opt/trtllm

# 21/22 Name it trtllm:v0.21.0
docker tag trtllm:v0.21.0-unverified trtllm:v0.21.0

# 22/22 Drop the working name
docker rmi trtllm:v0.21.0-unverified
