"""A server's log on standard output: its last lines, and what follows."""

from __future__ import annotations

import sys
import time
from collections import deque
from contextlib import nullcontext, suppress
from pathlib import Path

from environment.errors import Trouble, Usage
from recipes import chosen, running, runs

POLL = 0.2  # seconds


def show(folder: Path, name: str, *, lines: int, follow: bool) -> None:
    """The last `lines` lines of the server's log, also of one that has ended; with `follow`, what comes after.

    Ctrl-C is how following is meant to end: nothing is wrong then, and the server goes on.
    """
    if lines < 0:
        raise Usage(f"--lines {lines} is less than 0", mend="such as --lines 50")
    with suppress(KeyboardInterrupt) if follow else nullcontext():
        _show(folder, name, lines=lines, follow=follow)


def _show(folder: Path, name: str, *, lines: int, follow: bool) -> None:
    chosen = name or _only(folder)
    if (contained := runs.read(folder, chosen)) is not None and contained.container:
        from recipes import server_container

        server_container.show_log(contained, lines=lines, follow=follow)
        return
    path = runs.folder(folder, chosen) / runs.LOG
    if not path.exists():
        raise Trouble(f"there is no log of {name!r}", where=str(path), mend="./inv status")
    with path.open(encoding="utf-8", errors="replace") as file:
        sys.stdout.write("".join(deque(file, lines)))
        sys.stdout.flush()
        while follow and (run := runs.read(folder, path.parent.name)) is not None and running.alive(run):
            sys.stdout.write(file.read())
            sys.stdout.flush()
            time.sleep(POLL)


def _only(folder: Path) -> str:
    """The one server that runs, else the one whose log is the newest."""
    there = running.living(folder)
    if there:
        return chosen.choose(folder, "").name
    newest = max(folder.glob(f"*/{runs.LOG}"), key=lambda path: path.stat().st_mtime, default=None)
    if newest is None:
        raise Trouble("no server has run here", mend="./inv serve qwen2 --rehearse")
    return newest.parent.name
