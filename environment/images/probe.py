"""Says what is really inside an image, as one JSON document. Runs inside it, with no network and no GPU.

Standard library only, Python 3.8 or newer. Nothing of the image is imported (importing tensorrt_llm needs a driver):
package metadata, headers and file names are read. Usage: python3 probe.py [FOLDER-WITH-TEMPLATES]
"""

import ctypes
import hashlib
import json
import os
import platform
import re
import subprocess
import sys
from importlib import metadata
from typing import Any, Dict, Iterator, List, Optional

PACKAGES = ("tensorrt_llm", "tensorrt", "torch", "transformers", "mpi4py", "nvidia-modelopt", "nvidia-ammo", "numpy")
SPELLINGS = ("{}", "{}_cu12", "{}_cu13", "{}-cu12", "{}-cu13")  # how NVIDIA spells a package for one CUDA version
LIBRARIES = ("libmpi.so", "libopen-pal.so", "libhwloc.so")
BACKENDS = ("/opt/tritonserver/backends/tensorrtllm", "/opt/tritonserver/backends/python")
CONTAINERS = ("NVIDIA_TRITON_SERVER_VERSION", "NVIDIA_PYTORCH_VERSION")  # what the image is, or was built from
PLACES = ("/usr", "/opt")
WANTED = re.compile(r"(libnvinfer|libmpi|libopen-pal|libhwloc)\.so|NvInferVersion\.h$")


def package(name: str) -> Optional[str]:
    """The version of an installed Python package by its metadata; None when it is not installed."""
    for spelling in SPELLINGS:
        try:
            return metadata.version(spelling.format(name))
        except metadata.PackageNotFoundError:
            continue
    return None


def wanted_files() -> Iterator[str]:
    """The files this probe is interested in, in one walk that follows no links to folders."""
    for place in PLACES:
        for folder, _, names in os.walk(place):
            yield from (os.path.join(folder, name) for name in names if WANTED.match(name))


def copies(files: List[str], stem: str) -> List[str]:
    """Every copy of a library among the files, links resolved: [/usr/lib/.../libmpi.so.40.30.1]."""
    return sorted({os.path.realpath(path) for path in files if os.path.basename(path).startswith(stem)})


def tensorrt_headers(files: List[str]) -> Dict[str, str]:
    """The four-part TensorRT versions by header: the file name of the library has only three parts."""
    found = {}
    for path in files:
        if path.endswith("NvInferVersion.h"):
            with open(path, encoding="utf-8", errors="replace") as file:
                text = file.read(100_000)
            parts = [re.search(rf"NV_TENSORRT_{part}\s+(\d+)", text) for part in ("MAJOR", "MINOR", "PATCH", "BUILD")]
            found[path] = ".".join(part.group(1) for part in parts if part)
    return found


def cuda() -> Optional[str]:
    """The CUDA toolkit's version: its own version file, else what the image's environment says."""
    try:
        with open("/usr/local/cuda/version.json", encoding="utf-8") as file:
            return str(json.load(file)["cuda"]["version"])
    except (OSError, ValueError, KeyError, TypeError):
        return os.environ.get("CUDA_VERSION")


def resolved(files: List[str], stem: str) -> Optional[str]:
    """The file that the dynamic linker takes for a library; None when it finds none."""
    names = {os.path.basename(path) for path in files if os.path.basename(path).startswith(stem)}
    for name in sorted(name for name in names if re.fullmatch(re.escape(stem) + r"\.\d+", name)):
        try:
            ctypes.CDLL(name, mode=os.RTLD_LAZY)
        except OSError:
            continue
        return mapped(stem)
    return None


def mapped(stem: str) -> Optional[str]:
    """The path of a loaded library, from this process's own memory map."""
    with open("/proc/self/maps", encoding="utf-8", errors="replace") as file:
        paths = (line.split(None, 5)[-1].strip() for line in file)
        return next((path for path in paths if os.path.basename(path).startswith(stem)), None)


def drivers() -> List[str]:
    """Every libcuda that the dynamic linker could take, in its order: LD_LIBRARY_PATH, then its cache."""
    found = [os.path.join(folder, "libcuda.so.1") for folder in os.environ.get("LD_LIBRARY_PATH", "").split(":")]
    try:
        cache = subprocess.run(("ldconfig", "-p"), capture_output=True, check=False).stdout.decode("utf-8", "replace")
    except OSError:
        cache = ""
    found += re.findall(r"libcuda\.so\.1 .*=> (\S+)", cache)
    return list(dict.fromkeys(os.path.realpath(path) for path in found if os.path.isfile(path)))


def hashes(folder: str) -> Dict[str, str]:
    """SHA-256 of every file under a folder, by its path from there."""
    found = {}
    for root, _, names in os.walk(folder):
        for path in (os.path.join(root, name) for name in names):
            if os.path.isfile(path):
                with open(path, "rb") as file:
                    found[os.path.relpath(path, folder)] = hashlib.sha256(file.read()).hexdigest()
    return found


def observed(home: str) -> Dict[str, Any]:
    """All of it."""
    files = sorted(wanted_files())
    return {
        "schema": "probe/1",
        "machine": platform.machine(),
        "python": platform.python_version(),
        "packages": {name: package(name) for name in PACKAGES},
        "nvinfer": copies(files, "libnvinfer.so"),
        "tensorrt_headers": tensorrt_headers(files),
        "cuda": cuda(),
        "triton": os.environ.get("TRITON_SERVER_VERSION"),
        "container": next((os.environ[name] for name in CONTAINERS if name in os.environ), None),
        "backends": {folder: sorted(os.listdir(folder)) if os.path.isdir(folder) else [] for folder in BACKENDS},
        "resolved": {stem: resolved(files, stem) for stem in LIBRARIES},
        "copies": {stem: copies(files, stem) for stem in LIBRARIES},
        "libcuda": drivers(),
        "upstream": hashes(os.path.join(home, "upstream")),
        "user": f"{os.getuid()}:{os.getgid()}",
    }


if __name__ == "__main__":
    json.dump(observed(sys.argv[1] if len(sys.argv) > 1 else "/opt/trtllm"), sys.stdout, sort_keys=True)
