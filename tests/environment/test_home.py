"""Who has no home folder is not stopped by that, unless they name one."""

from __future__ import annotations

from pathlib import Path

import pytest

from environment.errors import Usage
from environment.home import expanded, home
from tests.command_line import invoke


@pytest.fixture
def homeless(monkeypatch: pytest.MonkeyPatch) -> None:
    """What Python says of a user that /etc/passwd does not know, without HOME."""
    monkeypatch.delenv("HOME", raising=False)

    def unknown(_: int) -> None:
        raise KeyError("uid not found")

    monkeypatch.setattr("pwd.getpwuid", unknown)


def test_it_is_that_of_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", "/somewhere")
    assert home() == Path("/somewhere")
    assert expanded("~/models") == Path("/somewhere/models")
    assert expanded("models") == Path.cwd() / "models"


@pytest.mark.usefixtures("homeless")
def test_without_one_it_is_the_root() -> None:
    assert home() == Path("/")
    assert expanded("/models") == Path("/models")
    with pytest.raises(Usage, match="~/models names a home folder that is not known"):
        expanded("~/models")


@pytest.mark.parametrize("option", ["--model-dir", "--recipe-file"])
def test_the_home_of_nobody_is_refused_when_it_is_said(option: str, tmp_path: Path) -> None:
    ran = invoke("build", "qwen2", option, "~no-such-user/x", "--dry", workspace=tmp_path)
    assert ran.returncode == 2
    assert "~no-such-user/x names a home folder that is not known" in ran.stderr
