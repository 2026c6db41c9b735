"""X: what a running server lets others change, and what loading a checkpoint may run."""

from __future__ import annotations

import re
from collections.abc import Sequence

from doctor.checks.artifact import checkpoint_of
from doctor.checks.repository import option
from doctor.checks.rules import family
from doctor.facts.host import Process
from doctor.facts.versions import at_least
from doctor.outcome import Finding, given, known, passed, warned
from doctor.subject import Subject

SAFE_TORCH = "2.6.0"  # the first whose torch.load(weights_only=True) runs nothing (CVE-2025-32434)
EXTRA = ("--trace-file", "--trace-config", "--log-file", "--allow-sagemaker", "--allow-vertex-ai")
RESTRICTED = ("--http-restricted-api", "--grpc-restricted-protocol")
OFF = ("", "false", "0", "off")
OFFERED = ("shared-memory", "statistics", "logging", "trace")  # as --http-restricted-api calls them
CHANGING = ("poll", "explicit")
LATER_RANK = re.compile(r"shm-region-prefix-name=[a-z]+[1-9]\d*_")  # as launch_triton_server.py numbers its ranks


def model_control(subject: Subject) -> Finding:
    """No server that can be reached from beyond this host takes models from whoever asks."""
    ports, rows = known(subject.host.ports), known(subject.host.servers)
    servers = [row for row in rows if row.name == "tritonserver"]
    reached = {row.pid: [port for port in _ports(row.argv) if ports.get(port)] for row in servers if _changes(row)}
    found = {pid: open_ones for pid, open_ones in reached.items() if open_ones}
    if not found:
        return passed(count=len(servers))
    return warned(pids=list(found), ports=sorted({port for open_ones in found.values() for port in open_ones}))


def extra_apis(subject: Subject) -> Finding:
    """No server that can be reached from beyond this host offers more than inference."""
    ports, rows = known(subject.host.ports), known(subject.host.servers)
    servers = [row for row in rows if row.name == "tritonserver"]
    open_ones = [row for row in servers if any(ports.get(port) for port in _ports(row.argv))]
    extra = sorted({name for row in open_ones for name in EXTRA if option(row.argv, name) not in OFF})
    restricted = all(any(word.startswith(RESTRICTED) for word in row.argv) for row in open_ones)
    if extra or not restricted:
        return warned(pids=[row.pid for row in open_ones], extra=extra or OFFERED)
    return passed(count=len(servers))


def pickle_runs(subject: Subject) -> Finding:
    """Loading the weights runs nothing: no pickle under an old torch, and no code or pickle of an unknown commit."""
    checkpoint = checkpoint_of(subject)
    pickles = () if checkpoint.safe else checkpoint.pickles
    if not pickles and not checkpoint.remote_code:
        return passed()
    torch = given(_torch(subject), "no-torch")
    values = {"torch": torch, "safe": SAFE_TORCH, "pickles": len(pickles), "code": len(checkpoint.remote_code)}
    if pickles and not at_least(torch, SAFE_TORCH):
        return warned(**values)
    return passed("pass-pinned", **values) if checkpoint.revision else warned("warn-unpinned", **values)


def _changes(server: Process) -> bool:
    """Whether its models can be changed while it runs; later ranks of one server are explicit and serve nobody."""
    later = any(LATER_RANK.search(word) for word in server.argv)
    return option(server.argv, "--model-control-mode") in CHANGING and not later


def _ports(argv: Sequence[str]) -> tuple[int, int]:
    said = (option(argv, "--http-port"), option(argv, "--grpc-port"))
    http, grpc = (int(word) if word.isdecimal() else usual for word, usual in zip(said, (8000, 8001), strict=True))
    return http, grpc


def _torch(subject: Subject) -> str | None:
    """The torch that would load the weights: the one seen in the image, else the release's."""
    if subject.image:
        return known(subject.image.probe).packages.get("torch")
    return subject.release.versions.pytorch


CHECKS = family("X", {"X004": model_control, "X013": extra_apis, "X014": pickle_runs})
