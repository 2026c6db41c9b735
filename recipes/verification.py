"""Every command of a plan, read as the release's own parser will read it, before anything runs."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import TypeVar

from packaging.version import Version

from environment.contracts import Unread, contract, tools
from environment.errors import Trouble
from environment.plan import Plan
from environment.releases import find, tags
from recipes.deployment import Deployment
from recipes.spelling import NotInRelease

T = TypeVar("T")


def verified(plan: Plan) -> Plan:
    """The plan, when the release's parsers take every command of it; raises NotInRelease with the first refusal."""
    known = set(tools(plan.release))
    for step in plan.steps:
        problems = contract(plan.release, step.tool).problems(step.argv) if step.tool in known else ()
        if problems:
            raise NotInRelease(f"{step.title}: {step.tool} of {plan.release} refuses this: {problems[0]}")
    return plan


def or_first(make: Callable[[Deployment], T], deployment: Deployment) -> T:
    """What `make` makes of the deployment; a Trouble that also names the nearest release that can, when it cannot."""
    try:
        return make(deployment)
    except (NotInRelease, Unread) as refusal:
        raise _with_nearest(make, deployment, refusal) from refusal


def _with_nearest(make: Callable[[Deployment], T], deployment: Deployment, refusal: Trouble) -> Trouble:
    asked, release = deployment.recipe_name, deployment.release
    newer = [find(tag) for tag in tags() if find(tag).version > release.version]
    older = [find(tag) for tag in reversed(tags()) if _since(deployment) <= find(tag).version < release.version]
    for order, releases in (("first", newer), ("last", older)):
        able = next((one for one in releases if _can(make, replace(deployment, release=one))), None)
        if able:
            what = f"{asked} cannot be made like this with {release.tag}: {order} in {able.tag}"
            mend = "; or ".join(filter(None, (f"use --tag {able.tag}", refusal.mend)))
            return Trouble(f"{what}, because {refusal.what}", mend=mend)
    own = f" --recipe-file {deployment.recipe_file}" if deployment.recipe_file else ""
    mend = f"leave out or change what it refuses; the recipe as it is: ./inv build {asked}{own} --dry"
    return Trouble(f"{asked} cannot be made like this with any known release, because {refusal.what}", mend=mend)


def _since(deployment: Deployment) -> Version:
    return Version(deployment.recipe.since.release)


def _can(make: Callable[[Deployment], object], deployment: Deployment) -> bool:
    try:
        make(deployment)
    except Trouble:
        return False
    return True
