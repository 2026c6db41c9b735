"""Runs every benchmark and prints a line for each value: `./inv benchmark` (or one of them: `--only diagnosis`)."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable

from environment.errors import unknown_name
from tests.benchmarks import diagnosis, doctor, gateway, images, inspection, rehearsal
from tests.benchmarks.measurement import Measurement

BENCHMARKS: dict[str, Callable[[], Iterable[Measurement]]] = {
    "diagnosis": diagnosis.measurements,
    "doctor": doctor.measurements,
    "gateway": gateway.measurements,
    "images": images.measurements,
    "inspection": inspection.measurements,
    "rehearsal": rehearsal.measurements,
}


def main(names: list[str]) -> None:
    """Prints what the named benchmarks measure, all of them without a name; ends with a usage error for none."""
    if unknown := next((name for name in names if name not in BENCHMARKS), ""):
        error = unknown_name("benchmark", unknown, BENCHMARKS)
        print(f"error: {error}", file=sys.stderr)
        sys.exit(error.code)
    for name in names or BENCHMARKS:
        print(f"# {name}")
        for measurement in BENCHMARKS[name]():
            print(measurement, flush=True)


if __name__ == "__main__":
    main(sys.argv[1:])
