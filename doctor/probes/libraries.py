"""Readings of MPI's libraries: which files there are, what they define, want and load. Headers only, nothing is run."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec
from msgspec import structs

from doctor.facts.linking import DEFAULT_FOLDERS, Libraries, Library
from doctor.facts.readings import Reading
from doctor.probes.sources import read_file
from doctor.probes.taking import Probe, Taken
from environment.unknown import Unknown

if TYPE_CHECKING:
    from doctor.probes.elf import Library as ElfLibrary

FIRST = ("libmpi", "libopen", "libhwloc", "libpmix", "libevent")
NAME = re.compile(r"lib(?:mpi|open-pal|open-rte|hwloc|pmix|event|event_core)\.so(?:\.\d+)*")
SYMBOL = re.compile(r"^_?(?:opal_|ompi_|orte_|hwloc_|PMIx_|pmix_|MPI_|PMPI_)")
KNOWN_FOLDERS = (
    "/usr/local/mpi/lib",
    "/opt/hpcx/ompi/lib",
    "/opt/hpcx/ucx/lib",
    "/usr/local/lib",
    "/usr/lib/openmpi/lib",
)
MOST = 64  # files


def probes() -> tuple[Probe, ...]:
    """The libraries a process of this host would load."""
    return (Probe(gives=("libraries",), read=_host, deadline=6),)


def _host() -> Taken:
    environment = tuple(word for word in os.environ.get("LD_LIBRARY_PATH", "").split(":") if word)
    conda = os.environ.get("CONDA_PREFIX")
    folders = (*_configured(), *DEFAULT_FOLDERS)
    others = (*KNOWN_FOLDERS, *([f"{conda}/lib"] if conda else []))
    yield "libraries", reading(Path("/"), environment, folders, files(Path("/"), (*environment, *folders, *others)))


def reading(root: Path, environment: tuple[str, ...], folders: tuple[str, ...], paths: Iterable[str]) -> Reading:
    """The libraries at `paths` under `root` as one reading; absent when there are none."""
    named = sorted(set(paths))[:MOST]
    if not any(Path(path).name.startswith("libmpi.so") for path in named):
        return Reading(status="absent", reason="there is no libmpi.so in any folder the dynamic linker looks into")
    said = _read(root, named)
    libraries = Libraries(
        environment=environment,
        folders=folders,
        found=_that_matter(each for each in said if isinstance(each, Library)),
        damaged=tuple(each.reason for each in said if isinstance(each, Unknown)),
    )
    return Reading(text=msgspec.json.encode(libraries).decode())


def _that_matter(found: Iterable[Library]) -> tuple[Library, ...]:
    """The libraries without the symbols that none of them wants: a host with PMIx defines ten thousand of those."""
    libraries = tuple(found)
    wanted = frozenset().union(*(library.wanted for library in libraries))
    return tuple(structs.replace(library, defined=library.defined & wanted) for library in libraries)


def files(root: Path, folders: Iterable[str]) -> Iterator[str]:
    """Every file of MPI and hwloc in these folders of a root file system, links included: a link is a name, too."""
    for folder in dict.fromkeys(folders):
        names = _names(root / folder.lstrip("/"))
        yield from (f"{folder.rstrip('/')}/{name}" for name in names if name.startswith(FIRST) and NAME.fullmatch(name))


def _names(folder: Path) -> list[str]:
    """The names in a folder; none where it is not there or may not be read, as the dynamic linker passes over it."""
    try:
        return os.listdir(folder)  # noqa: PTH208 - thousands of names, and paths take time
    except OSError:
        return []


def _configured() -> tuple[str, ...]:
    """The folders of /etc/ld.so.conf.d, in order."""
    files = sorted(Path("/etc/ld.so.conf.d").glob("*.conf"))
    lines = [line for file in files for line in read_file(file).text.splitlines()]
    return tuple(line.strip() for line in lines if line.strip().startswith("/"))


def _read(root: Path, paths: Iterable[str]) -> list[Library | Unknown]:
    """Every file once, whatever number of names it has: libmpi.so is libmpi.so.40, and /lib may be /usr/lib."""
    from doctor.probes.elf import read_library

    files = {path: (root / path.lstrip("/")).resolve() for path in paths}
    read = {file: read_library(file, path) for file, path in {file: path for path, file in files.items()}.items()}
    return [_reduced(path, read[file]) for path, file in files.items()]


def _reduced(path: str, said: ElfLibrary | Unknown) -> Library | Unknown:
    """What MPI and hwloc have to do with each other."""
    if isinstance(said, Unknown):
        return said
    return Library(
        path=path,
        names=tuple(dict.fromkeys(name for name in (Path(path).name, said.soname) if name)),
        needed=said.needed,
        rpath=said.rpath,
        runpath=said.runpath,
        defined=frozenset(filter(SYMBOL.match, said.defined)),
        wanted=frozenset(filter(SYMBOL.match, said.wanted)),
    )
