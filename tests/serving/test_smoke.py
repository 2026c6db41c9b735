"""`doctor --deep --image` gives a real container all GPUs: on an engine that believes it has some, with stand-ins of
nvidia-smi and libcuda that say what their environment tells them to.
"""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest

from tests.command_line import invoke
from tests.serving.conftest import Host

pytestmark = pytest.mark.docker
BASE = "trtllm-test/mpi:1"
NVIDIA_SMI = '#!/bin/sh\necho "${SMI_SAYS:-GPU 0: NVIDIA H100 (UUID: GPU-0)}"\nexit "${SMI_CODE:-0}"\n'
LIBCUDA = """#include <stdlib.h>
int cuInit(unsigned flags) { char *code = getenv("CU_INIT"); return code ? atoi(code) : 0; }
int cuDeviceGetCount(int *count) { *count = 2; return 0; }
"""


def image(host: Host, folder: Path, name: str, **environment: str) -> str:
    """The base with the stand-ins, which behave as the environment says."""
    (folder / "cuda.c").write_text(LIBCUDA)
    (folder / "nvidia-smi").write_text(NVIDIA_SMI)
    (folder / "nvidia-smi").chmod(0o755)
    library = folder / "libcuda.so.1"
    subprocess.run(("gcc", "-shared", "-fPIC", "-o", str(library), str(folder / "cuda.c")), check=True)
    made = host.docker("create", BASE, "true")
    host.docker("cp", str(folder / "nvidia-smi"), f"{made}:/usr/bin/nvidia-smi")
    host.docker("cp", str(library), f"{made}:/usr/lib/x86_64-linux-gnu/libcuda.so.1")
    changes = [word for key, value in environment.items() for word in ("--change", f"ENV {key}={json.dumps(value)}")]
    host.docker("commit", *changes, made, name)
    host.docker("rm", made)
    return name


def smoke(folder: Path, reference: str) -> tuple[str, str]:
    """What D010 says of the image."""
    done = invoke("doctor", "--image", reference, "--deep", "--json", workspace=folder)
    assert done.returncode == 1, done.stderr
    row = next(row for row in json.loads(done.stdout)["outcomes"] if row["id"] == "D010")
    return row["state"], row["message"]


def test_a_container_that_reaches_the_gpus_passes(host: Host, tmp_path: Path) -> None:
    before = host.hooked()
    state, message = smoke(tmp_path, image(host, tmp_path, "trtllm-test/smoke:well"))
    assert (state, message) == ("pass", "trtllm-test/smoke:well: nvidia-smi lists 2 GPU(s), and CUDA starts")
    assert len(host.hooked()) > len(before), "no GPU was asked for"
    assert host.docker("ps", "--all", "--quiet") == ""


@pytest.mark.parametrize(
    ("environment", "says"),
    [
        ({"CU_INIT": "802"}, "the NVSwitch fabric is not ready"),
        ({"CU_INIT": "803"}, "its libcuda does not fit the driver"),
        ({"SMI_CODE": "255", "SMI_SAYS": "Failed to initialize NVML: Unknown Error"}, "were taken from the container"),
        ({"SMI_CODE": "9", "SMI_SAYS": "No devices were found"}, "sees no GPU: No devices were found"),
    ],
    ids=["fabric", "compat", "cgroup", "none"],
)
def test_each_failure_has_its_own_words(host: Host, tmp_path: Path, environment: dict[str, str], says: str) -> None:
    state, message = smoke(tmp_path, image(host, tmp_path, "trtllm-test/smoke:ill", **environment))
    assert state == "fail"
    assert says in message


def test_an_image_that_was_given_no_driver_fails(host: Host, tmp_path: Path) -> None:
    state, message = smoke(tmp_path, BASE)
    assert state == "fail"
    assert "the toolkit put no libcuda.so.1 into a container" in message


def test_an_image_that_is_not_there_fails_and_leaves_nothing(host: Host, tmp_path: Path) -> None:
    state, message = smoke(tmp_path, "trtllm-test/nothing:here")
    assert state == "fail"
    assert "no container of trtllm-test/nothing:here with GPUs could be run" in message
    assert host.docker("ps", "--all", "--quiet") == ""
