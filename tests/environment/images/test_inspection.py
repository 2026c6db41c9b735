"""What an image is held against: what it says of itself, which may be anything."""

from __future__ import annotations

from typing import Any

import pytest

from environment.engine_answers import Image
from environment.errors import Usage
from environment.images import inspection
from environment.images.inspection import Inspection, compared_with, container_of, inspect, plan, release_of
from environment.releases import find


def image(labels: dict[str, str] | None = None, **env: str) -> Image:
    return Image(id="sha256:1", tags=(), digests=(), size=1, labels=labels or {}, env=env, user="")


def held(one: Image) -> str:
    found = Inspection(reference="a:b", image=one, release=release_of(one), observed={}, findings=())
    return compared_with(found)


def test_a_label_that_names_no_release_is_no_usage_error() -> None:
    strange = image({"io.trtllm.release": "v9.9.9\x1b[2J"})
    assert release_of(strange) is None
    assert held(strange) == "no known release: its label says v9.9.9 (name one with --tag)"


def test_every_container_that_is_listed_is_known_and_not_the_recommended_ones_alone() -> None:
    older = image(NVIDIA_TRITON_SERVER_VERSION="24.02")
    assert release_of(older) == find("v0.8.0")
    container = container_of(older, find("v0.8.0"))
    assert container is not None
    assert container.tag == "24.02-trtllm-python-py3"
    assert held(older) == "v0.8.0, which NVIDIA's 24.02-trtllm-python-py3 holds (--tag names another)"


def test_an_image_that_says_nothing_is_no_release() -> None:
    assert held(image()) == "no known release (name one with --tag)"
    assert held(image({"io.trtllm.release": "v0.10.0"})) == "v0.10.0"


def test_an_unknown_tag_is_told_before_anything_is_pulled(monkeypatch: pytest.MonkeyPatch) -> None:
    def pulls(*_words: Any) -> Image:
        raise AssertionError("pulled")

    monkeypatch.setattr(inspection, "connect", lambda: None)
    monkeypatch.setattr(inspection, "present", pulls)
    with pytest.raises(Usage, match="unknown release"):
        inspect("a:b", "v9.9.9")


def test_dry_prints_what_would_look_inside() -> None:
    script = str(plan("registry:5000/a:b"))
    assert "docker image inspect registry:5000/a:b >/dev/null 2>&1 ||\n    docker pull registry:5000/a:b" in script
    assert "docker run --rm --network=none --entrypoint python3 registry:5000/a:b -c " in script
