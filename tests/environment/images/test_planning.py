"""The plan of an image, for every release: pinned, explained, and equal to the release's facts."""

from __future__ import annotations

import subprocess
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from environment.errors import Trouble, Usage
from environment.images.choice import WAYS, Way, choose
from environment.images.compilation import estimate, jobs_for
from environment.images.order import Order, ordered
from environment.images.planning import identity, plan
from environment.machine import Machine, this
from environment.plan import Plan
from environment.releases import every, find, tags
from environment.unknown import Unknown

GOLDEN = Path(__file__).parents[2] / "plans"
BIG = Machine(processors=24, memory=64 * 10**9, swap=0, architectures=("90-real",), buildkit=True)
SMALL = Machine(processors=16, memory=16 * 10**9, swap=0, architectures=Unknown("no nvidia-smi"), buildkit=False)


def planned(tag: str = "v0.10.0", way: str = "", machine: Machine = BIG, registry: str = "", jobs: int = 0) -> Plan:
    order = ordered(tag=tag, way=way, name="", registry=registry, jobs=jobs, architectures="")
    return plan(order, machine, Path("/workspace"))


EXPECTED = [("v0.10.0", "ngc"), ("v0.10.0", "source"), ("v0.21.0", "source")]


@pytest.mark.parametrize(("tag", "way"), EXPECTED)
def test_the_plan_is_the_one_we_expect(tag: str, way: str) -> None:
    """Write them again with: python -m tests.environment.images.test_planning."""
    expected = GOLDEN / f"image-{way}-{tag}.sh"
    assert str(planned(tag, way)) == expected.read_text(encoding="utf-8")


@pytest.mark.parametrize(("tag", "way"), EXPECTED)
def test_the_plan_is_posix_shell(tag: str, way: str) -> None:
    subprocess.run(["sh", "-n"], input=str(planned(tag, way)), text=True, check=True)


def has_way(tag: str, way: Way) -> bool:
    ngc = find(tag).ngc
    return way == "source" or (bool(ngc.recommended_image) and ngc.exact_release is not False)


@pytest.mark.parametrize(("tag", "way"), [(tag, way) for tag in tags() for way in WAYS if has_way(tag, WAYS[way])])
def test_every_release_plans(tag: str, way: str) -> None:
    assert planned(tag, way).steps[-2].argv[-1] == f"trtllm:{tag}"


@pytest.mark.parametrize("tag", [tag for tag in tags() if not has_way(tag, "ngc")])
def test_what_is_missing_is_said(tag: str) -> None:
    """Also of v0.12.0, whose container is known to hold something else: it would be refused after the pull."""
    with pytest.raises(
        Trouble, match=rf"no NVIDIA container is known to hold {tag}|holds 0\.12\.0\.dev\d+, not {tag}"
    ) as caught:
        planned(tag, "ngc")
    assert caught.value.mend == f"invoke image --tag {tag} --from source"


@pytest.mark.parametrize("tag", tags())
def test_every_release_plans_by_its_best_way(tag: str) -> None:
    assert planned(tag).purpose.startswith(f"trtllm:{tag}: ")


@pytest.mark.parametrize("tag", [tag for tag in tags() if find("v0.8.0").version <= find(tag).version])
def test_the_plan_holds_the_releases_own_facts(tag: str) -> None:
    release, text = find(tag), str(planned(tag, "source"))
    assert release.tensorrt_llm.commit in text
    for value in release.source_build.build_args.values():
        assert value in text
    if release.source_build.dockerfile_repo == release.backend.repo:
        assert f"docker pull {release.source_build.base_image}" in text
        assert release.backend.commit in text
    if has_way(tag, "ngc"):
        assert f"docker pull {release.ngc.recommended_image}" in str(planned(tag, "ngc"))


@pytest.mark.parametrize(
    ("tag", "way", "because"),
    [
        ("v0.10.0", "ngc", "24.06-trtllm-python-py3 holds exactly v0.10.0"),
        ("v0.12.0", "source", "holds 0.12.0.dev2024080600, not v0.12.0"),
        ("v0.8.0", "source", "has no tensorrt_llm package to build engines with"),
        ("v0.18.1", "source", "no NVIDIA container is known to hold v0.18.1"),
        ("v0.16.0", "ngc", "what is inside is verified"),
    ],
)
def test_the_best_way_is_chosen_and_explained(tag: str, way: Way, because: str) -> None:
    choice = choose(find(tag))
    assert choice.way == way
    assert because in choice.why


def test_v0_10_0_is_not_pulled_from_24_05() -> None:
    assert "24.05" not in str(planned())


def test_a_mirror_replaces_nvidias_registry_everywhere() -> None:
    for release in every():
        for way in WAYS.values():
            try:
                text = str(planned(release.tag, way, registry="mirror.example:5000/nv"))
            except Trouble:
                continue
            assert "nvcr.io" not in text


def test_jobs_follow_memory_and_can_be_told() -> None:
    assert (jobs_for(BIG), jobs_for(SMALL)) == (24, 8)
    assert jobs_for(Machine(processors=64, memory=10**9, swap=0, architectures=(), buildkit=True)) == 1
    assert "--job_count 3 " in str(planned(way="source", jobs=3))
    assert "add swap" in estimate(SMALL, 8)


