"""What a person sees of a build, from the lines that either builder writes."""

from __future__ import annotations

import io
import re

import pytest
from rich.console import Console

from environment.progress import BuildProgress, PullProgress, clock, stage_of, working
from tests.waiting import soon


@pytest.mark.parametrize(
    ("line", "stage"),
    [
        (
            "#7 [trt_llm_builder 3/4] COPY tensorrt_llm tensorrt_llm",
            "trt_llm_builder 3/4: COPY tensorrt_llm tensorrt_llm",
        ),
        ("#5 [2/3] COPY upstream /opt/trtllm/upstream", "stage 2/3: COPY upstream /opt/trtllm/upstream"),
        ("#12 [stage-1  2/10] RUN make", "stage-1 2/10: RUN make"),
        ("Step 3/12 : RUN bash /tmp/install.sh", "stage 3/12: RUN bash /tmp/install.sh"),
        ("#7 sha256:00 1.2MB / 3.4MB 0.1s", ""),
        ("#1 [internal] load build definition from Dockerfile", ""),
        ("", ""),
        ("Successfully built 1234", ""),
    ],
)
def test_stages(line: str, stage: str) -> None:
    assert stage_of(line) == stage


def test_a_long_instruction_is_cut() -> None:
    assert len(stage_of("Step 1/2 : RUN " + "x" * 500)) < 100


def test_each_stage_is_said_once(capfd: pytest.CaptureFixture[str]) -> None:
    progress = BuildProgress()
    for line in ("Step 1/2 : FROM a", " ---> 00", "Step 1/2 : FROM a", "Step 2/2 : RUN b"):
        progress(line)
    assert [line.strip().rpartition(",")[0] for line in capfd.readouterr().err.splitlines()] == [
        "stage 1/2: FROM a",
        "stage 2/2: RUN b",
    ]


def test_a_step_that_says_nothing_is_seen_to_be_at_work(capfd: pytest.CaptureFixture[str]) -> None:
    said: list[str] = []

    def said_twice() -> bool:
        said.append(capfd.readouterr().err)
        return "".join(said).count("\n") >= 2

    with working(every=0.05):
        assert soon(said_twice)
    assert all(re.fullmatch(r" *at work for \d+\.\d s", line) for line in "".join(said).splitlines())
    capfd.readouterr()
    with working(every=60):
        pass
    assert capfd.readouterr().err == ""


@pytest.mark.parametrize("width", [40, 60, 80])
def test_a_narrow_terminal_takes_from_the_instruction_and_not_from_the_time(
    width: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    screen = Console(file=io.StringIO(), force_terminal=True, width=width, color_system=None)
    monkeypatch.setattr("environment.progress.eye", lambda: screen)
    running = clock()
    running.add_task(
        "builder 12/15: RUN cd tensorrt_llm && python3 scripts/build_wheel.py --trt_root=/usr/local/tensorrt"
    )
    with screen.capture() as shown:
        screen.print(running.get_renderable())
    (line,) = shown.get().splitlines()
    assert " 0:00:00 builder 12/15: RUN" in line
    assert len(line) <= width


@pytest.mark.parametrize(("term", "live"), [("xterm", True), ("dumb", False)])
def test_a_terminal_that_cannot_move_its_cursor_is_told_in_plain_lines(
    term: str, live: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TERM", term)
    screen = Console(file=io.StringIO(), force_terminal=True, width=80)
    monkeypatch.setattr("environment.progress.eye", lambda: screen)
    with PullProgress() as pull, BuildProgress() as build:
        assert (pull.bars is not None, build.clock is not None) == (live, live)
