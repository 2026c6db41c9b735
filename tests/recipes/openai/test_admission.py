from __future__ import annotations

import asyncio

import pytest

from recipes.openai.admission import Busy, Limits, Line
from recipes.openai.metrics import Meter


def test_so_many_at_once_so_many_in_line_and_no_more() -> None:
    async def crowd() -> tuple[list[int], int]:
        line, done, most = Line(Limits(at_once=2, waiting=3)), [], 0

        async def one(number: int) -> None:
            nonlocal most
            async with line.place():
                most = max(most, line.answering)
                await asyncio.sleep(0.001)
                done.append(number)

        ended = await asyncio.gather(*(one(number) for number in range(7)), return_exceptions=True)
        assert [isinstance(end, Busy) for end in ended] == [False] * 5 + [True] * 2
        assert (line.answering, line.waiting) == (0, 0)
        return done, most

    done, most = asyncio.run(crowd())
    assert sorted(done) == [0, 1, 2, 3, 4]
    assert most == 2


def test_one_who_leaves_the_line_leaves_no_gap() -> None:
    async def leave() -> None:
        line = Line(Limits(at_once=1, waiting=1))
        async with line.place():
            second = asyncio.ensure_future(line.place().__aenter__())
            await asyncio.sleep(0)
            second.cancel()
            with pytest.raises(asyncio.CancelledError):
                await second
            assert line.waiting == 0
        async with line.place():
            assert line.answering == 1

    asyncio.run(leave())


def test_figures_are_prometheus_text() -> None:
    async def text() -> str:
        meter = Meter()
        for seconds in (0.004, 0.02, 99.0):
            meter.first(seconds)
        meter.endings["stop"] += 3
        return meter.text(Line(Limits()))

    lines = asyncio.run(text()).splitlines()
    assert 'trtllm_openai_requests_total{ending="stop"} 3' in lines
    assert 'trtllm_openai_time_to_first_piece_seconds_bucket{le="0.005"} 1' in lines
    assert 'trtllm_openai_time_to_first_piece_seconds_bucket{le="+Inf"} 3' in lines
    assert all(line.startswith("#") or len(line.split(" ")) == 2 for line in lines)
