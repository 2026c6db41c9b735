"""What a failure that no row knows says of itself: a program's own refusal, told in general terms.

Only what would else be an unknown failure is asked, and of its lines only the first that says anything: what follows
is mostly its consequence. So these rows can neither hide a cause nor make a healthy log look ill.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from doctor.diagnosis.course import Line
from doctor.diagnosis.first_errors import says_nothing
from doctor.diagnosis.symptoms import Catalogue, Symptom

_FRAMES = re.compile(  # words around what is said: the kind of an error, and the step in which it came up
    r"failed to load '[^'\n]{1,100}' version \d+: |Failed to (create instance|initialize Python stub): "
    r"|Failed to process the request\(s\) for model '[^'\n]{1,100}', message: |Encountered an? error in [\w ]{1,40}: "
    r"|[Uu]nexpected [Ee]rror( when [\w ]{1,60}:)?|[Uu]nknown [Ee]rror|[Ii]nternal [Ee]rror|\w+Error: (?=\w+Error: )"
    r"|\b([Ii]nvalid argument|Internal|Not found|Unknown|Unavailable|Already exists"
    r"|INVALID_ARGUMENT|INTERNAL|NOT_FOUND|UNKNOWN|UNAVAILABLE|ALREADY_EXISTS)\b(:| - ) ?"
)
_MACHINE = re.compile(  # of a device, a driver or an interpreter, in words that mean something else there
    r"\b(CUDA|cuda|NCCL|NVML|CUBLAS|CUDNN|cu[A-Z]\w{2,40})[ _]?(\w{1,20} ){0,2}(error|failure|ERROR)|NCCL (WARN|error)"
    r"|\bCUDA error|cudaGetDeviceCount|NVML:|nvml error|unsupported operand|miniz|SyntaxError|can't set attribute"
)


def refusal(known: Catalogue, failures: Iterable[Line]) -> tuple[Symptom, Line] | None:
    """The general row that the first telling line matches, and that line with the values it names; None without one."""
    line = next((line for line in failures if not says_nothing(known, line.text)), None)
    if line is None:
        return None
    said = _FRAMES.sub("", line.text)
    if _MACHINE.search(said):
        return None
    for row in known.symptoms:
        if row.rank == "general" and (values := _values(row, said)) is not None:
            return row, Line(number=line.number, text=line.text, values=values)
    return None


def _values(row: Symptom, text: str) -> dict[str, str] | None:
    for pattern in row.patterns:
        if match := re.search(pattern, text):
            return {name: value.strip() for name, value in match.groupdict().items() if value}
    return None
