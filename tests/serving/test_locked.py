"""`invoke serve qwen2 --tp 4 --locked`, as it is typed: what is locked is served, anything else is refused."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from environment.fetched import NAME as RECORD
from environment.image_layout import BACKEND, BASE, RELEASE, TENSORRT_LLM, UPSTREAM, WAY
from environment.releases import DEFAULT_TAG, find
from recipes.rehearsal.container.serving import image_of
from tests.serving.conftest import CHEETAH, Host, deployed
from tests.serving.test_typed import TYPED, Workplace, at  # noqa: F401

pytestmark = pytest.mark.docker


@pytest.fixture
def made(host: Host, image: str, tmp_path: Path) -> Iterator[str]:
    """The stand-in with every label of an image that `invoke image` made."""
    release, before = find(DEFAULT_TAG), host.docker("image", "inspect", "--format", "{{.Id}}", image)
    said = {
        RELEASE: release.tag,
        WAY: "ngc",
        BASE: image_of(deployed(tmp_path)),
        BACKEND: release.backend.commit,
        TENSORRT_LLM: release.tensorrt_llm.commit,
    }
    labels = (word for name, value in said.items() for word in ("--label", f"{name}={value}"))
    put_on(host, image, tmp_path / "made", *labels)
    yield image
    host.docker("tag", before, image)


def put_on(host: Host, image: str, folder: Path, *words: str, content: str = "") -> None:
    """Another image under the name: the old one, and a file on top of it."""
    folder.mkdir()
    folder.joinpath("x").write_text(content)
    folder.joinpath("Dockerfile").write_text(f"FROM {image}\nCOPY x {UPSTREAM}/tools/x\n")
    host.docker("build", "--quiet", *words, "--tag", image, str(folder))


def test_what_is_locked_is_served_and_anything_else_refused(at: Workplace, made: str) -> None:  # noqa: F811
    file = at.folder / "lock.json"

    def typed(*words: str, code: int = 0) -> str:
        done = at.host.typed(at.folder, *words, code=code, HF_ENDPOINT=at.endpoint, TRTLLM_LOCK=str(file))
        return done.stdout + done.stderr

    typed("lock")
    assert CHEETAH in typed(*TYPED, "--locked")
    typed("stop")
    typed("lock")
    assert len(json.loads(file.read_text())["checkpoints"]) == 1

    (record,) = at.folder.glob(f"checkpoints/*/{RECORD}")
    config = record.with_name("config.json")
    whole = config.read_text()
    config.write_text(f"{whole} ")
    assert " config.json: locked " in typed(*TYPED, "--locked", code=1)
    config.write_text(whole)

    put_on(at.host, made, at.folder / "other", content="changed")
    said = typed(*TYPED, "--locked", code=1)
    assert "upstream tools/x: locked " in said
    assert "layers: locked " in said
    assert at.host.left() == ""
