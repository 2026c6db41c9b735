"""The id by which an answer can be stopped, as the backends of all releases read it."""

from __future__ import annotations

from recipes.client import request_id, stop


def test_every_id_is_another_number_that_is_not_zero() -> None:
    """Zero is no id, and numbers hold 64 bits (tensorrtllm_backend@v0.9.0: inflight_batcher_llm/src/utils.cc)."""
    ids = [request_id() for _ in range(1000)]
    assert all(each.isdecimal() and 0 < int(each) < 2**63 for each in ids)
    assert len(set(ids)) == 1000


def test_a_server_that_takes_unsigned_numbers_is_stopped_in_them() -> None:
    signed, unsigned = stop(), stop(unsigned=True)
    assert {name: kind for name, (kind, _) in unsigned.items() if signed[name][0] != kind} == {
        "request_output_len": "UINT32"
    }
