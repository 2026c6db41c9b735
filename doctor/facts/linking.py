"""Which MPI libraries a process would load together, and whether they fit. Pure.

Open MPI built with its own hwloc calls it by names with a prefix (`opal_hwloc201_hwloc_get_type_depth`), which only the
libopen-pal of the same build defines. When the dynamic linker finds another libopen-pal first, from the distribution or
from conda, the symbol is undefined (horovod/horovod#2187, NVIDIA/TensorRT-LLM#167).
"""

from __future__ import annotations

import posixpath

from doctor.facts.readings import Readings, Said, record
from environment.data import Value
from environment.unknown import Unknown, then

DEFAULT_FOLDERS = ("/lib/x86_64-linux-gnu", "/usr/lib/x86_64-linux-gnu", "/lib64", "/usr/lib64", "/lib", "/usr/lib")


class Library(Said, frozen=True, kw_only=True):
    """One library file, reduced to the symbols of Open MPI and hwloc. `names` are the names it can be found by."""

    path: str
    names: tuple[str, ...]
    needed: tuple[str, ...] = ()
    rpath: tuple[str, ...] = ()
    runpath: tuple[str, ...] = ()
    defined: frozenset[str] = frozenset()
    wanted: frozenset[str] = frozenset()


class Libraries(Said, frozen=True, kw_only=True):
    """All libraries of MPI and hwloc that were found, and where the dynamic linker looks, in order."""

    environment: tuple[str, ...] = ()
    folders: tuple[str, ...] = ()
    found: tuple[Library, ...] = ()
    damaged: tuple[str, ...] = ()


class Quarrel(Value, frozen=True, kw_only=True):
    """A symbol that `wanting` needs and nothing loaded defines. `taken` was loaded where `fitting` was meant."""

    symbol: str
    wanting: str
    taken: str
    fitting: str


class Linking(Value, frozen=True, kw_only=True):
    """What a process that uses MPI would load, in order, and the first thing that does not fit."""

    loaded: tuple[str, ...]
    quarrel: Quarrel | None
    damaged: tuple[str, ...]


def parse(readings: Readings, name: str) -> Linking | Unknown | None:
    """The linking of the libraries in a reading; None when there is no MPI."""
    if name not in readings or readings[name].status == "absent":
        return None
    return then(record(readings, name, Libraries), linked)


def linked(libraries: Libraries) -> Linking | Unknown | None:
    """What is loaded for libmpi, and whether every symbol of MPI and hwloc is there."""
    start = _find(libraries, "libmpi.so.40", None) or _find(libraries, "libmpi.so.12", None)
    if start is None:
        return Unknown(f"not readable: {', '.join(libraries.damaged)}") if libraries.damaged else None
    loaded = _closure(libraries, start)
    return Linking(
        loaded=tuple(library.path for library in loaded),
        quarrel=_quarrel(libraries, loaded),
        damaged=libraries.damaged,
    )


def _closure(libraries: Libraries, start: Library) -> list[Library]:
    """Breadth first, as the dynamic linker does; a name once loaded is not looked for again."""
    loaded, names = [start], {*start.names}
    for library in loaded:
        for name in library.needed:
            found = _find(libraries, name, library) if name not in names else None
            if found is not None:
                loaded.append(found)
                names |= {*found.names}
    return loaded


def _find(libraries: Libraries, name: str, asking: Library | None) -> Library | None:
    """The file taken for a name: the asker's RPATH, LD_LIBRARY_PATH, the asker's RUNPATH, the system's folders."""
    by_path = {posixpath.join(posixpath.dirname(lib.path), each): lib for lib in libraries.found for each in lib.names}
    for folder in _search(libraries, asking):
        if found := by_path.get(posixpath.join(folder, name)):
            return found
    return None


def _search(libraries: Libraries, asking: Library | None) -> list[str]:
    rpath = asking.rpath if asking and not asking.runpath else ()
    runpath = asking.runpath if asking else ()
    origin = posixpath.dirname(asking.path) if asking else ""
    places = (*rpath, *libraries.environment, *runpath, *libraries.folders, *DEFAULT_FOLDERS)
    return [_normal(place.replace("${ORIGIN}", "$ORIGIN").replace("$ORIGIN", origin)) for place in places]


def _normal(folder: str) -> str:
    return posixpath.normpath(folder)


def _quarrel(libraries: Libraries, loaded: list[Library]) -> Quarrel | None:
    defined = frozenset().union(*(library.defined for library in loaded))
    for library in loaded:
        for symbol in sorted(library.wanted - defined):
            fitting = next((other for other in libraries.found if symbol in other.defined), None)
            return Quarrel(
                symbol=symbol,
                wanting=library.path,
                taken=_taken(loaded, library, fitting),
                fitting=fitting.path if fitting else "",
            )
    return None


def _taken(loaded: list[Library], wanting: Library, fitting: Library | None) -> str:
    """The loaded library that stands where the fitting one should: the one of the same name, else libopen-pal."""
    names = {*fitting.names} if fitting else set()
    same = [library.path for library in loaded if names & {*library.names}]
    pal = [library.path for library in loaded if any(name.startswith("libopen-pal") for name in library.names)]
    return next((path for path in (*same, *pal) if path != wanting.path), "")


def cure(quarrel: Quarrel) -> str:
    """Which of the known cures fits what was found, as the name of a remedy."""
    if quarrel.fitting:
        return "path"  # the right one is here: it only has to be found first
    if any(word in quarrel.taken for word in ("conda", "/envs/")):
        return "conda"
    return "package" if quarrel.taken.startswith(("/usr/lib/", "/lib/")) else "rebuild"


def prefix(path: str) -> str:
    """/opt/hpcx/ompi of /opt/hpcx/ompi/lib/libopen-pal.so.40."""
    return posixpath.dirname(posixpath.dirname(path))
