from __future__ import annotations

import pytest

from environment.docker_run import launch, size
from environment.errors import Trouble

WORDS = (
    *("docker", "run", "--detach", "--init", "--name", "x", "--label", "a=b=c", "--gpus", '"device=0,2"'),
    *("--publish", "127.0.0.1:8000:9000", "--shm-size", "16g", "--ulimit", "memlock=-1", "--cap-drop", "ALL"),
    *("--security-opt", "no-new-privileges", "--user", "1:2", "--env", "HOME=/tmp", "--network", "none"),
    *("--volume", "/a:/a:ro", "--volume", "/b:/c", "--restart", "on-failure:3"),
    *("--log-driver", "json-file", "--log-opt", "max-size=1m", "image:1", "run", "--rm", "-x"),
)


def test_every_word_of_a_plan_is_carried_out() -> None:
    asked = launch(WORDS)
    assert (asked.image, asked.words) == ("image:1", ("run", "--rm", "-x"))
    assert (asked.one("--name"), asked.one("--user"), asked.all("--env")) == ("x", "1:2", ("HOME=/tmp",))
    assert asked.said("--detach")
    assert not asked.said("--rm")
    assert asked.labels == {"a": "b=c"}
    assert asked.host_config() == {
        "network_mode": "none",
        "init": True,
        "shm_size": 16 << 30,
        "ulimits": [{"Name": "memlock", "Soft": -1, "Hard": -1}],
        "cap_drop": ["ALL"],
        "security_opt": ["no-new-privileges"],
        "mounts": [
            {"Type": "bind", "Source": "/a", "Target": "/a", "ReadOnly": True},
            {"Type": "bind", "Source": "/b", "Target": "/c", "ReadOnly": False},
        ],
        "port_bindings": {9000: ("127.0.0.1", 8000)},
        "device_requests": [
            {"Driver": "", "Count": 0, "DeviceIDs": ["0", "2"], "Capabilities": [["gpu"]], "Options": {}}
        ],
        "log_config": {"Type": "json-file", "Config": {"max-size": "1m"}},
        "restart_policy": {"Name": "on-failure", "MaximumRetryCount": 3},
    }


@pytest.mark.parametrize("words", [("docker", "run", "--privileged", "x"), ("docker", "run", "--init")])
def test_what_nobody_carries_out_is_refused(words: tuple[str, ...]) -> None:
    with pytest.raises(Trouble):
        launch(words)


def test_sizes() -> None:
    assert [size(text) for text in ("1024", "1k", "2M", "16g")] == [1024, 1024, 2 << 20, 16 << 30]
