"""Where things lie inside the images that `invoke image` makes. The overlay puts them there; plans read them there."""

from __future__ import annotations

from pathlib import PurePosixPath

# The part of the release's upstream checkout that recipes need (model templates, tools, examples), at its own paths:
# `release.paths.*` are relative to this folder. Before 25.01 no published container carries these files.
HOME = "/opt/trtllm"
UPSTREAM = PurePosixPath(HOME) / "upstream"
PROBE = f"{HOME}/probe.py"
USER = "1000:1000"  # the default user of the image; Triton's own images call it triton-server
TRITONSERVER = "/opt/tritonserver/bin/tritonserver"

# The labels of what is made here.
MADE_BY = "io.trtllm.made-by"  # of every image and container
RELEASE = "io.trtllm.release"  # the tag
WAY = "io.trtllm.way"  # ngc or source
BACKEND = "org.opencontainers.image.revision"  # the commit of tensorrtllm_backend
TENSORRT_LLM = "io.trtllm.tensorrt-llm.revision"
IDENTITY = "io.trtllm.identity"  # equal for images that are the same
BUILT_FROM = "io.trtllm.built-from"  # of an image built from source: NAME=REFERENCE of what its Dockerfile stands on
BASE = "org.opencontainers.image.base.name"  # what the image was put on


def upstream(path: str) -> str:
    """The path in the image of a file or folder of the upstream checkout, such as `tools/fill_template.py`."""
    return str(UPSTREAM / path)
