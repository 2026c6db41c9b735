"""How well and how fast logs are diagnosed: recall, precision, false alarms, and time against `grep -E`."""

from __future__ import annotations

import os
import resource
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from msgspec.structs import replace

from doctor.diagnosis.cause import explain
from doctor.diagnosis.course import Line
from doctor.diagnosis.patterns import patterns
from doctor.diagnosis.signatures import loose
from doctor.diagnosis.symptoms import catalogue
from tests.benchmarks.measurement import Measurement
from tests.benchmarks.regular_expressions import extended
from tests.doctor.corpus import Recorded, Round, corpus, names, rounds
from tests.doctor.epilogues import EPILOGUES, silenced

GIGABYTE = 10**9
DIAGNOSE = """
import sys
from pathlib import Path
from doctor.diagnosis.cause import explain
explain(Path(sys.argv[1]))
print(next(line.split()[1] for line in open("/proc/self/status") if line.startswith("VmHWM")))
"""  # the largest resident size in KiB
LINES = (
    'I0120 08:28:09.425338 2049 model_lifecycle.cc:473] "loading: preprocessing:1"',
    "[TensorRT-LLM][INFO] TRTGptModel maxNumSequences: 256",
    'I1120 10:00:00.123456 1 http_server.cc:4522] "HTTP request: 2 /v2/models/ensemble/generate_stream"',
    "[TensorRT-LLM][WARNING] enable_trt_overlap is not specified, will be set to false",
    "[TensorRT-LLM][INFO] [MemUsageChange] Init cuBLAS/cuBLASLt: CPU +0, GPU +8, now: CPU 5584, GPU 28327 (MiB)",
)
ERROR = "2024-06-18T{:02}:{:02}:{:02}Z ERROR something odd happened in module 7"
LIMIT = 60  # seconds that grep is given for patterns with bounds


