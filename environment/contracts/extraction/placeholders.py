"""Finds the placeholders of model-repository templates, and carries over what is known of them from other releases."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import msgspec

from environment.contracts.extraction.source import UNCHANGED
from environment.contracts.templates import Placeholder, Template, Templates
from environment.errors import Trouble

FAMILY = "all_models/inflight_batcher_llm"
PLACE = re.compile(r"\$\{(\w+)\}")
FIELD = re.compile(r"(\w+)\s*:")
KEY = re.compile(r"key\s*:\s*\"([^\"]+)\"")
BROKEN = "the file is not valid protobuf text any more: Triton cannot load the model"
COMMENT = "the line is commented out in the template; the value has no effect"
UNREAD = "the literal text stays in the model's parameters; what reads it was not looked at"


def templates(root: Path, release: str, known: Templates | None) -> dict[str, Template]:
    """The templates of a backend tree by model; what the text alone does not tell comes from `known`.

    Told of another release, it is marked unverified: nobody has read again what the code of this one does.
    """
    files = sorted((root / FAMILY).glob("*/config.pbtxt"))
    same = known is not None and known.release == release
    return {file.parent.name: _template(file, root, known, same) for file in files}


def _template(file: Path, root: Path, known: Templates | None, same: bool) -> Template:
    try:
        text = file.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise Trouble(f"cannot read {file}: {error}", mend=UNCHANGED) from error
    model = known.models.get(file.parent.name) if known else None
    told = {placeholder.name: placeholder for placeholder in model.placeholders} if model else {}
    rows = [_carried(placeholder, told.get(placeholder.name), same) for placeholder in placeholders(text)]
    return Template(config=file.relative_to(root).as_posix(), placeholders=tuple(rows))


def placeholders(text: str) -> Iterator[Placeholder]:
    """What the text of a config.pbtxt tells of its placeholders, in the order of their first occurrence."""
    seen: dict[str, Placeholder] = {}
    key: str | None = None
    for line in text.splitlines():
        if re.match(r"\s*#?\s*parameters\b", line):
            key = None
        key = found.group(1) if (found := KEY.search(line)) else key
        for match in PLACE.finditer(line):
            now = _placeholder(match.group(1), line[: match.start()], key)
            before = seen.get(now.name)
            seen[now.name] = msgspec.structs.replace(before, occurrences=before.occurrences + 1) if before else now
    yield from seen.values()


def _placeholder(name: str, before: str, key: str | None) -> Placeholder:
    quoted = before.rstrip().endswith('"') or before.count('"') % 2 == 1
    field = (FIELD.findall(before) or ["?"])[-1]
    comment = "#" in before
    return Placeholder(
        name=name,
        required=not quoted and not comment,
        field=field,
        quoted=quoted,
        if_unfilled=COMMENT if comment else UNREAD if quoted else BROKEN,
        parameter=key if field == "string_value" else None,
        commented_out=comment,
        verified=comment or not quoted,
    )


def _carried(row: Placeholder, told: Placeholder | None, same: bool) -> Placeholder:
    """The row with what is known of the same placeholder, where it stands in the same place."""
    if told is None or (told.quoted, told.parameter) != (row.quoted, row.parameter):
        return row
    if told.commented_out or row.commented_out:
        return row
    names = ("required", "required_when", "type", "default", "values", "if_unfilled", "documented_as")
    carried = msgspec.structs.replace(row, **{name: getattr(told, name) for name in names})
    return msgspec.structs.replace(carried, verified=told.verified if same else not row.quoted)
