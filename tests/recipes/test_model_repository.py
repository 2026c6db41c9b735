from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from environment.errors import Trouble
from recipes.model_repository import fill, placeholders_in

TEMPLATE = 'name: "a"\nmax_batch_size: ${triton_max_batch_size}\n# ${engine_dir} ${engine_dir}\n'


def test_placeholders_come_once_and_in_order() -> None:
    assert placeholders_in(TEMPLATE) == ("triton_max_batch_size", "engine_dir")
    assert placeholders_in("$engine_dir ${} ${a b}") == ()


def test_everything_is_filled_also_with_what_breaks_upstreams_script() -> None:
    filled = fill(TEMPLATE, {"triton_max_batch_size": "8", "engine_dir": "/a,b:c"})
    assert filled == 'name: "a"\nmax_batch_size: 8\n# /a,b:c /a,b:c\n'


def test_a_missing_value_names_the_nearest() -> None:
    with pytest.raises(Trouble, match=r"the template has no placeholder engine_dirs \(nearest: engine_dir\)"):
        fill(TEMPLATE, {"triton_max_batch_size": "8", "engine_dirs": "/e"})


def test_a_placeholder_without_a_value_is_named() -> None:
    with pytest.raises(Trouble, match="engine_dir has no value"):
        fill(TEMPLATE, {"triton_max_batch_size": "8"})


@pytest.mark.parametrize("value", ["${engine_dir}", 'a"b', "a\nb"])
def test_a_value_that_would_change_the_template_is_refused(value: str) -> None:
    with pytest.raises(Trouble, match="cannot stand in a template"):
        fill("x: ${a}", {"a": value})


@given(st.dictionaries(st.from_regex(r"\w{1,9}", fullmatch=True), st.from_regex(r"[^\"\n$]{0,9}", fullmatch=True)))
def test_filled_means_nothing_is_left(values: dict[str, str]) -> None:
    filled = fill(" ".join(f"${{{name}}}" for name in values), values)
    assert filled == " ".join(values.values())
