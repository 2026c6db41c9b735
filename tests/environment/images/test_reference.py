"""Image references: what is taken, what is refused, where a mirror goes."""

from __future__ import annotations

import pytest

from environment.errors import Usage
from environment.images.reference import checked_name, checked_reference, checked_registry, mirrored, parts

DIGEST = "sha256:" + "a" * 64


@pytest.mark.parametrize(
    ("reference", "expected"),
    [
        ("nvcr.io/nvidia/tritonserver:24.06", ("nvcr.io", "nvidia/tritonserver", "24.06")),
        ("127.0.0.1:5000/a/b", ("127.0.0.1:5000", "a/b", "latest")),
        (f"localhost/a@{DIGEST}", ("localhost", "a", DIGEST)),
        ("debian", ("docker.io", "library/debian", "latest")),
        ("nvidia/cuda:12", ("docker.io", "nvidia/cuda", "12")),
    ],
)
def test_parts(reference: str, expected: tuple[str, str, str]) -> None:
    assert parts(reference) == expected


def test_a_mirror_takes_nvidias_place_and_no_others() -> None:
    assert mirrored("nvcr.io/nvidia/x:1", "m:5000/p") == "m:5000/p/nvidia/x:1"
    assert mirrored("docker.io/library/x:1", "m:5000") == "docker.io/library/x:1"
    assert mirrored("nvcr.io/nvidia/x:1", "") == "nvcr.io/nvidia/x:1"


@pytest.mark.parametrize("good", ["host", "host:5000", "10.0.0.1:5000/a/b", "[::1]:5000", "registry.example.com/x/"])
def test_registries(good: str) -> None:
    assert checked_registry(good) == good.rstrip("/")


@pytest.mark.parametrize("bad", ["a b:c", "A:b", "a:", ":b", "a:b:c d", "--privileged", "a/../b", "a:" + "b" * 129])
def test_bad_references_are_refused(bad: str) -> None:
    with pytest.raises(Usage):
        checked_reference(bad)


def test_the_longest_names_and_ports_that_docker_takes() -> None:
    assert checked_name("a:" + "b" * 117) == "a:" + "b" * 117
    assert checked_name("a" * 255) == "a" * 255 + ":latest"
    assert checked_registry("host:65535") == "host:65535"


def test_a_name_without_a_tag_is_latest() -> None:
    assert checked_name("host:5000/a") == "host:5000/a:latest"
    assert checked_name("a:b") == "a:b"
