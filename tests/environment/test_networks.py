from __future__ import annotations

import pytest

from environment.errors import Trouble
from environment.networks import network

WORDS = ("docker", "network", "create", "--driver", "bridge", "--opt", "a.b=false", "--label", "c=d=e", "name")


def test_every_word_of_a_plan_is_carried_out() -> None:
    asked = network(WORDS)
    assert (asked.name, asked.driver) == ("name", "bridge")
    assert (asked.options, asked.labels) == ({"a.b": "false"}, {"c": "d=e"})


def test_what_nobody_carries_out_is_refused() -> None:
    with pytest.raises(Trouble, match="docker network create --subnet is not known here"):
        network((*WORDS[:3], "--subnet", "10.0.0.0/8", "name"))
