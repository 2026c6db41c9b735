"""E: the engine against who is to load it: TensorRT-LLM, TensorRT, the GPUs."""

from __future__ import annotations

from doctor.checks.artifact import engine_of
from doctor.checks.driver import devices_of
from doctor.checks.rules import family
from doctor.facts.versions import parts
from doctor.outcome import Finding, NotKnown, failed, given, known, passed
from doctor.subject import Subject
from doctor.verdict import Target, dotted, predict
from environment.artifacts.engine import Engine
from environment.artifacts.tensorrt_plan import Plan


def trtllm_version(subject: Subject) -> Finding:
    """The engine was built by the TensorRT-LLM that will serve it."""
    built = given(engine_of(subject).version or None, "no-engine-version")
    served, where = trtllm_of(subject)
    values = {"built": built, "served": served, "where": where}
    return passed(**values) if built == served else failed(**values)


def tensorrt_version(subject: Subject) -> Finding:
    """The engine was built by the TensorRT that will load it: all four numbers."""
    served, where = tensorrt_of(subject)
    if len(parts(served)) != 4:
        raise NotKnown(f"of the TensorRT of {where} only {served} is known, and all four numbers count")
    return _verdict(subject, Target(tensorrt=parts(served)), ("version-mismatch", "not-an-engine"), served, where)


def gpu_architecture(subject: Subject) -> Finding:
    """The engine was built for the GPUs of this host."""
    for device in devices_of(subject):
        compute, name = known(device.compute), known(device.name)
        found = _verdict(
            subject, Target(compute=compute), ("device-mismatch",), dotted(compute), f"GPU {device.index} {name}"
        )
        if found.says != "pass":
            return found
    return found


def trtllm_of(subject: Subject) -> tuple[str, str]:
    """The TensorRT-LLM that serves, and where that is known from: the image, else the release."""
    if subject.image:
        version = known(subject.image.probe).packages.get("tensorrt_llm")
        if version is None:
            raise NotKnown("the image has no tensorrt_llm package")
        return version, subject.image.reference
    return subject.release.tensorrt_llm.version, subject.release.tag


def tensorrt_of(subject: Subject) -> tuple[str, str]:
    """The TensorRT that loads, and where that is known from: the image's header files, else the release."""
    if subject.image:
        probe = known(subject.image.probe)
        found = next(iter(probe.tensorrt_headers.values()), None) or probe.packages.get("tensorrt")
        if found is None:
            raise NotKnown("no TensorRT was found in the image")
        return found, subject.image.reference
    return subject.release.versions.tensorrt, subject.release.tag


def _verdict(subject: Subject, target: Target, states: tuple[str, ...], asked: str, where: str) -> Finding:
    """What TensorRT will say of the first rank that it refuses for one of these reasons."""
    plans = _plans(engine_of(subject))
    for name, plan in plans:
        said = predict(plan, plan.file_size, target)
        built = dotted(plan.compute if "device-mismatch" in states else plan.tensorrt)
        values = {"built": built, "asked": asked, "where": where, "rank": name, "said": said.message}
        if said.state in states:
            return failed(**values)
        if not built:
            raise NotKnown(said.why)
    return passed(**values)


def _plans(engine: Engine) -> list[tuple[str, Plan]]:
    plans = [(rank.name, rank.head) for rank in engine.ranks if isinstance(rank.head, Plan)]
    if not plans:
        raise NotKnown("no rank's file begins like a TensorRT plan")
    return plans


CHECKS = family("E", {"E003": trtllm_version, "E004": tensorrt_version, "E005": gpu_architecture})
