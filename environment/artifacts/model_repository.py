"""Reads a Triton model repository: its models, their versions, their config.pbtxt, the `${...}` nobody filled.

Layout: triton-inference-server/server, docs/user_guide/model_repository.md. The files of the models are not opened,
but for a Python model's `model.py`, of which text is searched and nothing is run.
"""

from __future__ import annotations

import re
from pathlib import Path

from environment.artifacts.heads import Damaged, names_in, read
from environment.artifacts.model_config import SIZE_LIMIT, Config, parse_config
from environment.data import Value
from environment.unknown import Unknown

PLACEHOLDER = re.compile(r"\$\{([^{}\n]{1,80})\}")
BARE = re.compile(r'(?P<text>"[^"\n]*")|\$\{[^{}\n]{1,80}\}')  # a placeholder outside of quotes, or quoted text
CONFIG = "config.pbtxt"
MODEL_LIMIT = 500  # models

# String values without which the templates of tensorrtllm_backend cannot work, and the models that need them. The
# others may stay `${...}`: both backends then take their own default (tensorrt_llm/1/model.py, read_parameter_as_type).
NEEDED = {
    "engine_dir": ("tensorrt_llm",),
    "tokenizer_dir": ("preprocessing", "postprocessing"),
    "triton_backend": ("tensorrt_llm",),
}


class RepositoryModel(Value, frozen=True, kw_only=True):
    """One folder of the repository. `unfilled` are the placeholders left, with the line each stands in."""

    folder: str
    versions: tuple[int, ...]
    version_files: tuple[str, ...]
    config: Config | Damaged | Unknown
    unfilled: tuple[tuple[str, str], ...] = ()
    code: str = ""

    @property
    def needed(self) -> tuple[tuple[str, str], ...]:
        """The placeholders among `unfilled` that keep the model from working: no string, or a string it needs."""
        return tuple((name, line) for name, line in self.unfilled if not _is_string(name, line) or self._needs(name))

    @property
    def unparsable(self) -> bool:
        """Whether a placeholder stands where Triton's protobuf wants a number or a word, so that nothing parses."""
        return any(not _is_string(name, line) for name, line in self.unfilled)

    @property
    def uncoded(self) -> bool:
        """Whether it is a Python model whose newest version holds no Python."""
        python = isinstance(self.config, Config) and self.config.backend == "python"
        return python and bool(self.versions) and not any(name.endswith(".py") for name in self.version_files)

    def _needs(self, name: str) -> bool:
        return self.folder in NEEDED.get(name, ())


class ModelRepository(Value, frozen=True, kw_only=True, tag=True):
    """A repository's models, and the folders in it that are none: `bare` have versions, but no config.pbtxt."""

    models: tuple[RepositoryModel, ...]
    others: tuple[str, ...]
    bare: tuple[str, ...] = ()

    def model(self, folder: str) -> RepositoryModel | None:
        """The model in that folder."""
        return next((model for model in self.models if model.folder == folder), None)

    @property
    def lost(self) -> tuple[tuple[str, str], ...]:
        """The steps of ensembles that name no model of the repository: (ensemble, model)."""
        there = {model.folder for model in self.models}
        configs = {model.folder: model.config for model in self.models if isinstance(model.config, Config)}
        steps = ((folder, step) for folder, config in configs.items() for step in config.steps)
        return tuple((folder, step) for folder, step in steps if step not in there and "${" not in step)

    @property
    def complete(self) -> bool:
        """Whether every model has a version and a config.pbtxt that parses and is filled, and every step its model."""
        return (
            bool(self.models)
            and not (self.bare or self.lost or any(model.uncoded for model in self.models))
            and all(model.versions and isinstance(model.config, Config) and not model.needed for model in self.models)
        )


def read_model_repository(folder: Path) -> ModelRepository | Unknown:
    """The model repository in `folder`; Unknown where no folder of it is a model."""
    names = names_in(folder)
    if isinstance(names, Unknown):
        return names
    folders = [name for name in names if not name.startswith(".") and not isinstance(names_in(folder / name), Unknown)]
    inner = {name: names_in(folder / name) for name in folders[:MODEL_LIMIT]}
    models = [name for name, files in inner.items() if not isinstance(files, Unknown) and _is_model(files)]
    if not models:
        return Unknown("no folder in it holds a config.pbtxt")
    rest = {name: files for name, files in inner.items() if name not in models and isinstance(files, tuple)}
    bare = tuple(name for name, files in rest.items() if any(file.isdecimal() for file in files))
    return ModelRepository(
        models=tuple(read_model(folder / name) for name in models),
        others=tuple(name for name in rest if name not in bare),
        bare=bare,
    )


def _is_string(name: str, line: str) -> bool:
    """Whether the placeholder stands within quotes, where any text parses."""
    return line[: line.index(f"${{{name}}}")].count('"') % 2 == 1


def _is_model(files: tuple[str, ...]) -> bool:
    return CONFIG in files


def read_model(folder: Path) -> RepositoryModel:
    """One model of a repository."""
    names = names_in(folder)
    known = () if isinstance(names, Unknown) else names
    versions = sorted(int(name) for name in known if name.isascii() and name.isdecimal() and len(name) < 19)
    latest = names_in(folder / str(versions[-1])) if versions else ()
    text = _text(folder / CONFIG)
    code = _text(folder / str(versions[-1]) / "model.py") if versions else ""
    return RepositoryModel(
        folder=folder.name,
        versions=tuple(versions),
        version_files=latest if isinstance(latest, tuple) else (),
        config=text if isinstance(text, Damaged | Unknown) else parse_filled(text),
        unfilled=unfilled(text) if isinstance(text, str) else (),
        code=code if isinstance(code, str) else "",
    )


def parse_filled(text: str) -> Config | Damaged:
    """The config; placeholders that stand where a number or a word must be are given one, so that the rest is read."""
    config = parse_config(text)
    if isinstance(config, Config) or not PLACEHOLDER.search(text):
        return config
    bare = BARE.sub(lambda found: found["text"] or "0", text)
    patched = parse_config(bare)
    return patched if isinstance(patched, Config) else config


def unfilled(text: str) -> tuple[tuple[str, str], ...]:
    """Each placeholder left in the text, and its line without blanks at the ends."""
    lines = (line.partition("#")[0].strip() for line in text.splitlines())
    return tuple((name, line) for line in lines for name in PLACEHOLDER.findall(line))


def _text(path: Path) -> str | Damaged | Unknown:
    head = read(path, SIZE_LIMIT + 1)
    if isinstance(head, Unknown):
        return head
    if len(head.data) > SIZE_LIMIT:
        return Unknown(f"{path.name} has {head.file_size} bytes; at most {SIZE_LIMIT} are read")
    try:
        return head.data.decode("utf-8")
    except UnicodeDecodeError as error:
        return Damaged(f"{path.name} is not UTF-8: {error.reason} at byte {error.start}")
