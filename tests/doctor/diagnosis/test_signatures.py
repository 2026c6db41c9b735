"""Patterns are looked for loosely and confirmed as they stand."""

from __future__ import annotations

import pytest

from doctor.diagnosis.signatures import WINDOW, Signatures, loose


@pytest.mark.parametrize(
    ("pattern", "without_bounds"),
    [
        (r"a.{0,200}b", r"a.*b"),
        (r"a\w{1,40}b", r"a\w+b"),
        (r"a[\s\S]{0,200}b", r"a[\s\S]{0,200}b"),
        (r"a{2,3}b{4}", r"a{2,3}b{4}"),
    ],
)
def test_only_bounds_that_stay_in_a_line_go(pattern: str, without_bounds: str) -> None:
    assert loose(pattern) == without_bounds


def test_what_only_the_loose_pattern_matches_is_no_match() -> None:
    signatures = Signatures((r"failed.{0,5}memory",))
    far, near = b"failed because of too little memory\n", b"failed: memory\n"
    assert signatures.present(far) == {0}
    assert [signatures.match(far, place) for place in signatures.places(far, {0})] == [None]
    found = [signatures.match(far + near, place) for place in signatures.places(far + near, {0})]
    assert [match[0] for match in found if match] == [b"failed: memory"]


def test_every_window_of_a_long_line_has_its_place() -> None:
    text = b"failed ... memory" + b" " * 3 * WINDOW + b"failed: memory"
    signatures = Signatures((r"failed.{0,2}memory",))
    found = [signatures.match(text, place) for place in signatures.places(text, {0})]
    assert any(match and match[0] == b"failed: memory" for match in found)


@pytest.mark.parametrize(
    ("pattern", "text"),
    [
        ("^Killed$", b"2024-06-18T08:11:17.058465123Z Killed"),
        ("^Killed$", b"[1,0]<stderr>:Killed"),
        (r"^(?P<file>[\w.]{3,200}\.cpp): error", b"abc.cpp: error"),
        (r"[\w.]{0,200}x: error", b"x: error"),
    ],
)
def test_what_is_looked_for_first_leaves_out_nothing(pattern: str, text: bytes) -> None:
    signatures = Signatures((pattern,))
    assert signatures.present(text) == {0}
    assert all(signatures.match(text, place) for place in signatures.places(text, {0}))


def test_what_counts_without_another_look_is_looked_for_as_it_stands() -> None:
    assert Signatures(("^Killed",), exact=True).present(b"it says: Killed") == set()
