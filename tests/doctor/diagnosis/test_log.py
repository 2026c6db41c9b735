import io
import random

import pytest

from doctor.diagnosis.log import BLOCK, bare, blocks, clean, writer

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


TIMED = b'"time":"2024-06-18T08:11:17.058465123Z"}\n'


@pytest.mark.parametrize("attributes", [b"", b'"attrs":{"tag":"triton \\"1\\""},'])
@pytest.mark.parametrize("before", [b"", b"a first line\n", b'tten","stream":"stdout",' + TIMED])
def test_dockers_own_log_file_is_unwrapped(before: bytes, attributes: bytes) -> None:
    entry = b'{"log":"\\u001b[31mtext_output\\": \\"x\\u001b[0m'
    entry += b'\\u003c\\u0026\\u0009\\\\n\\ud83d\\ude00\\r\\n","stream":"stderr",'
    assert (
        clean(before + entry + b'"stream":"stderr",' + attributes + TIMED)
        == before + 'text_output": "x<&\t\\n😀\n'.encode()
    )


def test_lokis_json_is_unwrapped() -> None:
    assert clean(b'{"labels":{"a":"{x}"},"line":"\\"y\\"\\nz","timestamp":"2026-11-28T18:02:00Z"}\n') == b'"y" z\n'


@pytest.mark.parametrize(
    "line",
    [
        b'{"log":"x","error":"y"}',
        b'{"log":"\\q","stream":"stdout"}',
        b'"line":"x"',
        b'{"a":1,"line":"x"}',
        b'say {"log":"x","stream":"stdout"}',
    ],
)
def test_other_json_stays_as_it_is(line: bytes) -> None:
    assert clean(line + b"\n") == line + b"\n"


def test_a_table_in_dockers_file_is_never_cut_between_two_blocks() -> None:
    rows = b"".join(b'{"log":"%s\\n","stream":"stderr",' % row + TIMED for row in ROWS.splitlines())
    for before in range(BLOCK - 2 * len(rows), BLOCK + 4, 29):
        data = b"y" * (before - 1) + b"\n" + rows
        assert any(b"runtime/tllmRuntime.cpp:72" in block.text for block in blocks(io.BytesIO(data)))


@pytest.mark.parametrize("escape", [b"^[", b"\\x1b", b"\\u001b", b"\\033", b"#033"])
def test_colours_that_were_written_out_go(escape: bytes) -> None:
    assert clean(escape + b"[1;31mKilled" + escape + b"[0m\n") == b"Killed\n"


@pytest.mark.parametrize("mark", [b"\xef\xbb\xbf", b"\f"])
def test_a_mark_before_a_line_goes(mark: bytes) -> None:
    assert clean(mark + b"Killed\n") == b"Killed\n"


@pytest.mark.parametrize(
    "lead",
    [
        b"Sat Nov 28 18:02:00 2026[1,0]<stderr>:",
        b"[prterun-host-1@1,0]<stdout>: ",
        b"[0] ",
        b"2026-11-28T18:02:00.123456789Z stderr F ",
        b"[2026-11-28T18:02:00.123Z] ",
        b"<134>1 2026-11-28T18:02:00.123Z host triton 12 ID47 - ",
        b'<134>1 2026-11-28T18:02:00+01:00 host triton - - [meta sequenceId="1"] ',
        b"2026-11-28T18:02:00+0000 host triton[12]: ",
        b"Nov 28 18:02:00.123456 host triton[12]: ",
    ],
)
def test_what_a_carrier_writes_is_no_part_of_the_line(lead: bytes) -> None:
    assert bare(lead + ERROR) == ERROR


@pytest.mark.parametrize("line", [b"0: Killed", b"[x] y", b"stderr F", b"<b>1 2", b"Sat Nov 28", b"a\tb\tc"])
def test_what_may_be_the_message_stays(line: bytes) -> None:
    assert bare(line) == line


