"""Predicts what TensorRT says when it is asked to load a plan, from the plan's header alone, in TensorRT's own words.

The order of the questions is TensorRT's own: the container, the archive's header, the version, the values, the GPU.
It is held against 1,315 recorded verdicts of TensorRT 8.5.3.1 and 8.6.0.12 in `tests/doctor/test_verdict.py`. Damage
beyond the first values does not show in a header; such a plan is predicted to load.
"""

from __future__ import annotations

from typing import Literal

from environment.artifacts.plan_container import (
    ARCHIVE,
    CONTAINER,
    HEADER_SIZE,
    NO_MAGIC,
    NO_PLAN,
    TOO_SHORT,
    version_tag,
)
from environment.artifacts.plan_stream import PAST_THE_END, Version, serializations
from environment.artifacts.tensorrt_plan import Plan
from environment.data import Value
from environment.unknown import Unknown

State = Literal["loads", "version-mismatch", "device-mismatch", "corrupt", "not-an-engine", "unknown"]
ARCHIVE_SINCE, CONTAINER_SINCE = (7,), (8, 6)
KNOWN_SECTIONS = {"NGNE", "THGW"}
AMPERE_AND_NEWER = 1  # NvInfer.h, HardwareCompatibilityLevel::kAMPERE_PLUS
BEYOND_A_HEADER = "the header is whole; what lies beyond it was not read"


class Target(Value, frozen=True, kw_only=True):
    """What is to load the plan: a TensorRT of four numbers, a GPU of some compute capability; None where not known."""

    tensorrt: Version | None = None
    compute: tuple[int, int] | None = None


class Verdict(Value, frozen=True, kw_only=True):
    """The predicted answer: `message` in TensorRT's words, `why` in ours."""

    state: State
    message: str
    why: str = ""


def dotted(numbers: tuple[int, ...] | None) -> str:
    """A version or compute capability as it is written: 8.6.0.12, 9.0; '' for None."""
    return ".".join(map(str, numbers or ()))


def predict(found: Plan | Unknown, size: int, target: Target) -> Verdict:
    """The verdict on a file of `size` bytes in which `found` was read; Unknown stands for what is no plan."""
    if size == 0:
        return Verdict(state="corrupt", message="condition: (blob) != nullptr", why="the file is empty")
    if refusal := _other_format(found, size, target):
        return refusal
    if isinstance(found, Unknown):
        return Verdict(state="not-an-engine", message=NO_MAGIC, why=found.reason)
    questions = (_container, _serialization, _archive, _version, _values, _gpu)
    answers = (question(found, target) for question in questions)
    return next(filter(None, answers), Verdict(state="loads", message="", why=BEYOND_A_HEADER))


def _other_format(found: Plan | Unknown, size: int, target: Target) -> Verdict | None:
    """A file that does not begin as this TensorRT expects: with a container since 8.6, before with an archive."""
    if target.tensorrt is None:
        return None
    if target.tensorrt < ARCHIVE_SINCE:
        return _undecided(f"what TensorRT {dotted(target.tensorrt)} reads is not known here, only 7 and later")
    begins = b"" if isinstance(found, Unknown) else found.container.encode()
    contained = target.tensorrt >= CONTAINER_SINCE
    shortest, short = (HEADER_SIZE + 1, TOO_SHORT) if contained else (len(ARCHIVE), PAST_THE_END)
    if size < shortest:
        return Verdict(state="corrupt", message=short, why=f"the file has {size} bytes")
    if begins == (CONTAINER if contained else ARCHIVE):
        return None
    return Verdict(state="not-an-engine", message=NO_PLAN if contained else NO_MAGIC, why=_why_not(found))


def _why_not(found: Plan | Unknown) -> str:
    if isinstance(found, Unknown):
        return found.reason
    return f"a plan of TensorRT {dotted(found.tensorrt) or 'of another time'}: the format changed with 8.6"


def _container(plan: Plan, _: Target) -> Verdict | None:
    if plan.fault and plan.fault.stage == "magic":
        return Verdict(state="not-an-engine", message=plan.fault.message, why="its engine section is no archive")
    return _corrupt(plan, "size", "container")


def _serialization(plan: Plan, target: Target) -> Verdict | None:
    """The version tag in the archive's header, where the tag of the target's release is known."""
    current, archive = serializations().get(dotted((target.tensorrt or ())[:2])), plan.archive
    if current is None or archive.serialization in (None, current) or archive.fault:
        return None
    message = version_tag("stdVersionRead == serializationVersion", current, archive.serialization or 0)
    if archive.safe_version:
        message = version_tag("safeVersionRead == safeSerializationVersion", 0, archive.safe_version)
    state: State = "corrupt" if plan.tensorrt in (None, target.tensorrt) else "version-mismatch"
    return Verdict(state=state, message=message, why=_built(plan, target))


def _archive(plan: Plan, _: Target) -> Verdict | None:
    return _corrupt(plan, "archive", "version")


def _version(plan: Plan, target: Target) -> Verdict | None:
    """All four numbers must agree, unless the plan brings a runtime of its own (a version-compatible plan)."""
    if target.tensorrt in (None, plan.tensorrt):
        return None
    if (plan.tensorrt or ()) < (target.tensorrt or ()) and any(s.tag not in KNOWN_SECTIONS for s in plan.sections):
        return _undecided(f"{_built(plan, target)}; it may bring a runtime of its own")
    got, expected = dotted(plan.tensorrt), dotted(target.tensorrt)
    words = "The engine plan file is not compatible with this version of TensorRT, expecting library version"
    return Verdict(
        state="version-mismatch",
        message=f"{words} {expected} got {got}, please rebuild.",
        why=_built(plan, target),
    )


def _values(plan: Plan, _: Target) -> Verdict | None:
    return _corrupt(plan, "stream")


def _gpu(plan: Plan, target: Target) -> Verdict | None:
    if plan.compute is None:
        return Verdict(
            state="unknown", message="", why=f"how TensorRT {dotted(plan.tensorrt)} writes the GPU is not known"
        )
    if target.compute and not _runs_on(plan.compute, target.compute, plan.stream.device.get("hardware_level", 0)):
        words = "The engine plan file is generated on an incompatible device, expecting compute"
        got, expected = dotted(plan.compute), dotted(target.compute)
        why = f"built on a GPU of compute {got}, to be loaded on one of {expected}"
        return Verdict(
            state="device-mismatch", message=f"{words} {expected} got compute {got}, please rebuild.", why=why
        )
    missing = [name for name, known in (("TensorRT", target.tensorrt), ("GPU", target.compute)) if not known]
    if missing:
        return Verdict(
            state="unknown", message="", why=f"whole, but the {' and the '.join(missing)} to load it is not known"
        )
    return None


def _runs_on(built: tuple[int, int], target: tuple[int, int], level: int) -> bool:
    return built == target or (level == AMPERE_AND_NEWER and target >= (8, 0))


def _built(plan: Plan, target: Target) -> str:
    return f"built by TensorRT {dotted(plan.tensorrt)}, to be loaded by {dotted(target.tensorrt)}"


def _undecided(why: str) -> Verdict:
    return Verdict(state="unknown", message="", why=why)


def _corrupt(plan: Plan, *stages: str) -> Verdict | None:
    if plan.fault is None or plan.fault.stage not in stages:
        return None
    sizes = f"the file has {plan.file_size} bytes, its header promises {plan.expected_size}"
    why = "the header is damaged" if plan.expected_size in (None, plan.file_size) else sizes
    return Verdict(state="corrupt", message=plan.fault.message, why=why)
