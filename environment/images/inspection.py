"""`invoke image --verify REF`: what any image claims to be, and what is in it."""

from __future__ import annotations

from dataclasses import dataclass

from environment.console import result, result_json, say
from environment.container import Engine, connect
from environment.engine_answers import Image
from environment.errors import ExitCode
from environment.image_layout import RELEASE, WAY
from environment.images.choice import Way
from environment.images.making import Made, observe
from environment.images.reference import checked_reference
from environment.images.verification import Finding, claims, compare, observations
from environment.progress import PullProgress
from environment.releases import Release, every, find


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


def inspect(reference: str, tag: str = "") -> Inspection:
    """Looks into `reference` (pulled when it is not here) and compares it with `tag`, or with what it says it is."""
    engine = connect()
    image = present(engine, checked_reference(reference, "--verify"))
    observed = observations(observe(engine, image.id))
    release, way = (find(tag) if tag else release_of(image)), way_of(image)
    findings = compare(claims(release, way), observed) if release else ()
    return Inspection(reference=reference, image=image, release=release, observed=observed, findings=findings)


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
    if tag := image.labels.get(RELEASE):
        return find(tag)
    container = image.env.get("NVIDIA_TRITON_SERVER_VERSION")
    return next((r for r in every() if container and (r.ngc.recommended_tag or "").startswith(f"{container}-")), None)


def way_of(image: Image) -> Way:
    """How an image came to be, by its label; NVIDIA's own have none."""
    return "source" if image.labels.get(WAY) == "source" else "ngc"


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
    result(f"{inspection.reference} against {tag or 'no known release (name one with --tag)'}")
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
