"""Every release file loads and cites its sources; a broken one is refused with the field named."""

from collections.abc import Callable
from pathlib import Path

import pytest

from environment.data import read_toml
from environment.errors import ExitCode, Trouble, Usage
from environment.releases import DEFAULT_TAG, Release, every, find, rules, stray_containers, tags
from environment.releases.catalogue import FOLDER

WHOLE = (FOLDER / "v0.10.0.toml").read_text(encoding="utf-8")


def test_the_releases_are_known_in_the_order_of_their_versions() -> None:
    assert len(tags()) == 26
    assert tags()[:3] == ("v0.5.0", "v0.6.0", "v0.6.1")
    assert tags()[-1] == "v1.2.1"
    assert tags().index("v0.9.0") < tags().index("v0.10.0") < tags().index("v0.20.0")
    assert [release.version for release in every()] == sorted(release.version for release in every())


@pytest.mark.parametrize("tag", tags())
def test_every_group_of_every_release_cites_a_source(tag: str) -> None:
    release = find(tag)
    assert release.tag == tag
    assert all(source.strip() for group in release.groups.values() for source in group.source)
    assert {"chatglm", "llama", "qwen", "baichuan", "qwenvl", "multimodal"} == set(release.model_families)


def test_a_release_is_found_with_and_without_its_v() -> None:
    assert find("0.10.0") == find("v0.10.0") == find(DEFAULT_TAG)


def test_the_pinned_pair_of_the_default_release() -> None:
    release = find(DEFAULT_TAG)
    assert release.versions.tensorrt == "10.0.1.6"
    assert release.image == "nvcr.io/nvidia/tritonserver:24.06-trtllm-python-py3"
    assert release.driver.native_min == "550.54.14"
    assert release.container is not None
    assert release.container.tensorrt == "10.0.1"


def test_what_was_observed_in_a_container_beats_what_is_claimed_of_it() -> None:
    container = find("v0.9.0").container
    assert container is not None
    assert (container.claimed.tensorrt, container.observed.tensorrt) == ("10.0.1.6", "9.3.0")
    assert container.tensorrt == "9.3.0"


def test_a_release_without_a_container_says_so() -> None:
    assert find("v0.6.0").container is None
    assert find("v0.6.0").image is None


def test_shared_rules_and_stray_containers_have_sources() -> None:
    assert all(rule.source for rule in rules())
    assert len({rule.id for rule in rules()}) == len(rules())
    assert [container.tag[:5] for container in stray_containers()] == ["23.11", "25.11"]


NEAREST = [("v0.10.1", "v0.10.0"), ("0.11", "v0.11.0"), ("../../etc/passwd", "v1.2.1")]


@pytest.mark.parametrize(("typed", "nearest"), NEAREST)
def test_an_unknown_tag_names_the_nearest_else_what_is_known(typed: str, nearest: str) -> None:
    with pytest.raises(Usage) as caught:
        find(typed)
    assert caught.value.code == ExitCode.USAGE
    assert nearest in caught.value.why


BREAKS: dict[str, tuple[Callable[[str], str], str]] = {
    "an unknown field": (lambda text: text.replace('cudnn = "', 'cuddn = "1"\ncudnn = "'), "cuddn"),
    "an unknown group": (lambda text: text + '\n[extras]\nname = "x"\n', "extras"),
    "a missing required field": (lambda text: text.replace('tensorrt = "10.0.1.6"\n', ""), "tensorrt"),
    "a field neither there nor absent": (lambda text: text.replace('nccl = "2.20.5"\n', ""), "nccl"),
    "a field both there and absent": (
        lambda text: text.replace('absent = ["openmpi"]', 'absent = ["openmpi", "nccl"]'),
        "nccl",
    ),
    "a missing group": (lambda text: text.replace("[pins]", "[pinned]"), "pinned"),
    "a mistyped field": (lambda text: text.replace("fp8_min_sm = 89", 'fp8_min_sm = "89"'), "$.gpu.fp8_min_sm"),
    "no source": (lambda text: text.replace('source = ["NVIDIA/TensorRT-LLM@9bd15f19:setup.py"]', ""), "source"),
    "an empty source": (lambda text: text.replace("NVIDIA/TensorRT-LLM@9bd15f19:setup.py", ""), "source"),
    "an empty list of sources": (
        lambda text: text.replace('source = ["NVIDIA/TensorRT-LLM@9bd15f19:setup.py"]', "source = []"),
        "$.engine_workflow.source",
    ),
    "a short commit": (lambda text: text.replace("b92bdd79b6c50fb67203b6064e73662163012fe3", "b92bdd79"), "commit"),
    "a pair that does not match": (
        lambda text: text.replace('submodule_commit = "9bd15f', 'submodule_commit = "0bd15f'),
        "submodule_commit",
    ),
    "a version that is none": (lambda text: text.replace('"10.0.1.6"', '"ten"'), "$.versions.tensorrt"),
    "weaker fields that do not exist": (lambda text: text.replace('["ubuntu", "openmpi"]', '["ubuntoo"]'), "ubuntoo"),
    "no TOML": (lambda text: text[: len(text) // 2] + '"', "not a valid Release"),
}


@pytest.mark.parametrize("name", BREAKS)
def test_a_broken_file_is_refused_and_the_field_named(name: str, tmp_path: Path) -> None:
    damage, field = BREAKS[name]
    file = tmp_path / "v0.10.0.toml"
    file.write_text(damage(WHOLE), encoding="utf-8")
    assert file.read_text(encoding="utf-8") != WHOLE
    with pytest.raises(Trouble) as caught:
        read_toml(file, Release)
    assert field in str(caught.value)
    assert str(file) in str(caught.value)


@pytest.mark.parametrize("content", [b"", b"\xff\xfe\x00bad", b"\x00" * 1000])
def test_a_file_that_is_no_text_is_refused(content: bytes, tmp_path: Path) -> None:
    file = tmp_path / "v9.9.9.toml"
    file.write_bytes(content)
    with pytest.raises(Trouble, match=r"v9\.9\.9\.toml"):
        read_toml(file, Release)


def test_a_file_that_is_not_there_is_a_trouble(tmp_path: Path) -> None:
    with pytest.raises(Trouble, match="cannot read"):
        read_toml(tmp_path / "v9.9.9.toml", Release)
