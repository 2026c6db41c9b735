"""What was read of the engine, checkpoint and model repository that were named; None is what was not. Values only."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

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
    """The named folders. `writable` are engine files any user may write, `paths` those the repository's configs name
    and whether this host has them, `template` what the Python models do, `placeholders` those of the release.
    """

    engine: Engine | Damaged | Unknown | None = None
    writable: tuple[str, ...] | Unknown = NOT_READ
    checkpoint: Checkpoint | Damaged | Unknown | None = None
    tokenizer: Tokenizer | Damaged | Unknown | None = None
    digests: tuple[Digest, ...] | Unknown | None = None
    repository: ModelRepository | Unknown | None = None
    paths: Mapping[str, bool] = {}
    template: TemplateCode | Unknown = NOT_READ
    placeholders: Mapping[str, tuple[Placeholder, ...]] | Unknown = NOT_READ
