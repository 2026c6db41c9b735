"""I: what is in an image, against the release and against itself."""

from __future__ import annotations

from collections.abc import Sequence

from doctor.checks.rules import family
from doctor.facts.image import TENSORRTLLM_BACKEND, Image
from doctor.facts.linking import cure, prefix
from doctor.facts.versions import parts
from doctor.outcome import Finding, NotAsked, NotKnown, failed, given, known, passed, warned
from doctor.redaction import MARK
from doctor.subject import Subject
from environment.images.probed import Probed
from environment.releases import tags

BACKEND_FILES = ("libtriton_tensorrtllm.so",)
ROOT = ("", "0", "root")
PLATFORMS = {"x86_64": "amd64", "aarch64": "arm64"}  # as Docker calls what the kernel calls so


def tensorrt_versions(subject: Subject) -> Finding:
    """The Python package, the header and the library of TensorRT are of one version."""
    probe = _probe(subject)
    headers = tuple(sorted(set(probe.tensorrt_headers.values())))
    files = tuple(sorted({name.rpartition(".so.")[2] for name in probe.nvinfer if ".so." in name}))
    package = probe.packages.get("tensorrt")
    said = tuple(version for version in (*headers, *files, package) if version and parts(version))
    values = {"headers": headers or ("-",), "libraries": files or ("-",), "package": package or "-"}
    if not said:
        raise NotAsked("no-tensorrt")
    return passed(**values) if _agree([parts(version) for version in said]) else failed(**values)


def _agree(versions: Sequence[tuple[int, ...]]) -> bool:
    """Whether all are of one version, as far as each says it: a library's file has three numbers of the four."""
    longest = max(versions, key=len)
    return all(version == longest[: len(version)] for version in versions)


def tensorrt_of_release(subject: Subject) -> Finding:
    """The image's TensorRT is the release's, in all four parts: engines of another build do not load."""
    wanted, found = subject.release.versions.tensorrt, sorted(set(_probe(subject).tensorrt_headers.values()))
    values = {"found": given(found or None, "no-tensorrt"), "wanted": wanted, "tag": subject.release.tag}
    return passed(**values) if wanted in found else failed(**values)


def trtllm_of_release(subject: Subject) -> Finding:
    """The image's TensorRT-LLM is the release's."""
    wanted = subject.release.tensorrt_llm.wheel_version or subject.release.tensorrt_llm.version
    found = _probe(subject).packages.get("tensorrt_llm")
    values = {"found": given(found, "no-trtllm"), "wanted": wanted, "tag": subject.release.tag}
    if found == wanted:
        return passed(**values)
    return failed(**values) if f"v{found}" in tags() else failed("fail-other", **values)


def container_of_release(subject: Subject) -> Finding:
    """The Triton container is the one that ships the release, or the one it is built on."""
    found = given(_probe(subject).container, "no-triton")
    build = subject.release.source_build
    named = [*subject.release.ngc.all_tags, (build.base_image or "").rpartition(":")[2]]
    wanted = sorted({tag.partition("-")[0] for tag in named if tag})
    values = {"found": found, "wanted": wanted, "tag": subject.release.tag}
    return passed(**values) if found in wanted else warned(**values)


def backend_files(subject: Subject) -> Finding:
    """Triton's TensorRT-LLM backend is in its folder."""
    there = _probe(subject).backends.get(TENSORRTLLM_BACKEND, ())
    missing = [name for name in BACKEND_FILES if name not in there]
    values = {"folder": TENSORRTLLM_BACKEND, "count": len(there)}
    return failed(**values, missing=missing) if missing else passed(**values)


def mpi_and_hwloc(subject: Subject) -> Finding:
    """The MPI libraries a process would load are of one build: no symbol of theirs stays undefined."""
    if subject.linking is None:
        raise NotAsked("no-mpi")
    linking = known(subject.linking)
    found = linking.quarrel
    if found is None:
        return passed(loaded=linking.loaded)
    values = {
        "symbol": found.symbol,
        "wanting": found.wanting,
        "taken": found.taken,
        "folder": (found.fitting or found.wanting).rpartition("/")[0],
        "home": prefix(found.fitting or found.wanting),
    }
    return failed(f"fail-{cure(found) if found.taken else 'missing'}", **values)


def numpy_of_release(subject: Subject) -> Finding:
    """NumPy is one the release was made for: version 2 breaks everything compiled against 1."""
    return _pinned(subject, "numpy", subject.release.pins.numpy, fail=True)


def transformers_of_release(subject: Subject) -> Finding:
    """transformers is the version the release pins: tokenizers written for another one break."""
    return _pinned(subject, "transformers", subject.release.pins.transformers, fail=False)


def pip_check(subject: Subject) -> Finding:
    """pip finds no package in the image whose requirements are not met."""
    found = given(known(_image(subject).conflicts), "no-pip")
    return warned(count=len(found), first=found[:3]) if found else passed()


def architecture(subject: Subject) -> Finding:
    """The image is made for this host's processor."""
    image, host = _probe(subject).machine, known(subject.host.system).machine
    if image == host:
        return passed(image=image, host=host)
    return failed(image=image, host=host, platform=PLATFORMS.get(host, host), name=_image(subject).reference)


def user(subject: Subject) -> Finding:
    """The image does not run as root unless told to."""
    found = known(_image(subject).user)
    return warned(user=found or "root") if is_root(found) else passed(user=found)


def is_root(words: str) -> bool:
    """Whether Docker's `user[:group]` is root, whatever the group."""
    return words.partition(":")[0] in ROOT


def secrets(subject: Subject) -> Finding:
    """No token or password lies in the image's settings or history."""
    image = _image(subject)
    settings = [name for name, value in known(image.environment).items() if MARK in value]
    steps = [step[:60] for step in known(image.history) if MARK in step]
    return failed(found=[*settings, *steps]) if settings or steps else passed()


def _image(subject: Subject) -> Image:
    return given(subject.image, "no-image")


def _probe(subject: Subject) -> Probed:
    return known(_image(subject).probe)


def _pinned(subject: Subject, package: str, pin: str | None, *, fail: bool) -> Finding:
    """A package of the image against the release's pin."""
    found = given(_probe(subject).packages.get(package), "no-package")
    values = {"found": found, "pin": given(pin, "not-in-release"), "tag": subject.release.tag}
    from packaging.specifiers import InvalidSpecifier, SpecifierSet
    from packaging.version import InvalidVersion, Version

    try:
        fits = SpecifierSet(str(pin)).contains(Version(found), prereleases=True)
    except InvalidSpecifier:  # a release says of some that it pins them nowhere
        raise NotAsked("not-in-release") from None
    except InvalidVersion:
        raise NotKnown(f"{package} says that it is of version {found!r}") from None
    if fits:
        return passed(**values)
    return failed(**values) if fail else warned(**values)


CHECKS = [
    *family(
        "I",
        {
            "I001": tensorrt_versions,
            "I002": trtllm_of_release,
            "I003": container_of_release,
            "I004": backend_files,
            "I005": mpi_and_hwloc,
            "I006": tensorrt_of_release,
            "I008": numpy_of_release,
            "I009": transformers_of_release,
            "I010": pip_check,
            "I012": architecture,
        },
    ),
    *family("X", {"X006": user, "X008": secrets}),
]
