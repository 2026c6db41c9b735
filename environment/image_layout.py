"""Where things lie inside the images that `invoke image` makes. The overlay puts them there; plans read them there."""

from __future__ import annotations

from pathlib import PurePosixPath

# The part of the release's upstream checkout that recipes need (model templates, tools, examples), at its own paths:
# `release.paths.*` are relative to this folder. Before 25.01 no published container carries these files.
HOME = "/opt/trtllm"
UPSTREAM = PurePosixPath(HOME) / "upstream"
PROBE = f"{HOME}/probe.py"
USER = "1000:1000"  # the default user of the image; Triton's own images call it triton-server
MADE_BY = "io.trtllm.made-by"  # the label of every image and container that is made here
TRITONSERVER = "/opt/tritonserver/bin/tritonserver"


def upstream(path: str) -> str:
    """The path in the image of a file or folder of the upstream checkout, such as `tools/fill_template.py`."""
    return str(UPSTREAM / path)
