"""Edits of copied files that a release needs, each a visible, reversible step (`patches.toml`)."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from functools import cache
from pathlib import Path

from environment.data import Record, read_toml
from environment.errors import Trouble
from environment.plan import Step
from recipes.recipe import Sources, Text

FILE = Path(__file__).parent / "patches.toml"
ALWAYS = ("end-with-client",)  # of every model that is served


class Edit(Record, frozen=True, kw_only=True):
    """Of each line: extended regular expression, replacement, and the text that must be there after. No releases: all.

    A replacement may be several lines.
    """

    files: tuple[Text, ...]
    releases: tuple[Text, ...] = ()
    find: Text
    replace: Text
    expect: Text

    @property
    def script(self) -> str:
        """The edit as a command of sed."""
        replacement = self.replace.rstrip("\n").replace("\n", "\\\n")
        return f"s/{self.find}/{replacement}/"

    def made(self, text: str) -> str:
        """The text with the edit in it, as sed makes it."""
        return re.sub(self.find, self.replace.rstrip("\n"), text, flags=re.MULTILINE)


class Patch(Record, frozen=True, kw_only=True):
    """Edits that belong together: what they do, and what happens without them."""

    title: Text
    why: Text
    source: Sources
    edits: tuple[Edit, ...]

    def due(self, release: str) -> dict[str, list[Edit]]:
        """The edits for a release by the file that they change."""
        edits = [edit for edit in self.edits if not edit.releases or release in edit.releases]
        files = dict.fromkeys(file for edit in edits for file in edit.files)
        return {file: [edit for edit in edits if file in edit.files] for file in files}


class Patches(Record, frozen=True, kw_only=True):
    """The file `patches.toml`."""

    patches: dict[str, Patch]


@cache
def table() -> dict[str, Patch]:
    """Every patch by name."""
    return read_toml(FILE, Patches).patches


def applied(names: Iterable[str], release: str, folder: str, output: str) -> tuple[Step, ...]:
    """The steps that edit the copies in `folder` for a release: the edits of a file, and a proof that each took."""
    due = [(name, file, edits) for name in names for file, edits in table()[name].due(release).items()]
    return tuple(step for name, file, edits in due for step in _steps(name, f"{folder}/{file}", file, edits, output))


def _steps(name: str, path: str, file: str, edits: Iterable[Edit], output: str) -> Iterator[Step]:
    patch = table()[name]
    keep = f"--in-place=.before-{name}"  # one copy a patch: undoing is moving it back
    scripts = [word for edit in edits for word in ("--expression", edit.script)]
    edit = ("sed", keep, "--regexp-extended", *scripts, path)
    yield Step(title=f"Patch {file}: {patch.title}", tool="sed", argv=edit, output=output, why=patch.why)
    for each in edits:
        proof = ("grep", "--quiet", "--fixed-strings", "--", each.expect, path)
        yield Step(title=f"See that {file} is patched", tool="grep", argv=proof, output=output, why=unless(patch))


def unless(patch: Patch) -> str:
    """Why an edit has to take."""
    return f"else the file is not the release's own, and {patch.why}"


def patched(files: Mapping[str, str], names: Iterable[str], release: str) -> dict[str, str]:
    """The files by name with the edits in them; raises Trouble for one that an edit does not change."""
    made = dict(files)
    for patch in map(table().__getitem__, names):
        for file, edits in patch.due(release).items():
            for edit in edits:
                made[file] = edit.made(made.get(file, ""))
                if edit.expect not in made[file]:
                    raise _refused(file, edit, patch, release)
    return made


def _refused(file: str, edit: Edit, patch: Patch, release: str) -> Trouble:
    what = f"{file} cannot be patched for {release}: no line of it is {edit.find}"
    return Trouble(what, why=unless(patch), mend=f"take the files of {release} as they are released")
