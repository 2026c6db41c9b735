import gzip
import io
import json
import lzma
import os
import resource
import subprocess
import sys
import zipfile
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import msgspec
import pytest
from msgspec.structs import replace

from doctor.diagnosis import cause
from doctor.diagnosis.cause import diagnosed, exit_code, explain, explain_all
from doctor.diagnosis.findings import Finding
from doctor.diagnosis.report import as_json, as_text, short
from doctor.diagnosis.symptoms import catalogue
from environment.errors import ExitCode, Usage
from tests.command_line import ROOT
from tests.waiting import PATIENCE

MISMATCH = (
    "[TensorRT-LLM][ERROR] 6: The engine plan file is not compatible with this version of TensorRT, "
    "expecting library version 9.2.0.5 got 9.3.0.1, please rebuild."
)
UMBRELLA = "[TensorRT-LLM][ERROR] Assertion failed: Failed to deserialize cuda engine (runtime/tllmRuntime.cpp:72)"
FATAL_KEY = "modelInstanceState: [json.exception.out_of_range.403] key 'use_custom_all_reduce' not found"
HARMLESS_KEY = "[TensorRT-LLM][WARNING] [json.exception.out_of_range.403] key 'max_lora_rank' not found"
CARRIERS = (
    "",
    "[1,0]<stderr>:",
    "[rank1]: ",
    "[default0]:",
    "(pid=909608) ",
    "(RayWorkerVllm pid=4711, ip=10.0.0.7) ",
    "[pod/triton-7d4/server] ",
    "triton-models-1  | ",
    "2024-06-18T08:11:17.058465123Z ",
    "2024-06-18 08:11:17,058 ",
    "Jun 18 08:11:17 gpu1 docker[812]: ",
    "#12 345.6 ",
    "> ",
    "triton-1  | 2024-06-18T08:11:17.058465123Z [1,3]<stdout>:",
)


def ids(text: str) -> list[str]:
    return [finding.symptom.id for finding in explain(text).findings]


def test_the_root_cause_stands_before_its_consequences_wherever_they_are() -> None:
    assert ids(f"{MISMATCH}\n{UMBRELLA}") == ["engine-trt-version-mismatch", "engine-deserialize-failed"]
    assert ids(f"{UMBRELLA}\n{MISMATCH}") == ["engine-trt-version-mismatch", "engine-deserialize-failed"]
    first, second = explain(f"{UMBRELLA}\n{MISMATCH}").findings
    assert (first.primary, second.primary) == (True, False)
    assert (first.line.number, second.line.number) == (2, 1)


def test_an_ensemble_that_misses_a_model_is_the_cause_only_where_nothing_refused_that_model() -> None:
    refused = (
        """Error parsing text-format inference.ModelConfig: 2:1: Message type "inference.ModelConfig" has no field"""
    )
    missing = "Invalid argument: ensemble ensemble contains models that are not available or ambiguous: tensorrt_llm"
    assert ids(missing) == ["triton-ensemble-model-missing"]
    assert ids(f"{refused}\n{missing}") == ["triton-config-syntax", "triton-ensemble-model-missing"]


def test_an_umbrella_alone_is_named() -> None:
    assert ids(UMBRELLA) == ["engine-deserialize-failed"]
    assert explain(UMBRELLA).exit_code == ExitCode.FAILURE


def test_the_values_of_the_log_are_in_the_remedy() -> None:
    finding = explain(MISMATCH).findings[0]
    told = " ".join((finding.cause, *finding.between, *finding.remedy))
    assert "9.3.0.1" in told
    assert "9.2.0.5" in told
    assert "{" not in told


def test_a_value_the_log_did_not_show_is_named_in_brackets() -> None:
    finding = explain("tritonserver process(es) already found with PID(s):").findings[0]
    assert "{" not in " ".join(finding.remedy)


