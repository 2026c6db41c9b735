"""Edits to our own files: shown, made, checked again, taken back; nothing outside the workspace is ever touched."""

from __future__ import annotations

import json
import stat
from collections.abc import Sequence
from pathlib import Path

import pytest

from doctor.asked import Named
from doctor.outcome import Outcome, State
from doctor.repair import edits, repair
from doctor.visit import Visit
from environment.workspace import Workspace


def outcome(name: str, state: State = State.FAIL, **data: object) -> Outcome:
    return Outcome(id=name, slug="s", title="t", state=state, message="m", data=data)


def visit(root: Path, *, engine: str = "", model: str = "", repository: str = "") -> Visit:
    return Visit(
        tag="v0.10.0", workspace=Workspace(root), named=Named(engine=engine, model=model, repository=repository)
    )


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


@pytest.fixture
def open_folder(tmp_path: Path) -> Path:
    root = tmp_path / "workspace"
    root.mkdir()
    root.chmod(0o777)
    return root


def test_an_edit_that_helps_stays(open_folder: Path, capfd: pytest.CaptureFixture[str]) -> None:
    after = repair([outcome("X007", own=True)], visit(open_folder), lambda: [outcome("X007", State.PASS)])
    assert mode(open_folder) == 0o775
    assert [each.state for each in after] == [State.PASS]
    assert f"chmod o-w {open_folder}" in capfd.readouterr().err.replace("\n", "")


def test_an_edit_that_does_not_help_is_taken_back(open_folder: Path) -> None:
    before: Sequence[Outcome] = [outcome("X007", own=True)]
    assert repair(before, visit(open_folder), lambda: before) == before
    assert mode(open_folder) == 0o777


def test_what_is_open_in_a_repository_of_ours_is_closed(open_folder: Path) -> None:
    config = open_folder / "repository" / "tensorrt_llm" / "config.pbtxt"
    config.parent.mkdir(parents=True)
    config.write_text("")
    config.chmod(0o666)
    wrong = outcome("X007", own=False, repository=["tensorrt_llm/config.pbtxt"])
    here = visit(open_folder, repository=str(open_folder / "repository"))
    repair([wrong], here, lambda: [outcome("X007", State.PASS)])
    assert (mode(config), mode(open_folder)) == (0o664, 0o777)


def test_nothing_is_planned_for_what_is_well_or_needs_root(open_folder: Path) -> None:
    assert edits([outcome("X007", State.PASS), outcome("D001"), outcome("G001")], visit(open_folder)) == []


def test_what_is_not_ours_is_never_touched(open_folder: Path, tmp_path: Path) -> None:
    other = tmp_path / "other"
    other.mkdir()
    (open_folder / "link").symlink_to(other)
    (other / "tokenizer_config.json").write_text("{}")
    here = visit(open_folder, engine=str(open_folder / "link"), model=str(other))
    assert edits([outcome("E012", names=["."]), outcome("C008", tokens=["eos_token"])], here) == []


def test_a_tokenizers_tokens_are_dropped_and_come_back(open_folder: Path) -> None:
    file = open_folder / "tokenizer_config.json"
    text = json.dumps({"eos_token": "</s>", "name": "猎豹"}, ensure_ascii=False)
    file.write_text(text, encoding="utf-8")
    wrong, here = outcome("C008", tokens=("eos_token",)), visit(open_folder, model=str(open_folder))
    repair([wrong], here, lambda: [outcome("C008", State.PASS)])
    assert json.loads(file.read_text(encoding="utf-8")) == {"name": "猎豹"}
    assert (open_folder / "tokenizer_config.json.orig").read_text(encoding="utf-8") == text

    file.write_text(text, encoding="utf-8")
    repair([wrong], here, lambda: [wrong])
    assert file.read_text(encoding="utf-8") == text
    assert sorted(path.name for path in open_folder.iterdir()) == ["tokenizer_config.json"]


def test_an_engines_files_are_closed_together(open_folder: Path) -> None:
    ranks = [open_folder / f"rank{number}.engine" for number in range(2)]
    for rank in ranks:
        rank.write_bytes(b"")
        rank.chmod(0o666)

    def again() -> Sequence[Outcome]:
        return [outcome("E012", State.WARN if any(mode(rank) & 0o002 for rank in ranks) else State.PASS)]

    wrong = outcome("E012", State.WARN, names=[rank.name for rank in ranks])
    after = repair([wrong], visit(open_folder, engine=str(open_folder)), again)
    assert [each.state for each in after] == [State.PASS]
    assert {mode(rank) for rank in ranks} == {0o664}
