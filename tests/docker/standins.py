"""Stand-ins: images that carry the file names, variables and versions of real ones where the probe looks, and
repositories of upstream's shape. Made from Debian and from nothing; no byte of NVIDIA's is in them."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING

import msgspec

from environment.releases import Release, find

if TYPE_CHECKING:
    from tests.docker.conftest import RealEngine

PACKAGES = "usr/local/lib/python3.11/dist-packages"
OTHER_PYTHON = "import platform\nplatform.python_version = lambda: {!r}\n"
TENSORRT = "usr/local/tensorrt"
NOTHING: Mapping[str, str] = MappingProxyType({})
# What NVIDIA's 24.06-trtllm-python-py3 is claimed to hold (releases/v0.10.0.toml).
MATCHED: Mapping[str, str] = {
    "tensorrt_llm": "0.10.0",
    "tensorrt": "10.0.1",
    "tensorrt_full": "10.0.1.6",
    "torch": "2.3.0a0+40ec155e58.nv24.3",
    "cuda": "12.4.0.041",
    "python": "3.10.12",
    "triton": "2.47.0",
    "container": "24.06",
    "container_variable": "NVIDIA_TRITON_SERVER_VERSION",
    "mpi": "opt/hpcx/ompi/lib",
    "pal": "opt/hpcx/ompi/lib",
}


def write_root(root: Path, held: Mapping[str, str]) -> None:
    """The files the probe reads. Libraries are copies of a small real one: they have to load, not to work."""
    library = next(Path("/usr/lib").glob("*-linux-gnu/libz.so.1*")).read_bytes()
    major = held["tensorrt"].partition(".")[0]
    files = {
        f"{TENSORRT}/lib/libnvinfer.so.{held['tensorrt']}": library,
        f"{held['mpi']}/libmpi.so.40": library,
        f"{held['pal']}/libopen-pal.so.40": library,
        "opt/hpcx/ompi/lib/libhwloc.so.15": library,
        "opt/tritonserver/backends/tensorrtllm/libtriton_tensorrtllm.so": library,
        f"{TENSORRT}/include/NvInferVersion.h": header(held["tensorrt_full"]),
        # Debian 12 has Python 3.11; the image stood in for has 3.10.
        "usr/lib/python3.11/sitecustomize.py": OTHER_PYTHON.format(held["python"]).encode(),
    }
    for name in ("tensorrt_llm", "tensorrt", "torch"):
        files[f"{PACKAGES}/{name}-{held[name]}.dist-info/METADATA"] = metadata(name, held[name])
    for name, content in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    root.joinpath(TENSORRT, "lib", f"libnvinfer.so.{major}").symlink_to(f"libnvinfer.so.{held['tensorrt']}")


def header(version: str) -> bytes:
    parts = zip(("MAJOR", "MINOR", "PATCH", "BUILD"), version.split("."), strict=True)
    return "".join(f"#define NV_TENSORRT_{name} {number} //!< TensorRT\n" for name, number in parts).encode()


def metadata(name: str, version: str) -> bytes:
    return f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n".encode()


def standin(
    engine: RealEngine, reference: str, folder: Path, programs: Mapping[str, str] = NOTHING, **changes: str
) -> None:
    """Builds a stand-in for NVIDIA's container of v0.10.0, with `changes` to what it holds, as `reference`.

    `programs` are put into its PATH; with any, it is a base that has no backend yet.
    """
    held = {**MATCHED, **changes}
    write_root(folder / "root", held)
    for name, text in programs.items():
        program = folder / "root/usr/local/bin" / name
        program.parent.mkdir(parents=True, exist_ok=True)
        program.write_text(f"#!/bin/sh\n{text}\n")
        program.chmod(0o755)
    if programs:
        shutil.rmtree(folder / "root/opt/tritonserver/backends/tensorrtllm")
    folder.joinpath("Dockerfile").write_text(
        "FROM trtllm-test/python:1\nCOPY root /\nLABEL io.trtllm.test=standin\n"
        f"ENV TRITON_SERVER_VERSION={held['triton']} {held['container_variable']}={held['container']} "
        f"CUDA_VERSION={held['cuda']} LD_LIBRARY_PATH=/{TENSORRT}/lib:/{held['mpi']}:/{held['pal']}\n"
    )
    engine.docker("build", "--quiet", "--tag", reference, str(folder))


@dataclass(frozen=True)
class Upstream:
    """Repositories of upstream's shape, and the commits a release would pin."""

    root: Path
    backend: str
    tensorrt_llm: str

    def release(self) -> Release:
        """The facts of v0.10.0, with these commits in place of the real ones."""
        real = find("v0.10.0")
        return msgspec.structs.replace(
            real,
            backend=msgspec.structs.replace(real.backend, commit=self.backend, submodule_commit=self.tensorrt_llm),
            tensorrt_llm=msgspec.structs.replace(real.tensorrt_llm, commit=self.tensorrt_llm),
        )

    def changed(self, files: Mapping[str, str], own: Mapping[str, str] = NOTHING) -> Release:
        """As `release`, after new commits: these files in TensorRT-LLM, recorded by the backend with `own` files."""
        llm, backend = self.root / LLM, self.root / BACKEND
        commit = committed(llm, files)
        for name, text in own.items():
            backend.joinpath(name).parent.mkdir(parents=True, exist_ok=True)
            backend.joinpath(name).write_text(text)
            git(backend, "add", name)
        git(backend, "update-index", "--cacheinfo", f"160000,{commit},tensorrt_llm")
        git(backend, "commit", "--quiet", "--message", "record the submodule")
        return Upstream(self.root, git(backend, "rev-parse", "HEAD"), commit).release()


