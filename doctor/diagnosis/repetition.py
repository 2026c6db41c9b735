"""A log that says the same over and over: it is read until that changes nothing any more, and then from its end on."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from doctor.diagnosis.log import Block


def read_once(blocks: Iterable[Block], read: Callable[[Block], None], state: Callable[[], object]) -> None:
    """Calls `read` with each block; with one that repeats the one before it only until `state` stays as it was.

    Of those that were left out then the last is read after all, so that lines are told where they stood last.
    """
    text, left_out, settled = b"", None, False
    for block in blocks:
        if block.text == text and settled:
            left_out = block
        elif block.text == text:
            before = state()
            read(block)
            settled = state() == before
        else:
            if left_out:
                read(left_out)
            text, left_out, settled = block.text, None, False
            read(block)
    if left_out:
        read(left_out)
