"""A plan is a value whose text is shell that a POSIX shell runs word for word."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

from environment.plan import Plan, Step

HOSTILE = "a b'c\"$(touch canary)`touch canary`;|&\\ \u732b"


def plan_of(*steps: Step, in_image: tuple[str, ...] = ()) -> Plan:
    return Plan(purpose="try", release="v0.10.0", steps=steps, in_image=in_image)


def shell(text: str, folder: Path) -> str:
    return subprocess.run(["sh", "-c", text], cwd=folder, check=True, capture_output=True, text=True).stdout


def test_every_word_reaches_the_process_unchanged(tmp_path: Path) -> None:
    words = ("printf", "%s\\n", HOSTILE, "", "--flag", "x" * 200, "--last", "*")
    out = shell(str(plan_of(Step(title="t", tool="printf", argv=words))), tmp_path)
    assert out.split("\n") == [*words[2:], ""]
    assert list(tmp_path.iterdir()) == []


def test_a_container_step_goes_through_the_image(tmp_path: Path) -> None:
    step = Step(title="t", tool="x", argv=("sh", "-c", "echo $WHO"), where="container", env={"WHO": HOSTILE})
    plan = plan_of(step, in_image=("env", "IMAGE=1"))
    assert shell(str(plan), tmp_path) == HOSTILE + "\n"
    assert plan_of(step, in_image=("docker", "run", "img")).words(step)[:5] == (
        "docker",
        "run",
        "--env",
        f"WHO={HOSTILE}",
        "img",
    )


def test_a_step_whose_output_is_there_is_skipped(tmp_path: Path) -> None:
    made = tmp_path / "made it"
    step = Step(title="t", tool="touch", argv=("mkdir", str(made)), output=str(made))
    shell(str(plan_of(step, step)), tmp_path)  # a second mkdir would fail
    assert made.is_dir()


def test_a_step_whose_work_is_there_in_another_way_is_skipped(tmp_path: Path) -> None:
    step = Step(title="t", tool="mkdir", argv=("mkdir", "made it"), there=("test", "-d", "made it"))
    shell(str(plan_of(step, step)), tmp_path)  # a second mkdir would fail
    assert (tmp_path / "made it").is_dir()


def test_the_same_as_data() -> None:
    plan = plan_of(Step(title="t", tool="x", argv=("x",), env={"A": "b"}))
    data = plan.data()
    assert data["purpose"] == plan.purpose != ""
    assert json.loads(json.dumps(data))["steps"] == [
        {"title": "t", "where": "host", "tool": "x", "argv": ["x"], "env": {"A": "b"}, "output": ""}
    ]


def test_a_text_of_several_lines_stays_a_comment() -> None:
    """Of a recipe's own title and reasons the second line would be run."""
    evil = "fine\ntouch /tmp/evil\r\u2028touch /tmp/evil"
    step = Step(title=evil, tool="true", argv=("true",), why=evil)
    plan = Plan(purpose=evil, release=evil, steps=(step,), last=(step,), notes=(evil,))
    assert not [line for line in str(plan).splitlines() if line.startswith("touch")]
