"""Builds from source with TensorRT-LLM's Makefile, on real engines with the buildx plugin: v0.20 and later."""

from __future__ import annotations

import json
import os
import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from environment.container import connect
from environment.docker_errors import DockerTrouble
from environment.errors import Trouble
from environment.images import lock, readiness
from environment.images.choice import choose
from environment.images.lock_file import write
from environment.images.making import Made, make
from environment.images.order import Order, source_name
from environment.machine import asked
from environment.releases import Release
from environment.unknown import Unknown
from tests.docker.company import EC, openssl
from tests.docker.conftest import RealEngine, Registry
from tests.docker.lfs import ATTRIBUTES, store
from tests.docker.makefile_upstream import HELD, TAG, repository, stubs
from tests.docker.standins import PACKAGES, Upstream, standin

pytestmark = pytest.mark.docker
NAME = f"trtllm-test:{TAG}"
CHECKOUT = Path(os.environ.get("TRTLLM_CHECKOUT") or "/nonexistent")


@pytest.fixture
def buildx(engine: RealEngine) -> None:
    """Debian 12's command line has no buildx; the plugin of the newer one works with it."""
    plugins = engine.config / "cli-plugins"
    plugins.unlink(missing_ok=True)
    plugins.symlink_to(next(engine.folder.parent.glob("*/cli/cli-plugins")))


