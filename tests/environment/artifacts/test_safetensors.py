from __future__ import annotations

import os
import struct
import time
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from environment.artifacts.heads import Damaged
from environment.artifacts.safetensors import (
    COLON_LIMIT,
    HEADER_LIMIT,
    Safetensors,
    Tensor,
    parse_header,
    read_safetensors,
)
from environment.unknown import Unknown
from tests.environment.artifacts.safetensors_files import entry, header, write


def test_tells_where_each_tensor_lies(tmp_path: Path) -> None:
    text = header(__metadata__={"format": "pt"}, a=entry("BF16", [2], 0, 4), b=entry("F32", [], 4, 8))
    found = read_safetensors(write(tmp_path / "m.safetensors", text, data=8))
    assert isinstance(found, Safetensors)
    first = 8 + len(text)
    assert found.metadata == {"format": "pt"}
    assert found.tensors["b"] == Tensor(dtype="F32", shape=(), start=first + 4, end=first + 8)
    assert found.complete


@pytest.mark.parametrize("change", [-1, 1])
def test_one_byte_too_few_or_too_many_shows(tmp_path: Path, change: int) -> None:
    file = write(tmp_path / "m.safetensors", data=12 + change)
    found = read_safetensors(file)
    assert isinstance(found, Safetensors)
    assert found.expected_size - found.file_size == -change
    assert not found.complete


def test_an_empty_header_and_empty_tensors_are_whole(tmp_path: Path) -> None:
    for text in (b"{}", b"{}      ", header(a=entry("F32", [0, 4], 0, 0))):
        found = read_safetensors(write(tmp_path / "m.safetensors", text, data=0))
        assert isinstance(found, Safetensors)
        assert found.complete


@pytest.mark.parametrize(
    "text",
    [
        b"{",
        b'{"a": 1}',
        b'{"\xff": 1}',
        b"{" * 100_000,
        header(a=entry("F16", [2, 3], 0, 11)),
        header(a=entry("F16", [2, 3], 1, 13)),
        header(a=entry("F16", [2, 3], 12, 0)),
        header(a=entry("F16", [-2, -3], 0, 12)),
        header(a=entry("F16", [2, 3], 0, 12), b=entry("F16", [2], 4, 8)),
        header(a=entry("U8", [1 << 62] * 9_000, 0, 12)),
        header(__metadata__={"a": 1}),
    ],
)
def test_a_header_that_safetensors_refuses_is_damaged(tmp_path: Path, text: bytes) -> None:
    assert isinstance(read_safetensors(write(tmp_path / "m.safetensors", text)), Damaged)


@pytest.mark.parametrize("content", [b"", b"\0" * 7, struct.pack("<Q", HEADER_LIMIT + 1) + b"{", b"\xff" * 99])
def test_what_begins_with_no_header_is_damaged(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "m.safetensors").write_bytes(content)
    assert isinstance(read_safetensors(tmp_path / "m.safetensors"), Damaged)


def test_a_file_cut_inside_its_header_is_damaged(tmp_path: Path) -> None:
    file = write(tmp_path / "m.safetensors")
    os.truncate(file, 20)
    found = read_safetensors(file)
    assert isinstance(found, Damaged)
    assert "20 of at least" in found.reason


def test_what_cannot_be_read_is_unknown(tmp_path: Path) -> None:
    assert isinstance(read_safetensors(tmp_path), Unknown)
    assert isinstance(read_safetensors(tmp_path / "absent"), Unknown)


@given(st.binary(max_size=300), st.integers(0, 1 << 70))
def test_any_bytes_get_an_answer(text: bytes, size: int) -> None:
    assert isinstance(parse_header(text, file_size=size, name="x"), Safetensors | Damaged)


@given(
    st.dictionaries(
        st.text(max_size=5),
        st.fixed_dictionaries(
            {
                "dtype": st.sampled_from(["F16", "U8", "F4", "??"]),
                "shape": st.lists(st.integers(0, 1 << 65), max_size=3),
                "data_offsets": st.lists(st.integers(-1, 1 << 65), min_size=2, max_size=2),
            }
        ),
        max_size=3,
    )
)
def test_any_header_gets_an_answer(tensors: dict[str, object]) -> None:
    assert isinstance(parse_header(header(**tensors), file_size=9, name="x"), Safetensors | Damaged)


@pytest.mark.slow
def test_the_largest_headers_take_seconds_not_minutes(tmp_path: Path) -> None:
    began = time.process_time()
    file = write(tmp_path / "m.safetensors", b'{"":0' + b',"":{}' * ((HEADER_LIMIT - 6) // 6) + b"}")
    assert isinstance(read_safetensors(file), Unknown)
    rows = b",".join(b'"%d":0' % number for number in range(COLON_LIMIT))
    assert isinstance(read_safetensors(write(file, b"{" + rows + b"}")), Damaged)
    assert time.process_time() - began < 20
