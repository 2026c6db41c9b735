#!/bin/sh
# trtllm:v0.10.0: asked for: --from source
# Run it in the project's folder.
set -eu

store=/workspace/images/v0.10.0

# 1/32 Make a place for triton-inference-server/tensorrtllm_backend
GIT_TERMINAL_PROMPT=0 git init --quiet "$store"/checkout

# 2/32 Name its origin
GIT_TERMINAL_PROMPT=0 git -C "$store"/checkout config remote.origin.url \
        https://github.com/triton-inference-server/tensorrtllm_backend.git

# 3/32 Fetch triton-inference-server/tensorrtllm_backend@b92bdd79b6c5
GIT_TERMINAL_PROMPT=0 git -C "$store"/checkout fetch --quiet --depth=1 origin b92bdd79b6c50fb67203b6064e73662163012fe3

# 4/32 Check it out
GIT_TERMINAL_PROMPT=0 GIT_LFS_SKIP_SMUDGE=1 git -C "$store"/checkout checkout --quiet --force --detach b92bdd79b6c50fb67203b6064e73662163012fe3

# 5/32 Read the commit recorded for tensorrt_llm
#      has to be 9bd15f1937f52658fb116f30d58fea786ce5d03b
GIT_TERMINAL_PROMPT=0 git -C "$store"/checkout rev-parse HEAD:tensorrt_llm

# 6/32 Fetch tensorrt_llm at that commit
GIT_TERMINAL_PROMPT=0 GIT_LFS_SKIP_SMUDGE=1 git -C "$store"/checkout submodule update --init --depth=1 tensorrt_llm

# 7/32 Fetch the nested submodules
GIT_TERMINAL_PROMPT=0 GIT_LFS_SKIP_SMUDGE=1 git -C "$store"/checkout/tensorrt_llm submodule update --init --recursive \
        --depth=1

# 8/32 Turn git-lfs on in this checkout
GIT_TERMINAL_PROMPT=0 git -C "$store"/checkout/tensorrt_llm lfs install --local

# 9/32 Pull the git-lfs files
GIT_TERMINAL_PROMPT=0 git -C "$store"/checkout/tensorrt_llm lfs pull

# 10/32 Look for files that are still git-lfs pointers
#      a pointer would break the link step, hours later; each line must have * and not -
GIT_TERMINAL_PROMPT=0 git -C "$store"/checkout/tensorrt_llm lfs ls-files

# 11/32 Pull nvcr.io/nvidia/tritonserver:24.03-py3
docker pull nvcr.io/nvidia/tritonserver:24.03-py3

# 12/32 Copy the Dockerfile
cp "$store"/checkout/dockerfile/Dockerfile.trt_llm_backend "$store"/Dockerfile

# 13/32 Set the number of jobs and the architectures
#      24 jobs need about 48 GB of memory and swap; this host has 64 GB
sed -i -e \
        's|python3 scripts/build_wheel\.py --trt_root="\${TRT_ROOT}" -i -c|python3 scripts/build_wheel.py --trt_root="${TRT_ROOT}" -i -c --job_count 24 --cuda_architectures "90-real"|' \
        "$store"/Dockerfile

# 14/32 Check that they are set
grep --fixed-strings --quiet \
        'python3 scripts/build_wheel.py --trt_root="${TRT_ROOT}" -i -c --job_count 24 --cuda_architectures "90-real"' \
        "$store"/Dockerfile

# 15/32 Build trtllm-source:v0.10.0
DOCKER_BUILDKIT=1 docker build --file "$store"/Dockerfile --tag trtllm-source:v0.10.0 --build-arg \
        BASE_IMAGE=nvcr.io/nvidia/tritonserver --build-arg BASE_TAG=24.03-py3 --build-arg TORCH_INSTALL_TYPE=pypi \
        --label io.trtllm.made-by=source --label io.trtllm.release=v0.10.0 --label io.trtllm.way=source \
        --label io.trtllm.built-from=BASE_IMAGE=nvcr.io/nvidia/tritonserver:24.03-py3 "$store"/checkout

# 16/32 Make a place for triton-inference-server/tensorrtllm_backend
mkdir -p "$store"/context/upstream

# 17/32 Make a repository
GIT_TERMINAL_PROMPT=0 git init --quiet --bare "$store"/backend.git

# 18/32 Name its origin
GIT_TERMINAL_PROMPT=0 git --git-dir="$store"/backend.git --work-tree="$store"/context/upstream config remote.origin.url \
        https://github.com/triton-inference-server/tensorrtllm_backend.git

# 19/32 Name what is needed of it
GIT_TERMINAL_PROMPT=0 git --git-dir="$store"/backend.git --work-tree="$store"/context/upstream sparse-checkout set \
        --no-cone /all_models/ /tools/ /scripts/ '!tests/'