ROW = replace(
    catalogue().symptoms[0],
    id="row",
    literals=(),
    patterns=(r"odd thing in (?P<path>[^\n]{1,80}?)(, of (?P<size>\d+) bytes)?$",),
    cause="{path} is odd.",
    details=("It has {size} bytes.", "{path} is written down", "{path} has {size} bytes"),
    remedy=("rm {path}", "truncate --size {size} {path}"),
)


def finding_of(line: str) -> Finding:
    """What the one row says of this line."""
    (finding,) = explain(line, replace(catalogue(), symptoms=(ROW,))).findings
    return finding


def test_details_are_told_where_the_log_shows_all_their_values() -> None:
    assert finding_of("odd thing in /a").cause == "/a is odd. /a is written down"
    assert finding_of("odd thing in {size}, of 3 bytes").cause == (
        "{size} is odd. It has 3 bytes. {size} is written down. {size} has 3 bytes"
    )


@pytest.mark.parametrize("path", ["$(reboot)", "`id`", "a; reboot", "a & b", "a|b", "'a", '"', "a\\nb", "(b)", "> c"])
def test_no_log_puts_a_command_into_a_remedy(path: str) -> None:
    finding = finding_of(f"odd thing in {path}, of 3 bytes")
    assert path in finding.cause
    assert finding.remedy == ("rm <path>", "truncate --size 3 <path>")


@pytest.mark.parametrize(
    "line",
    [
        "[2] include/shm.h:28 NCCL WARN Call to posix_fallocate failed : No space left on device",
        "NCCL WARN Error: failed to extend /dev/shm/nccl-WU88OE to 9637892 bytes, error: No space left on device (28)",
        "OSError: [Errno 28] No space left on device: '/dev/shm/nccl-abc'",
        "write /dev/shm/x: no space left on device",
    ],
)
def test_no_space_in_shared_memory_is_not_a_full_disk(line: str) -> None:
    assert ids(line) == ["shm-too-small-nccl"]


@pytest.mark.parametrize(
    "lines",
    [
        "+ docker run -v /dev/shm:/dev/shm x\ndocker: write /var/lib/docker/tmp/Blob1: no space left on device.",
        "shm 64M 0 64M 0% /dev/shm\nOSError: [Errno 28] No space left on device: '/engines/qwen/rank0.engine'",
        "gpu1:1:1 [0] NCCL INFO Connected\nOSError: [Errno 28] No space left on device: '/engines/rank0.engine'",
    ],
)
def test_a_disk_that_is_full_beside_words_of_shared_memory_is_a_full_disk(lines: str) -> None:
    assert ids(lines) == ["disk-full"]


def test_no_space_anywhere_else_is_a_full_disk() -> None:
    assert ids("write /usr/lib/libnvinfer_static.a: no space left on device") == ["disk-full"]


def test_the_same_words_are_harmless_as_a_warning_and_fatal_after_the_instance_state() -> None:
    assert explain(HARMLESS_KEY).exit_code == ExitCode.OK
    assert [line.id for line, _ in explain(HARMLESS_KEY).harmless] == ["optional-json-key-absent"]
    assert ids(f"{HARMLESS_KEY}\nE0101 00:00:00.1 1 x.cc:1] ERROR: {FATAL_KEY}") == ["engine-config-schema-skew"]


WARNING = "[TensorRT-LLM][WARNING] gpu_device_ids is not specified, will be automatically set"
FAULT = "[TensorRT-LLM][ERROR] Assertion failed: mpiSize == tp * pp"


@pytest.mark.parametrize(
    "line",
    [
        WARNING + FAULT,
        FAULT + WARNING,
        f"{HARMLESS_KEY}\\n{FAULT}",
        f'{{"values":[["1","{HARMLESS_KEY}"],["2","{FAULT}"]]}}',
        f"connection lost, retrying {FAULT}",
        f"{FAULT} I0604 08:00:00.000000 1 x.cc:1] retrying",
    ],
)
def test_what_one_message_says_does_not_excuse_another_in_its_line(line: str) -> None:
    assert ids(line) == ["mpi-world-size-mismatch"]


