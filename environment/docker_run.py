"""What a `docker run` of a plan asks for, as a value: what `--dry` prints is what the SDK is told. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from environment.errors import Trouble

PRINTED = "./inv serve RECIPE --dry   prints what can be carried out"
SWITCHES = frozenset({"--detach", "--init", "--rm"})
VALUES = frozenset(
    {
        *("--cap-drop", "--env", "--env-file", "--gpus", "--label", "--log-driver", "--log-opt", "--name"),
        *("--network", "--publish"),
        *("--restart", "--security-opt", "--shm-size", "--ulimit", "--user", "--volume"),
    }
)
UNITS = {"k": 1 << 10, "m": 1 << 20, "g": 1 << 30}


@dataclass(frozen=True, kw_only=True)
class Launch:
    """A container: its image, the words that run in it, and every option of its `docker run` in order."""

    image: str
    words: tuple[str, ...]
    options: tuple[tuple[str, str], ...]

    def all(self, flag: str) -> tuple[str, ...]:
        """Every value of a flag."""
        return tuple(value for name, value in self.options if name == flag)

    def one(self, flag: str) -> str:
        """The last value of a flag, as the command line takes it; empty without one."""
        return (*("",), *self.all(flag))[-1]

    def said(self, switch: str) -> bool:
        """Whether a switch is on."""
        return (switch, "") in self.options

    @property
    def labels(self) -> Mapping[str, str]:
        """The labels."""
        return dict(label.partition("=")[::2] for label in self.all("--label"))

    def host_config(self) -> dict[str, Any]:
        """The host's side, in the words of docker-py's `create_host_config`."""
        return {
            "network_mode": self.one("--network") or None,
            "init": self.said("--init"),
            "shm_size": size(self.one("--shm-size")) if self.all("--shm-size") else None,
            "ulimits": [ulimit(text) for text in self.all("--ulimit")],
            "cap_drop": list(self.all("--cap-drop")),
            "security_opt": list(self.all("--security-opt")),
            "mounts": [mount(text) for text in self.all("--volume")],
            "port_bindings": dict(port(text) for text in self.all("--publish")),
            "device_requests": [gpus(text) for text in self.all("--gpus")],
            "log_config": log(self.one("--log-driver"), self.all("--log-opt")),
            "restart_policy": restart(self.one("--restart")) if self.all("--restart") else None,
        }


def launch(command: tuple[str, ...]) -> Launch:
    """What a plan's `docker run ...` asks for; raises Trouble for an option that nobody here carries out."""
    rest = iter(command[2:])
    options: list[tuple[str, str]] = []
    for word in rest:
        if not word.startswith("-"):
            return Launch(image=word, words=tuple(rest), options=tuple(options))
        options.append((word, _value(word, rest)))
    raise Trouble("a docker run names no image", where=" ".join(command), mend=PRINTED)


def _value(word: str, rest: Iterator[str]) -> str:
    if word in SWITCHES:
        return ""
    if word in VALUES:
        return next(rest)
    raise not_known(f"docker run {word}")


def not_known(words: str) -> Trouble:
    """The trouble of a command that a plan may print and nothing here carries out."""
    return Trouble(f"{words} is not known here", why="it would be printed by --dry and not be done", mend=PRINTED)


def size(text: str) -> int:
    """Bytes of `16g`, `512m` or a plain number."""
    unit = UNITS.get(text[-1:].lower())
    return int(text[:-1]) * unit if unit else int(text)


def ulimit(text: str) -> dict[str, Any]:
    """`memlock=-1`."""
    name, _, limit = text.partition("=")
    return {"Name": name, "Soft": int(limit), "Hard": int(limit)}


def mount(text: str) -> dict[str, Any]:
    """`/from:/to[:ro]` as a bind mount: a missing source is an error, never a new folder of root's as with a volume."""
    source, target, *mode = text.split(":")
    return {"Type": "bind", "Source": source, "Target": target, "ReadOnly": mode == ["ro"]}


def port(text: str) -> tuple[int, tuple[str, int]]:
    """`127.0.0.1:8000:8000`."""
    host, outside, inside = text.rsplit(":", 2)
    return int(inside), (host, int(outside))


def gpus(text: str) -> dict[str, Any]:
    """`"device=0,1"` (the quotes keep Docker's CSV one field)."""
    devices = text.strip('"').removeprefix("device=").split(",")
    return {"Driver": "", "Count": 0, "DeviceIDs": devices, "Capabilities": [["gpu"]], "Options": {}}


def log(driver: str, options: Iterable[str]) -> dict[str, Any] | None:
    """A driver and its `name=value` options; None for the engine's own choice."""
    return {"Type": driver, "Config": dict(option.partition("=")[::2] for option in options)} if driver else None


def restart(text: str) -> dict[str, Any]:
    """`no`, `always`, `unless-stopped` or `on-failure[:N]`."""
    name, _, most = text.partition(":")
    return {"Name": name, "MaximumRetryCount": int(most or 0)}