@pytest.mark.parametrize("stamp", [b"Nov 28 18:02:00.123456", b"2026-11-28T18:02:00+00:00"])
def test_a_unit_is_known_behind_any_of_its_times(stamp: bytes) -> None:
    assert writer(stamp + b" host triton[12]: Killed\n", 40) == b"triton"


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-16-be", "utf-32", "utf-8", "utf-8-sig"])
def test_an_encoding_of_windows_is_read(encoding: str) -> None:
    text = "Error: first\r\nübrig: second\r\n" * 100
    assert lines_of(text.encode(encoding))[200].decode() == "übrig: second"


@pytest.mark.parametrize("encoding", ["utf-16-le", "utf-16-be", "gbk", "utf-8"])
def test_chinese_is_read(encoding: str) -> None:
    text = "错误: 设备上没有空间 28\n" * BLOCK
    found = lines_of(text.encode(encoding))
    assert found[1].decode() == found[BLOCK].decode() == "错误: 设备上没有空间 28"


BYTES = "first line\nError: two\nübrig 中文\n"
WIDE = "Killed\r\n无法将「nvcc」项识别\r\n\r\nübrig: 4\r\n"
CHINESE = "错误\r\n中文\r\n设备上没有空间 [28]\r\n"


@pytest.mark.parametrize(
    "parts",
    [
        [(BYTES, "utf-8"), (WIDE, "utf-16-le")],
        [(BYTES, "utf-8-sig"), (WIDE, "utf-16")],
        [(BYTES, "utf-8"), (CHINESE, "utf-16-le"), (BYTES, "utf-8")],
        [(WIDE, "utf-16"), (BYTES, "utf-8")],
        [(CHINESE, "utf-16"), (BYTES, "utf-8"), (CHINESE, "utf-16-le")],
        [(WIDE, "utf-16-le"), ("Killed\n", "ascii"), (WIDE, "utf-16-le"), ("Killed\n", "ascii")],
        [(CHINESE, "gbk"), (WIDE, "utf-16-le"), (CHINESE, "gbk")],
    ],
)
@pytest.mark.parametrize("times", [1, 7001])
def test_an_encoding_that_is_appended_to_another_is_read(parts: list[tuple[str, str]], times: int) -> None:
    found = lines_of(b"".join((text * times).encode(encoding) for text, encoding in parts))
    written = "".join(text * times for text, _ in parts).replace("\r", "").split("\n")
    assert found == {number: line.encode() for number, line in enumerate(written, 1) if line}


def test_an_encoding_that_changes_with_every_line_is_read() -> None:
    lines = [f"Error {n} 错误".encode("utf-8" if n % 2 else "utf-16-le") for n in range(9000)]
    ends = [b"\n" if n % 2 else b"\r\0\n\0" for n in range(9000)]
    found = lines_of(b"".join(map(bytes.__add__, lines, ends)))
    assert found == {n + 1: f"Error {n} 错误".encode() for n in range(9000)}


def test_what_is_appended_to_a_line_that_was_broken_off_is_read() -> None:
    assert lines_of(b"a: b" + "Error\r\nnext\r\n".encode("utf-16-le")) == {1: b"a: bError", 2: b"next"}


def test_the_newline_within_a_chinese_character_ends_no_line() -> None:
    assert lines_of("服务器上一步\r\n在上一次\r\n".encode("utf-16"))[2].decode() == "在上一次"


@pytest.mark.parametrize("odd", [b"\0", b"\0" * 4096, b"\xff\0", b"\1\0\2\0\0"])
def test_a_stray_null_changes_no_encoding(odd: bytes) -> None:
    text = b"first line\n" * 9
    assert lines_of(text + odd + b"\n" + text)[18] == b"first line"


@pytest.mark.parametrize("text", ["Größe überschritten: ÄÖ\n", "él ñandú\n"])
def test_single_high_bytes_stay_as_they_are(text: str) -> None:
    assert lines_of(text.encode("latin-1"))[1] == text.strip().encode("latin-1")


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
