"""What Invoke's configuration files say of images: `image: {registry: ..., ca: ...}`. They are written by hand."""

from __future__ import annotations

import msgspec

from environment.data import Record
from environment.errors import Usage


class Settings(Record, frozen=True, kw_only=True):
    """A mirror instead of nvcr.io, and a company's CA; "" for none."""

    registry: str = ""
    ca: str = ""


def checked_settings(said: object) -> Settings:
    """The settings under `image`, with what is left empty left out; raises Usage naming what is off."""
    given = {name: value for name, value in said.items() if value is not None} if isinstance(said, dict) else said
    try:
        return msgspec.convert({} if given is None else given, Settings)
    except msgspec.ValidationError as error:
        mend = 'for example image: {registry: "registry.example.com:5000", ca: ""}   in invoke.yaml or ~/.invoke.yaml'
        raise Usage(f"the settings under image: are off: {error}", mend=mend) from error
