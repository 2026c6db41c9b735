"""What a release is: the whole of one `vX.Y.Z.toml`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Literal

from msgspec import Meta

from environment.data import Record
from environment.releases.build import Backend, NgcStyleBuild, SourceBuild, TensorRTLLM, TensorRTLLMImage
from environment.releases.ngc import Container, Ngc
from environment.releases.runtime import (
    BuildWheel,
    DriverFloor,
    EngineWorkflow,
    Family,
    Gpu,
    Paths,
    Pins,
    Serialization,
    Versions,
)
from environment.releases.sourced import Sourced, Text, Words

if TYPE_CHECKING:
    from packaging.version import Version


class Release(Record, frozen=True, kw_only=True):
    """One tag of tensorrtllm_backend with everything that belongs to it.

    `status` is `container_only` for a version that has containers and no backend tag. `serialization` is there when the
    number was observed. `notes` are remarks on the groups above them, whose sources they share.
    """

    tag: Annotated[str, Meta(pattern=r"^v\d+\.\d+\.\d+$")]
    status: Literal["tagged", "container_only"]
    release_date: Text | None = None
    backend: Backend
    tensorrt_llm: TensorRTLLM
    source_build: SourceBuild
    ngc_style_build: NgcStyleBuild
    trtllm_image: TensorRTLLMImage
    ngc: Ngc
    containers: tuple[Container, ...] = ()
    versions: Versions
    pins: Pins
    driver: DriverFloor
    gpu: Gpu
    paths: Paths
    build_wheel: BuildWheel
    engine_workflow: EngineWorkflow
    model_families: dict[str, Family]
    serialization: Serialization | None = None
    notes: Words

    def __post_init__(self) -> None:
        if self.backend.submodule_commit != self.tensorrt_llm.commit:
            raise ValueError("`tensorrt_llm.commit` is not the commit that `backend.submodule_commit` pins")
        if strangers := {c.tag for c in self.containers} ^ set(self.ngc.all_tags):
            raise ValueError(f"`containers` and `ngc.all_tags` disagree about {', '.join(sorted(strangers))}")

    @property
    def version(self) -> Version:
        """The tag as a version that sorts."""
        from packaging.version import Version

        return Version(self.tag)

    @property
    def container(self) -> Container | None:
        """NVIDIA's recommended container of this release, when there is one."""
        return next((c for c in self.containers if c.tag == self.ngc.recommended_tag), None)

    @property
    def image(self) -> str | None:
        """The reference of NVIDIA's recommended container: nvcr.io/nvidia/tritonserver:24.06-trtllm-python-py3."""
        return self.ngc.recommended_image

    @property
    def groups(self) -> dict[str, Sourced]:
        """The groups of facts by name, in the order of the file; each model family and container is one."""
        own = {name: getattr(self, name) for name in self.__struct_fields__}
        families = {f"model_families.{name}": family for name, family in self.model_families.items()}
        containers = {f"containers.{c.tag}": c for c in self.containers}
        return {name: group for name, group in (own | families | containers).items() if isinstance(group, Sourced)}

    @property
    def unverified(self) -> tuple[str, ...]:
        """The groups that were not read at the exact commit of the release."""
        return tuple(name for name, group in self.groups.items() if not group.verified)