@pytest.fixture
def bases(engine: RealEngine, registry: Registry, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[str, str]:
    """What the Dockerfile stands on, at the registry only: NVIDIA's PyTorch container, and Triton's."""
    monkeypatch.setattr(readiness, "SOURCE_BUILD", 1_000_000)
    pytorch, triton = (f"{registry.host}/nvidia/{name}:25.05-py3" for name in ("pytorch", "tritonserver"))
    programs = dict.fromkeys(("pip", "pip3", "ldconfig"), 'echo "TOLD $0 $*"')  # with any, it has no backend of its own
    installed(tmp_path / "pytorch" / "root" / PACKAGES / "tensorrt_llm")
    standin(engine, pytorch, tmp_path / "pytorch", programs, **HELD)
    folder = tmp_path / "triton"
    for part in ("backends/python", "lib", "include", "bin", "caches"):
        folder.joinpath("tritonserver", part).mkdir(parents=True)
        folder.joinpath("tritonserver", part, "file").write_text("")
    copy = "FROM trtllm-test/busybox:1\nCOPY tritonserver /opt/tritonserver\nLABEL io.trtllm.test=triton\n"
    folder.joinpath("Dockerfile").write_text(copy)
    engine.docker("build", "--quiet", "--tag", triton, str(folder))
    for reference in (pytorch, triton):
        engine.docker("push", reference)
        engine.docker("image", "rm", reference)
    return pytorch, triton


def installed(package: Path) -> None:
    """What the wheel of TensorRT-LLM leaves behind, as far as upstream's Dockerfile looks."""
    for name in ("bin/executorWorker", "libs/libnvinfer_plugin_tensorrt_llm.so"):
        file = package / name
        file.parent.mkdir(parents=True)
        shutil.copy2("/bin/true", file)


def order(release: Release, registry: Registry) -> Order:
    return Order(
        release=release,
        choice=choose(release, "source"),
        name=NAME,
        registry=registry.host,
        jobs=3,
        architectures=("90-real", "100-real"),
    )


def built(release: Release, registry: Registry, workspace: Path) -> Made:
    return make(order(release, registry), workspace)


def log(workspace: Path) -> str:
    files = sorted(workspace.glob(f"images/{TAG}/logs/*docker-build.log"))
    return files[0].read_text(encoding="utf-8")


def test_a_build_by_make(
    engine: RealEngine,
    registry: Registry,
    upstream: Upstream,
    buildx: None,
    bases: tuple[str, str],
    tmp_path: Path,
) -> None:
    with store() as libraries:
        with tmp_path.joinpath("gitconfig").open("a") as config:
            config.write(f"[lfs]\n\turl = {libraries.url}\n")
        library = libraries.pointer(b"!<arch>\n" + bytes(1000))
        release = repository(tmp_path / "github", {".gitattributes": ATTRIBUTES, "cpp/libbatch_manager.a": library})
        made = built(release, registry, tmp_path)
    said = log(tmp_path)
    assert all(finding.agrees for finding in made.findings)
    assert {"tensorrt_llm", "torch", "container", "backend"} <= {finding.name for finding in made.findings}
    assert (
        "BUILDING WITH ['--clean', '--benchmarks', '--cuda_architectures', '90-real;100-real', '--job_count', '3']"
        in said
    )
    assert "BUILDING THE BACKEND -s r25.05" in said
    assert "Pulling base image" not in said  # ours are watched
    labels = json.loads(engine.docker("image", "inspect", "--format", "{{json .Config.Labels}}", NAME))
    assert labels["io.trtllm.built-from"] == f"BASE_IMAGE={bases[0]} TRITON_IMAGE={bases[1]}"
    again = built(release, registry, tmp_path)
    assert not again.new


def test_a_build_by_make_is_handed_the_companys_ca(
    engine: RealEngine, registry: Registry, upstream: Upstream, buildx: None, bases: tuple[str, str], tmp_path: Path
) -> None:
    folder = tmp_path / "ca"
    folder.mkdir()
    openssl(folder, "req", "-x509", *EC, "-keyout", "ca.key", "-out", "ca.crt", "-days", "2", "-subj", "/CN=Company CA")
    line = folder.joinpath("ca.crt").read_text().splitlines()[2]
    script = f"grep --fixed-strings --count '{line}' $PIP_CERT && echo TRUSTED BY $APT_CONFIG\n"
    release = repository(tmp_path / "github", {"docker/common/install_base.sh": script})
    wanted = replace(order(release, registry), ca=str(folder / "ca.crt"))
    made = make(wanted, tmp_path)
    assert "TRUSTED BY /run/secrets/ca-apt" in log(tmp_path)
    assert "PIP_CERT" not in made.image.env


def test_a_locked_build_stands_on_the_locked_bases_although_their_tags_have_moved(
    engine: RealEngine, registry: Registry, upstream: Upstream, buildx: None, bases: tuple[str, str], tmp_path: Path
) -> None:
    release, file = repository(tmp_path / "github"), tmp_path / "lock.json"
    built(release, registry, tmp_path)
    locked = lock.taken(NAME, release.tag, tmp_path / "checkpoints")
    write(locked, file)
    digests = {name: base.digest for name, base in locked.built_from.items()}
    assert set(digests) == {"BASE_IMAGE", "TRITON_IMAGE"}
    assert all(digest.startswith("sha256:") for digest in digests.values())

    engine.docker("image", "rm", "--force", NAME, source_name(TAG), *bases)
    standin(engine, bases[0], tmp_path / "moved", {"nothing": "true"}, **{**HELD, "tensorrt_full": "10.11.0.32"})
    engine.docker("push", bases[0])
    engine.docker("image", "rm", bases[0])
    assert make(lock.pinned(order(release, registry), file), tmp_path).new
    lock.refuse_differences(file, NAME, tmp_path / "checkpoints")


def test_a_failing_instruction_is_shown_and_nothing_is_left(
    engine: RealEngine, registry: Registry, upstream: Upstream, buildx: None, bases: tuple[str, str], tmp_path: Path
) -> None:
    script = "echo 'c++: fatal error: Killed signal terminated program cc1plus'; exit 1\n"
    release = repository(tmp_path / "github", {"docker/common/install_base.sh": script})
    before = engine.everything()
    with pytest.raises(DockerTrouble) as caught:
        built(release, registry, tmp_path)
    assert caught.value.id == "oom"
    assert "--jobs N" in caught.value.mend
    assert "install_base.sh" in str(caught.value)
    assert engine.everything() - before <= set(bases)


def test_without_buildx_it_is_refused_before_a_byte_is_fetched(
    engine: RealEngine,
    registry: Registry,
    upstream: Upstream,
    bases: tuple[str, str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    (engine.config / "cli-plugins").unlink(missing_ok=True)
    none = Unknown("docker: 'buildx' is not a docker command.")
    monkeypatch.setattr(
        "environment.images.readiness.asked", lambda *words: none if "buildx" in words else asked(*words)
    )
    with pytest.raises(Trouble) as caught:
        built(repository(tmp_path / "github"), registry, tmp_path)
    assert "docker-buildx" in caught.value.mend
    assert connect().image(bases[0]) is None
    assert not tmp_path.joinpath("images").exists()


@pytest.mark.skipif(not CHECKOUT.is_dir(), reason="TRTLLM_CHECKOUT names no checkout of TensorRT-LLM v0.20 or later")
def test_upstreams_own_makefile_from_a_checkout(
    engine: RealEngine, registry: Registry, upstream: Upstream, buildx: None, bases: tuple[str, str], tmp_path: Path
) -> None:
    """Every instruction of the genuine Dockerfile runs, called by the genuine Makefile, over stubs that only speak."""
    names = ("docker/Makefile", "docker/Dockerfile.multi")
    own = {name: CHECKOUT.joinpath(name).read_text(encoding="utf-8") for name in names}
    made = built(repository(tmp_path / "github", {**stubs(own["docker/Dockerfile.multi"]), **own}), registry, tmp_path)
    assert all(finding.agrees for finding in made.findings)
    said = log(tmp_path)
    assert "'--cuda_architectures', '90-real;100-real', '--job_count', '3']" in said
    assert "INSTALLING docker/common/install_tensorrt.sh" in said
    assert "BUILDING THE BACKEND" in said
    assert "Pulling base image" not in said
