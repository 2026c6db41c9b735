"""What a person sees while layers arrive and builds go on: bars on a terminal, now and then a plain line elsewhere."""

from __future__ import annotations

import re
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from types import TracebackType
from typing import TYPE_CHECKING

from environment.console import duration, eye, say
from environment.layers import Layers

if TYPE_CHECKING:
    from rich.progress import Progress, TaskID

QUIET_FOR = 60.0  # seconds between two lines about a step that says nothing
PLAIN_EVERY = 10.0  # seconds between two plain lines
WIDE = 90  # columns that speed and time need besides the rest
ROWS = 6  # layers shown at once: images have up to eighty
BUILDKIT = re.compile(r"#\d+ \[\s*(?P<stage>[^\]]*?)\s*(?P<at>\d+)/(?P<of>\d+)\] (?P<what>.*)")
CLASSIC = re.compile(r"Step (?P<at>\d+)/(?P<of>\d+) : (?P<what>.*)")


class PullProgress:
    """Told of the layers, shows them; used as a context."""

    def __init__(self) -> None:
        self.bars: Progress | None = None
        self.rows: dict[str, TaskID] = {}
        self.said = self.started = time.monotonic()

    def __enter__(self) -> PullProgress:
        if eye().is_interactive:
            self.bars = bars()
            self.bars.start()
            self.rows["all"] = self.bars.add_task("all layers", total=None)
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        if self.bars:
            self.bars.stop()

    def __call__(self, layers: Layers) -> None:
        """Shows the layers as they are now."""
        if self.bars:
            self._draw(self.bars, layers)
        elif time.monotonic() - self.said > PLAIN_EVERY:
            self.said = time.monotonic()
            say(f"      {layers}, {self.said - self.started:.0f} s")

    def _draw(self, bars: Progress, layers: Layers) -> None:
        bars.update(self.rows["all"], completed=layers.current, total=layers.total or None, description=counted(layers))
        moving = {name: layer for name, layer in layers.layers.items() if layer.total and not layer.whole}
        for name in [name for name in self.rows if name not in moving and name != "all"]:
            bars.remove_task(self.rows.pop(name))
        for name, layer in list(moving.items())[:ROWS]:
            if name not in self.rows:
                self.rows[name] = bars.add_task(name, total=layer.total)
            word = layer.status.partition(" ")[0].lower()
            bars.update(self.rows[name], completed=layer.current, total=layer.total, description=f" {name} {word}")


def counted(layers: Layers) -> str:
    """How many layers are whole, in a few words."""
    return f"{layers.whole} of {len(layers.layers)} layers"


def bars() -> Progress:
    """Bars with bytes, totals and speed, on the console for the eye; they vanish at the end."""
    from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeElapsedColumn, TransferSpeedColumn

    rest = (TransferSpeedColumn(), TimeElapsedColumn()) if eye().width >= WIDE else ()
    columns = (TextColumn("      {task.description:<26}"), BarColumn(bar_width=None), DownloadColumn(), *rest)
    return Progress(*columns, console=eye(), transient=True)


class BuildProgress:
    """Told of a build's lines: a running clock beside the stage on a terminal, a line a stage elsewhere."""

    def __init__(self) -> None:
        self.started = time.monotonic()
        self.at = ""
        self.clock: Progress | None = None

    def __enter__(self) -> BuildProgress:
        if eye().is_interactive:
            self.clock = clock()
            self.clock.start()
            self.row = self.clock.add_task("starting")
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        if self.clock:
            self.clock.stop()

    def __call__(self, line: str) -> None:
        """Shows the stage that `line` begins, when it begins one."""
        stage = stage_of(line)
        if not stage or stage == self.at:
            return
        self.at = stage
        if self.clock:
            self.clock.update(self.row, description=stage)
        else:
            say(f"      {stage}, {time.monotonic() - self.started:.0f} s")


def clock() -> Progress:
    """A line that shows that time passes, and how much has; it vanishes at the end."""
    from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn
    from rich.table import Column

    elapsed = TimeElapsedColumn(table_column=Column(no_wrap=True, min_width=len("0:00:00")))
    text = TextColumn("{task.description}", markup=False, table_column=Column(no_wrap=True, ratio=1))  # gives way first
    return Progress(TextColumn("     "), SpinnerColumn(), elapsed, text, console=eye(), transient=True, expand=True)


@contextmanager
def working(every: float = QUIET_FOR) -> Iterator[None]:
    """Shows that time passes while a step says nothing: a clock on a terminal, elsewhere a line now and then."""
    if eye().is_interactive:
        with clock() as running:
            running.add_task("at work; its words go to its log")
            yield
        return
    over, begun = threading.Event(), time.monotonic()
    teller = threading.Thread(target=_tell, args=(over, begun, every), daemon=True)
    teller.start()
    try:
        yield
    finally:
        over.set()
        teller.join()


def _tell(over: threading.Event, begun: float, every: float) -> None:
    while not over.wait(every):
        say(f"      at work for {duration(time.monotonic() - begun)}", style="dim")


def stage_of(line: str) -> str:
    """`builder 3/7: RUN make` for the line that begins a stage, with either builder; "" for any other line."""
    found = BUILDKIT.match(line) or CLASSIC.match(line)
    if not found:
        return ""
    words = found.groupdict()
    what = words["what"] if len(words["what"]) <= 80 else words["what"][:77] + "..."
    return f"{words.get('stage') or 'stage'} {words['at']}/{words['of']}: {what}"
