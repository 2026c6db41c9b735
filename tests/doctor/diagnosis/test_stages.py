"""The step that a failure which no row knows broke off."""

from __future__ import annotations

import json

import msgspec
import pytest

from doctor.diagnosis.cause import explain
from doctor.diagnosis.report import as_json, as_text
from doctor.diagnosis.stages import stage_of
from doctor.diagnosis.symptoms import catalogue

SAMPLES = {
    "image-pull": "24.07-py3: Pulling from nvidia/tritonserver",
    "container-start": "docker: Error response from daemon: odd",
    "pip-wheel": "  Preparing metadata (pyproject.toml) ... error",
    "pip-install": "Collecting tensorrt_llm==0.16.0",
    "apt": "Setting up libopenmpi-dev (4.1.4-3) ...",
    "git": "Cloning into 'TensorRT-LLM'...",
    "hub-download": '  File "/p/huggingface_hub/file_download.py", line 1, in hf_hub_download',
    "cmake": "-- Detecting CUDA compiler ABI info",
    "link": "[100%] Linking CXX shared library libtensorrt_llm.so",
    "compile": "[ 12%] Building CUDA object x.cu.o",
    "image-build": "#12 [devel 3/9] RUN bash install_base.sh",
    "wheel-build": '  File "/src/scripts/build_wheel.py", line 332, in main',
    "quantize": '  File "/app/examples/quantization/quantize.py", line 90, in <module>',
    "convert": '  File "/app/examples/llama/convert_checkpoint.py", line 480, in <module>',
    "engine-build": '  File "/p/tensorrt_llm/commands/build.py", line 353, in build_model',
    "engine-run": '  File "/p/tensorrt_llm/runtime/generation.py", line 700, in setup',
    "request": 'INFO: 127.0.0.1:1 - "POST /v2/models/ensemble/generate HTTP/1.1" 500 Internal Server Error',
    "model-load": 'I0120 08:28:09.425338 2049 model_lifecycle.cc:473] "loading: preprocessing:1"',
    "server-start": "error: creating server: odd",
    "client": '  File "/p/tritonclient/grpc/_client.py", line 60, in infer',
    "mpi-launch": "prterun was unable to launch the specified application",
    "nccl": "gpu1:1:1 [0] NCCL INFO Bootstrap : Using eth0",
    "driver": "NVIDIA-SMI has failed",
    "import": "    from tensorrt_llm import LLM",
}
ODD = "OddError: never seen before"


def stage(text: str) -> str:
    found = stage_of(catalogue(), text.encode())
    return found.id if found else ""


def test_every_stage_has_a_source_and_a_sample() -> None:
    assert set(SAMPLES) == {row.id for row in catalogue().stages}
    assert all(row.sources for row in catalogue().stages)


@pytest.mark.parametrize("known", SAMPLES)
@pytest.mark.parametrize("carrier", ["", "triton-1  | ", "2024-06-18T08:11:17.058465123Z "])
def test_a_sample_shows_its_stage_whatever_carried_it(known: str, carrier: str) -> None:
    assert stage(f"fine\n{carrier}{SAMPLES[known]}\n{carrier}{ODD}") == known


def test_the_last_line_that_shows_a_stage_tells() -> None:
    assert stage(f"{SAMPLES['git']}\n{SAMPLES['cmake']}\nfine\n{ODD}") == "cmake"
    assert stage(f"{SAMPLES['cmake']}\n{SAMPLES['git']}\nfine\n{ODD}") == "git"
    assert stage(f"fine\n{ODD}") == ""


def test_what_stands_below_the_failure_tells_nothing_of_it() -> None:
    diagnosis = explain(f"{SAMPLES['convert']}\n{ODD}\nfine\n{SAMPLES['git']}")
    assert diagnosis.stage
    assert diagnosis.stage.id == "convert"


def test_the_answer_names_the_stage_in_text_and_json_beside_the_first_lines() -> None:
    diagnosis = explain(f"{SAMPLES['convert']}\n{ODD}")
    assert "it broke off while a checkpoint was being converted\n" in as_text(diagnosis)
    document = json.loads(msgspec.json.encode(as_json([diagnosis])))
    assert document["logs"][0]["stage"] == {"id": "convert", "what": "a checkpoint was being converted"}


def test_a_known_cause_or_a_healthy_log_has_no_stage() -> None:
    assert explain(f"{SAMPLES['convert']}\nRuntimeError: CUDA out of memory. Tried to allocate 2 GiB").stage is None
    assert explain(SAMPLES["convert"]).stage is None
    assert "broke off" not in as_text(explain(ODD))
