"""What a hub lists of a repository at a revision, and its files as streams of bytes.

The door to huggingface_hub (which knows HF_ENDPOINT and HF_TOKEN) and to its HTTP client, with which ModelScope's API
is asked too (modelscope/modelscope: modelscope/hub/api.py, get_model_files; the real one was not tried here).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from fnmatch import fnmatch
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Literal
from urllib.parse import quote

from msgspec import Struct, field
from msgspec.json import decode

from environment.errors import Trouble, Usage, unknown_name

if TYPE_CHECKING:
    from httpx2 import Response

MODELSCOPE = "https://modelscope.cn"
Hub = Literal["huggingface", "modelscope"]
KINDS = ("model", "dataset", "space")
REPOSITORY = re.compile(r"[A-Za-z0-9][\w.-]*(/[A-Za-z0-9][\w.-]*)?")
REACHED_WITHIN = 10.0  # seconds
REFUSALS = {
    401: ("the repository wants to know who asks", "accept its terms on the hub, then: export HF_TOKEN=..."),
    403: ("this account may not read the repository", "accept its terms on the hub, then: export HF_TOKEN=..."),
    404: ("there is no such repository or revision", "look at its page on the hub"),
}


def hub_of(name: str) -> Hub:
    """The hub of that name; raises Usage for an unknown one."""
    known: dict[str, Hub] = {"huggingface": "huggingface", "modelscope": "modelscope"}
    if name not in known:
        raise unknown_name("hub", name, known, mend="such as --hub modelscope")
    return known[name]


def kind_of(name: str) -> str:
    """The kind of repository of that name; raises Usage for an unknown one."""
    if name not in KINDS:
        raise unknown_name("kind of repository", name, KINDS, mend="such as --kind dataset")
    return name


@dataclass(frozen=True, kw_only=True)
class Wanted:
    """A repository of a hub: its id, the commit, which files (patterns; none: all), and from where.

    `kind` is model, dataset or space.
    """

    repository: str
    revision: str
    kind: str = "model"
    include: tuple[str, ...] = ()
    hub: Hub = "huggingface"
    endpoint: str = ""

    def __post_init__(self) -> None:
        """Raises Usage for an id that is none, and for a kind that the hub is not asked for."""
        if not REPOSITORY.fullmatch(self.repository):
            raise Usage(f"{self.repository!r} is no repository's id", mend="such as Qwen/Qwen2-7B-Instruct")
        if self.hub == "modelscope" and self.kind != "model":
            mend = "leave --hub out; HF_ENDPOINT names a mirror of Hugging Face"
            raise Usage(f"ModelScope is asked for models, not for a {self.kind}", mend=mend)


@dataclass(frozen=True, kw_only=True)
class RemoteFile:
    """One file as the hub lists it. `sha256` is that of a large file, `blob` git's own id of a small one."""

    path: str
    size: int
    url: str
    sha256: str = ""
    blob: str = ""


class _ScopeFile(Struct, rename="pascal"):
    path: str
    size: int
    type: str = "blob"
    sha256: str = ""


class _ScopeFiles(Struct, rename="pascal"):
    files: list[_ScopeFile] = field(default_factory=list)


class _ScopeAnswer(Struct, rename="pascal"):
    data: _ScopeFiles = field(default_factory=_ScopeFiles)


def listed(wanted: Wanted) -> tuple[RemoteFile, ...]:
    """The files that are wanted, as the hub lists them.

    Raises Trouble when the hub does not answer or refuses, and for a name that would leave its folder.
    """
    with answering(wanted.repository):
        found = list(_modelscope(wanted) if wanted.hub == "modelscope" else _huggingface(wanted))
    chosen = [file for file in found if not wanted.include or any(fnmatch(file.path, p) for p in wanted.include)]
    folders = {str(folder) for file in chosen for folder in PurePosixPath(file.path).parents}
    for file in chosen:
        if not _can_be(file) or file.path in folders:
            what = f"the hub lists a file that cannot be: {file.path!r}, {file.size} bytes"
            raise Trouble(what, where=file.url, mend="leave it out: --include PATTERN")
    if not chosen:
        what = f"{wanted.repository} has no such files at {wanted.revision}"
        mend = "leave --include out, or choose other patterns" if wanted.include else "look at its page on the hub"
        raise Trouble(what, where=", ".join(wanted.include), mend=mend)
    return tuple(sorted(chosen, key=lambda file: file.path))


