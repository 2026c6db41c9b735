"""A recipe of one's own: a shipped one copied under another name, to be changed and given with --recipe-file."""

from __future__ import annotations

from pathlib import Path
from typing import TextIO

from environment.errors import Trouble, Usage, unusable
from recipes.deployment import NAME
from recipes.recipe import MODELS, find, names, read

HEAD = """\
# Made from the recipe {source}. Change the checkpoint (hub id and commit), its shape (config.json), and the limits;
# every value needs a source. Then:
#
#   invoke serve {name} --recipe-file {path} --dry

"""


def draft(name: str, source: str, folder: Path) -> Path:
    """Writes NAME.toml into the folder, a copy of the recipe `source`, replacing nothing; raises Usage or Trouble."""
    find(source)
    if not NAME.fullmatch(name):
        why = "letters, digits, '.', '_' and '-', at most 128"
        raise Usage(f"{name!r} is no usable name", why=why, mend=f"such as --new my-{source}")
    if name in names():
        raise Usage(f"there is a shipped recipe {name!r}", mend="choose another name")
    path = folder / f"{name}.toml"
    text = (MODELS / f"{source}.toml").read_text(encoding="utf-8")
    try:
        with path.open("x", encoding="utf-8") as file:
            _write(file, HEAD.format(source=source, name=name, path=path) + text, path)
    except FileExistsError as error:
        raise Trouble(f"{path} is there already", mend="choose another name, or move it away") from error
    except OSError as error:
        raise unusable(error, path, "write") from error
    read(path)
    return path


def _write(file: TextIO, text: str, path: Path) -> None:
    """Writes the new file, and leaves none where there is no room for it."""
    try:
        file.write(text)
        file.flush()
    except OSError:
        path.unlink()
        raise