def measurements() -> Iterator[Measurement]:
    """Quality on logs never tuned to, which is what counts, and on the others; then speed and memory on a gigabyte."""
    yield from unseen()
    yield from spent()
    yield epilogues()
    yield from without_rows()
    yield from speed("plain", LINES)
    yield from speed(
        "every line behind a compose prefix and coloured", [f"triton-1  | \x1b[32m{line}" for line in LINES]
    )
    yield from speed("the same five lines over and over", LINES, strange=False)
    yield from speed("one error that no row knows, over and over", [ERROR.format(8, 11, 17)], strange=False)
    times = [ERROR.format(n // 3600, n // 60 % 60, n % 60) for n in range(86_400)]
    yield from speed("one error that no row knows, at other times", times, strange=False)


def unseen() -> Iterator[Measurement]:
    """Logs that these patterns were never tuned to: the held-back ones, and rounds that nothing was changed after."""
    held_back = corpus("held_back")
    yield from quality("held back", [log for log in held_back if not log.healthy], "0.90")
    yield alarms("held back", [log for log in held_back if log.healthy])
    yield from first_runs("held back", held_back)
    for round_ in rounds():
        if not round_.spent:
            yield from first_run(round_, "0.90", "0")


def spent() -> Iterator[Measurement]:
    """Logs that led to changes: what these patterns say of them now, and what earlier ones said at first."""
    yield from quality("development", corpus("development"))
    yield alarms("development", corpus("healthy"))
    logs = (*corpus("development"), *corpus("healthy"))
    for written, kind in ((False, "real logs, kept"), (True, "written logs, kept")):
        yield from first_runs(kind, [log for log in logs if log.written == written])
    for round_ in rounds():
        if round_.spent:
            yield from first_run(round_)


def quality(part: str, logs: Sequence[Recorded], goal: str = "") -> Iterator[Measurement]:
    """Recall and precision of the primary cause, and the logs whose cause is not named rightly."""
    judged = [(log, names(explain(log.path))) for log in logs]
    known = [log.answered_by(found) for log, found in judged if log.answer]
    yield ratio(f"{part}: recall of the primary cause", sum(known), len(known), goal)
    yield ratio(f"{part}: precision of the primary cause", sum(known), sum(bool(found) for _, found in judged))
    yield from (
        Measurement(name=f"  {log.file} -> {found[0] if found else 'none'}", value=log.answer or "none")
        for log, found in judged
        if not log.answered_by(found)
    )


def alarms(part: str, logs: Sequence[Recorded]) -> Measurement:
    """Healthy logs in which a failure is seen."""
    seen = sum(bool(explain(log.path).exit_code) for log in logs)
    return no_more(f"{part}: false alarms on {len(logs)} healthy logs", seen, "0")


def first_run(round_: Round, recall: str = "", alarms: str = "") -> Iterator[Measurement]:
    """What the first run over a round that is not kept gave."""
    if round_.causes:
        yield ratio(f"{round_.name}: recall of the primary cause, first run", round_.right, round_.causes, recall)
        yield ratio(f"{round_.name}: precision of the primary cause, first run", round_.right, round_.named)
    if round_.healthy:
        name = f"{round_.name}: false alarms on {round_.healthy} healthy logs, first run"
        yield no_more(name, round_.alarms, alarms)


def first_runs(kind: str, logs: Sequence[Recorded]) -> Iterator[Measurement]:
    """What was said of the kept logs before anything was changed because of them."""
    runs = Counter(log.first_run for log in logs)
    if causes := runs["right"] + runs["missed"]:
        yield ratio(f"{kind}: recall of the primary cause, first run", runs["right"], causes)
    if healthy := runs["silent"] + runs["alarm"]:
        yield no_more(f"{kind}: false alarms on {healthy} healthy logs, first run", runs["alarm"])


def no_more(name: str, number: int, goal: str = "") -> Measurement:
    """A count that had better be no greater than its goal."""
    return Measurement(name=name, value=str(number), goal=goal, met=not goal or number <= int(goal))


def epilogues() -> Measurement:
    """How often a failure is called otherwise, or nothing, because of what something else wrote behind it."""
    changed = sum(len(silenced(epilogue)) for epilogue in EPILOGUES)
    name = f"causes changed by {len(EPILOGUES)} epilogues behind {len(corpus('development'))} failures each"
    return no_more(name, changed, "0")


def without_rows() -> Iterator[Measurement]:
    """What the answer to an unknown failure is worth: no row is known, so that every failure is an unknown one.

    It is of use when it shows the line by which a row would have named the cause.
    """
    found = ((log, explain(log.path).told) for log in corpus("development") if log.answer)
    known = [(log, told.line) for log, told in found if told]
    bare = replace(catalogue(), symptoms=())
    answers = [(line, explain(log.path, bare)) for log, line in known]
    heard = sum(bool(answer.exit_code) for _, answer in answers)
    shown = sum(any(says(told, line) for told in answer.unknown) for line, answer in answers)
    steps = sum(answer.stage is not None for _, answer in answers)
    yield ratio("without any row: failures heard", heard, len(known))
    yield ratio("without any row: the line that names the cause is shown", shown, len(known))
    yield ratio("without any row: the step that broke off is named", steps, len(known))


def says(told: Line, line: Line) -> bool:
    """Whether a line that is shown is this one, or has its beginning in it."""
    return told.number == line.number or line.text[:60] in told.text


def ratio(name: str, part: int, whole: int, goal: str = "") -> Measurement:
    """A share, with its two numbers."""
    met = not goal or part >= float(goal) * whole
    value = f"{part / whole:.3f}" if whole else "no logs"
    return Measurement(name=f"{name} ({part} of {whole})", value=value, goal=goal, met=met)


def speed(name: str, lines: Sequence[str], *, strange: bool = True) -> Iterator[Measurement]:
    """Processor time of a whole process over a gigabyte, and of `grep -E -c` with the same patterns in the C locale.

    As they stand the patterns take `grep` long before it reads anything, and forever where lines differ: it gets a
    `LIMIT`. Without the bounds of their repeats they match more, and suit it best: that is told beside it, no goal.
    """
    with tempfile.TemporaryDirectory() as folder:
        log = Path(folder, "big.log")
        write_log(log, lines, strange=strange)
        regexes = [pattern.regex for pattern in patterns(catalogue())]
        theirs = grep(log, regexes, LIMIT)
        suited = grep(log, [*map(loose, regexes)])
        ours, peak = min(timed((sys.executable, "-c", DIAGNOSE, str(log))) for _ in range(2))
    about = f"1 GB, {name}"
    yield Measurement(name=f"{about}: diagnosis", value=f"{ours:.2f} s")
    yield Measurement(name=f"{about}: memory at the most", value=f"{int(peak) >> 10} MiB")
    more, less = (">", "<") if theirs >= LIMIT else ("", "")
    yield Measurement(name=f"{about}: grep -E", value=f"{more}{theirs:.2f} s")
    yield Measurement(name=f"{about}: ratio", value=f"{less}{ours / theirs:.2f}", goal="1.0", met=ours <= theirs)
    yield Measurement(name=f"{about}: grep -E, repeats without bounds", value=f"{suited:.2f} s")
    yield Measurement(name=f"{about}: ratio to that", value=f"{ours / suited:.2f}")


def grep(log: Path, regexes: Iterable[str], limit: float | None = None) -> float:
    """Processor time of `grep -E -c` with these patterns; the limit, in seconds, where it has not ended by then."""
    listed = log.with_name("patterns")
    listed.write_text("".join(f"{extended(regex)}\n" for regex in regexes), encoding="utf-8")
    try:
        return timed(("grep", "-E", "-c", "-f", str(listed), str(log)), limit)[0]
    except subprocess.TimeoutExpired as late:
        return late.timeout


def write_log(path: Path, lines: Sequence[str], *, strange: bool) -> None:
    """A gigabyte: these lines, and, where it is `strange`, one in some thousands from a failing log of the corpus.

    `grep` builds its automaton anew for lines that it has not seen the like of, and is several times as fast without.
    """
    failing = [line for log in corpus("development") for line in text(log).splitlines()]
    said = (failing[n % len(failing)] if strange and n % 5000 == 0 else lines[n % len(lines)] for n in range(200_000))
    block = "".join(f"{line}\n" for line in said)
    with path.open("wb") as file:
        while file.tell() < GIGABYTE:
            file.write(block.encode())


def text(log: Recorded) -> str:
    """The log as text, whatever its encoding."""
    return log.path.read_text(encoding="utf-8", errors="replace")


def timed(words: tuple[str, ...], limit: float | None = None) -> tuple[float, str]:
    """Seconds of processor time, and what was printed. Both programs have one thread."""
    environment = {**os.environ, "LC_ALL": "C"}
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    done = subprocess.run(words, check=False, env=environment, capture_output=True, text=True, timeout=limit)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    if done.stderr:
        raise RuntimeError(done.stderr)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime, done.stdout.strip()
