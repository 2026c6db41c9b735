"""The answers of a checkpoint itself: recorded as data, kept from an earlier time, or computed now on the CPU.

Who computes them is a process of its own, beside the start of the server: `python -m recipes.quality.computing`.
"""

from __future__ import annotations

import hashlib
import subprocess
import sys
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import msgspec

from environment.data import read_json, read_toml
from environment.staging import write_whole
from environment.unknown import Unknown
from recipes import processes
from recipes.quality.agreement import QUESTIONS, Questions, Reference, questions
from recipes.weights import fingerprint

CONFIG = "config.json"
RECORDED = Path(__file__).parent / "recorded"
ROOT = Path(__file__).parents[2]
# What decides a checkpoint's answers besides its weights: how a question becomes tokens, and tokens text.
READING = ("tokenizer.json", "tokenizer_config.json", "chat_template.jinja", "generation_config.json")
WAIT, SHARE = 10.0, 0.1  # seconds, and the part of a start, that are worth waiting for the answers
UNDER_WAY = "the checkpoint's own answers are still being computed on the CPU"


def recorded(folder: Path, asked: Questions) -> Reference | None:
    """The answers that ship with the project for the checkpoint in `folder`, told by its weights alone.

    So a changed chat template or tokenizer beside known weights is seen, too.
    """
    identity = fingerprint(folder)
    for path in sorted(RECORDED.glob("*.toml")):
        found = read_toml(path, Reference)
        if found.checkpoint == identity and set(asked.asked) <= set(found.answers):
            return found
    return None


def place(folder: Path, kept: Path) -> Path:
    """Where the answers of the checkpoint in `folder` are kept: its name is the digest of all that decides them."""
    digest = hashlib.sha256(fingerprint(folder).encode() + QUESTIONS.read_bytes())
    for name in READING:
        path = folder / name
        digest.update(name.encode() + (path.read_bytes() if path.is_file() else b""))
    return kept / f"answers-{digest.hexdigest()[:16]}.json"


def keep(reference: Reference, folder: Path, kept: Path) -> Path:
    """Keeps the answers for the next time."""
    path = place(folder, kept)
    write_whole(path, msgspec.json.format(msgspec.json.encode(reference), indent=2))
    return path


def known(folder: Path, kept: Path) -> Reference | Unknown:
    """The answers that need no computing."""
    try:
        found = recorded(folder, questions())
        path = place(folder, kept)
    except OSError as error:
        return Unknown(f"the checkpoint cannot be read: {error}")
    if found is not None:
        return found
    if path.exists():
        return read_json(path, Reference)
    return Unknown("nobody has recorded or computed what this checkpoint answers")


def patience(took: float) -> float:
    """How many seconds to wait for the answers after a start that took so many."""
    return max(WAIT, SHARE * took)


@dataclass
class Computing:
    """The answers of a checkpoint on their way. Nothing is started when they are known."""

    folder: Path
    kept: Path
    process: subprocess.Popen[bytes] | None = field(default=None)

    @property
    def log(self) -> Path:
        """What the process says when it cannot."""
        return place(self.folder, self.kept).with_suffix(".log")

    def begin(self) -> None:
        """Starts the process that computes them, at the lowest priority: the server comes first."""
        if not (self.folder / CONFIG).is_file() or isinstance(known(self.folder, self.kept), Reference):
            return
        words = ("nice", "-n", "19", sys.executable, "-m", "recipes.quality.computing", self.folder, self.kept)
        self.kept.mkdir(parents=True, exist_ok=True)
        with self.log.open("wb") as log:
            self.process = subprocess.Popen(
                words, stdin=subprocess.DEVNULL, stdout=log, stderr=log, cwd=ROOT, start_new_session=True
            )

    def result(self, patience: float) -> Reference | Unknown:
        """The answers, waited for `patience` seconds at most; Unknown says why there are none."""
        if self.process is None:
            return known(self.folder, self.kept)
        try:
            code = self.process.wait(max(patience, 0))
        except subprocess.TimeoutExpired:
            return Unknown(UNDER_WAY)
        said = self.log.read_text(encoding="utf-8", errors="replace").strip().rpartition("\n")[2]
        self.log.unlink(missing_ok=True)
        return Unknown(said or f"computing them ended with {code}") if code else known(self.folder, self.kept)

    def end(self) -> None:
        """Ends what is still computing."""
        if self.process is not None and self.process.poll() is None:
            processes.end(self.process.pid)
            self.process.wait()


@contextmanager
def ended_unless_good(made: Computing) -> Iterator[Computing]:
    """What fails or is interrupted leaves nothing of it running.

    Answers nobody waits for any longer are computed to their end, and kept.
    """
    try:
        yield made
    except BaseException:
        made.end()
        raise


def computing(folder: Path, kept: Path) -> AbstractContextManager[Computing]:
    """The answers of a checkpoint, which `begin()` starts computing unless they are known."""
    return ended_unless_good(Computing(folder, kept))