def test_a_fatal_key_behind_a_harmless_one_in_its_line_is_fatal() -> None:
    assert ids(f"{HARMLESS_KEY} {FATAL_KEY}") == ["engine-config-schema-skew"]


def test_the_more_specific_symptom_wins() -> None:
    assert ids("modelInstanceState: [json.exception.out_of_range.403] key 'builder_config' not found") == [
        "engine-dir-is-checkpoint-dir"
    ]


CONSEQUENCE = "E0101 00:00:00.1 1 x.cc:1] ensemble 'e' depends on 'llm' which has no loaded version."


def test_a_consequence_is_named_where_the_log_shows_nothing_else() -> None:
    diagnosis = explain(f"{CONSEQUENCE}\nerror: creating server: Internal - failed to load all models")
    assert diagnosis.exit_code == ExitCode.FAILURE
    assert diagnosis.findings[0].symptom.id == "ensemble-dependency-failed"


def test_a_consequence_explains_nothing_beside_a_failure_that_is_not_known() -> None:
    diagnosis = explain(f"OddError: never seen before\n{CONSEQUENCE}")
    assert diagnosis.exit_code == ExitCode.UNKNOWN
    assert not any(finding.primary for finding in diagnosis.findings)


def test_an_unknown_failure_shows_its_first_errors_and_ends_with_3() -> None:
    text = "\n".join(
        ["fine", "Traceback (most recent call last):", "OddError: never seen before"]
        + [f"Error: {x}" for x in "abcdefghi"]
    )
    diagnosis = explain(text)
    assert diagnosis.exit_code == ExitCode.UNKNOWN
    assert diagnosis.unknown[0].number == 3
    assert len(diagnosis.unknown) == 5
    assert "report it" in as_text(diagnosis)


def test_a_hint_counts_only_while_no_server_came_up() -> None:
    hint = "WARNING: The NVIDIA Driver was not detected.  GPU functionality will not be available."
    assert ids(hint) == ["container-started-without-gpu"]
    assert ids(f'{hint}\nI1 grpc_server.cc:1] "Started GRPCInferenceService at 127.0.0.1:8001"') == []


def test_every_symptom_keeps_its_first_line_in_a_log_of_repeats() -> None:
    assert explain("\n".join(["fine"] * 3 + [MISMATCH] * 5000)).findings[0].line.number == 4


def test_a_harmless_line_repeated_never_hides_the_fault_behind_it() -> None:
    harmless = 'W1 pinned_memory_manager.cc:273] "pinned memory pool will not be available: CUDA driver version is insufficient for CUDA runtime version"'  # noqa: E501
    fault = "CUDA runtime error: CUDA driver version is insufficient for CUDA runtime version"
    assert ids("\n".join([harmless] * 20_000)) == []
    assert explain("\n".join([harmless] * 20_000 + [fault])).findings[0].line.number == 20_001


def test_a_fault_in_a_line_of_megabytes_is_found_and_shown_short() -> None:
    diagnosis = explain("x" * 3_000_000 + MISMATCH + "y" * 3_000_000)
    assert diagnosis.findings[0].symptom.id == "engine-trt-version-mismatch"
    assert len(diagnosis.findings[0].line.text) <= 400


@pytest.mark.parametrize("carrier", CARRIERS)
def test_a_line_is_known_and_shown_without_what_its_carrier_wrote_before_it(carrier: str) -> None:
    finding = explain(f"{carrier}fine\n{carrier}Killed").findings[0]
    assert finding.symptom.id == "engine-build-host-oom-killed"
    assert (finding.line.number, finding.line.text) == (2, "Killed")


def test_a_message_cut_by_a_terminal_is_found_where_it_begins() -> None:
    cut = 120
    wrapped = "\n".join(["fine"] * 3 + [MISMATCH[:cut], MISMATCH[cut:]])
    finding = explain(wrapped).findings[0]
    assert finding.symptom.id == "engine-trt-version-mismatch"
    assert finding.line.number == 4


