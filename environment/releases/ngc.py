"""NVIDIA's containers: what is claimed of each one, and what was observed in it."""

from __future__ import annotations

from environment.data import Record
from environment.releases.sourced import Commit, Driver, Sourced, Text, Words


class Ngc(Sourced, frozen=True, kw_only=True):
    """NVIDIA's container for the release. `exact_release`: true, it holds exactly this release; absent, unclear."""

    recommended_tag: Text | None = None
    recommended_image: Text | None = None
    triton_server: Text | None = None
    exact_release: bool | None = None
    single_image_builds_and_serves: bool | None = None
    all_tags: Words
    config_templates_from: Text | None = None


class Claimed(Record, frozen=True, kw_only=True):
    """What documents say of a container; a field left out is not stated anywhere."""

    triton_server: Text
    tensorrt_llm: Text | None = None
    tensorrt: Text | None = None
    torch: Text | None = None
    cuda: Text | None = None
    cuda_driver: Driver | None = None
    python: Text | None = None
    size: Text | None = None


class Observed(Record, frozen=True, kw_only=True):
    """What was read inside a container, by whoever the sources name."""

    tensorrt_llm: Text | None = None
    tensorrt: Text | None = None


class Container(Sourced, frozen=True, kw_only=True):
    """One trtllm container of NGC: what is claimed of it, and what was observed in it. The observed wins."""

    tag: Text
    image: Text
    release_tag: Text | None = None
    exact_release: bool | None = None
    claimed: Claimed
    observed: Observed
    ships_tensorrt_llm_python: bool
    app_assets: bool
    backend_branch: Text | None = None
    backend_branch_commit: Commit | None = None
    backend_branch_submodule: Commit | None = None
    backend_branch_submodule_version: Text | None = None
    config_templates_from: Text | None = None
    notes: Words = ()

    @property
    def tensorrt_llm(self) -> str | None:
        """The TensorRT-LLM version inside: the observed one, else the claimed one."""
        return self.observed.tensorrt_llm or self.claimed.tensorrt_llm

    @property
    def tensorrt(self) -> str | None:
        """The TensorRT version inside: the observed one, else the claimed one."""
        return self.observed.tensorrt or self.claimed.tensorrt
