"""Prose reaches the eye as it was said."""

from __future__ import annotations

import pytest

from environment.console import say


@pytest.mark.parametrize("text", ["own:a: made", "trtllm:v0.10.0:latest: x", "[bold]as it is[/bold]", "a:smile:b"])
def test_what_is_said_is_neither_markup_nor_a_picture(text: str, capfd: pytest.CaptureFixture[str]) -> None:
    say(text)
    assert capfd.readouterr().err == f"{text}\n"
