"""Every recipe x release x documented option set, against the release's own parsers and templates."""

from __future__ import annotations

from functools import cache

import pytest

from environment.contracts import contract, placeholders, tools
from environment.errors import Trouble
from environment.plan import Plan
from recipes.recipe import find, names
from tests.recipes.documented import KNOWN, cases, planned, readable

# The first and the last release each recipe is planned for, without options: a release more or less is seen here.
REACH = {
    "baichuan2-13b": ("v0.5.0", "v0.16.0", 15),
    "chatglm2": ("v0.6.0", "v0.16.0", 14),
    "chatglm3": ("v0.6.0", "v0.16.0", 14),
    "llama2-13b": ("v0.5.0", "v0.16.0", 15),
    "qwen-vl": ("v0.8.0", "v0.16.0", 9),
    "qwen2": ("v0.10.0", "v0.16.0", 7),
    "qwen2-72b": ("v0.10.0", "v0.16.0", 7),
}


@cache
def plans() -> tuple[tuple[str, Plan], ...]:
    """Every plan that can be made, with its name."""
    made = []
    for name, tag, options in cases():
        try:
            made.append((f"{name} {tag} {options}", planned(name, tag, options)))
        except Trouble:
            continue
    return tuple(made)


@pytest.mark.slow
def test_no_command_is_refused_by_the_parser_it_is_for() -> None:
    """The seeds' documents had 25 such commands; upstream's own READMEs have more."""
    checked = 0
    for name, plan in plans():
        known = set(tools(plan.release))
        for step in plan.steps:
            if step.tool in known:
                checked += 1
                assert contract(plan.release, step.tool).problems(step.argv) == (), f"{name}: {step.title}"
    assert checked > 10_000


@pytest.mark.slow
def test_no_command_is_silently_changed_by_the_program() -> None:
    """Flags that a program takes and ignores (seed mistake W17) or fills with a surprising default (W10)."""
    for name, plan in plans():
        for step in plan.steps:
            if step.tool in tools(plan.release):
                assert contract(plan.release, step.tool).warnings(step.argv) == (), f"{name}: {step.title}"


@pytest.mark.slow
def test_every_placeholder_is_filled_and_none_that_is_not_there() -> None:
    for name, plan in plans():
        if plan.templates:
            wanted = {model: {each.name for each in has} for model, has in placeholders(plan.release).items()}
            assert {model: set(values) for model, values in plan.templates.items()} == wanted, name
            assert not [value for values in plan.templates.values() for value in values.values() if "$" in value]


@pytest.mark.slow
def test_every_program_of_a_container_step_has_a_contract() -> None:
    """What is not checked by a contract is a tool of the image's operating system."""
    for name, plan in plans():
        inside = {step.tool for step in plan.steps if step.where == "container"}
        assert inside <= {*tools(plan.release), "cp"}, name


@pytest.mark.parametrize("recipe", sorted(REACH))
def test_each_recipe_reaches_as_far_as_is_known(recipe: str) -> None:
    reached = []
    for tag in KNOWN:
        try:
            planned(recipe, tag, {})
            reached.append(tag)
        except Trouble:
            continue
    assert (reached[0], reached[-1], len(reached)) == REACH[recipe]


def test_every_recipe_is_listed_here() -> None:
    assert set(REACH) == set(names())
    assert all(readable(tag) for tag in KNOWN)


def test_no_recipe_begins_before_its_release() -> None:
    for recipe, (first, _, _) in REACH.items():
        assert find(recipe).since.release == first
