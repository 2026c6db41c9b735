"""Lock files: written whole, read strictly, compared loudly."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest

from environment.errors import Trouble
from environment.images.drift import differences
from environment.images.lock import making, pinned, refuse_another
from environment.images.lock_file import Lock, LockedBase, LockedImage, Pinned, read, write
from environment.images.order import ordered, pulled
from environment.images.planning import plan
from environment.machine import Machine

DIGEST = "sha256:" + "a" * 64
LOCK = Lock(
    release="v0.10.0",
    image=LockedImage(name="trtllm:v0.10.0", id="sha256:1", way="ngc", identity="same", layers=9),
    base=LockedBase(reference="nvcr.io/nvidia/tritonserver:24.06-trtllm-python-py3", digest=DIGEST),
    backend=Pinned(repo="a/b", commit="c" * 40),
    tensorrt_llm=Pinned(repo="d/e", commit="f" * 40),
    observed={"tensorrt": "10.0.1.6", "torch": "2.3.0"},
    upstream={"all_models/config.pbtxt": "00"},
)


def test_a_lock_comes_back_as_it_was(tmp_path: Path) -> None:
    write(LOCK, tmp_path / "lock.json")
    assert read(tmp_path / "lock.json") == LOCK
    assert [file.name for file in tmp_path.iterdir()] == ["lock.json"]


def test_the_same_stack_on_another_host_does_not_differ() -> None:
    other = msgspec.structs.replace(
        LOCK, image=LockedImage(name="x:y", id="sha256:2", way="ngc", identity="same", layers=9)
    )
    assert differences(LOCK, other) == ()


def test_every_difference_is_told_with_both_values() -> None:
    other = msgspec.structs.replace(
        LOCK,
        base=LockedBase(reference="x", digest="sha256:" + "b" * 64),
        observed={"tensorrt": "10.0.1.5", "torch": "2.3.0"},
        upstream={},
    )
    found = differences(LOCK, other)
    assert found == (
        f"base digest: locked {DIGEST}, found sha256:{'b' * 64}",
        "tensorrt: locked 10.0.1.6, found 10.0.1.5",
        "upstream all_models/config.pbtxt: locked 00, found nothing",
    )


def test_a_layer_on_top_is_a_difference() -> None:
    other = msgspec.structs.replace(LOCK, image=msgspec.structs.replace(LOCK.image, layers=10))
    assert differences(LOCK, other) == ("layers: locked 9, found 10",)


def test_what_an_image_was_built_from_is_compared_as_far_as_it_is_still_here() -> None:
    one, two = (LockedBase(reference="x", digest="sha256:" + letter * 64) for letter in "ab")
    locked = msgspec.structs.replace(LOCK, built_from={"BASE_IMAGE": one, "TRITON_IMAGE": one})
    assert differences(locked, LOCK) == ()
    other = msgspec.structs.replace(LOCK, built_from={"BASE_IMAGE": two})
    assert differences(locked, other) == (f"digest of BASE_IMAGE: locked {one.digest}, found {two.digest}",)


def test_a_locked_order_pulls_by_digest(tmp_path: Path) -> None:
    write(LOCK, tmp_path / "lock.json")
    locked = pinned(ordered(tag="v0.10.0", way="", name="", registry=""), tmp_path / "lock.json")
    assert pulled(locked)[0] == f"nvcr.io/nvidia/tritonserver@{DIGEST}"
    machine = Machine(processors=1, memory=1, swap=0, architectures=(), buildkit=True)
    assert f"docker pull nvcr.io/nvidia/tritonserver@{DIGEST}" in str(plan(locked, machine, Path("/w")))


@pytest.mark.parametrize(("tag", "way", "said"), [("v0.11.0", "", "locks v0.10.0"), ("v0.10.0", "source", "from ngc")])
def test_a_lock_of_something_else_is_refused(tmp_path: Path, tag: str, way: str, said: str) -> None:
    write(LOCK, tmp_path / "lock.json")
    with pytest.raises(Trouble, match=said):
        pinned(ordered(tag=tag, way=way, name="", registry=""), tmp_path / "lock.json")


def test_the_command_that_makes_an_image_can_be_pasted() -> None:
    assert making("v0.10.0", "trtllm:v0.10.0", "--locked") == "invoke image --tag v0.10.0 --locked"
    assert making("v0.10.0", "own:1") == "invoke image --tag v0.10.0 --name own:1"


def test_an_image_of_another_release_is_not_locked_as_this_one() -> None:
    refuse_another(LOCK, "v0.10.0")
    with pytest.raises(Trouble, match=r"trtllm:v0\.10\.0 is of v0\.10\.0, not v0\.11\.0"):
        refuse_another(LOCK, "v0.11.0")


@pytest.mark.parametrize("content", [b"", b"{", b"\xff\xfe", b'{"schema": "lock/1"}', b"[]", b'{"release": 1}'])
def test_a_damaged_lock_is_an_error_that_names_it(tmp_path: Path, content: bytes) -> None:
    file = tmp_path / "lock.json"
    file.write_bytes(content)
    with pytest.raises(Trouble, match=r"lock\.json"):
        read(file)


def test_a_checkpoint_with_another_file_is_a_difference_one_not_fetched_yet_is_none() -> None:
    name = "Qwen/Qwen2-7B-Instruct@f2826a0"
    locked = msgspec.structs.replace(LOCK, checkpoints={name: {"config.json": "aa", "model.safetensors": "bb"}})
    assert differences(locked, LOCK) == ()
    other = msgspec.structs.replace(LOCK, checkpoints={name: {"config.json": "aa", "model.safetensors": "cc"}})
    assert differences(locked, other) == (f"{name} model.safetensors: locked bb, found cc",)


def test_no_lock(tmp_path: Path) -> None:
    with pytest.raises(Trouble, match="there is no lock file") as caught:
        read(tmp_path / "none.json")
    assert caught.value.mend.startswith("invoke lock")