LLM, BACKEND = "NVIDIA/TensorRT-LLM.git", "triton-inference-server/tensorrtllm_backend.git"
DOCKERFILE = """ARG BASE_IMAGE=nvcr.io/nvidia/tritonserver
ARG BASE_TAG=24.03-py3
FROM ${BASE_IMAGE}:${BASE_TAG} as base
COPY requirements.txt /tmp/
FROM base as dev
COPY tensorrt_llm/docker/common/install_tensorrt.sh /tmp/
RUN bash /tmp/install_tensorrt.sh
ARG TORCH_INSTALL_TYPE="pypi"
FROM dev as trt_llm_builder
WORKDIR /app
COPY scripts scripts
COPY tensorrt_llm tensorrt_llm
RUN cd tensorrt_llm && python3 scripts/build_wheel.py --trt_root="${TRT_ROOT}" -i -c && cd ..
FROM trt_llm_builder as final
LABEL io.trtllm.test=standin
"""
BACKEND_FILES = {
    "all_models/inflight_batcher_llm/tensorrt_llm/config.pbtxt": 'name: "tensorrt_llm"\n',
    "tools/fill_template.py": "print('fill')\n",
    "scripts/launch_triton_server.py": "print('launch')\n",
    "requirements.txt": "transformers==4.36.1\n",
    "dockerfile/Dockerfile.trt_llm_backend": DOCKERFILE,
    "docs/large.md": "not needed\n" * 1000,
}
LLM_FILES = {
    "examples/run.py": "print('run')\n",
    "examples/qwen/convert_checkpoint.py": "print('convert')\n",
    "examples/qwenvl/pics/demo.jpeg": "picture" * 1000,
    "docker/common/install_tensorrt.sh": "true\n",
    "scripts/build_wheel.py": "import sys\nprint('BUILDING WITH', sys.argv[1:])\n",
    "cpp/kernels.cpp": "// large\n" * 1000,
}


def git(folder: Path, *words: str) -> str:
    settings = ("-c", "user.name=test", "-c", "user.email=test@example.com", "-c", "protocol.file.allow=always")
    env = {**os.environ, "GIT_CONFIG_GLOBAL": "/dev/null", "GIT_CONFIG_SYSTEM": "/dev/null"}
    command = ["git", "-C", str(folder), *settings, *words]
    done = subprocess.run(command, env=env, capture_output=True, text=True, check=True)
    return done.stdout.strip()


def committed(folder: Path, files: Mapping[str, str]) -> str:
    """A repository with these files; its commit."""
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    git(folder, "init", "--quiet")
    for setting in ("uploadpack.allowFilter", "uploadpack.allowAnySHA1InWant"):
        git(folder, "config", setting, "true")
    git(folder, "add", "--all")
    git(folder, "commit", "--quiet", "--message", "made for the tests")
    return git(folder, "rev-parse", "HEAD")


def upstream_repositories(root: Path) -> Upstream:
    """Upstream's two repositories, small, with the submodule recorded as upstream records it."""
    llm, backend = root / LLM, root / BACKEND
    for folder in (llm, backend):
        folder.mkdir(parents=True)
    # Each run's own sources, or an engine that has seen the last run's would build nothing.
    commit = committed(llm, {**LLM_FILES, "scripts/run.txt": str(root)})
    committed(backend, BACKEND_FILES)
    modules = '[submodule "tensorrt_llm"]\n\tpath = tensorrt_llm\n\turl = https://github.com/NVIDIA/TensorRT-LLM.git\n'
    backend.joinpath(".gitmodules").write_text(modules)
    git(backend, "add", ".gitmodules")
    git(backend, "update-index", "--add", "--cacheinfo", f"160000,{commit},tensorrt_llm")
    git(backend, "commit", "--quiet", "--message", "record the submodule")
    return Upstream(root, git(backend, "rev-parse", "HEAD"), commit)
