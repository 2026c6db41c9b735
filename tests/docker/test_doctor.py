"""The doctor looks into an image on a real engine, leaves nothing behind, and says what it found."""

from __future__ import annotations

from pathlib import Path

import pytest

from doctor.asked import Asked
from doctor.judgement import judged, subject
from doctor.outcome import State
from doctor.visit import taken, visit
from tests.docker.conftest import RealEngine

pytestmark = pytest.mark.docker


def test_an_image_is_looked_into_and_no_container_stays(engine: RealEngine, tmp_path: Path) -> None:
    before = engine.everything()
    here = visit("v0.10.0", Asked(), tmp_path, image="trtllm-test/python:1")
    said = {each.id: each for each in judged(subject(taken(here), here.release, here.asked))}
    assert said["D001"].state is State.PASS
    assert said["I012"].state is State.PASS, said["I012"].message
    assert said["I004"].state is State.FAIL
    assert said["I005"].state is State.SKIP, said["I005"].message
    assert engine.everything() == before


def test_an_image_that_is_not_there_is_unknown(engine: RealEngine, tmp_path: Path) -> None:
    here = visit("v0.10.0", Asked(), tmp_path, image="trtllm-test/nothing:here")
    said = {each.id: each for each in judged(subject(taken(here), here.release, here.asked))}
    assert said["I004"].state is State.UNKNOWN
    assert "no such image" in said["I004"].message.lower()
