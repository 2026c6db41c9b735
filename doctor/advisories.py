"""What vendors have published: vulnerabilities, their fixes, and branches that lead nowhere. Data, read once."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Annotated, Literal

from msgspec import Meta

from doctor.facts.versions import at_least, parts
from environment.data import Record, read_toml

FILE = Path(__file__).with_name("advisories.toml")
Product = Literal["triton", "tensorrt_llm", "container_toolkit", "runc", "docker"]
Source = Annotated[str, Meta(min_length=5)]
CRITICAL = 9.0  # CVSS


class DeadBranch(Record, frozen=True, kw_only=True):
    """A driver branch that NVIDIA's notes call not forward compatible; `forward` if only the later notes do."""

    branch: int
    forward: bool
    source: Source


class DriverFix(Record, frozen=True, kw_only=True):
    """The newest driver of a branch that fixes what was known; `supported` while the branch still gets fixes."""

    branch: int
    fixed_in: str
    supported: bool
    source: Source


class Bulletin(Record, frozen=True, kw_only=True):
    """One bulletin: what it fixes (CVE -> CVSS score), from which version on."""

    product: Product
    fixed_in: str
    source: Source
    cves: dict[str, Annotated[float, Meta(ge=0, le=10)]]
    also_fixed_in: str | None = None

    def concerns(self, version: str) -> bool:
        """Whether a version of the product lacks the fix; a newer branch may have got it on its own."""
        fixed = self.also_fixed_in if self.also_fixed_in and _minor(version) >= _minor(self.also_fixed_in) else None
        return not at_least(version, fixed or self.fixed_in)


class Advisories(Record, frozen=True, kw_only=True):
    """The file. `as_of` is the day of the newest material, as 2026-08-18."""

    as_of: Annotated[str, Meta(pattern=r"^\d{4}-\d{2}-\d{2}$")]
    dead_branches: tuple[DeadBranch, ...]
    driver_fixes: tuple[DriverFix, ...]
    bulletin: tuple[Bulletin, ...]

    def of(self, product: Product, version: str) -> tuple[Bulletin, ...]:
        """The bulletins whose fixes this version lacks."""
        return tuple(row for row in self.bulletin if row.product == product and row.concerns(version))


def _minor(version: str) -> tuple[int, ...]:
    return parts(version)[:2]


@cache
def advisories() -> Advisories:
    """All of it."""
    return read_toml(FILE, Advisories)
