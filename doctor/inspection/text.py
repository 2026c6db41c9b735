"""The answers as text: one block for each path, what is wrong first."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from doctor.inspection.answer import Inspection
from doctor.verdict import Target, Verdict, dotted

NAMES = {
    "tensorrt-plan": "TensorRT plan",
    "ultralytics-engine": "TensorRT plan behind an Ultralytics header",
    "tensorrt-llm-engine": "TensorRT-LLM engine",
    "tensorrt-llm-checkpoint": "TensorRT-LLM checkpoint",
    "huggingface-checkpoint": "Hugging Face checkpoint",
    "tokenizer": "tokenizer",
    "model-repository": "Triton model repository",
    "safetensors": "safetensors file",
    "git-lfs-pointer": "git-lfs pointer",
    "unknown": "not known here",
}
WHOLE = {True: "whole", False: "NOT WHOLE", None: ""}
SHOWN = ("architectures", "architecture", "tokenizer_class", "version", "dtype", "quantization", "tp", "pp", "bytes")
LISTED = 8  # faults or notes shown of one path


def told(inspections: Sequence[Inspection], target: Target) -> str:
    """All answers; the line below them says whom the verdicts are for."""
    blocks = ["\n".join(map(_printable, _block(inspection))) for inspection in inspections]
    return "\n\n".join([*blocks, _for_whom(target)] if any(i.verdict for i in inspections) else blocks)


def _printable(line: str) -> str:
    """The line without what a file's name or content could do to a terminal."""
    return "".join(character if character.isprintable() else "\ufffd" for character in line)


def _block(found: Inspection) -> Iterable[str]:
    yield ": ".join([found.path, ", ".join(filter(None, (NAMES[found.kind], WHOLE[found.complete])))])
    if found.tensorrt or found.compute:
        yield f"  built    {_built(found)}"
    if facts := _facts(found.facts):
        yield f"  holds    {facts}"
    yield from _list("fault", found.faults)
    yield from _list("note", found.notes)
    if found.verdict:
        yield from _verdict(found.verdict)


def _built(found: Inspection) -> str:
    version = f"by TensorRT {found.tensorrt}" if found.tensorrt else ""
    sms = f" ({found.facts['sms']} SMs)" if found.facts.get("sms") else ""
    compute = f"on compute {found.compute}{sms}" if found.compute else "on a GPU this project cannot read yet"
    return f"{version} {compute}".strip()


def _facts(facts: Mapping[str, object]) -> str:
    shown = ((name, facts.get(name)) for name in SHOWN)
    return ", ".join(f"{name} {_value(value)}" for name, value in shown if value not in (None, "", (), []))


def _value(value: object) -> str:
    if isinstance(value, int):
        return f"{value:,}"
    return " ".join(map(str, value)) if isinstance(value, tuple | list) else str(value)


def _list(name: str, lines: Sequence[str]) -> Iterable[str]:
    yield from (f"  {name:<8} {line}" for line in lines[:LISTED])
    if len(lines) > LISTED:
        yield f"  {name:<8} and {len(lines) - LISTED} more"


def _verdict(verdict: Verdict) -> Iterable[str]:
    yield f"  verdict  {verdict.state}: {verdict.why}" if verdict.why else f"  verdict  {verdict.state}"
    if verdict.message:
        yield f"           TensorRT says: {verdict.message}"


def _for_whom(target: Target) -> str:
    """Whom the verdicts are for, and how to say what is missing."""
    tensorrt = dotted(target.tensorrt) or "of a version nobody named (--for-tensorrt 10.0.1.6 or --image REF)"
    compute = dotted(target.compute) or "nobody named (--for-compute 9.0)"
    return f"Verdicts are for TensorRT {tensorrt} and a GPU of compute capability {compute}."
