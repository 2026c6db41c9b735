"""A repository of the shape that TensorRT-LLM has had since v0.20: Triton's backend in it, built by docker/Makefile.

The Makefile and the Dockerfile are ours. They have the targets, variables, stages and mounts that a build by
`make -C docker tritonrelease_build` meets (read in TensorRT-LLM's docker/ of 2025 and 2026), and compile nothing.
"""

from __future__ import annotations

import re
from pathlib import Path

import msgspec

from environment.releases import Release, find
from tests.docker.standins import LLM, committed

TAG = "v0.21.0"
# What its base and its compilation leave in the image (releases/v0.21.0.toml).
HELD = {
    "tensorrt_llm": "0.21.0",
    "tensorrt": "10.11.0",
    "tensorrt_full": "10.11.0.33",
    "torch": "2.8.0a0+5228986c39.nv25.5",
    "cuda": "12.9.0.043",
    "python": "3.12.3",
    "container": "25.05",
    "container_variable": "NVIDIA_PYTORCH_VERSION",
}
MAKEFILE = """\
BASE_IMAGE        ?= $(shell grep '^ARG BASE_IMAGE=' Dockerfile.multi | grep -o '=.*' | tr -d '="')
BASE_TAG          ?= $(shell grep '^ARG BASE_TAG=' Dockerfile.multi | grep -o '=.*' | tr -d '="')
TRITON_IMAGE      ?= $(shell grep '^ARG TRITON_IMAGE=' Dockerfile.multi | grep -o '=.*' | tr -d '="')
TRITON_BASE_TAG   ?= $(shell grep '^ARG TRITON_BASE_TAG=' Dockerfile.multi | grep -o '=.*' | tr -d '="')
IMAGE_NAME        ?= tensorrt_llm
IMAGE_TAG         ?= latest
STAGE             ?=
IMAGE_WITH_TAG    ?= $(IMAGE_NAME)$(if $(STAGE),/$(STAGE)):$(IMAGE_TAG)
DOCKER_BUILD_OPTS ?= --pull --load
DOCKER_BUILD_ARGS ?=
DOCKER_PROGRESS   ?= auto
CUDA_ARCHS        ?=
BUILD_WHEEL_OPTS  ?=
BUILD_WHEEL_ARGS  ?= $(shell grep '^ARG BUILD_WHEEL_ARGS=' Dockerfile.multi | grep -o '=.*' | tr -d '="')\
$(if $(CUDA_ARCHS), --cuda_architectures $(CUDA_ARCHS))$(if $(BUILD_WHEEL_OPTS), $(BUILD_WHEEL_OPTS))
GIT_COMMIT        ?= $(shell git rev-parse HEAD)

base_pull:
	@echo "Pulling base image: $(BASE_IMAGE):$(BASE_TAG)"
	docker pull $(BASE_IMAGE):$(BASE_TAG)

%_build: BASE_ENV = $(shell docker inspect --format='{{range .Config.Env}}{{println .}}{{end}}' \
$(BASE_IMAGE):$(BASE_TAG) | grep '^ENV=' | sed 's/^[^=]*=//')
%_build: base_pull
	@echo "Building docker image: $(IMAGE_WITH_TAG)"
	docker buildx build $(DOCKER_BUILD_OPTS) $(DOCKER_BUILD_ARGS) \\
		--progress $(DOCKER_PROGRESS) \\
		$(if $(BASE_IMAGE), --build-arg BASE_IMAGE=$(BASE_IMAGE)) \\
		$(if $(BASE_TAG), --build-arg BASE_TAG=$(BASE_TAG)) \\
		$(if $(TRITON_IMAGE), --build-arg TRITON_IMAGE=$(TRITON_IMAGE)) \\
		$(if $(TRITON_BASE_TAG), --build-arg TRITON_BASE_TAG=$(TRITON_BASE_TAG)) \\
		$(if $(BUILD_WHEEL_ARGS), --build-arg BUILD_WHEEL_ARGS="$(BUILD_WHEEL_ARGS)") \\
		$(if $(DEVEL_IMAGE), --build-arg DEVEL_IMAGE="$(DEVEL_IMAGE)") \\
		$(if $(GIT_COMMIT), --build-arg GIT_COMMIT="$(GIT_COMMIT)") \\
		$(if $(BASE_ENV), --build-arg SH_ENV="$(BASE_ENV)") \\
		$(if $(STAGE), --target $(STAGE)) \\
		--file Dockerfile.multi \\
		--tag $(IMAGE_WITH_TAG) \\
		..

tritonrelease_%: STAGE = tritonrelease
tritonrelease_%: DEVEL_IMAGE = tritondevel
.PHONY: base_pull
"""
DOCKERFILE = """\
ARG BASE_IMAGE=nvcr.io/nvidia/pytorch
ARG TRITON_IMAGE=nvcr.io/nvidia/tritonserver
ARG BASE_TAG=25.05-py3
ARG TRITON_BASE_TAG=25.05-py3
ARG DEVEL_IMAGE=devel

FROM ${BASE_IMAGE}:${BASE_TAG} AS base
SHELL ["/bin/bash", "-c"]

FROM base AS devel
COPY docker/common/install_base.sh ./
RUN bash ./install_base.sh && rm install_base.sh

FROM ${TRITON_IMAGE}:${TRITON_BASE_TAG} AS triton

FROM devel AS tritondevel
COPY --from=triton /opt/tritonserver/backends/python /opt/tritonserver/backends/python

FROM ${DEVEL_IMAGE} AS wheel
WORKDIR /src/tensorrt_llm
COPY cpp cpp
COPY scripts scripts
RUN mkdir -p /root/.cache/pip
ARG BUILD_WHEEL_ARGS="--clean --benchmarks"
ARG BUILD_WHEEL_SCRIPT="scripts/build_wheel.py"
RUN --mount=type=cache,target=/root/.cache/pip \\
    python3 ${BUILD_WHEEL_SCRIPT} ${BUILD_WHEEL_ARGS}

FROM ${DEVEL_IMAGE} AS release
WORKDIR /app/tensorrt_llm
RUN --mount=type=bind,from=wheel,source=/src/tensorrt_llm/build,target=/tmp/wheel \\
    ls /tmp/wheel/tensorrt_llm*.whl
COPY examples examples
ARG GIT_COMMIT
ENV TRT_LLM_GIT_COMMIT=${GIT_COMMIT}

FROM wheel AS tritonbuild
COPY ./triton_backend/ ./triton_backend/
ARG TRITON_BASE_TAG
RUN bash ./triton_backend/inflight_batcher_llm/scripts/build.sh -s "r${TRITON_BASE_TAG%-py3}"

FROM release AS tritonrelease
COPY ./triton_backend/all_models ./triton_backend/all_models
COPY --from=tritonbuild /opt/tritonserver/backends/tensorrtllm /opt/tritonserver/backends/tensorrtllm
LABEL io.trtllm.test=standin
"""
WHEEL = """\
import os, sys
print('BUILDING WITH', sys.argv[1:], 'OVER', open('cpp/libbatch_manager.a', 'rb').read(8))
os.mkdir('build')
open('build/tensorrt_llm-0.21.0-py3-none-any.whl', 'w')
"""
BACKEND = """\
echo BUILDING THE BACKEND $*
mkdir -p /opt/tritonserver/backends/tensorrtllm
touch /opt/tritonserver/backends/tensorrtllm/libtriton_tensorrtllm.so
"""
FILES = {
    "docker/Makefile": MAKEFILE,
    "docker/Dockerfile.multi": DOCKERFILE,
    "docker/common/install_base.sh": "echo INSTALLING\n",
    "scripts/build_wheel.py": WHEEL,
    "cpp/libbatch_manager.a": "!<arch>\n",
    "examples/run.py": "print('run')\n",
    "triton_backend/all_models/inflight_batcher_llm/tensorrt_llm/config.pbtxt": 'name: "tensorrt_llm"\n',
    "triton_backend/tools/fill_template.py": "print('fill')\n",
    "triton_backend/scripts/launch_triton_server.py": "print('launch')\n",
    "triton_backend/inflight_batcher_llm/scripts/build.sh": BACKEND,
}


