"""What a release needs and carries at run time: versions, drivers, GPUs, paths, tools, model families."""

from __future__ import annotations

from typing import Annotated, Literal

from msgspec import Meta

from environment.data import Record
from environment.releases.sourced import Driver, Sourced, Text, Words


class Versions(Sourced, frozen=True, kw_only=True):
    """The libraries the release is built with; `tensorrt` and `cuda` are exact."""

    tensorrt: Annotated[str, Meta(pattern=r"^\d+\.\d+\.\d+\.\d+$")]
    tensorrt_pip: Words
    cuda: Annotated[str, Meta(pattern=r"^\d+\.\d+\.\d+$")]
    cudnn: Text | None = None
    nccl: Text | None = None
    cublas: Text | None = None
    nvrtc: Text | None = None
    pytorch: Text | None = None
    pytorch_pin: Text | None = None
    pytorch_ngc: Text | None = None
    python: Text
    python_abi: Text
    ubuntu: Text
    openmpi: Text | None = None
    mpi4py: Text | None = None


class Pins(Sourced, frozen=True, kw_only=True):
    """Version constraints of the Python packages that break most often."""

    transformers: Text | None = None
    backend_transformers: Text | None = None
    quantizer_package: Text | None = None
    quantizer_pin: Text | None = None
    cuda_python: Text | None = None
    numpy: Text | None = None


class DriverFloor(Sourced, frozen=True, kw_only=True):
    """The NVIDIA driver a host needs (rules `driver-native`, `driver-minor` and `driver-forward` of `rules.toml`)."""

    cuda: Text
    native_min: Driver
    minor_version_min: Driver
    datacenter_forward_compat: tuple[Driver, ...]


class Architectures(Record, frozen=True, kw_only=True):
    """What the release's documents say of each GPU generation, in their words."""

    volta: Text
    turing: Text
    ampere: Text
    ada: Text
    hopper: Text
    blackwell: Text


class Gpu(Sourced, frozen=True, kw_only=True):
    """Supported GPUs. The `..._min_sm` are compute capabilities times ten (89 is Ada, 90 Hopper)."""

    default_cuda_architectures: Words | None = None
    architectures: Architectures
    fp8_min_sm: int
    fp8_context_fmha_min_sm: int | None = None
    fp8: bool
    fp4: bool


class Paths(Sourced, frozen=True, kw_only=True):
    """Where things lie, relative to the root of `repo` at the release's commit."""

    repo: Text
    model_repo_template: Text
    fill_template: Text
    launch_script: Text
    client: Text
    llmapi_template: Text | None = None
    multimodal_template: Text | None = None
    bls_model: bool
    build_wheel: Text
    examples_root: Text
    container_app: Text | None = None


class BuildWheel(Sourced, frozen=True, kw_only=True):
    """Flags of scripts/build_wheel.py that an image build sets."""

    trt_root_flag: Text
    job_count_flags: Words
    job_count_default: Text
    cuda_architectures_flags: Words
    clean_flag: Text
    install_flag: Text
    use_ccache: bool
    fast_build: bool | None = None
    python_bindings: Text | None = None
    benchmarks: bool | None = None


class EngineWorkflow(Sourced, frozen=True, kw_only=True):
    """How an engine is made by default, and whether the `trtllm-build` command exists."""

    trtllm_build_cli: bool
    default: Literal["legacy_build_py", "convert_checkpoint+trtllm-build", "pytorch_llm_api"]


class Family(Sourced, frozen=True, kw_only=True):
    """One model family: its folder in TensorRT-LLM, its conversion script, and its workflow. All absent: not there."""

    path: Text | None = None
    script: Text | None = None
    workflow: Text | None = None
    note: Text | None = None


class Serialization(Sourced, frozen=True, kw_only=True):
    """The number TensorRT writes into its plan files and names when an engine of another version is loaded."""

    version: int