def test_a_message_that_a_page_has_broken_is_found_where_it_begins() -> None:
    said = ("ERROR: model 'yolo', tensor 'logits':", "the model expects 3 dimensions (shape [1,300]) but the model")
    finding = explain("fine\n" + "\n  ".join((*said, "configuration specifies 3 dimensions"))).findings[0]
    assert finding.symptom.id == "triton-config-differs-from-model"
    assert finding.line.number == 2


def test_an_umbrella_that_stands_on_one_line_is_not_replaced_by_one_that_was_broken() -> None:
    said = "RuntimeError: [TensorRT-LLM][ERROR] CUDA runtime error in\ncudaStreamIsCapturing(stream): an illegal memory"
    (finding,) = explain(f"{said} access was encountered").findings
    assert finding.symptom.id == "cuda-illegal-access"


def test_short_lines_are_never_taken_for_one_that_was_cut() -> None:
    text = "[TensorRT-LLM][ERROR] x\nAssertion failed: mpiSize\n == tp * pp"
    assert explain(text).exit_code == ExitCode.UNKNOWN


def test_json_has_the_promised_shape() -> None:
    document = json.loads(msgspec.json.encode(as_json([explain(f"{MISMATCH}\n{HARMLESS_KEY}")])))
    (log,) = document["logs"]
    (finding,) = log["findings"]
    assert finding["case"] is None
    assert {"id", "line", "text", "title", "cause", "remedy", "primary", "checks", "sources"} <= set(finding)
    assert finding["primary"] is True
    assert log["harmless"][0]["id"] == "optional-json-key-absent"


def test_a_special_case_is_told_under_the_id_of_its_failure() -> None:
    diagnosis = explain("docker: Error response from daemon: Unknown runtime specified nvidia.")
    document = json.loads(msgspec.json.encode(as_json([diagnosis])))
    (finding,) = document["logs"][0]["findings"]
    assert (finding["id"], finding["case"]) == ("docker-gpu-runtime-missing", "docker-runtime-unknown")
    assert "[docker-gpu-runtime-missing, case docker-runtime-unknown, verified]" in as_text(diagnosis)


def test_text_names_cause_line_check_and_source() -> None:
    text = as_text(explain(MISMATCH))
    assert "root cause" in text
    assert "line 1: [TensorRT-LLM][ERROR] 6:" in text
    assert "E004" in text
    assert "tensorrtllm_backend#194" in text


def test_short_is_empty_when_no_cause_is_known() -> None:
    assert short(explain("Traceback (most recent call last):")) == ""
    assert "root cause" in short(explain(MISMATCH))


def test_exit_codes_of_several_logs() -> None:
    named, unknown, fine = explain(MISMATCH), explain("Error: x"), explain("fine")
    assert exit_code([fine, unknown, named]) == ExitCode.FAILURE
    assert exit_code([fine, unknown]) == ExitCode.UNKNOWN
    assert exit_code([fine]) == ExitCode.OK


def zipped(data: bytes) -> bytes:
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as file:
        file.writestr("1_build.txt", data)
    return archive.getvalue()


@pytest.mark.parametrize(("packed", "tool"), [(gzip.compress, "zcat"), (lzma.compress, "xzcat"), (zipped, "unzip -p")])
def test_a_compressed_log_is_refused_with_the_command_that_opens_it(
    packed: Callable[[bytes], bytes], tool: str, tmp_path: Path
) -> None:
    log = tmp_path / "server log"
    log.write_bytes(packed(MISMATCH.encode()))
    with pytest.raises(Usage, match="is compressed") as caught:
        explain(log)
    assert caught.value.mend == f"{tool} '{log}' | ./inv doctor --log -"
    done = piped(log.read_bytes())
    assert (done.returncode, done.stdout) == (ExitCode.USAGE, b"")
    assert (
        f"standard input is compressed\n  where  -\n  mend   {tool} FILE | ./inv doctor --log -" in done.stderr.decode()
    )