BENCHMARKS = ("bertBenchmark", "gptManagerBenchmark", "disaggServerBenchmark")
COMPILED = f"""
os.makedirs('cpp/build/benchmarks')
for name in {BENCHMARKS}:
    open(f'cpp/build/benchmarks/{{name}}', 'w')
"""


def stubs(dockerfile: str) -> dict[str, str]:
    """Files for what upstream's own Dockerfile copies and runs."""
    copied = sorted(set(re.findall(r"docker/common/\w+\.sh", dockerfile)))
    folders = ("benchmarks", "tensorrt_llm", "3rdparty", "docs", "cpp/include")
    files = (".gitmodules", "setup.py", "requirements.txt", "requirements-dev.txt", "constraints.txt", "README.md")
    return {
        **{name: f"echo INSTALLING {name} $*\n" for name in copied},
        **{f"{folder}/file": "x\n" for folder in folders},
        **dict.fromkeys(files, "\n"),
        **{f"benchmarks/cpp/{name}.cpp": "\n" for name in BENCHMARKS},
        "benchmarks/cpp/CMakeLists.txt": "\n",
        "tensorrt_llm/version.py": '__version__ = "0.21.0"\n',
        "scripts/build_wheel.py": WHEEL + COMPILED,
        "triton_backend/inflight_batcher_llm/client/client.py": "\n",
    }


def repository(root: Path, changes: dict[str, str] | None = None) -> Release:
    """The repository below `root`, where git finds github.com; the facts of v0.21.0 with its commit."""
    # Each run's own sources, or an engine that has seen the last run's would build nothing.
    commit = committed(root / LLM, {**FILES, "cpp/run.txt": str(root), **(changes or {})})
    return pinned(find(TAG), commit)


def pinned(real: Release, commit: str) -> Release:
    """The facts of a release, with another commit of TensorRT-LLM."""
    return msgspec.structs.replace(
        real,
        backend=msgspec.structs.replace(real.backend, submodule_commit=commit),
        tensorrt_llm=msgspec.structs.replace(real.tensorrt_llm, commit=commit),
    )
