"""git-lfs for real: the plan's own steps and a server on loopback. Pointers become files, or nothing is compiled."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from environment import execution
from environment.errors import Trouble
from environment.images.actors import expect, refuse_pointers
from environment.images.sources import checkout
from environment.images.tools import EXACT, LFS
from environment.plan import Plan
from environment.releases import Release
from tests.docker.lfs import ATTRIBUTES, Store, store
from tests.docker.standins import Upstream

pytestmark = pytest.mark.docker  # git-lfs is among what engine.sh installs
LIBRARY = b"!<arch>\n" + os.urandom(300_000)
OTHER = b"!<arch>\nanother"


@pytest.fixture
def server(upstream: Upstream, tmp_path: Path) -> Iterator[Store]:
    with store() as made:
        with tmp_path.joinpath("gitconfig").open("a") as config:
            config.write(f'[lfs]\n\turl = {made.url}\n[lfs "transfer"]\n\tmaxretries = 1\n')
        yield made


def release(upstream: Upstream, server: Store) -> Release:
    """TensorRT-LLM with two static libraries that git-lfs keeps."""
    files = {"cpp/libbatch_manager.a": server.pointer(LIBRARY), "cpp/libother.a": server.pointer(OTHER)}
    return upstream.changed({".gitattributes": ATTRIBUTES, **files})


def checked_out(wanted: Release, folder: Path) -> Path:
    place = folder / "checkout"
    plan = Plan(purpose="the checkout", release=wanted.tag, steps=checkout(wanted, place))
    execution.carry_out(plan, folder / "logs", {EXACT: expect, LFS: refuse_pointers})
    return place / "tensorrt_llm/cpp"


def test_pointers_become_files(upstream: Upstream, server: Store, tmp_path: Path) -> None:
    wanted = release(upstream, server)
    folder = checked_out(wanted, tmp_path)
    assert folder.joinpath("libbatch_manager.a").read_bytes() == LIBRARY
    assert folder.joinpath("libother.a").read_bytes() == OTHER
    assert len(server.sent) == 2
    checked_out(wanted, tmp_path)
    assert folder.joinpath("libother.a").read_bytes() == OTHER
    assert len(server.sent) == 2  # what is there is not fetched again


def test_a_file_that_the_server_lacks_ends_it(upstream: Upstream, server: Store, tmp_path: Path) -> None:
    wanted = release(upstream, server)
    server.content.popitem()
    with pytest.raises(Trouble, match=r"Pull the git-lfs files: git ended with exit code 2") as caught:
        checked_out(wanted, tmp_path)
    assert "does not exist" in str(caught.value)


def test_a_download_that_is_cut_ends_it_and_a_second_call_goes_on(
    upstream: Upstream, server: Store, tmp_path: Path
) -> None:
    wanted = release(upstream, server)
    server.cut = True
    with pytest.raises(Trouble, match=r"Pull the git-lfs files: git ended with exit code 2"):
        checked_out(wanted, tmp_path)
    server.cut = False
    assert checked_out(wanted, tmp_path).joinpath("libbatch_manager.a").read_bytes() == LIBRARY


def test_a_pull_that_leaves_some_out_is_found_before_the_compile(
    upstream: Upstream, server: Store, tmp_path: Path
) -> None:
    """git lfs pull ends well when the user's own configuration leaves files out."""
    with tmp_path.joinpath("gitconfig").open("a") as config:
        config.write("[lfs]\n\tfetchexclude = cpp/libother.a\n")
    with pytest.raises(Trouble, match=r"1 of 2 git-lfs files are still pointers: cpp/libother\.a") as caught:
        checked_out(release(upstream, server), tmp_path)
    assert "hours from now" in caught.value.why
    assert "lfs pull" in caught.value.mend
