"""What a host with four H200s has and this one has not: a driver that answers, its file in /proc, and the toolkit."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
RECORDED = HERE.parent / "transcripts" / "hosts" / "h200.json"
TOOLKIT = "echo 'NVIDIA Container Toolkit CLI version 1.19.1'"
SMI = """[ "$*" = "--query-gpu=compute_cap --format=csv,noheader" ] || {{ echo "not told of: $*"; exit 2; }}
[ "$TRTLLM_TEST_GPUS" = 0 ] && {{ echo "couldn't communicate with the NVIDIA driver" >&2; exit 9; }}
yes {compute} | head -n $TRTLLM_TEST_GPUS"""
# /proc is the kernel's: what the driver's module has there is laid over it in a mount namespace of the one command.
DRIVER = "mkdir /proc/driver/nvidia && cp $0 /proc/driver/nvidia/version"
UNDER = f'mount -t tmpfs none /proc/driver && {DRIVER} && exec "$@"'
PLAIN = ("brand", "cores", "persistence", "compute_mode", "mig", "ecc", "ecc_uncorrected", "slowed_by", "temperature")


def readings() -> dict[str, Any]:
    """Everything the recorded host said, by the doctor's names."""
    bundle = json.loads(RECORDED.read_text(encoding="utf-8"))["readings"]
    return {name: reading["text"] for name, reading in bundle.items()}


def build(folder: Path) -> None:
    """Fills the folder: `lib` for LD_LIBRARY_PATH, `bin` for PATH, and the driver's file."""
    for name in ("lib", "bin"):
        folder.joinpath(name).mkdir(parents=True, exist_ok=True)
    words = ("gcc", "-shared", "-fPIC", "-Wall", "-Werror", *macros(), "-o", str(folder / "lib/libnvidia-ml.so.1"))
    subprocess.run((*words, str(HERE / "nvml.c")), check=True)
    folder.joinpath("version").write_text(readings()["proc/driver/nvidia/version"], encoding="utf-8")
    for name, text in (("nvidia-ctk", TOOLKIT), ("nvidia-smi", SMI.format(compute=compute()))):
        program = folder / "bin" / name
        program.write_text(f"#!/bin/sh\n{text}\n", encoding="utf-8")
        program.chmod(0o755)


def macros() -> list[str]:
    """The recorded values as the compiler takes them."""
    said = json.loads(readings()["nvml"])
    gpu = said["devices"][0]
    texts = {"DRIVER": said["driver"], "NVML": said["nvml"], "NAME": gpu["name"]}
    numbers = {
        "CUDA": said["cuda"],
        "COMPUTE_MAJOR": gpu["compute"][0],
        "COMPUTE_MINOR": gpu["compute"][1],
        "POWER_LIMIT": gpu["power_limit_milliwatts"],
        **{f"MEMORY_{name.upper()}": f"{value}ULL" for name, value in gpu["memory"].items()},
        **{name.upper(): gpu[name] for name in PLAIN},
    }
    quoted = {name: f'"{text}"' for name, text in texts.items()}
    return [f"-D{name}={value}" for name, value in {**quoted, **numbers}.items()]


def compute() -> str:
    """The recorded GPU's compute capability, such as 9.0."""
    return ".".join(map(str, json.loads(readings()["nvml"])["devices"][0]["compute"]))


def on_it(folder: Path, words: tuple[str, ...]) -> tuple[str, ...]:
    """The command, run as on that host."""
    return ("unshare", "--mount", "sh", "-c", UNDER, str(folder / "version"), *words)


def variables(folder: Path, gpus: int = 4) -> dict[str, str]:
    """What the command's environment has more; with no GPU there is no driver's library either."""
    library = folder / "lib" if gpus else folder / "none"
    path = f"{folder / 'bin'}:{os.environ['PATH']}"
    return {"LD_LIBRARY_PATH": str(library), "PATH": path, "TRTLLM_TEST_GPUS": str(gpus)}
