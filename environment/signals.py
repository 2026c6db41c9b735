"""What ends this process from outside, heard or held back: Ctrl-C, SIGTERM, the end of its terminal."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from types import FrameType

ENDING = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
Handler = Callable[[int, FrameType | None], object] | int | None


@contextmanager
def interrupts_held() -> Iterator[Callable[[], None]]:
    """Ctrl-C and its like wait until the function it yields is called: between a start and its record is no gap."""
    waiting: list[int] = []
    before = heard(ENDING)
    set_handlers(dict.fromkeys(before, lambda got, _: waiting.append(got)))

    def release() -> None:
        set_handlers(before)
        if waiting:
            raise KeyboardInterrupt

    try:
        yield release
    finally:
        set_handlers(before)


@contextmanager
def uninterrupted() -> Iterator[None]:
    """What is inside is done to its end; Ctrl-C and its like are heard after it. For what cleans up, and is short."""
    with interrupts_held() as release:
        yield
        release()


@contextmanager
def terminable() -> Iterator[None]:
    """SIGTERM, and the terminal's end, end the block as Ctrl-C does, so that what was started is ended too."""

    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    before = heard((signal.SIGTERM, signal.SIGHUP))
    set_handlers(dict.fromkeys(before, interrupt))
    try:
        yield
    finally:
        set_handlers(before)


def heard(numbers: tuple[signal.Signals, ...]) -> dict[signal.Signals, Handler]:
    """The handlers of those signals that are not ignored: `nohup` ignores SIGHUP, a shell's `&` SIGINT.

    None in a thread: signals are the main thread's.
    """
    if threading.current_thread() is not threading.main_thread():
        return {}
    handlers = {number: signal.getsignal(number) for number in numbers}
    return {number: handler for number, handler in handlers.items() if handler != signal.SIG_IGN}


def set_handlers(handlers: Mapping[signal.Signals, Handler]) -> None:
    """Has each signal handled by its handler."""
    for number, handler in handlers.items():
        signal.signal(number, handler)
