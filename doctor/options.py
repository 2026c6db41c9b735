"""What a person chooses of a report."""

from __future__ import annotations

from doctor.checks.texts import LANGUAGES
from environment.data import Value
from environment.errors import unknown_name


class Telling(Value, frozen=True, kw_only=True):
    """How the report is told, and which files are written beside it."""

    language: str = "en"
    json: bool = False
    html: str = ""
    save: str = ""
    strict: bool = False
    fix: bool = False
    quiet: bool = False

    def __post_init__(self) -> None:
        if self.language not in LANGUAGES:
            raise unknown_name("language", self.language, LANGUAGES)
