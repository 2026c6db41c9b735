"""Carries an image's plan out: looks before it pulls, verifies before it names, and leaves nothing half-made."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import msgspec

from environment import execution, machine, registry
from environment.console import say
from environment.container import Engine, connect, credentials
from environment.docker_errors import DockerTrouble
from environment.engine_answers import Image
from environment.errors import printable
from environment.image_layout import HOME, IDENTITY
from environment.images.actors import build, expect, refuse_pointers
from environment.images.order import Order, base_of, pulled
from environment.images.planning import PROBE_SCRIPT, identity, plan
from environment.images.probe import CONTAINERS
from environment.images.probed import Probed
from environment.images.readiness import refuse_unready, warnings
from environment.images.reference import parts
from environment.images.tools import BUILD, EXACT, LFS, PULL, VERIFY
from environment.images.verification import Finding, claims, compare, observations, refuse_differences
from environment.layers import amount
from environment.plan import Plan, Step
from environment.progress import PullProgress
from environment.signals import terminable, uninterrupted
from environment.turns import alone
from environment.workspace import PROJECT

PROBING = 300  # seconds the probe may take; it walks the file names of a 30 GB image
OTHERWISE = "invoke releases   shows which tag holds which release"


@dataclass(frozen=True, kw_only=True)
class Made:
    """The image, what was found in it, and whether anything had to be done."""

    image: Image
    findings: tuple[Finding, ...]
    new: bool


@terminable()
def make(order: Order, workspace: Path) -> Made:
    """The image of `order`: the one that is there when it is the same, else a new one.

    Raises Trouble when a step fails or something else is inside than claimed; then no new name is given to anything.
    """
    engine = connect()
    if made := same(order, engine):
        return made
    this, store = machine.this(), workspace / "images" / order.release.tag
    base_there = all(engine.image(reference) for reference in pulled(order))
    refuse_unready(order, engine.info(), this, store, base_there=base_there)
    for warning in warnings(order, this):
        say(warning, style="yellow")
    with alone(store / "in-use", f"making an image of {order.release.tag}"):
        return same(order, engine) or carry_out(order, plan(order, this, workspace), engine, store / "logs")


def same(order: Order, engine: Engine) -> Made | None:
    """The image of `order` that is there already; None when there is none, or another one under its name."""
    there = engine.image(order.name)
    if there is None or there.labels.get(IDENTITY) != identity(order):
        return None
    return Made(image=there, findings=(), new=False)


def carry_out(order: Order, planned: Plan, engine: Engine, logs: Path) -> Made:
    """Carries the plan out; the working name is taken away again, whatever happens."""
    say(planned.purpose)
    maker, before = Maker(order, engine), engine.image(order.name)
    actors = {PULL: maker.pull, BUILD: build, VERIFY: maker.verify, EXACT: expect, LFS: refuse_pointers}
    try:
        execution.carry_out(planned, logs, actors)
    finally:
        with uninterrupted(), suppress(DockerTrouble):  # an engine that went away is told of by the step that met it
            engine.untag(order.candidate)
    made = engine.image(order.name)
    if made is None:
        raise DockerTrouble(f"{order.name} vanished while it was made", id="image-unknown")
    if before and before.id != made.id and before.tags == (order.name,):
        say(f"{order.name} was {before.id} before, which is kept without a name: docker rmi {before.id} frees its disk")
    return Made(image=made, findings=maker.findings, new=True)


class Maker:
    """The actors that need to know the order and the engine."""

    def __init__(self, order: Order, engine: Engine) -> None:
        self.order, self.engine = order, engine
        self.findings: tuple[Finding, ...] = ()

    def pull(self, words: tuple[str, ...], _step: Step, _log: Path) -> None:
        """Pulls an image unless it is here, after a look at what its registry claims of it."""
        reference = words[-1]
        if self.engine.image(reference):
            say(f"      {reference} is on this engine already")
            return
        published = self._look(reference)
        with PullProgress() as progress:
            self.engine.pull(reference, progress)
        self._expect_digest(reference, published)

    def _look(self, reference: str) -> registry.Published | None:
        """What the registry claims, refused when it is something else than the release; None when it does not say."""
        try:
            published = registry.look(reference, credentials(parts(reference)[0]))
        except DockerTrouble as trouble:
            say(f"      not looked at before the pull: {trouble.what}", style="yellow")
            return None
        say(f"      {published.digest}, {amount(published.size)} packed")
        if reference == next(iter(pulled(self.order)), ""):
            claimed = claims(self.order.release, self.order.choice.way)
            refuse_differences(reference, compare(claimed, announced(published.env)), OTHERWISE)
        return published

    def _expect_digest(self, reference: str, published: registry.Published | None) -> None:
        image = self.engine.image(reference)
        digests = {digest.rpartition("@")[2] for digest in image.digests} if image else set()
        if published and published.digest not in digests:
            self.engine.untag(reference)  # or the next call would find it here and ask nothing
            raise DockerTrouble(
                f"{reference} changed while it was pulled: it was {published.digest}, and {', '.join(digests)} came",
                id="digest-changed",
                mend="run the same command again; pin it with invoke lock",
            )

    def verify(self, words: tuple[str, ...], _step: Step, log: Path) -> None:
        """Runs the probe in the candidate, compares, and refuses differences."""
        document = observe(self.engine, self.order.candidate, words[-2:])
        log.write_bytes(msgspec.json.format(msgspec.json.encode(document), indent=2))
        self.findings = compare(claims(self.order.release, self.order.choice.way), observations(document))
        for finding in self.findings:
            say(f"      {finding}", style="" if finding.agrees else "yellow")
        refuse_differences(self.order.name, self.findings, self._otherwise())

    def _otherwise(self) -> str:
        """What mends a wrong image: a base that is here is not pulled again, whatever the registry has by now."""
        if self.order.choice.way == "source":
            return OTHERWISE
        return f"docker rmi {base_of(self.order)}   and the same command pulls it anew; {OTHERWISE}"


def announced(env: Mapping[str, str]) -> dict[str, str]:
    """What an image's environment says of it, by the names of the claims; nothing for what it does not say."""
    said = {
        "triton": env.get("TRITON_SERVER_VERSION", ""),
        "container": next((env[name] for name in CONTAINERS if name in env), ""),
        "cuda": env.get("CUDA_VERSION", ""),
    }
    return {name: value for name, value in said.items() if value}


def observe(engine: Engine, image: str, words: tuple[str, ...] = (), *, called: str = "") -> Probed:
    """What the probe says of `image`, which a person calls `called`; raises DockerTrouble when it cannot run in it."""
    called = called or image
    ended = engine.run(image, words or probe_words(), entrypoint=("python3",), limit=PROBING, called=called)
    if ended.code:
        last = printable(" ".join((ended.err or ended.out).strip().splitlines()[-2:]))
        raise DockerTrouble(f"the probe could not look into {called}: exit code {ended.code}", id="probe", why=last)
    try:
        return msgspec.json.decode(ended.out, type=Probed)
    except msgspec.MsgspecError as error:
        mend = f"what its python3 is: docker run --rm --entrypoint python3 {called} --version"
        what = f"python3 in {called} does not say what the probe asks: {printable(str(error))}"
        raise DockerTrouble(what, id="probe", mend=mend) from error


def probe_words() -> tuple[str, ...]:
    """What Python is told in an image that need not carry the probe: the probe itself."""
    return ("-c", (PROJECT / PROBE_SCRIPT).read_text(encoding="utf-8"), HOME)
