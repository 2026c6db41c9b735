"""A group of facts of a release, with where they were read.

TOML has no null: a field that is not established, or does not apply, is left out of its group and named in the group's
`absent`. A field that is left out without being named there is missing, which is an error.
"""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta

from environment.data import Record

Text = Annotated[str, Meta(min_length=1)]
Commit = Annotated[str, Meta(pattern="^[0-9a-f]{40}$")]
Driver = Annotated[str, Meta(pattern=r"^[0-9]{3}(\.[0-9]{2,3}){0,2}$")]
Words = tuple[Text, ...]
Sources = Annotated[tuple[Text, ...], Meta(min_length=1)]


class Sourced(Record, frozen=True, kw_only=True):
    """A group of facts: where they were read, whether they were read at the exact commit, and which ones are weaker."""

    source: Sources
    verified: bool
    unverified_fields: Words = ()
    absent: Words = ()

    def __post_init__(self) -> None:
        fields = self.__struct_fields__
        strangers = {name.partition(".")[0] for name in (*self.unverified_fields, *self.absent)} - set(fields)
        if strangers:
            raise ValueError(f"`unverified_fields` or `absent` names no field of this group: {', '.join(strangers)}")
        empty = {name for name in fields if getattr(self, name) is None}
        if missing := sorted(empty - set(self.absent)):
            raise ValueError(f"missing required field `{missing[0]}` (a fact not established is named in `absent`)")
        if both := sorted(set(self.absent) - empty):
            raise ValueError(f"field `{both[0]}` has a value and is named in `absent`")
