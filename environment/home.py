"""The home folder of whoever calls, who may have none: an arbitrary user of a container, say."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path

from environment.errors import Usage


def home() -> Path:
    """The home folder; for a user without one the root, which is what Docker gives such a user, too."""
    with suppress(RuntimeError):
        return Path.home()
    return Path("/")


def expanded(path: str) -> Path:
    """The whole path, its `~` or `~NAME` written out, too; raises Usage for a home that nobody has."""
    try:
        return Path(path).expanduser().absolute()
    except RuntimeError as error:
        raise Usage(f"{path} names a home folder that is not known", mend="write the whole path: /...") from error
