"""Builds from source on real engines: a Dockerfile of upstream's shape over a stand-in, in seconds."""

from __future__ import annotations

import os
import signal
import subprocess
from pathlib import Path

import msgspec
import pytest

from environment.docker_errors import DockerTrouble
from environment.errors import Trouble
from environment.images import readiness
from environment.images.actors import refuse_pointers
from environment.images.choice import choose
from environment.images.making import Made, make
from environment.images.order import Order
from environment.plan import Step
from environment.releases import Release
from tests.docker.conftest import UP, RealEngine, Registry
from tests.docker.standins import Upstream, committed, git, standin
from tests.waiting import soon

pytestmark = pytest.mark.docker
NAME = "trtllm-test:v0.10.0"
CHECKOUT = Path(os.environ.get("TRTLLM_BACKEND_CHECKOUT") or "/nonexistent")
BASE = "nvidia/tritonserver:24.03-py3"


@pytest.fixture
def base(engine: RealEngine, registry: Registry, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """The base image of v0.10.0's Dockerfile, at the registry only."""
    monkeypatch.setattr(readiness, "SOURCE_BUILD", 1_000_000)
    reference = f"{registry.host}/{BASE}"
    standin(engine, reference, tmp_path / "standin", container="24.03", torch="2.2.2")
    engine.docker("push", reference)
    engine.docker("image", "rm", reference)
    return reference


def built(release: Release, registry: Registry, workspace: Path) -> Made:
    choice = choose(release, "source")
    return make(Order(release=release, choice=choice, name=NAME, registry=registry.host, jobs=3), workspace)


def logs(workspace: Path) -> str:
    folder = workspace / "images/v0.10.0/logs"
    return "".join(file.read_text(encoding="utf-8") for file in sorted(folder.glob("*docker-build.log")))


def test_a_build_from_pinned_source(
    engine: RealEngine, registry: Registry, upstream: Upstream, base: str, tmp_path: Path
) -> None:
    made = built(upstream.release(), registry, tmp_path)
    assert made.new
    assert made.image.labels["io.trtllm.way"] == "source"
    assert all(finding.agrees for finding in made.findings)
    assert "BUILDING WITH ['--trt_root=', '-i', '-c', '--job_count', '3', '--cuda_architectures'" in logs(tmp_path)
    checkout = tmp_path / "images/v0.10.0/checkout"
    assert git(checkout / "tensorrt_llm", "rev-parse", "HEAD") == upstream.tensorrt_llm


def test_another_submodule_is_an_error_that_names_both(
    engine: RealEngine, registry: Registry, upstream: Upstream, base: str, tmp_path: Path
) -> None:
    other = "9bd15f1937f52658fb116f30d58fea786ce5d03b"
    real = upstream.release()
    release = msgspec.structs.replace(
        real,
        backend=msgspec.structs.replace(real.backend, submodule_commit=other),
        tensorrt_llm=msgspec.structs.replace(real.tensorrt_llm, commit=other),
    )
    with pytest.raises(Trouble, match=f"it is {upstream.tensorrt_llm}, the release pins {other}"):
        built(release, registry, tmp_path)


def test_a_failing_instruction_is_shown_and_nothing_is_left(
    engine: RealEngine, registry: Registry, upstream: Upstream, base: str, tmp_path: Path
) -> None:
    script = "echo unpacking; echo no space left on device; exit 7\n"
    release = upstream.changed({"docker/common/install_tensorrt.sh": script})
    before = engine.everything()
    with pytest.raises(DockerTrouble) as caught:
        built(release, registry, tmp_path)
    assert caught.value.id == "disk"
    assert "no space left on device" in str(caught.value)
    assert "install_tensorrt.sh" in str(caught.value)
    assert "docker system df" in caught.value.mend
    assert engine.everything() - before <= {base}


def test_an_interrupted_build_goes_on_from_the_cache(
    engine: RealEngine, registry: Registry, upstream: Upstream, base: str, tmp_path: Path
) -> None:
    compiler = "import time\nprint('COMPILING', flush=True)\ntime.sleep(8)\n"
    release = upstream.changed({"scripts/build_wheel.py": compiler})
    before = engine.everything()
    child = os.fork()
    if child == 0:
        signal.signal(signal.SIGINT, signal.default_int_handler)
        try:
            built(release, registry, tmp_path)
        except KeyboardInterrupt:
            os._exit(130)
        os._exit(1)
    assert soon(lambda: "COMPILING" in logs(tmp_path))
    os.kill(child, signal.SIGINT)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 130
    assert engine.everything() - before <= {base}
    assert built(release, registry, tmp_path).new
    assert "cache" in logs(tmp_path).lower()


def test_an_engine_that_dies_in_the_middle_of_a_build_is_told_of_and_a_second_call_makes_the_image(
    engine: RealEngine, daemon: int, registry: Registry, upstream: Upstream, base: str, tmp_path: Path
) -> None:
    compiler = "import time\nprint('COMPILING', flush=True)\ntime.sleep(8)\n"
    release = upstream.changed({"scripts/build_wheel.py": compiler})
    before = engine.everything()
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            built(release, registry, tmp_path)
        except DockerTrouble as trouble:
            os.write(writer, trouble.id.encode())
        os._exit(0)
    os.close(writer)
    assert soon(lambda: "COMPILING" in logs(tmp_path))
    os.kill(daemon, signal.SIGKILL)
    os.waitpid(child, 0)
    assert os.read(reader, 100) == b"daemon-lost", logs(tmp_path)[-300:]
    os.close(reader)
    subprocess.run([str(UP), "up"], check=True, capture_output=True)
    assert engine.everything() - before <= {base}
    assert built(release, registry, tmp_path).new


@pytest.mark.skipif(not CHECKOUT.is_dir(), reason="TRTLLM_BACKEND_CHECKOUT names no checkout of v0.10.0")
def test_upstreams_own_dockerfile_from_a_checkout(
    engine: RealEngine, registry: Registry, upstream: Upstream, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Every instruction of the genuine file runs, over a base whose compilers and installers only say what they do."""
    monkeypatch.setattr(readiness, "SOURCE_BUILD", 1_000_000)
    told = dict.fromkeys(("apt-get", "pip", "pip3", "cmake"), 'echo "TOLD $0 $*"')
    libraries = "libtriton_tensorrtllm.so libtriton_tensorrtllm_common.so trtllmExecutorWorker"
    reference = f"{registry.host}/{BASE}"
    programs = {**told, "make": f'echo "TOLD make $*"; touch {libraries}'}
    standin(engine, reference, tmp_path / "standin", programs, container="24.03", torch="2.2.2")
    names = ("dockerfile/Dockerfile.trt_llm_backend", "requirements.txt", "inflight_batcher_llm/scripts/build.sh")
    own = {name: CHECKOUT.joinpath(name).read_text(encoding="utf-8") for name in names}
    scripts = ("tensorrt.sh", "polygraphy.sh", "cmake.sh", "mpi4py.sh", "pytorch.sh")
    stubs = {f"docker/common/install_{name}": f"echo INSTALLING {name} $1  # {tmp_path}\n" for name in scripts}
    wheel = "import os, sys\nos.mkdir('build')\nopen('build/a.whl', 'w')\nprint('BUILDING WITH', sys.argv[1:])\n"
    stubs |= {"docker/common/pytorch_pr_116072.patch": "", "scripts/build_wheel.py": wheel}
    made = built(upstream.changed(stubs, own), registry, tmp_path)
    assert all(finding.agrees for finding in made.findings)
    said = logs(tmp_path)
    assert "INSTALLING pytorch.sh pypi" in said
    assert "'--trt_root=/usr/local/tensorrt', '-i', '-c', '--job_count', '3'" in said


def test_files_that_are_still_pointers_are_found_before_the_compile(tmp_path: Path) -> None:
    pointer = f"version https://git-lfs.github.com/spec/v1\noid sha256:{'0' * 64}\nsize 123456\n"
    committed(tmp_path / "llm", {".gitattributes": "*.a filter=lfs diff=lfs merge=lfs -text\n", "cpp/lib.a": pointer})
    words = ("git", "-C", str(tmp_path / "llm"), "lfs", "ls-files")
    with pytest.raises(Trouble, match=r"1 of 1 git-lfs files are still pointers: cpp/lib\.a"):
        refuse_pointers(words, Step(title="Look", tool="git-lfs", argv=words), tmp_path / "log")
    tmp_path.joinpath("llm/cpp/lib.a").write_bytes(b"!<arch>\n")
    refuse_pointers(words, Step(title="Look", tool="git-lfs", argv=words), tmp_path / "log")
