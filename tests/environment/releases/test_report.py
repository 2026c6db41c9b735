"""What `invoke releases` prints."""

import json

import pytest

from environment.releases import differences, every, find
from environment.releases.report import compared, document, full, report, shown, table


@pytest.mark.parametrize("width", [80, 120])
def test_the_table_fits_and_has_a_line_for_every_release(width: int) -> None:
    lines = table(every(), width).splitlines()
    assert max(map(len, lines)) <= width
    assert [line.split()[0] for line in lines[1:27]] == [release.tag for release in every()]


def test_a_wide_table_names_the_container_and_both_driver_floors() -> None:
    (line,) = [line for line in table(every(), 120).splitlines() if line.startswith("v0.10.0 ")]
    words = "v0.10.0 0.10.0 10.0.1.6 12.4.0 24.06-trtllm-python-py3 525/550.54.14 convert + trtllm-build 21 of 21"
    assert line.split() == words.split()


def test_a_narrow_table_keeps_every_column() -> None:
    (line,) = [line for line in table(every(), 80).splitlines() if line.startswith("v0.5.0 ")]
    assert line.split() == ["v0.5.0", "0.5.0", "9.1.0.4", "12.2.1", "23.10", "525", "build.py", "21", "of", "21"]


@pytest.mark.parametrize("release", every(), ids=lambda release: release.tag)
def test_a_release_in_full_shows_every_group_and_source(release: object) -> None:
    found = find(getattr(release, "tag", ""))
    text = full(found, 100)
    assert all(f"\n{name}  (" in text for name in found.groups)
    joined = " ".join(text.split())
    assert all(" ".join(source.split()) in joined for group in found.groups.values() for source in group.source)


def test_a_weaker_fact_is_marked() -> None:
    assert "22.04  (not verified)" in full(find("v0.10.0"), 100)
    assert "NOT verified" in full(find("v1.1.0"), 100)


def test_two_releases_are_compared_with_both_values() -> None:
    text = compared(find("v0.9.0"), find("v0.10.0"), 80)
    assert "versions.tensorrt\n  v0.9.0   9.3.0.1\n  v0.10.0  10.0.1.6\n" in text
    assert compared(find("v0.9.0"), find("v0.9.0"), 80).endswith("nothing differs")


def test_where_a_fact_was_read_is_no_difference() -> None:
    fields = {difference.field for difference in differences(find("v0.7.1"), find("v0.7.2"))}
    assert "backend.commit" in fields
    assert "tensorrt_llm.version" not in fields
    assert not any("source" in field.split(".") for field in fields)


def test_the_columns_follow_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    assert max(map(len, report().splitlines())) <= 80
    monkeypatch.setenv("COLUMNS", "200")
    assert "24.06-trtllm-python-py3" in report()


def test_the_same_as_data() -> None:
    whole = json.loads(json.dumps(document()))
    assert whole["default"] == "v0.10.0"
    assert [entry["tag"] for entry in whole["releases"]] == [release.tag for release in every()]
    (one,) = json.loads(json.dumps(document("0.10.0")))["releases"]
    assert one["versions"]["tensorrt"] == "10.0.1.6"
    two = json.loads(json.dumps(document("v0.9.0", "v0.10.0")))
    assert {"field": "versions.tensorrt", "before": "9.3.0.1", "after": "10.0.1.6"} in two["differences"]


@pytest.mark.parametrize(
    ("value", "words"),
    [
        (True, "yes"),
        (False, "no"),
        (None, "-"),
        ((), "-"),
        ({"A": "b", "C": None}, "A=b"),
        (["a", "b"], "a, b"),
        (89, "89"),
    ],
)
def test_values_are_shown_in_words(value: object, words: str) -> None:
    assert shown(value) == words
