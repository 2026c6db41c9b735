"""What differs between two releases, field by field."""

from __future__ import annotations

from collections.abc import Iterator

import msgspec

from environment.data import Record
from environment.releases.release import Release

NOT_COMPARED = {"source", "verified", "unverified_fields", "absent", "notes", "containers"}


class Difference(Record, frozen=True, kw_only=True):
    """One field that is not the same in both; None where a release has nothing for it."""

    field: str
    before: object
    after: object


def differences(before: Release, after: Release) -> tuple[Difference, ...]:
    """Every fact that differs between two releases, in the order of the data.

    Where it was read, remarks, and the list of containers (which belong to one release each) do not count.
    """
    old, new = dict(_leaves(msgspec.to_builtins(before))), dict(_leaves(msgspec.to_builtins(after)))
    fields = [*old, *(field for field in new if field not in old)]
    found = (Difference(field=field, before=old.get(field), after=new.get(field)) for field in fields)
    return tuple(difference for difference in found if difference.before != difference.after)


def _leaves(value: object, path: str = "") -> Iterator[tuple[str, object]]:
    if not isinstance(value, dict):
        yield path, value
        return
    for name, part in value.items():
        if name not in NOT_COMPARED:
            yield from _leaves(part, f"{path}.{name}" if path else name)
