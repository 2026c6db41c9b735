"""Fetches a repository of a hub: disk looked at first, resumed, every file checked, whole before it has its name."""

from __future__ import annotations

import hashlib
import os
import shutil
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import msgspec

from environment import turns
from environment.console import say
from environment.data import read_json
from environment.errors import Trouble
from environment.fetched import NAME, Fetched
from environment.layers import amount
from environment.staging import flush, write_whole
from recipes.hub import Interrupted, RemoteFile, Wanted, listed, opened

ATTEMPTS = 5  # at one file, each going on where the last one ended
STALL = 30.0  # seconds without a byte after which a connection is given up
SPARE = 1 << 30  # bytes that stay free on the disk
CHUNK = 1 << 22  # bytes
EVERY = 5.0  # seconds between two lines of progress
Progress = Callable[[int, int], None]


def fetch(wanted: Wanted, target: Path, progress: Progress, *, stall: float = STALL) -> dict[str, str]:
    """Fetches what is wanted beside `target` and renames it there; the SHA-256 of every file, recorded there too.

    A folder that was fetched whole before is left as it is. `progress` is told bytes so far and in all. Raises Trouble
    when the hub cannot be reached, the disk is too small, a file is not what the hub lists, or something else is at
    `target`; what is whole is kept, and the next call goes on from there.
    """
    partial = target.with_name(f"{target.name}.partial")
    if (there := fetched_before(wanted, target)) is None:
        with alone(partial):  # while it waited, another process may have fetched it
            there = fetched_before(wanted, target)
            if there is None:
                return _fetched(wanted, partial, target, progress, stall)
    say(f"{target} is there already")
    return there


def fetched_before(wanted: Wanted, target: Path) -> dict[str, str] | None:
    """The SHA-256 of every file of a folder that was fetched as this is wanted; None where nothing is yet.

    Raises Trouble for anything else that is there: what is downloaded could not take its place.
    """
    if not target.exists() or (target.is_dir() and not any(target.iterdir())):
        return None
    note = read_json(target / NAME, Fetched) if (target / NAME).is_file() else None
    if note is None or not _same(note, wanted) or any(not (target / name).is_file() for name in note.sha256):
        asked = " ".join((wanted.repository, "at", wanted.revision, *wanted.include))
        raise Trouble(
            f"{target} is there already and is not {asked}, whole",
            why=f"its {NAME} says {' '.join((note.name, *note.include))}" if note else f"it has no {NAME}",
            mend="choose another folder: --into DIR, or move that one away",
        )
    return note.sha256


def _same(note: Fetched, wanted: Wanted) -> bool:
    """Whether the folder was fetched as this is wanted."""
    return (note.repository, note.revision, set(note.include)) == (
        wanted.repository,
        wanted.revision,
        set(wanted.include),
    )


@contextmanager
def alone(partial: Path) -> Iterator[None]:
    """While inside, no other process fetches into the folder: a second one waits."""
    partial.mkdir(parents=True, exist_ok=True)
    handle = os.open(partial, os.O_RDONLY)
    try:
        turns.hold(handle, f"fetching into {partial}")
        yield
    finally:
        os.close(handle)
        with suppress(OSError):  # there is something in it, or it has its name by now
            partial.rmdir()


def _fetched(wanted: Wanted, partial: Path, target: Path, progress: Progress, stall: float) -> dict[str, str]:
    files = listed(wanted)
    check_room(files, partial)
    total, before = sum(file.size for file in files), 0
    sums: dict[str, str] = {}
    for file in files:
        sums[file.path] = fetch_file(file, partial / file.path, _of_all(progress, before, total), stall)
        before += file.size
    drop_others(partial, {*sums})
    note = Fetched(repository=wanted.repository, revision=wanted.revision, include=wanted.include, sha256=sums)
    write_whole(partial / NAME, msgspec.json.format(msgspec.json.encode(note), indent=2))
    flush(partial)
    partial.rename(target)
    return sums


def drop_others(partial: Path, wanted: set[str]) -> None:
    """Removes what an earlier download of something else left: a loader would read its weights, too."""
    for path in partial.rglob("*"):
        if path.is_file() and str(path.relative_to(partial)) not in wanted:
            path.unlink()


