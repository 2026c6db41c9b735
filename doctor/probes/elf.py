"""What a shared library says of itself, by its headers: the one door to `pyelftools`. Nothing is loaded or run."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

from elftools.common.exceptions import ELFError, ELFParseError
from elftools.elf.dynamic import DynamicSection
from elftools.elf.elffile import ELFFile
from elftools.elf.sections import SymbolTableSection

from environment.unknown import Unknown

MOST_SYMBOLS = 500_000  # libtorch has fewer
# What pyelftools raises for a file that is cut or was never one.
DAMAGE = (ELFError, ELFParseError, ValueError, KeyError, IndexError, OverflowError, AttributeError, TypeError)


@dataclass(frozen=True, kw_only=True)
class Library:
    """A shared library: its names, what it loads, where it looks first, what it defines and what it wants."""

    path: str
    soname: str
    needed: tuple[str, ...]
    rpath: tuple[str, ...]
    runpath: tuple[str, ...]
    defined: frozenset[str]
    wanted: frozenset[str]


def read_library(file: Path, path: str = "") -> Library | Unknown:
    """The library in `file`, called `path` where it is loaded (in an image, say); Unknown when it is none."""
    try:
        with file.open("rb") as stream:
            return _library(ELFFile(stream), path or str(file))
    except OSError as error:
        return Unknown(f"{path or file} cannot be read: {error.strerror}")
    except DAMAGE as error:
        return Unknown(f"{path or file} is no whole ELF library: {type(error).__name__}: {error}")


def _library(elf: Any, path: str) -> Library:
    sections = list(elf.iter_sections())
    tags = _tags([section for section in sections if isinstance(section, DynamicSection)])
    tables = [each for each in sections if isinstance(each, SymbolTableSection) and each.name == ".dynsym"]
    symbols = [symbol for table in tables for symbol in islice(table.iter_symbols(), MOST_SYMBOLS) if symbol.name]
    return Library(
        path=path,
        soname=next(iter(tags["soname"]), ""),
        needed=tuple(tags["needed"]),
        rpath=_folders(tags["rpath"]),
        runpath=_folders(tags["runpath"]),
        defined=frozenset(symbol.name for symbol in symbols if symbol["st_shndx"] != "SHN_UNDEF"),
        wanted=frozenset(symbol.name for symbol in symbols if _is_wanted(symbol)),
    )


def _is_wanted(symbol: Any) -> bool:
    return bool(symbol["st_shndx"] == "SHN_UNDEF" and symbol["st_info"]["bind"] != "STB_WEAK")


def _tags(sections: list[Any]) -> dict[str, list[str]]:
    """The words of the dynamic section, by kind."""
    found: dict[str, list[str]] = {"soname": [], "needed": [], "rpath": [], "runpath": []}
    for tag in (tag for section in sections for tag in section.iter_tags()):
        name = str(tag.entry.d_tag).removeprefix("DT_").lower()
        if name in found:
            found[name].append(getattr(tag, name))
    return found


def _folders(lists: list[str]) -> tuple[str, ...]:
    return tuple(folder for words in lists for folder in words.split(":") if folder)
