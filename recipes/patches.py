"""Edits of copied files that a model needs in some releases, each a visible, reversible step (`patches.toml`)."""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache
from pathlib import Path

from environment.data import Record, read_toml
from environment.plan import Step
from recipes.recipe import Sources, Text

FILE = Path(__file__).parent / "patches.toml"


class Patch(Record, frozen=True, kw_only=True):
    """One edit: extended regular expression, replacement, and the text that must be there after. No releases: all."""

    title: Text
    why: Text
    files: tuple[Text, ...]
    releases: tuple[Text, ...] = ()
    find: Text
    replace: Text
    expect: Text
    source: Sources


class Patches(Record, frozen=True, kw_only=True):
    """The file `patches.toml`."""

    patches: dict[str, Patch]


@cache
def table() -> dict[str, Patch]:
    """Every patch by name."""
    return read_toml(FILE, Patches).patches


def applied(names: Iterable[str], release: str, folder: str, output: str) -> tuple[Step, ...]:
    """The steps that edit the copies in `folder` for a release: one edit, and one proof that it took, a file."""
    due = [name for name in names if not table()[name].releases or release in table()[name].releases]
    return tuple(step for name in due for file in table()[name].files for step in _edit(name, folder, file, output))


def _edit(name: str, folder: str, file: str, output: str) -> tuple[Step, Step]:
    patch = table()[name]
    keep = f"--in-place=.before-{name}"  # one copy a patch: undoing is moving it back
    edit = ("sed", keep, "--regexp-extended", f"s/{patch.find}/{patch.replace}/", f"{folder}/{file}")
    proof = ("grep", "--quiet", "--fixed-strings", "--", patch.expect, f"{folder}/{file}")
    return (
        Step(title=f"Patch {file}: {patch.title}", tool="sed", argv=edit, output=output, why=patch.why),
        Step(title=f"See that {file} is patched", tool="grep", argv=proof, output=output),
    )
