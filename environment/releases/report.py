"""Releases for the eye: a table of all, one in full with its sources, and the differences of two."""

from __future__ import annotations

import shutil
import textwrap
from collections.abc import Iterable, Iterator, Sequence

import msgspec

from environment.releases.catalogue import DEFAULT_TAG, every, find, rules, stray_containers
from environment.releases.comparison import differences
from environment.releases.release import Release

WIDE = 115  # columns from which the container and the workflow are written out
NOTHING = "-"
PROVENANCE = ("source", "verified", "unverified_fields", "absent")
WORKFLOWS = {  # the engine workflow in one word, and written out
    "legacy_build_py": ("build.py", "build.py of the model"),
    "convert_checkpoint+trtllm-build": ("trtllm-build", "convert + trtllm-build"),
    "pytorch_llm_api": ("LLM API", "LLM API, engines legacy"),
}


def columns() -> int:
    """The width to write for: COLUMNS, else the terminal's, else 120."""
    return shutil.get_terminal_size((120, 24)).columns


def table(releases: Iterable[Release], width: int) -> str:
    """One line a release, within 80 columns, or with more written out where `width` allows."""
    wide = width >= WIDE
    head = ("TAG", "TENSORRT-LLM" if wide else "TRT-LLM", "TENSORRT", "CUDA", "NGC", "DRIVER", "ENGINES BY", "VERIFIED")
    return "\n".join([*_aligned([head, *(_row(release, wide) for release in releases)]), "", *_legend(wide)])


def _row(release: Release, wide: bool) -> tuple[str, ...]:
    container, driver = release.ngc.recommended_tag or NOTHING, release.driver
    return (
        release.tag,
        release.tensorrt_llm.version,
        release.versions.tensorrt,
        release.versions.cuda,
        container if wide else container.partition("-")[0] or NOTHING,
        f"{driver.minor_version_min}/{driver.native_min}" if wide else driver.minor_version_min,
        WORKFLOWS[release.engine_workflow.default][wide],
        f"{len(release.groups) - len(release.unverified)} of {len(release.groups)}",
    )


def _legend(wide: bool) -> list[str]:
    written_out = " / the one from which its image runs natively" if wide else ""
    return [
        "NGC       nvcr.io/nvidia/tritonserver:" + ("TAG" if wide else "YY.MM-trtllm-python-py3"),
        f"DRIVER    the least for the CUDA major version{written_out}",
        "VERIFIED  groups of facts read at the exact commit; --tag TAG shows each one",
    ]


def _aligned(rows: Sequence[Sequence[str]]) -> list[str]:
    widths = [max(map(len, cells)) for cells in zip(*rows, strict=True)]
    return ["  ".join(map(str.ljust, row, widths)).rstrip() for row in rows]


def full(release: Release, width: int) -> str:
    """Every fact of a release, group by group, with sources, what is weaker, and what is absent."""
    lines = [f"{release.tag}  {release.status}  {release.release_date or ''}".rstrip()]
    for note in release.notes:
        lines += _folded("- ", note, width, indent=2)
    for name, group in release.groups.items():
        lines += ["", f"{name}  ({'verified' if group.verified else 'NOT verified at the exact commit'})"]
        facts = {key: value for key, value in msgspec.to_builtins(group).items() if key not in PROVENANCE}
        lines += _facts(facts, set(group.unverified_fields), width)
        lines += _folded("absent  ", ", ".join(group.absent), width, indent=2) if group.absent else []
        for source in group.source:
            lines += _folded("source  ", source, width, indent=2)
    return "\n".join(lines)


def _facts(facts: dict[str, object], weaker: set[str], width: int) -> Iterator[str]:
    present = {name: value for name, value in facts.items() if value not in (None, (), [], {}, "")}
    space = max(map(len, present), default=0) + 2
    for name, value in present.items():
        mark = "  (not verified)" if any(field.partition(".")[0] == name for field in weaker) else ""
        yield from _folded(name.ljust(space), shown(value) + mark, width, indent=2)


def shown(value: object) -> str:
    """A value in words: yes and no, lists with commas, tables as name=value; nothing is a dash."""
    if value is None or value == ():
        return NOTHING
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, dict):
        return ", ".join(f"{name}={shown(part)}" for name, part in value.items() if part is not None)
    return ", ".join(map(shown, value)) if isinstance(value, (list, tuple)) else str(value)


def _folded(head: str, text: str, width: int, *, indent: int) -> list[str]:
    first, later = " " * indent + head, " " * (indent + len(head))
    folding = textwrap.TextWrapper(width, break_on_hyphens=False, break_long_words=False)
    folding.initial_indent, folding.subsequent_indent = first, later
    return folding.wrap(text)


def compared(before: Release, after: Release, width: int) -> str:
    """What differs between two releases: each field with both values, one under the other."""
    space = max(len(before.tag), len(after.tag)) + 2
    lines = [f"{before.tag} -> {after.tag}"]
    for difference in differences(before, after):
        lines += ["", difference.field]
        lines += _folded(before.tag.ljust(space), shown(difference.before), width, indent=2)
        lines += _folded(after.tag.ljust(space), shown(difference.after), width, indent=2)
    return "\n".join(lines if len(lines) > 1 else [*lines, "nothing differs"])


def report(tag: str = "", compare: str = "") -> str:
    """What `invoke releases` prints: the table, one release in full, or what differs from a second one."""
    if compare:
        return compared(find(tag or DEFAULT_TAG), find(compare), columns())
    return full(find(tag), columns()) if tag else table(every(), columns())


def document(tag: str = "", compare: str = "") -> dict[str, object]:
    """The same as data, for the schema `releases/1`."""
    if compare:
        before, after = find(tag or DEFAULT_TAG), find(compare)
        pair = {"before": before.tag, "after": after.tag}
        return {**pair, "differences": msgspec.to_builtins(differences(before, after))}
    if tag:
        return {"releases": [msgspec.to_builtins(find(tag))]}
    known = {"default": DEFAULT_TAG, "releases": every(), "rules": rules(), "stray_containers": stray_containers()}
    return {name: msgspec.to_builtins(value) for name, value in known.items()}
