"""What the stand-in image is built from: this environment's packages, this project, a release's paths."""

from __future__ import annotations

import importlib.util
import re
import shutil
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path

from environment.contracts import placeholders
from environment.errors import Trouble
from environment.image_layout import TRITONSERVER, UPSTREAM
from environment.releases import Release
from recipes.front import BLS
from recipes.rehearsal import binary, bls, repository
from recipes.rehearsal.tensors import for_release

PACKAGES = ("ctranslate2", "msgspec", "numpy", "packaging", "pytriton", "tokenizers", "yaml")
LIBRARIES = ("ctranslate2.libs", "numpy.libs", "nvidia_pytriton.libs")
HERE = Path(__file__).parent
ROOT = Path(__file__).parents[3]
PACKAGED = "usr/local/lib/python3.11/dist-packages"  # on the path of Triton's Python processes, which take no other
BACKENDS = "opt/rehearsal/backends"
RUNNING = f"{sys.version_info.major}.{sys.version_info.minor}"
PYTHON = "3.11"  # of Debian 12, which the image is made of; compiled packages are copied as they are
SERVER = f"""#!/bin/sh
export LD_LIBRARY_PATH=/{PACKAGED}/nvidia_pytriton.libs
exec /{PACKAGED}/pytriton/tritonserver/bin/tritonserver --backend-directory=/{BACKENDS} --exit-timeout-secs=4 "$@"
"""
TOOL = """#!/bin/sh
exec python3 -m recipes.rehearsal.container.tools {release} {tool} "$@"
"""


def write_context(release: Release, folder: Path) -> None:
    """Fills `folder` with a Dockerfile and the files it copies; raises Trouble for a Python that is not Debian 12's."""
    if RUNNING != PYTHON:
        raise Trouble(
            f"this environment runs Python {RUNNING}, the stand-in image Python {PYTHON}",
            why="its compiled packages are copied into the image",
            mend="PYTHON=python3.11 ./inv ... in a fresh clone, or rehearse without --in-container",
        )
    root = folder / "root"
    copy_environment(root)
    for path, text in programs(release).items():
        write(root / path, text, executable=True)
    for path, text in templates(release).items():
        write(root / str(UPSTREAM).lstrip("/") / release.paths.model_repo_template / path, text)
    shutil.copy(HERE / "Dockerfile", folder / "Dockerfile")


def copy_environment(into: Path) -> None:
    """The packages and the project where Python finds them, and Triton's backends."""
    packaged = into / PACKAGED
    for name in PACKAGES:
        found = importlib.util.find_spec(name)
        if found is not None and found.origin is not None:
            shutil.copytree(Path(found.origin).parent, packaged / name, ignore=shutil.ignore_patterns("__pycache__"))
    site = binary.wheel().parents[1]
    for name in LIBRARIES:
        if (site / name).exists():
            shutil.copytree(site / name, packaged / name)
    for name in ("environment", "recipes"):
        shutil.copytree(ROOT / name, packaged / name, ignore=shutil.ignore_patterns("__pycache__"))
    with tempfile.TemporaryDirectory() as made:
        shutil.copytree(binary.backends(Path(made)), into / BACKENDS)


def programs(release: Release) -> Mapping[str, str]:
    """The tools at the release's own paths, each accepting what the release's parser accepts."""
    upstream = str(UPSTREAM).lstrip("/")
    made = {
        TRITONSERVER.lstrip("/"): SERVER,
        "usr/local/bin/trtllm-build": TOOL.format(release=release.tag, tool="trtllm-build"),
        f"{upstream}/{release.paths.fill_template}": script(release.tag, "fill_template"),
    }
    examples = release.paths.examples_root.removesuffix("examples")
    for name, family in release.model_families.items():
        made[f"{upstream}/{examples}{family.path}/{family.script}"] = script(release.tag, f"convert_checkpoint-{name}")
    return made


def script(tag: str, tool: str) -> str:
    """A Python file that is started by its path, as upstream's are."""
    return f"from recipes.rehearsal.container.tools import main\n\nraise SystemExit(main({tag!r}, {tool!r}))\n"


def templates(release: Release) -> Mapping[str, str]:
    """The model-repository templates: the release's placeholders, no other, in the rehearsal's models."""
    layout = repository.Layout(
        tokenizer=Path("${tokenizer_dir}"), engine=Path("${engine_dir}"), max_batch_size=1, whole_characters=False
    )
    known, tensors = placeholders(release.tag), for_release(release.tag)
    files = dict(repository.files(tensors, layout))
    if BLS in known:
        files |= bls.files(tensors, layout, release.tag)
    for model, wanted in known.items():
        path = f"{model}/config.pbtxt"
        files[path] = opened(files[path], tuple(placeholder.name for placeholder in wanted))
    return files


def opened(config: str, names: tuple[str, ...]) -> str:
    """A configuration with each placeholder in its place, or as a parameter of its name where there is none."""
    places = {
        "triton_max_batch_size": r"(?<=max_batch_size: )\d+",
        "decoupled_mode": r"(?<=decoupled: )true",
        "bls_instance_count": r"(?<=count: )\d+",
    }
    for name, pattern in places.items():
        if name in names:
            config = re.sub(pattern, f"${{{name}}}", config)
    missing = [name for name in names if f"${{{name}}}" not in config]
    rows = (f'parameters {{ key: "{name}" value {{ string_value: "${{{name}}}" }} }}\n' for name in missing)
    return config + "".join(rows)


def write(path: Path, text: str, *, executable: bool = False) -> None:
    """Writes a file of the image."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    if executable:
        path.chmod(0o755)
