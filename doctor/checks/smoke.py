"""D: what a container of the image really sees of the GPUs, when one was started to find out."""

from __future__ import annotations

from doctor.checks.rules import family
from doctor.outcome import Finding, failed, given, known, passed
from doctor.subject import Subject

# Words of the engine or of nvidia-smi, and the message that explains them (the sources are in rules/D.toml).
SAID = {
    "could not select device driver": "fail-toolkit",
    "unresolvable CDI devices": "fail-toolkit",
    "unsatisfied condition: cuda": "fail-driver",
    "Failed to initialize NVML: Unknown Error": "fail-cgroup",
    "Driver/library version mismatch": "fail-mismatch",
}
CUDA = {802: "fail-fabric", 803: "fail-compat", 804: "fail-compat"}  # cuda.h, CUresult


def smoke(subject: Subject) -> Finding:
    """A container that is given all GPUs reaches them: nvidia-smi lists them, and CUDA starts."""
    image = given(subject.image, "no-image")
    seen = given(known(image.smoke), "no-smoke")
    values = {"image": image.reference, "said": (seen.refused or seen.smi_said or seen.cuda_said).strip()}
    known_words = next((says for words, says in SAID.items() if words in values["said"]), None)
    if known_words:
        return failed(known_words, **values)
    if seen.refused:
        return failed(**values)
    if seen.cuda is None:
        return failed("fail-library", **values)
    if seen.cuda:
        return failed(CUDA.get(seen.cuda, "fail-cuda"), **values, code=seen.cuda)
    return passed(**values, count=seen.devices) if seen.devices and not seen.smi else failed("fail-none", **values)


CHECKS = family("D", {"D010": smoke})