def piped(data: bytes, *words: str) -> subprocess.CompletedProcess[bytes]:
    argv = (sys.executable, "-m", "invoke", "doctor", *(words or ("--log", "-")))
    return subprocess.run(argv, cwd=ROOT, input=data, capture_output=True, timeout=PATIENCE, check=False)


def test_standard_input_is_read_from_its_first_byte_on() -> None:
    done = piped(MISMATCH.encode())
    assert done.returncode == ExitCode.FAILURE
    assert f"seen      line 1: {MISMATCH}" in done.stdout.decode()
    assert b"can be read once only" in piped(MISMATCH.encode(), "--log", "-", "--log", "-").stderr


def test_a_pipe_by_name_is_opened_once(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    for data, said in ((MISMATCH.encode(), ""), (gzip.compress(MISMATCH.encode()), "pipe is compressed")):
        with ThreadPoolExecutor() as aside, pytest.raises(Usage, match=said) if said else nullcontext():
            aside.submit(pipe.write_bytes, data)
            (diagnosis,) = explain_all([str(pipe)])
            assert diagnosis.exit_code == ExitCode.FAILURE


def test_what_cannot_be_read_is_found_before_anything_is_diagnosed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cause, "diagnosed", lambda *_: pytest.fail("one was diagnosed"))
    there = tmp_path / "there.log"
    there.write_text(MISMATCH)
    (tmp_path / "packed.log").write_bytes(gzip.compress(b""))
    for name, said in (("none.log", "cannot read the log: No such"), ("", "names no"), ("packed.log", "compressed")):
        with pytest.raises(Usage, match=said) as caught:
            explain_all([str(there), str(tmp_path / name) if name else ""])
        assert caught.value.where.endswith(name)


def test_a_file_name_that_is_no_text_is_told_readably(tmp_path: Path) -> None:
    log = Path(os.fsdecode(bytes(tmp_path) + b"/b\xff.log"))
    log.write_text(MISMATCH)
    for words in (("--log", str(log)), ("--log", str(log), "--json")):
        done = piped(b"", *words)
        assert done.returncode == ExitCode.FAILURE, done.stderr
        assert "b\ufffd.log" in done.stdout.decode()
    document = json.loads(done.stdout)
    assert document["logs"][0]["path"] == f"{tmp_path}/b\ufffd.log"
    assert piped(b"", "--log", f"{log}.old").returncode == ExitCode.USAGE


def test_nothing_of_a_log_that_a_terminal_would_obey_reaches_it() -> None:
    obeyed = "RuntimeError: \x1b]0;title\x07 bad\u3000thing \x00 \x08\x7f \x9b2J \u202e x"
    told = as_text(explain(obeyed))
    assert "bad\u3000thing" in told
    assert all(letter.isprintable() or letter in "\n\u3000" for letter in told)
    assert "\x1b" not in short(explain(MISMATCH.replace("9.2.0.5", "9.2\x1b\x00.0.5")))


@pytest.mark.parametrize(
    "data", [b"", b"\x00" * 5000, b"\xff" * 5000, b"\n" * 5000, b"|" * 5000, bytes(range(256)) * 40]
)
def test_rubbish_is_no_fault(data: bytes) -> None:
    assert diagnosed("x", io.BytesIO(data)).exit_code == ExitCode.OK


class Endless(io.RawIOBase):
    """`size` bytes of ordinary log lines that lie nowhere."""

    LINES = b"I0120 08:28:09.425338 2049 model_lifecycle.cc:473] loading: preprocessing:1\n" * 2000

    def __init__(self, size: int) -> None:
        self.left = size

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        count = min(len(buffer), self.left, len(self.LINES))
        buffer[:count] = self.LINES[:count]
        self.left -= count
        return count


def test_memory_stays_the_same_however_long_the_log_is() -> None:
    diagnosed("warm", io.BufferedReader(Endless(10**6)))
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    assert diagnosed("long", io.BufferedReader(Endless(300 * 10**6))).exit_code == ExitCode.OK
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 20 << 10  # KiB
