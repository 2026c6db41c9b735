"""A message is the same whichever marks its release, its carrier or a web page quotes with."""

import re

import pytest

from doctor.diagnosis.cause import explain
from doctor.diagnosis.patterns import quoting

SAID = "failed to stat '/a b' of \"m\""


@pytest.mark.parametrize(
    "said",
    [
        SAID,
        SAID.replace("'", '"'),
        SAID.replace('"', "'"),
        SAID.replace('"', '\\"'),
        SAID.replace('"', '\\\\\\"').replace("'", "`"),
        "failed to stat ‘/a b’ of “m”",
    ],
)
def test_a_quotation_mark_stands_for_any(said: str) -> None:
    found = re.search(quoting(r"""stat '(?P<path>[^'\n]{1,20})' of \"m"$""").encode(), said.encode())
    assert found
    assert found["path"].removesuffix("’".encode()) == b"/a b"


@pytest.mark.parametrize("regex", [r"couldn.t", r"[']x", r"a\.b\\c", r"[^\]x]y", r"[^\n]{1,3}"])
def test_what_quotes_nothing_stays(regex: str) -> None:
    assert quoting(regex) == regex


def test_a_value_ends_at_the_mark_that_closes_it() -> None:
    (finding,) = explain("""KeyError: \"quant_algo\", not 'bits'""").findings
    assert finding.line.values["key"] == "quant_algo"


def test_a_message_in_json_is_known() -> None:
    told = explain(r"""caused "exec: \"nvidia-smi\": executable file not found in $PATH".""").told
    assert told
    assert told.symptom.id == "container-started-without-gpu"
