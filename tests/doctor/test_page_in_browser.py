"""The page in a real browser: it fits a phone, and its colours follow the person's choice."""

from __future__ import annotations

import html
import re
import shutil
import subprocess
import zlib
from pathlib import Path

import pytest

from doctor import page
from doctor.checks.texts import LANGUAGES, texts
from doctor.judgement import judged
from tests.doctor.well import NOT_READ, WELL, changed

pytestmark = pytest.mark.browser
ILL = changed(WELL, {"gpus__devices": (), "host__memory": NOT_READ, "docker__engine": "down"})
PHONE = 360  # CSS pixels
FRAME = """<!doctype html><iframe width="{width}" height="600" srcdoc="{page}"
onload="const it=this.contentDocument;document.title=[it.documentElement.scrollWidth,it.images.length]"></iframe>"""


@pytest.fixture(scope="session")
def chromium() -> str:
    found = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if not found:
        pytest.skip("no Chromium here: sudo apt-get install chromium")
    return found


def browse(chromium: str, tmp_path: Path, *words: str) -> str:
    quiet = (
        "--headless",
        "--no-sandbox",
        "--disable-gpu",
        "--hide-scrollbars",
        f"--user-data-dir={tmp_path / 'profile'}",
    )
    done = subprocess.run([chromium, *quiet, *words], capture_output=True, text=True, timeout=120, check=True)
    return done.stdout


def first_pixel(png: bytes) -> tuple[int, ...]:
    """Red, green and blue of the upper left corner: whatever filter its row has, nothing lies before it."""
    chunks = re.findall(rb"IDAT(.*?)(?=.{8}(?:IDAT|IEND))", png, re.DOTALL)
    return tuple(zlib.decompressobj().decompress(chunks[0], 4)[1:4])


@pytest.mark.parametrize("language", LANGUAGES)
def test_it_fits_a_phone(chromium: str, tmp_path: Path, language: str) -> None:
    shown = page.page(judged(ILL, language), texts(language), heading="doctor: v0.10.0 on this host")
    frame = tmp_path / "frame.html"
    frame.write_text(FRAME.format(width=PHONE, page=html.escape(shown)), encoding="utf-8")
    title = re.search("<title>(.*)</title>", browse(chromium, tmp_path, "--dump-dom", frame.as_uri()))
    assert title is not None
    assert title.group(1) == f"{PHONE},0"


@pytest.mark.parametrize(("scheme", "bright"), [(1, True), (0, False)], ids=["light", "dark"])
def test_it_is_light_and_dark(chromium: str, tmp_path: Path, scheme: int, bright: bool) -> None:
    shown, shot = tmp_path / "page.html", tmp_path / "shot.png"
    shown.write_text(page.page(judged(ILL), texts("en"), heading="doctor"), encoding="utf-8")
    setting = f"--blink-settings=preferredColorScheme={scheme}"
    browse(chromium, tmp_path, setting, "--window-size=400,600", f"--screenshot={shot}", shown.as_uri())
    assert (min(first_pixel(shot.read_bytes())) > 200) is bright
