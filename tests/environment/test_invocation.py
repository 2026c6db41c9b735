"""What goes wrong before a task begins is told without a traceback."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.command_line import invoke


@pytest.mark.parametrize("settings", ["image: [unclosed", "image: 5", "image:"])
def test_settings_that_cannot_be_read_are_told(settings: str, tmp_path: Path) -> None:
    file = tmp_path / "settings.yaml"
    file.write_text(settings + "\n")
    done = invoke("--config", str(file), "releases", workspace=tmp_path)
    assert done.returncode == 1
    assert "error: Invoke's settings cannot be read: " in done.stderr
    assert "mend   see invoke.yaml" in done.stderr
    assert "Traceback" not in done.stderr
