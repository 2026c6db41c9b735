"""What the checks of family G say of the driver, case by case."""

from __future__ import annotations

from doctor.checks.driver import lasting_branch
from environment.releases import find
from tests.doctor.well import NOT_READ, WELL, case, changed, gpu

GONE = {"gpus__driver": NOT_READ, "host__module_driver": None, "gpus__devices": ()}
XID = ("NVRM: Xid (PCI:0000:3b:00): 79, pid=1, GPU has fallen off the bus.", "NVRM: Xid (PCI:0000:3b:00): 13, pid=2")

CASES = [
    case("G001", "pass"),
    case("G001", "fail", **GONE),
    case("G001", "fail-nouveau", **GONE, host__modules=frozenset({"nouveau"})),
    case("G001", "fail-silent", gpus__driver=NOT_READ, gpus__trouble="Unknown Error"),
    case("G001", "unknown", gpus__driver=NOT_READ, host__module_driver=NOT_READ),
    case("G002", "pass"),
    case("G002", "fail", gpus__driver="550.90.07"),
    case("G002", "fail", gpus__driver=NOT_READ, gpus__trouble="Driver/library version mismatch"),
    case("G002", "skip", **GONE),
    case("G002", "unknown", gpus__driver=NOT_READ),
    case("G003", "pass"),
    case("G003", "pass-minor", gpus__driver="535.104.05"),
    case("G003", "pass-forward", gpus__driver="470.57.02"),
    case("G003", "fail", gpus__driver="470.42.01"),
    case("G003", "fail", gpus__driver="515.105.01"),
    case("G003", "fail-forward", gpus__driver="470.57.02", gpus__devices=(gpu(data_center=False),)),
    case("G003", "skip", **GONE),
    case("G003", "unknown", gpus__driver="470.57.02", gpus__devices=(gpu(data_center=NOT_READ),)),
    case("G004", "pass"),
    case("G004", "warn", gpus__driver="530.30.02"),
    case("G004", "fail", gpus__driver="460.91.03"),
    case("G004", "unknown", gpus__driver=NOT_READ, host__module_driver=NOT_READ),
    case("G005", "pass"),
    case("G005", "fail", gpus__cuda=(11, 8)),
    case("G005", "pass-forward", gpus__cuda=(11, 4), gpus__driver="470.82.01"),
    case("G005", "fail", gpus__cuda=(11, 4), gpus__driver="470.82.01", gpus__devices=(gpu(data_center=False),)),
    case("G005", "unknown", gpus__cuda=NOT_READ),
    case("G005", "skip", **GONE),
    case("G017", "pass"),
    case("G017", "warn", host__kernel_log=XID),
    case("G017", "unknown", host__kernel_log=NOT_READ),
    case("G017", "skip", **GONE),
]


def test_the_driver_to_install_runs_the_release_and_still_gets_fixes() -> None:
    wanted = {tag: lasting_branch(changed(WELL, {"release": find(tag)})) for tag in ("v0.7.1", "v0.10.0", "v1.2.1")}
    assert wanted == {"v0.7.1": 535, "v0.10.0": 580, "v1.2.1": 595}
