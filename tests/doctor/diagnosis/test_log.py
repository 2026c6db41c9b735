import io
import random

import pytest

from doctor.diagnosis.log import BLOCK, bare, blocks, clean

ERROR = b"E1120 10:00:00.000000 1 backend_model.cc:692] ERROR: Failed to create instance"
ROWS = b"| llm | 1 | UNAVAILABLE: (runtime/tllm |\n|     |   | Runtime.cpp:72)            |\n"


def lines_of(data: bytes) -> dict[int, bytes]:
    found = {}
    for block in blocks(io.BytesIO(data)):
        for offset, line in enumerate(block.text.split(b"\n")):
            if line:
                found[block.first_line + offset] = line
    return found


@pytest.mark.parametrize("line", [ERROR, b"Killed", "中文 ü".encode(), b"\xff\xfe\xfd", b"+---+", b"|", b"||", b""])
def test_a_plain_line_stays_as_it_is(line: bytes) -> None:
    assert clean(line + b"\n") == line + b"\n"


def test_colours_and_carriage_returns_go() -> None:
    text = b"\x1b[1;31m[TRT] \x1b[0m[E] 6: \x1b]8;;http://x\x07link\x1b]8;;\x07\r\nnext\r\n"
    assert clean(text) == b"[TRT] [E] 6: link\nnext\n"


def test_quotes_and_spaces_are_those_that_the_program_wrote() -> None:
    pasted = "KeyError: \u2018pretrained_config\u2019, \u201cx\u201d\u00a0y, 中文 ü │ █\n"
    assert clean(pasted.encode()).decode() == "KeyError: 'pretrained_config', \"x\" y, 中文 ü │ █\n"


def test_dockers_own_log_file_is_unwrapped() -> None:
    message = b'{"log":"\\u001b[31mtext_output\\": \\"x\\u001b[0m\\r\\n"'
    entry = message + b',"stream":"stderr","time":"2024-06-18T08:11:17.058465123Z"}\n'
    assert clean(entry) == b'{"log":"text_output": "x\n'
    assert bare(clean(entry)) == b'text_output": "x\n'


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-16-be", "utf-8", "utf-8-sig"])
def test_an_encoding_of_windows_is_read(encoding: str) -> None:
    text = "Error: first\r\nübrig: second\r\n" * 100
    assert lines_of(text.encode(encoding))[200].decode() == "übrig: second"


def test_line_numbers_hold_over_blocks_and_tables() -> None:
    filler = b"x" * 99 + b"\n"
    many = filler * (BLOCK // 100 * 3)
    found = lines_of(many + ROWS + ERROR + b"\n")
    last = max(found)
    assert last == BLOCK // 100 * 3 + 3
    assert found[last] == ERROR
    assert b"runtime/tllmRuntime.cpp:72" in found[last - 2]
    assert last - 1 not in found


def test_a_table_is_never_cut_between_two_blocks() -> None:
    for before in range(BLOCK - 2 * len(ROWS), BLOCK + 4, 7):
        data = b"y" * (before - 1) + b"\n" + ROWS
        assert any(b"runtime/tllmRuntime.cpp:72" in block.text for block in blocks(io.BytesIO(data)))


def test_a_table_without_end_is_cut_where_its_last_rows_begin() -> None:
    rows = b"| name | ready | 1 |\n" * (BLOCK // 8)
    texts = [block.text for block in blocks(io.BytesIO(rows + ROWS))]
    assert b"".join(texts).startswith(rows)
    assert b"runtime/tllmRuntime.cpp:72" in texts[-1]
    assert all(len(text) <= 2 * BLOCK for text in texts)


def test_a_line_of_megabytes_comes_in_overlapping_pieces() -> None:
    data = b"x" * (3 * BLOCK) + b"NEEDLE" + b"y" * BLOCK
    pieces = list(blocks(io.BytesIO(data)))
    assert all(len(piece.text) <= 3 * BLOCK for piece in pieces)
    assert any(b"NEEDLE" in piece.text for piece in pieces)
    assert {piece.first_line for piece in pieces} == {1}


@pytest.mark.parametrize(
    "data", [b"", b"\n", b"\xff\xfe", b"\x00" * 9000, b"\r" * 5000, b"|\n" * 5000, b" " * 9000, b"\x1b" * 9000]
)
def test_odd_input_is_read_to_its_end(data: bytes) -> None:
    assert sum(block.text.count(b"\n") for block in blocks(io.BytesIO(data))) == data.count(b"\n")


def test_random_bytes_keep_their_line_count() -> None:
    noise = random.Random(5)  # noqa: S311
    data = bytes(noise.choice(b"\n| +-\x1b[m\x00\xffab{}:0") for _ in range(200_000))
    assert sum(block.text.count(b"\n") for block in blocks(io.BytesIO(b"x" + data))) == data.count(b"\n")