# 20/32 Fetch triton-inference-server/tensorrtllm_backend@b92bdd79b6c5
GIT_TERMINAL_PROMPT=0 git --git-dir="$store"/backend.git --work-tree="$store"/context/upstream fetch \
        --quiet --depth=1 --filter=blob:none origin b92bdd79b6c50fb67203b6064e73662163012fe3

# 21/32 Check it out
GIT_TERMINAL_PROMPT=0 git --git-dir="$store"/backend.git --work-tree="$store"/context/upstream checkout \
        --quiet --force --detach b92bdd79b6c50fb67203b6064e73662163012fe3

# 22/32 Make a place for NVIDIA/TensorRT-LLM
mkdir -p "$store"/context/upstream/tensorrt_llm

# 23/32 Make a repository
GIT_TERMINAL_PROMPT=0 git init --quiet --bare "$store"/tensorrt_llm.git

# 24/32 Name its origin
GIT_TERMINAL_PROMPT=0 git --git-dir="$store"/tensorrt_llm.git \
        --work-tree="$store"/context/upstream/tensorrt_llm config remote.origin.url \
        https://github.com/NVIDIA/TensorRT-LLM.git

# 25/32 Name what is needed of it
GIT_TERMINAL_PROMPT=0 git --git-dir="$store"/tensorrt_llm.git \
        --work-tree="$store"/context/upstream/tensorrt_llm sparse-checkout set --no-cone '/examples/*.py' \
        '/examples/*.txt' '/examples/*.json' '/examples/baichuan/**/*.py' '/examples/baichuan/**/*.txt' \
        '/examples/baichuan/**/*.json' '/examples/chatglm/**/*.py' '/examples/chatglm/**/*.txt' \
        '/examples/chatglm/**/*.json' '/examples/llama/**/*.py' '/examples/llama/**/*.txt' '/examples/llama/**/*.json' \
        '/examples/multimodal/**/*.py' '/examples/multimodal/**/*.txt' '/examples/multimodal/**/*.json' \
        '/examples/quantization/**/*.py' '/examples/quantization/**/*.txt' '/examples/quantization/**/*.json' \
        '/examples/qwen/**/*.py' '/examples/qwen/**/*.txt' '/examples/qwen/**/*.json' '/examples/qwenvl/**/*.py' \
        '/examples/qwenvl/**/*.txt' '/examples/qwenvl/**/*.json'

# 26/32 Fetch NVIDIA/TensorRT-LLM@9bd15f1937f5
GIT_TERMINAL_PROMPT=0 git --git-dir="$store"/tensorrt_llm.git \
        --work-tree="$store"/context/upstream/tensorrt_llm fetch --quiet --depth=1 \
        --filter=blob:none origin 9bd15f1937f52658fb116f30d58fea786ce5d03b

# 27/32 Check it out
GIT_TERMINAL_PROMPT=0 git --git-dir="$store"/tensorrt_llm.git \
        --work-tree="$store"/context/upstream/tensorrt_llm checkout --quiet --force \
        --detach 9bd15f1937f52658fb116f30d58fea786ce5d03b

# 28/32 Add the probe
cp environment/images/probe.py "$store"/context/probe.py

# 29/32 Build the overlay trtllm:v0.10.0-unverified
DOCKER_BUILDKIT=1 docker build --file dockerfiles/overlay.Dockerfile --tag trtllm:v0.10.0-unverified \
        --build-arg BASE=trtllm-source:v0.10.0 --label 'org.opencontainers.image.title=TensorRT-LLM on Triton' \
        --label org.opencontainers.image.version=v0.10.0 --label \
        org.opencontainers.image.source=https://github.com/triton-inference-server/tensorrtllm_backend \
        --label org.opencontainers.image.revision=b92bdd79b6c50fb67203b6064e73662163012fe3 \
        --label org.opencontainers.image.base.name=trtllm-source:v0.10.0 --label io.trtllm.release=v0.10.0 \
        --label io.trtllm.way=source --label io.trtllm.tensorrt-llm.revision=9bd15f1937f52658fb116f30d58fea786ce5d03b \
        --label io.trtllm.made-by=overlay --label \
        io.trtllm.identity=f58c53c0f020aa8cd64133ce8cf7bc63e60e1c1329955bbcac761017fe76d7b0 "$store"/context

# 30/32 Verify what is inside
#      claimed versus observed
docker run --rm --network=none --entrypoint python3 trtllm:v0.10.0-unverified /opt/trtllm/probe.py /opt/trtllm

# 31/32 Name it trtllm:v0.10.0
docker tag trtllm:v0.10.0-unverified trtllm:v0.10.0

# 32/32 Drop the working name
docker rmi trtllm:v0.10.0-unverified
