"""What `invoke contract` does with what it read: writes it beside the other contracts, or compares it with them."""

from __future__ import annotations

from pathlib import Path

import msgspec

from environment.contracts.catalogue import TEMPLATES
from environment.contracts.extraction.contracts import Extracted
from environment.contracts.record import Contract
from environment.contracts.templates import Templates
from environment.contracts.writing import text
from environment.data import read_json
from environment.errors import unusable
from environment.releases import find


def files(found: Extracted) -> dict[str, Contract | Templates]:
    """The files of a release by name."""
    named: dict[str, Contract | Templates] = {contract.tool: contract for contract in found.contracts}
    return named | ({TEMPLATES: found.templates} if found.templates else {})


def write(found: Extracted, folder: Path) -> None:
    """Writes a file for each program, and one for the templates; raises Trouble where nothing can be written."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for name, value in files(found).items():
            (folder / f"{name}.json").write_text(text(value), encoding="utf-8")
    except OSError as error:
        raise unusable(error, folder, "write") from error


def differences(found: Extracted, folder: Path) -> tuple[str, ...]:
    """Where the source and the shipped files do not agree, a line each; where it was read does not count."""
    lines: list[str] = []
    for name, value in files(found).items():
        path = folder / f"{name}.json"
        if not path.is_file():
            lines.append(f"{name}: no file is shipped for it")
        else:
            lines += [f"{name}: {line}" for line in _rows(value, read_json(path, type(value)))]
    return tuple(lines)


def _rows(source: Contract | Templates, shipped: Contract | Templates) -> list[str]:
    now, before = _parts(source), _parts(shipped)
    lines = [f"{name} is in the source and not in the file" for name in now if name not in before]
    lines += [f"{name} is in the file and not in the source" for name in before if name not in now]
    both = [name for name in now if name in before and now[name] != before[name]]
    return lines + [f"{name} is {now[name]} in the source, {before[name]} in the file" for name in both]


def _parts(value: Contract | Templates) -> dict[str, object]:
    if isinstance(value, Contract):
        return {" ".join([o.subcommand or "", *o.flags]).strip(): msgspec.to_builtins(o) for o in value.options}
    rows = [(model, row) for model, template in value.models.items() for row in template.placeholders]
    return {f"{model} ${{{row.name}}}": msgspec.to_builtins(row) for model, row in rows}


def told(found: Extracted, tag: str, folder: Path) -> str:
    """What was read and where it went, for the eye."""
    options = sum(len(contract.options) for contract in found.contracts)
    lines = [f"{find(tag).tag}: {len(found.contracts)} programs, {options} options"]
    if found.templates:
        rows = sum(len(template.placeholders) for template in found.templates.models.values())
        lines.append(f"{len(found.templates.models)} templates, {rows} placeholders")
    if not all(value.exact_commit for value in files(found).values()):
        lines.append("not all of it at the commit the release pins: marked so (exact_commit)")
    lines += [f"not read: {line}" for line in found.unread]
    return "\n".join([*lines, f"written to {folder}"])
