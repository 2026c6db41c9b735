"""How a task ends: with the words and the exit code of the trouble it met, and the cause that its log names."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from invoke import Exit

from environment.workspace import current


@contextmanager
def told() -> Iterator[None]:
    """Ends a task with the words and the exit code of the trouble it met, never with a traceback."""
    from environment.errors import ExitCode, Trouble, no_space

    try:
        yield
    except Trouble as trouble:
        raise Exit(f"error: {trouble}{_cause_in(trouble.log)}", code=trouble.code) from trouble
    except BrokenPipeError:  # who reads has enough: `... | head`
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)  # where the interpreter's last flush goes
    except KeyboardInterrupt:
        raise Exit("interrupted: nothing half-made was kept", code=ExitCode.INTERRUPTED) from None
    except Exit:
        raise
    except Exception as bug:
        if full := no_space(bug, str(current().root)):
            raise Exit(f"error: {full}", code=full.code) from bug
        raise Exit(f"error: {_bug(bug)}", code=ExitCode.BUG) from bug


def _bug(error: Exception) -> str:
    import traceback

    where = traceback.extract_tb(error.__traceback__)[-1]
    lines = "".join(traceback.format_exception(error))
    report = current().root / "bug.txt"
    report.parent.mkdir(parents=True, exist_ok=True)
    report.write_text(lines, encoding="utf-8")
    return (
        f"this is a bug of the toolkit: {type(error).__name__}: {error}\n"
        f"  where  {Path(where.filename).name}:{where.lineno}\n  mend   please report it with {report}"
    )


def _cause_in(log: Path | None) -> str:
    """What the log of the failed step says went wrong; nothing when there is no log, or no known cause in it."""
    if log is None or not log.is_file():
        return ""
    from doctor.diagnosis import explain
    from doctor.diagnosis_report import short

    cause = short(explain(log))
    return f"\n\n{cause}" if cause else ""
