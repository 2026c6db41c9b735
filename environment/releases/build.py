"""How the images of a release are built: the pinned commits, the serving image, the engine-building image."""

from __future__ import annotations

from typing import Literal

from environment.data import Record
from environment.releases.sourced import Commit, Sourced, Text, Words

PYTORCH = "nvcr.io/nvidia/pytorch"


class Backend(Sourced, frozen=True, kw_only=True):
    """The commit of tensorrtllm_backend, and the TensorRT-LLM commit its submodule pins."""

    repo: Text
    ref: Text
    ref_kind: Literal["tag", "branch"]
    commit: Commit
    commit_date: Text
    commit_subject: Text
    submodule_path: Text
    submodule_url: Text
    submodule_commit: Commit


class TensorRTLLM(Sourced, frozen=True, kw_only=True):
    """The TensorRT-LLM sources of the release, and what their wheel calls itself."""

    repo: Text
    version: Text
    git_tag: Text
    commit: Commit
    commit_date: Text | None = None
    wheel_version: Text | None = None
    package_index_version: Text | None = None


class ImageContents(Record, frozen=True, kw_only=True):
    """Paths inside the image built from source; a path left out is one the image does not carry."""

    tensorrt_llm_src: Text | None = None
    examples: Text | None = None
    launch_script: Text | None = None
    all_models: Text | None = None
    fill_template: Text | None = None


class SourceBuild(Sourced, frozen=True, kw_only=True):
    """How the serving image is built from source. `build_args_unknown`: arguments whose default is not established."""

    method: Literal["dockerfile", "make_tritonrelease"]
    built_here: bool
    known_blockers: Words
    dockerfile: Text
    dockerfile_repo: Text
    context: Text
    command: Text
    base_image: Text | None = None
    pytorch_image: Text | None = None
    build_args: dict[str, Text]
    build_args_unknown: Words = ()
    stages: Words
    default_target: Text
    buildkit: Literal["set_by_docs", "set_by_makefile", "required"]
    uses_run_mount: bool
    build_wheel_line: Text
    job_count_arg: Text | None = None
    cuda_architectures_arg: Text | None = None
    git_lfs_required: bool
    recursive_submodules: bool
    aarch64_build_arg: Text | None = None
    image_contents: ImageContents

    @property
    def images(self) -> dict[str, str]:
        """The images it is built from, by the argument of the Dockerfile that names each; as far as established."""
        known = {"BASE_IMAGE": self.base_image, "PYTORCH_IMAGE": self.build_args.get("PYTORCH_IMAGE")}
        if tag := self.build_args.get("TRITON_BASE_TAG"):
            known["TRITON_IMAGE"] = f"{self.build_args['TRITON_IMAGE']}:{tag}"
        return {name: reference for name, reference in known.items() if reference}

    @property
    def takes_ngc_torch(self) -> bool:
        """Whether torch is that of NVIDIA's PyTorch container: built upon, or copied from."""
        return any(value.startswith(PYTORCH) for value in self.build_args.values())


class NgcStyleBuild(Sourced, frozen=True, kw_only=True):
    """The Dockerfile that NVIDIA's own containers are built with, as far as the release carries it."""

    dockerfile: Text | None = None
    args: dict[str, Text] | None = None
    required_args: Words
    missing_copy_sources: Words
    uses_run_mount: bool | None = None
    build_sh: Text | None = None
    build_sh_defaults: dict[str, Text] | None = None
    build_sh_matches_tag: bool | None = None


class TensorRTLLMImage(Sourced, frozen=True, kw_only=True):
    """The image that builds engines (TensorRT-LLM's own), next to the one that serves."""

    dockerfile: Text
    command: Text
    image: Text
    base_image: Text | None = None
    stages: Words | None = None
    buildkit: Literal["set_by_docs", "set_by_makefile", "required"]
    uses_run_mount: bool | None = None
    make_variables: Words
    build_wheel_args: Text | None = None
    ngc_prebuilt: Text | None = None
