"""What was read of the engine, checkpoint and model repository that were named; None is what was not. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from doctor.facts.readings import Readings, record
from doctor.template_code import TemplateCode
from environment.artifacts.checkpoint import Checkpoint
from environment.artifacts.digests import Digest
from environment.artifacts.engine import Engine
from environment.artifacts.heads import Damaged
from environment.artifacts.model_repository import ModelRepository
from environment.artifacts.tokenizer import Tokenizer
from environment.data import Value
from environment.unknown import Unknown

if TYPE_CHECKING:
    from environment.contracts import Placeholder

NOT_READ = Unknown("nobody looked at it")


class Artifacts(Value, frozen=True, kw_only=True):
    """The named folders. `writable` are engine files any user may write, `open_repository` those of the repository,
    `paths` those its configs name and whether the host has them, `template` what its Python models do, `placeholders`
    those of the release.
    """

    engine: Engine | Damaged | Unknown | None = None
    writable: tuple[str, ...] | Unknown = NOT_READ
    checkpoint: Checkpoint | Damaged | Unknown | None = None
    tokenizer: Tokenizer | Damaged | Unknown | None = None
    digests: tuple[Digest, ...] | Unknown | None = None
    repository: ModelRepository | Damaged | Unknown | None = None
    open_repository: tuple[str, ...] | Unknown = ()
    paths: Mapping[str, bool] | Unknown = NOT_READ
    template: TemplateCode | Unknown = NOT_READ
    placeholders: Mapping[str, tuple[Placeholder, ...]] | Unknown = NOT_READ


def parse(readings: Readings) -> Artifacts:
    """What the readings hold of named folders; `template` is NOT_READ unless the repository shows its own."""
    template = _found(readings, "template", TemplateCode | None)
    return Artifacts(
        engine=_found(readings, "engine", Engine | Damaged | Unknown),
        writable=_found(readings, "writable", tuple[str, ...] | Unknown) or (),
        checkpoint=_found(readings, "checkpoint", Checkpoint | Damaged | Unknown),
        tokenizer=_found(readings, "tokenizer", Tokenizer | Damaged | Unknown),
        digests=_found(readings, "digests", tuple[Digest, ...] | Unknown),
        repository=_found(readings, "repository", ModelRepository | Damaged | Unknown),
        open_repository=_found(readings, "open-repository", tuple[str, ...] | Unknown) or (),
        paths=_found(readings, "paths", dict[str, bool]) or {},
        template=NOT_READ if template is None else template,
    )


def _found(readings: Readings, name: str, kind: Any) -> Any:
    """A reading as a value of `kind`, None where nothing was named."""
    return record(readings, f"named/{name}", kind) if f"named/{name}" in readings else None
