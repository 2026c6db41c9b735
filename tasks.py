"""The tasks: parse, call, print, exit. Each one reads as find, plan, execute, report; the thinking is elsewhere.

Heavy packages are imported by the modules that use them, inside the task, so that `invoke --list` stays fast.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from invoke import Context, Exit, task

ROOT = Path(__file__).parent


@contextmanager
def told() -> Iterator[None]:
    """Ends a task with the words and the exit code of the trouble it met, never with a traceback."""
    from environment.errors import ExitCode, Trouble

    try:
        yield
    except Trouble as trouble:
        raise Exit(f"error: {trouble}{_cause_in(trouble.log)}", code=trouble.code) from trouble
    except KeyboardInterrupt:
        raise Exit("interrupted: nothing half-made was kept", code=ExitCode.INTERRUPTED) from None


def _cause_in(log: Path | None) -> str:
    """What the log of the failed step says went wrong; nothing when there is no log, or no known cause in it."""
    if log is None or not log.is_file():
        return ""
    from doctor.diagnosis import explain
    from doctor.diagnosis_report import short

    cause = short(explain(log))
    return f"\n\n{cause}" if cause else ""


@task(help={"only": "pytest's -m expression, such as 'not docker'", "path": "the test file or folder to run"})
def test(c: Context, only: str = "", path: str = "tests") -> None:
    """Run the tests (all of them; `--only "not docker and not triton"` takes seconds)."""
    arguments = f" -m {_quoted(only)}" if only else ""
    c.run(f"{_quoted(sys.executable)} -m pytest{arguments} {_quoted(path)}", pty=sys.stdout.isatty())


@task
def lint(c: Context) -> None:
    """Check style and types: ruff, ruff format and mypy --strict."""
    for words in ("ruff check .", "ruff format --check .", "mypy ."):
        c.run(f"{_quoted(sys.executable)} -m {words}")


def _quoted(word: str) -> str:
    import shlex

    return shlex.quote(word)


@task(
    help={
        "tag": "one release in full, with sources",
        "compare": "a second tag: what differs from --tag",
        "json": "as data",
    }
)
def releases(c: Context, tag: str = "", compare: str = "", json: bool = False) -> None:
    """List the known releases; `--tag v0.10.0` shows one in full, `--compare v0.12.0` what differs."""
    with told():
        from environment.console import result, result_json
        from environment.releases.report import document, report

        if json:
            result_json("releases/1", document(tag, compare))
        else:
            result(report(tag, compare))


@task(
    iterable=["log"],
    help={
        "log": "name the cause of a failure from its log (repeatable; `-` is standard input)",
        "tag": "the release to judge for",
        "json": "as data",
        "lang": "en or zh",
        "explain": "all about one check, by id or slug",
        "strict": "warnings are failures, and every unanswered check is required",
    },
)
def doctor(
    c: Context,
    log: list[str],
    tag: str = "",
    json: bool = False,
    lang: str = "en",
    explain: str = "",
    strict: bool = False,
) -> None:
    """Say what is wrong with this host, or what went wrong by a --log, and the command that mends it."""
    with told():
        if log:
            from doctor.diagnosis_report import tell

            code = tell(log, json)
        else:
            from doctor import consultation

            code = consultation.explain(explain, lang) if explain else consultation.hold(tag, lang, json, strict)
    raise Exit(code=code)
