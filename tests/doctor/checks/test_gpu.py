"""What the checks of family G say, case by case."""

from __future__ import annotations

from tests.doctor.well import NOT_READ, case, gpu

GONE = {"gpus__driver": NOT_READ, "host__module_driver": None, "gpus__devices": ()}

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
    case("G008", "pass", asked__gpus=2),
    case("G008", "fail", asked__gpus=4),
    case("G008", "fail", **GONE),
    case("G008", "unknown", gpus__devices=NOT_READ),
]
