"""How a task ends: with the words and the exit code of the trouble it met, and the cause that its log names."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING

from invoke import Exit

from environment.workspace import current

if TYPE_CHECKING:
    from environment.errors import Trouble


@contextmanager
def told() -> Iterator[None]:
    """Ends a task with the words and the exit code of the trouble it met, never with a traceback."""
    from environment.errors import ExitCode, Trouble, no_space, of_a_file, worded

    try:
        with worded(words):
            yield
    except Trouble as trouble:
        raise Exit(f"error: {words(trouble)}", code=trouble.code) from trouble
    except BrokenPipeError:  # who reads has enough: `... | head`
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)  # where the interpreter's last flush goes
    except KeyboardInterrupt:
        raise Exit(
            "interrupted: what was started is stopped, nothing half-made is kept", code=ExitCode.INTERRUPTED
        ) from None
    except Exit:
        raise
    except Exception as bug:
        if known := no_space(bug, str(current().root)) or of_a_file(bug):
            raise Exit(f"error: {known}", code=known.code) from bug
        raise Exit(f"error: {_bug(bug)}", code=ExitCode.BUG) from bug


def _bug(error: Exception) -> str:
    import traceback

    where = traceback.extract_tb(error.__traceback__)[-1]
    lines = "".join(traceback.format_exception(error))
    return (
        f"this is a bug of the toolkit: {type(error).__name__}: {error}\n"
        f"  where  {Path(where.filename).name}:{where.lineno}\n  mend   please report it with {_kept(lines)}"
    )


def _kept(lines: str) -> str:
    """The file that now holds the lines: in the workspace, or among temporary files where that cannot be written."""
    import tempfile

    for folder in (current().root, Path(tempfile.gettempdir()) / f"trtllm-{os.getuid()}"):
        report = folder / "bug.txt"
        with suppress(OSError):
            folder.mkdir(parents=True, exist_ok=True)
            report.write_text(lines, encoding="utf-8")
            return str(report)
    return f"this:\n{lines}"


def words(trouble: Trouble) -> str:
    """The trouble, where its log is, and what that log says went wrong; nothing of a log that names no known cause."""
    cause = _cause_in(trouble.log) if trouble.log else ""
    place = f"\n  log    {trouble.log}" if cause and str(trouble.log) not in str(trouble) else ""
    return f"{trouble}{place}{cause}"


def _cause_in(log: Path) -> str:
    """What the log of the failed step says went wrong; nothing when there is no log, or no known cause in it."""
    if not log.is_file():
        return ""
    from doctor.diagnosis.cause import explain
    from doctor.diagnosis.report import short

    cause = short(explain(log))
    return f"\n\n{cause}" if cause else ""
