"""`invoke image --verify REF`: what any image claims to be, and what is in it."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass

from environment.console import result, result_json, say
from environment.container import Engine, connect
from environment.engine_answers import Image
from environment.errors import ExitCode, Usage, printable
from environment.image_layout import RELEASE, WAY
from environment.images.choice import Way
from environment.images.making import Made, observe, probe_words
from environment.images.reference import checked_reference
from environment.images.tools import PULL, VERIFY
from environment.images.verification import Finding, claims, compare, observations
from environment.plan import Plan, Step
from environment.progress import PullProgress
from environment.releases import Container, Release, every, find
from environment.signals import terminable


@dataclass(frozen=True, kw_only=True)
class Inspection:
    """An image, the release it is compared with (None: no release is known to be it), and the findings."""

    reference: str
    image: Image
    release: Release | None
    observed: dict[str, str]
    findings: tuple[Finding, ...]

    @property
    def code(self) -> ExitCode:
        """OK when everything agrees, FAILURE for a difference, UNKNOWN when there is nothing to compare with."""
        if self.release is None:
            return ExitCode.UNKNOWN
        return ExitCode.FAILURE if any(finding.agrees is False for finding in self.findings) else ExitCode.OK


@terminable()
def inspect(reference: str, tag: str = "") -> Inspection:
    """Looks into `reference` (pulled when it is not here) and compares it with `tag`, or with what it says it is."""
    checked, named = checked_reference(reference, "--verify"), find(tag) if tag else None
    engine = connect()
    image = present(engine, checked)
    observed = observations(observe(engine, image.id, called=reference))
    release = named or release_of(image)
    findings = compare(claims(release, way_of(image), container_of(image, release)), observed) if release else ()
    return Inspection(reference=reference, image=image, release=release, observed=observed, findings=findings)


def plan(reference: str) -> Plan:
    """The commands that look into `reference`."""
    here, run = ("docker", "image", "inspect", reference), ("docker", "run", "--rm", "--network=none", "--entrypoint")
    return Plan(
        purpose=f"what is in {checked_reference(reference, '--verify')}",
        release="",
        steps=(
            Step(title=f"Pull {reference}", tool=PULL, argv=("docker", "pull", reference), there=here),
            Step(title="Look inside", tool=VERIFY, argv=(*run, "python3", reference, *probe_words())),
        ),
    )


def present(engine: Engine, reference: str) -> Image:
    """The image, pulled when it is not on this engine."""
    if image := engine.image(reference):
        return image
    say(f"Pull {reference}")
    with PullProgress() as progress:
        engine.pull(reference, progress)
    return engine.image(reference) or present(engine, reference)


def release_of(image: Image) -> Release | None:
    """The release an image says it is: by its label, else by the Triton container it was made as."""
    if label := image.labels.get(RELEASE):
        with suppress(Usage):  # an image may say anything
            return find(label)
        return None
    return next((release for release in every() if container_of(image, release)), None)


def container_of(image: Image, release: Release) -> Container | None:
    """That one of the release's containers which the image says it was made as."""
    month = image.env.get("NVIDIA_TRITON_SERVER_VERSION")
    return next((one for one in release.containers if month and one.tag.startswith(f"{month}-")), None)


def way_of(image: Image) -> Way:
    """How an image came to be, by its label; NVIDIA's own have none."""
    return "source" if image.labels.get(WAY) == "source" else "ngc"


def compared_with(inspection: Inspection) -> str:
    """What the image is held against, and by what it was taken for that."""
    labels, release = inspection.image.labels, inspection.release
    if label := printable(labels.get(RELEASE, "")):
        return release.tag if release else f"no known release: its label says {label} (name one with --tag)"
    if release is None:
        return "no known release (name one with --tag)"
    container = container_of(inspection.image, release)
    return release.tag + (f", which NVIDIA's {container.tag} holds (--tag names another)" if container else "")


def tell(inspection: Inspection, *, json: bool) -> None:
    """Prints an inspection: one line a fact, or data."""
    tag = inspection.release.tag if inspection.release else None
    if json:
        rows = [
            {"name": f.name, "claimed": f.claimed, "observed": f.observed, "agrees": f.agrees}
            for f in inspection.findings
        ]
        found = {"observed": inspection.observed, "findings": rows}
        result_json("image/1", {"image": inspection.reference, "id": inspection.image.id, "release": tag, **found})
        return
    result(f"{inspection.reference} against {compared_with(inspection)}")
    for finding in inspection.findings:
        result(f"  {finding}")
    claimed = {finding.name for finding in inspection.findings}
    for name, value in inspection.observed.items():
        if name not in claimed:
            result(f"  read     {name:<16} {value or 'nothing'}")


def tell_made(name: str, made: Made, *, json: bool) -> None:
    """Prints what `invoke image` came to."""
    if json:
        result_json("image/1", {"image": name, "id": made.image.id, "new": made.new, "size": made.image.size})
    else:
        result(f"{name} {made.image.id}" + ("" if made.new else "   nothing changed, nothing done"))
