from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from environment.workspace import Workspace
from recipes.rehearsal import binary, repository
from recipes.rehearsal.rehearse import Rehearsal, rehearse
from recipes.runs import Run
from tests.recipes.rehearsal.conftest import Home, make_home

ECHO = "import triton_python_backend_utils\nfrom tests.recipes.clients.echo import TritonPythonModel\n"


# The server outlives the call that starts it, on purpose.
TRITON = [
    pytest.mark.triton,
    pytest.mark.filterwarnings("ignore:subprocess .* is still running:ResourceWarning"),
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
]


def served(home: Home, release: str = "v0.10.0", checkout: Path | None = None) -> Run:
    """The run of the real Triton with the echo in it, recorded in `home` as any other."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(binary, "STAND_IN", ECHO)
        ports = dict(zip(("http", "grpc", "metrics"), home.ports, strict=True))
        asked = Rehearsal(name="qwen2", recipe="qwen2", release=release, ports=ports, templates=checkout)
        return rehearse(asked, Workspace(home.workspace))[0]


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Home]:
    """A home in which the echo is served, for all tests of a module."""
    made = make_home(tmp_path_factory.mktemp("home"), 18000 + os.getpid() % 1000)
    served(made)
    yield made
    made.close()


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Home]:
    """The same with its decoupled mode off: it cannot stream."""
    made = make_home(tmp_path_factory.mktemp("whole"), 19500 + os.getpid() % 1000)
    with pytest.MonkeyPatch.context() as patch:
        backend, kind, _ = repository.HEADS["tensorrt_llm"]
        heads = {**repository.HEADS, "tensorrt_llm": (backend, kind, "model_transaction_policy { decoupled: false }")}
        patch.setattr(repository, "HEADS", heads)
        served(made)
    yield made
    made.close()


@pytest.fixture(scope="module")
def corpus() -> dict[str, str]:
    """Name -> text."""
    from environment.data import read_toml

    texts: dict[str, str] = read_toml(Path(__file__).parent / "corpus.toml", dict)["texts"]
    return texts