def _can_be(file: RemoteFile) -> bool:
    """Whether a file of that name and size can be made in the folder."""
    place = PurePosixPath(file.path)
    inside = not place.is_absolute() and ".." not in place.parts and bool(place.parts)
    return inside and file.path.isprintable() and file.size >= 0


def _huggingface(wanted: Wanted) -> Iterator[RemoteFile]:
    from huggingface_hub import HfApi, constants, get_session, hf_hub_url
    from huggingface_hub.hf_api import RepoFile

    end, what, at = wanted.endpoint or None, wanted.repository, wanted.revision
    # Its client repeats a question for 23 s; a hub that cannot be reached is told at once, whatever it would answer.
    get_session().head(end or constants.ENDPOINT, timeout=REACHED_WITHIN)
    for file in HfApi(endpoint=end).list_repo_tree(what, repo_type=wanted.kind, revision=at, recursive=True):
        if isinstance(file, RepoFile):
            url = hf_hub_url(what, file.path, repo_type=wanted.kind, revision=at, endpoint=end)
            sha256 = file.lfs.sha256 if file.lfs else ""
            yield RemoteFile(
                path=file.path, size=file.size, url=url, sha256=sha256, blob="" if sha256 else file.blob_id
            )


def _modelscope(wanted: Wanted) -> Iterator[RemoteFile]:
    from huggingface_hub import get_session

    base = f"{wanted.endpoint or MODELSCOPE}/api/v1/models/{wanted.repository}/repo"
    answer = get_session().get(f"{base}/files", params={"Revision": wanted.revision, "Recursive": "True"})
    answer.raise_for_status()
    for file in decode(answer.content, type=_ScopeAnswer).data.files:
        if file.type == "blob":
            url = f"{base}?Revision={quote(wanted.revision)}&FilePath={quote(file.path)}"
            yield RemoteFile(path=file.path, size=file.size, url=url, sha256=file.sha256)


@contextmanager
def opened(file: RemoteFile, start: int, stall: float) -> Iterator[tuple[int, Iterator[bytes]]]:
    """The file from byte `start` on: where it really begins (a server may not know ranges), and its pieces.

    `stall` is the time in seconds without a byte after which the connection is given up. Raises Interrupted.
    """
    from httpx2 import HTTPError, HTTPStatusError
    from huggingface_hub import get_session
    from huggingface_hub.utils._headers import build_hf_headers

    headers = build_hf_headers() | {"Accept-Encoding": "identity"} | ({"Range": f"bytes={start}-"} if start else {})
    try:
        with get_session().stream("GET", file.url, headers=headers, follow_redirects=True, timeout=stall) as answer:
            answer.raise_for_status()
            yield (start if answer.status_code == 206 else 0), answer.iter_raw()
    except HTTPStatusError as error:
        raise _refused(file.url, error.response) from error
    except HTTPError as error:
        raise Interrupted(str(error) or type(error).__name__) from error


class Interrupted(Exception):
    """The connection ended early: trying again goes on where it stopped."""


@contextmanager
def answering(repository: str) -> Iterator[None]:
    """What goes wrong while a hub is asked, as Trouble."""
    from httpx2 import HTTPError, HTTPStatusError
    from huggingface_hub.errors import HfHubHTTPError
    from msgspec import MsgspecError

    try:
        yield
    except (HfHubHTTPError, HTTPStatusError) as error:
        raise _refused(repository, error.response) from error
    except (HTTPError, MsgspecError, OSError, KeyError, ValueError) as error:
        raise Trouble(
            f"the hub gave no usable answer about {repository}: {error or type(error).__name__}",
            why="without its list of files and sums nothing can be fetched",
            mend="set HF_ENDPOINT to a mirror you can reach, or fetch it elsewhere and use --model-dir",
        ) from error


def _refused(where: str, answer: Response) -> Trouble:
    status = answer.status_code
    why, mend = REFUSALS.get(status, ("the hub refused", "try again later"))
    return Trouble(f"{where}: {why} (HTTP {status})", mend=mend)
