"""Claimed against observed, as values."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import msgspec
import pytest

from environment.errors import Trouble
from environment.images.choice import WAYS
from environment.images.planning import PROBE_SCRIPT
from environment.images.probed import Probed
from environment.images.verification import agree, claims, compare, observations, one_mpi, refuse_differences
from environment.releases import every, find
from environment.workspace import PROJECT


@pytest.mark.parametrize(
    ("claimed", "observed", "same"),
    [
        ("10.0.1", "10.0.1.6", True),
        ("10.0.1.6", "10.0.1", True),
        ("9.2.0.4", "9.2.0.5", False),
        ("3.10", "3.10.12", True),
        ("3.10", "3.1", False),
        ("0.12.0", "0.12.0.dev2024080600", False),
        ("2.2.2", "2.2.2+cu121", True),
        ("2.3.0a0+40ec155e58.nv24.3", "2.3.0a0+40ec155e58.nv24.03", True),
        ("2.3.0a0+40ec155e58.nv24.3", "2.3.0a0+6ddf5cf85e.nv24.4", False),
        ("12.4.0", "12.4.0.041", True),
        ("24.06", "24.06", True),
        ("24.06", "24.05", False),
        ("one installation", "two: /a with /b", False),
        ("0.10.0", "", False),
    ],
)
def test_versions_agree_as_far_as_both_go(claimed: str, observed: str, same: bool) -> None:
    assert agree(claimed, observed) is same


def test_the_two_halves_of_open_mpi_have_to_come_from_one_place() -> None:
    assert one_mpi("/opt/hpcx/lib/libmpi.so.40", "/opt/hpcx/lib/libopen-pal.so.40") == "one installation"
    assert one_mpi("/usr/lib/libmpi.so.40", "/opt/hpcx/lib/libopen-pal.so.40").startswith("two: /usr/lib")
    assert one_mpi(None, None) == ""


def test_every_release_claims_what_matters_of_every_way() -> None:
    for release in every():
        for way in WAYS.values():
            claimed = claims(release, way)
            assert {"tensorrt", "python", "mpi"} <= claimed.keys()
            assert way == "ngc" or {"tensorrt_llm", "cuda"} <= claimed.keys()
            assert all(isinstance(value, str) and value for value in claimed.values())


def test_v0_10_0_claims_what_is_listed() -> None:
    claimed = claims(find("v0.10.0"), "ngc")
    assert (claimed["container"], claimed["triton"], claimed["tensorrt"]) == ("24.06", "2.47.0", "10.0.1.6")
    assert claims(find("v0.10.0"), "source")["container"] == "24.03"


def test_a_container_that_can_only_serve_need_not_have_the_python_packages_nor_the_bases_cuda() -> None:
    claimed = claims(find("v0.8.0"), "ngc")  # its own 24.03, of which no document says a CUDA version
    assert not {"tensorrt_llm", "tensorrt (pip)", "torch", "cuda"} & claimed.keys()
    assert claimed["backend"] == "libtriton_tensorrtllm.so"
    assert {"tensorrt_llm", "tensorrt (pip)", "cuda"} <= claims(find("v0.8.0"), "source").keys()


def test_another_container_of_a_release_is_held_against_what_is_said_of_that_one() -> None:
    release = find("v0.8.0")
    older = next(container for container in release.containers if container.tag.startswith("24.02"))
    assert (claims(release, "ngc")["container"], claims(release, "ngc", older)["container"]) == ("24.03", "24.02")
    assert claims(release, "ngc", older)["triton"] == "2.43.0"


def probed(**changes: Any) -> Probed:
    done = subprocess.run(
        [sys.executable, "-c", (PROJECT / PROBE_SCRIPT).read_text(encoding="utf-8"), "/nonexistent"],
        env={"CUDA_VERSION": "12.4.0.041", "TRITON_SERVER_VERSION": "2.47.0"},
        capture_output=True,
        timeout=60,
        check=True,
    )
    return msgspec.structs.replace(msgspec.json.decode(done.stdout, type=Probed), **changes)


def test_the_probe_runs_here_and_its_document_is_understood() -> None:
    observed = observations(probed())
    assert (observed["cuda"], observed["triton"], observed["tensorrt_llm"]) == ("12.4.0.041", "2.47.0", "")


def test_tensorrts_own_folder_wins_over_debians_older_library() -> None:
    document = probed(
        nvinfer=("/usr/lib/x86_64-linux-gnu/libnvinfer.so.8.6.1", "/usr/local/tensorrt/lib/libnvinfer.so.10.0.1"),
        tensorrt_headers={
            "/usr/include/x86_64-linux-gnu/NvInferVersion.h": "8.6.1.6",
            "/usr/local/tensorrt/include/NvInferVersion.h": "10.0.1.6",
        },
    )
    observed = observations(document)
    assert (observed["tensorrt"], observed["libnvinfer"]) == ("10.0.1.6", "10.0.1")


def test_nothing_that_an_image_says_reaches_a_terminal_as_a_command() -> None:
    observed = observations(probed(packages={"torch": "1.0\n\x1b[2J2"}, backends={}, resolved={}))
    assert (observed["torch"], observed["backend"], observed["libmpi"]) == ("1.0 2", "", "")


def test_a_difference_shows_both_values() -> None:
    findings = compare({"tensorrt": "9.2.0.5", "cuda": "12.4.0"}, {"tensorrt": "9.2.0.4", "cuda": "12.4.0.041"})
    with pytest.raises(Trouble) as caught:
        refuse_differences("a:b", findings, "mend it")
    assert "DIFFERS  tensorrt         claimed 9.2.0.5, observed 9.2.0.4" in str(caught.value)
    assert "cuda" not in str(caught.value)


def test_what_is_not_in_the_image_differs() -> None:
    (finding,) = compare({"torch": "2.2.2"}, {"torch": ""})
    assert finding.agrees is False
    assert str(finding).endswith("claimed 2.2.2, observed nothing")


def test_the_probe_is_python_3_8_and_standard_library() -> None:
    import ast

    tree = ast.parse((PROJECT / PROBE_SCRIPT).read_text(encoding="utf-8"), feature_version=(3, 8))
    imports = [node for node in ast.walk(tree) if isinstance(node, (ast.Import, ast.ImportFrom))]
    names = {alias.name if isinstance(node, ast.Import) else node.module for node in imports for alias in node.names}
    assert {str(name).partition(".")[0] for name in names} <= set(sys.stdlib_module_names)
    assert Path(PROBE_SCRIPT).name == "probe.py"