def _of_all(progress: Progress, before: int, total: int) -> Callable[[int], None]:
    """The progress of one file as that of all of them."""
    return lambda size: progress(before + size, total)


def check_room(files: tuple[RemoteFile, ...], partial: Path) -> None:
    """Raises Trouble when the disk has no room for what is still to come."""
    have = sum((partial / file.path).stat().st_size for file in files if (partial / file.path).is_file())
    needed = sum(file.size for file in files) - have + SPARE
    folder = next(parent for parent in (partial, *partial.parents) if parent.exists())
    if (free := shutil.disk_usage(folder).free) < needed:
        raise Trouble(
            f"the disk has {free / 1e9:.1f} GB free, {needed / 1e9:.1f} GB are needed",
            where=str(folder),
            mend="invoke engines --prune   shows what could go; or set TRTLLM_WORKSPACE to a larger disk",
        )


def fetch_file(file: RemoteFile, path: Path, progress: Callable[[int], None], stall: float) -> str:
    """Fetches one file, going on where an earlier attempt ended; its SHA-256. Raises Trouble."""
    path.parent.mkdir(parents=True, exist_ok=True)
    part, last = path.with_name(f"{path.name}.part"), ""
    if path.is_file() and path.stat().st_size == file.size:
        return checked(file, path)
    for _ in range(ATTEMPTS):
        try:
            receive(file, part, progress, stall)
        except Interrupted as interrupted:
            last = str(interrupted)
        if part.is_file() and part.stat().st_size == file.size:
            sum_ = checked(file, part)
            part.rename(path)
            return sum_
    have = part.stat().st_size if part.is_file() else 0
    raise Trouble(
        f"{file.path}: {have} of {file.size} bytes after {ATTEMPTS} attempts{f': {last}' if last else ''}",
        where=file.url,
        mend="run the same command again: it goes on where it stopped",
    )


def receive(file: RemoteFile, part: Path, progress: Callable[[int], None], stall: float) -> None:
    """One attempt: what is missing of the file. Raises Interrupted, or Trouble for more bytes than are listed."""
    start = part.stat().st_size if part.is_file() else 0
    if start >= file.size:
        start = 0
    with opened(file, start, stall) as (begins, pieces), part.open("r+b" if begins else "wb") as out:
        out.seek(begins)
        for piece in pieces:
            if out.tell() + len(piece) > file.size:
                part.unlink()
                what = f"{file.path}: the hub sends more than the {file.size} bytes it lists"
                raise Trouble(what, where=file.url, mend="run the same command again, or ask another hub: HF_ENDPOINT")
            out.write(piece)
            progress(out.tell())


def checked(file: RemoteFile, path: Path) -> str:
    """The SHA-256 of a file that has the sum (or git's id) that the hub lists; raises Trouble, and drops it, if not."""
    sha256, blob = hashlib.sha256(), hashlib.sha1(f"blob {file.size}\0".encode(), usedforsecurity=False)
    with path.open("rb") as handle:
        while chunk := handle.read(CHUNK):
            sha256.update(chunk)
            blob.update(chunk)
    for wanted, has in ((file.sha256, sha256.hexdigest()), (file.blob, blob.hexdigest())):
        if wanted and wanted != has:
            path.unlink()
            raise Trouble(
                f"{file.path} is not what the hub lists: its sum is {has}, not {wanted}",
                where=file.url,
                why="a corrupted weight file loads and answers nonsense",
                mend="run the same command again: the file was dropped and is fetched anew",
            )
    return sha256.hexdigest()


def shown() -> Progress:
    """Progress in bytes for the person watching: a line every few seconds, and one at the end."""
    began = last = time.monotonic()

    def tell(done: int, total: int) -> None:
        nonlocal last
        now = time.monotonic()
        if now - last > EVERY or done == total:
            last, rate = now, done / max(now - began, 0.001)
            say(f"{amount(done)} of {amount(total)}, {rate / 1e6:.1f} MB/s")

    return tell
