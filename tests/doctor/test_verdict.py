from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

from doctor.verdict import Target, Verdict, predict
from environment.artifacts.tensorrt_plan import Plan, read_plan
from environment.unknown import Unknown
from tests.doctor.plans import PLANS, Row, damaged, plan, rows
from tests.environment.artifacts.test_tensorrt_plan import written

STATES = {"accepted": "loads", "not-an-engine-or-other-format": "not-an-engine"}
SHOWS_IN_A_HEADER = ("truncate", "append", "text", "zeros", "lfs-pointer", "as-built", "outer-version")
H200 = (9, 0)


def predicted(at: Path, row: Row) -> Verdict:
    content = damaged(plan(row.built_with, row.option), row.variant)
    at.write_bytes(content)
    target = Target(tensorrt=tuple(map(int, row.loaded_by.split("."))), compute=H200)
    return predict(read_plan(at), len(content), target)


def test_agrees_with_tensorrt_on_1315_recorded_verdicts(tmp_path: Path) -> None:
    agreed, wrong, words = Counter[str](), Counter[str](), Counter[bool]()
    for row in rows():
        answer = predicted(tmp_path / "variant.plan", row)
        real = STATES.get(row.verdict, row.verdict)
        (agreed if answer.state == real else wrong)[real] += 1
        if answer.state == real != "loads":
            words[answer.message in row.message] += 1
        header = row.damage in SHOWS_IN_A_HEADER or real not in ("corrupt", "crashed")
        assert answer.state == real or not header, (row, answer)
        assert answer.state in (real, "loads"), (row, answer)
    print(f"\nagreed: {dict(agreed)}; damage beyond the header, predicted to load: {dict(wrong)}; words: {dict(words)}")
    assert agreed.total() + wrong.total() == 1315
    assert agreed["loads"] == 210, "no false alarm on an accepted plan"
    assert (agreed["version-mismatch"], agreed["device-mismatch"], agreed["not-an-engine"]) == (9, 11, 650)
    assert wrong.total() <= 105
    assert words == {True: 1000}, "the predicted words are among the real ones"


def seen(content: bytes, at: Path) -> Plan | Unknown:
    at.write_bytes(content)
    return read_plan(at)


DEFAULT = PLANS / "trt-8.6.0.12-sm90-default.plan"
HARDWARE_COMPATIBLE = PLANS / "trt-8.6.0.12-sm90-hw.plan"


@pytest.mark.parametrize(
    ("path", "tensorrt", "compute", "state"),
    [
        (DEFAULT, (8, 6, 0, 12), (9, 0), "loads"),
        (DEFAULT, (8, 6, 0, 12), (8, 9), "device-mismatch"),
        (DEFAULT, (8, 6, 1, 6), (9, 0), "version-mismatch"),
        (DEFAULT, (10, 0, 1, 6), (9, 0), "version-mismatch"),
        (DEFAULT, (8, 5, 3, 1), (9, 0), "not-an-engine"),
        (DEFAULT, (5, 1, 5, 0), (9, 0), "unknown"),
        (DEFAULT, None, (9, 0), "unknown"),
        (DEFAULT, None, (8, 9), "device-mismatch"),
        (DEFAULT, (8, 6, 0, 12), None, "unknown"),
        (DEFAULT, None, None, "unknown"),
        (HARDWARE_COMPATIBLE, (8, 6, 0, 12), (8, 0), "loads"),
        (HARDWARE_COMPATIBLE, (8, 6, 0, 12), (12, 0), "loads"),
        (HARDWARE_COMPATIBLE, (8, 6, 0, 12), (7, 5), "device-mismatch"),
    ],
)
def test_the_same_plan_for_other_targets(
    path: Path, tensorrt: tuple[int, ...] | None, compute: tuple[int, int] | None, state: str
) -> None:
    answer = predict(read_plan(path), path.stat().st_size, Target(tensorrt=tensorrt, compute=compute))
    assert answer.state == state
    assert answer.message or state in ("loads", "unknown")
    assert answer.why


def test_an_archive_of_another_serialization_gets_tensorrts_words(tmp_path: Path) -> None:
    # github.com/NVIDIA/TensorRT/issues/3898: TensorRT 8.6 and a plan of 10.1
    newer = written((10, 0, 1, 6), "10.0", (8, 0), (9, 0), 132)
    answer = predict(seen(newer, tmp_path / "a"), len(newer), Target(tensorrt=(8, 6, 1, 6), compute=H200))
    assert answer.state == "version-mismatch"
    assert answer.message.endswith(
        "Version tag does not match. Note: Current Version: 236, Serialized Engine Version: 237"
    )
    # github.com/NVIDIA/TensorRT/issues/2195: TensorRT 8.4 and a plan of 7.x
    older = written((7, 1, 3, 0), "7.1", (7, 1), (9, 0), 132)
    answer = predict(seen(older, tmp_path / "a"), len(older), Target(tensorrt=(8, 5, 3, 1), compute=H200))
    assert answer.state == "version-mismatch"
    assert answer.message.endswith("Note: Current Version: 0, Serialized Engine Version: 97")


def test_damage_is_damage_whatever_is_to_load_it(tmp_path: Path) -> None:
    cut = plan("8.6.0.12")[:5000]
    answer = predict(seen(cut, tmp_path / "a"), len(cut), Target())
    assert (answer.state, answer.why) == ("corrupt", "the file has 5000 bytes, its header promises 22396")
    assert predict(Unknown("no plan"), 99, Target()).state == "not-an-engine"
    assert predict(Unknown("no plan"), 0, Target()).state == "corrupt"


def test_a_layout_that_is_not_known_gives_no_verdict(tmp_path: Path) -> None:
    unknown = written((10, 20, 0, 1), "10.9", (10, 6), (9, 0), 132).replace(b"\x12\x80\x01\x00", b"\x13\x80\x01\x00")
    answer = predict(seen(unknown, tmp_path / "a"), len(unknown), Target(tensorrt=(10, 20, 0, 1), compute=H200))
    assert answer.state == "unknown"
    assert "is not known" in answer.why