def test_a_proxy_is_passed_on_by_name_so_that_its_password_is_nowhere(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTPS_PROXY", "http://user:secret@proxy.example:3128")
    here = this()
    assert "HTTPS_PROXY" in here.proxies
    text = str(planned(way="source", machine=here))
    assert "--build-arg HTTPS_PROXY" in text
    assert "secret" not in text


def test_without_gpus_the_releases_own_architectures_are_built() -> None:
    assert '--cuda_architectures "70-real;80-real;86-real;89-real;90-real"' in str(planned(way="source", machine=SMALL))


@pytest.mark.parametrize("tag", [r.tag for r in every() if r.source_build.method == "dockerfile"])
def test_sed_really_sets_the_jobs(tag: str, tmp_path: Path) -> None:
    """Runs the plan's own sed and grep on the line that upstream's Dockerfile has."""
    file = tmp_path / "Dockerfile"
    line = find(tag).source_build.build_wheel_line
    file.write_text(f"RUN cd tensorrt_llm && {line} && cd ..\n", encoding="utf-8")
    steps = {step.tool: step for step in planned(tag, "source").steps}
    for tool in ("sed", "grep"):
        subprocess.run([*steps[tool].argv[:-1], str(file)], check=True)
    assert file.read_text(encoding="utf-8").startswith(f"RUN cd tensorrt_llm && {line} --job_count 24 ")


@pytest.mark.parametrize("tag", [r.tag for r in every() if r.source_build.method == "make_tritonrelease"])
def test_make_is_told_of_the_name_the_jobs_and_the_mirror(tag: str) -> None:
    steps = {step.tool: step for step in planned(tag, "source", registry="mirror.example/nv").steps[::-1]}
    argv = steps["docker-build"].argv
    assert argv[:2] == ("make", "-C")
    assert {"tritonrelease_build", f"IMAGE_WITH_TAG=trtllm-source:{tag}", "BUILD_WHEEL_OPTS=--job_count 24"} <= set(
        argv
    )
    handed = next(word for word in argv if word.startswith("DOCKER_BUILD_ARGS="))
    assert "--build-arg=TRITON_IMAGE=mirror.example/nv/nvidia/tritonserver" in handed
    known = find(tag).source_build.base_image is not None
    assert ("-o" in argv, "DOCKER_BUILD_OPTS=--load" in argv) == (known, known)


def test_everything_a_build_stands_on_is_pulled_where_it_is_watched() -> None:
    pulls = [step.argv[-1] for step in planned("v0.17.0", "source").steps if step.tool == "docker-pull"]
    assert pulls == ["nvcr.io/nvidia/tritonserver:25.01-py3", "nvcr.io/nvidia/pytorch:25.01-py3"]


def test_other_architectures_are_another_image_and_another_mirror_is_not() -> None:
    one = ordered(tag="v0.10.0", way="source", name="", registry="")
    assert identity(one) != identity(replace(one, architectures=("90-real",)))
    assert identity(one) == identity(replace(one, registry="mirror.example", ca="/a", jobs=4))
    pulled = ordered(tag="v0.10.0", way="ngc", name="", registry="")
    assert identity(pulled) == identity(replace(pulled, architectures=("90-real",)))


def test_the_identity_ignores_the_host_and_follows_the_release() -> None:
    one, two = (Order(release=find(tag), choice=choose(find("v0.10.0")), name="a:b") for tag in ("v0.10.0", "v0.11.0"))
    assert identity(one) != identity(two)
    assert identity(one) == identity(Order(release=one.release, choice=one.choice, name="c:d", jobs=9))


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ({"tag": "v0.10.1"}, "unknown release 'v0.10.1'"),
        ({"way": "nvc"}, "did you mean 'ngc'"),
        ({"jobs": -1}, "--jobs -1"),
        ({"architectures": "sm_90"}, "--arch 'sm_90'"),
        ({"architectures": '90-real" && curl x'}, "is no CUDA architecture"),
        ({"name": "Upper:case"}, "--name 'Upper:case'"),
        ({"name": "a:b@sha256:" + "0" * 64}, "has a digest"),
        ({"registry": "https://nvcr.io"}, "is no registry"),
        ({"registry": "user:secret@host"}, "is no registry"),
        ({"registry": "host:5000/a b"}, "is no registry"),
        ({"registry": "-host"}, "is no registry"),
        ({"registry": "host:65536"}, "is no registry"),
        ({"registry": "host:0"}, "is no registry"),
        ({"name": "a:" + "b" * 118}, "--name has a tag of 118 characters"),
        ({"name": "a" * 256 + ":b"}, "has 256 characters before its tag"),
    ],
)
def test_words_are_checked_where_they_enter(words: dict[str, Any], said: str) -> None:
    usual: dict[str, Any] = {"tag": "", "way": "", "name": "", "registry": "", "jobs": 0, "architectures": ""}
    with pytest.raises(Usage) as caught:
        ordered(**{**usual, **words})
    assert said in str(caught.value)
    assert "secret" not in str(caught.value)


if __name__ == "__main__":
    for tag, way in EXPECTED:
        GOLDEN.joinpath(f"image-{way}-{tag}.sh").write_text(str(planned(tag, way)), encoding="utf-8")
