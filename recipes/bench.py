"""The plan of `bench`: an engine under load, by the release's own benchmark programs, with the GPU's clocks held."""

from __future__ import annotations

import hashlib
import json
import re
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from environment.contracts import contract
from environment.data import Record, read_toml
from environment.errors import Usage, unknown_name
from environment.plan import Plan, Step
from recipes import build, launch, patches, room
from recipes.deployment import Deployment
from recipes.download import publish
from recipes.local import ranks
from recipes.recipe import Count, Sources, Text
from recipes.spelling import Words, knows, spelled
from recipes.tools import example
from recipes.verification import verified

FILE = Path(__file__).parent / "benchmarks.toml"
MHZ = re.compile(r"[1-9][0-9]{0,5}")
PYTHON = "python"  # the mode of benchmarks/python/benchmark.py; the others are gptManagerBenchmark's


class Mode(Record, frozen=True, kw_only=True):
    """One way to drive gptManagerBenchmark."""

    title: Text
    batching: Text
    emulated: bool = False
    same_length: bool = False


class Benchmarks(Record, frozen=True, kw_only=True):
    """The file `benchmarks.toml`."""

    source: Sources
    requests: Count
    requests_per_second: Count
    static_batch_size: Count
    static_timeout_ms: Count
    modes: dict[str, Mode]


@dataclass(frozen=True, kw_only=True)
class Load:
    """Lengths of the requests in tokens: mean and standard deviation, in and out."""

    input_mean: int
    input_stdev: int
    output_mean: int
    output_stdev: int

    @property
    def name(self) -> str:
        """What a data set of this load is called: two loads never share a file (seed mistake W20)."""
        return f"in{self.input_mean}-{self.input_stdev}-out{self.output_mean}-{self.output_stdev}"


@cache
def table() -> Benchmarks:
    """The modes and the load."""
    return read_toml(FILE, Benchmarks)


def load(
    deployment: Deployment, input_mean: int | None = None, output_mean: int | None = None, *, same_length: bool = False
) -> Load:
    """The load that is asked for; by default half of what the engine takes, spread so that nearly all of it fits.

    Raises Usage when requests would be longer than the engine takes (mean and four standard deviations).
    """
    most = (deployment.max_input_len, deployment.max_output_len)
    means = [
        max(top // 2, 1) if mean is None else mean for mean, top in zip((input_mean, output_mean), most, strict=True)
    ]
    spread = [0 if same_length else mean // 8 for mean in means]
    for flag, mean, stdev, top in zip(("--input-mean", "--output-mean"), means, spread, most, strict=True):
        if mean < 1:
            raise Usage(f"{flag} {mean} is less than 1", mend="leave it out: half of what the engine takes")
        if mean + 4 * stdev > top:
            what = f"{flag} {mean} with a standard deviation of {stdev} reaches beyond the engine's {top} tokens"
            raise Usage(what, mend=f"use {flag} {max(top * 2 // 3, 1)}, or build for longer requests")
    return Load(input_mean=means[0], input_stdev=spread[0], output_mean=means[1], output_stdev=spread[1])


def plan(
    deployment: Deployment,
    user: str,
    *,
    mode: str = "ifb",
    input_mean: int | None = None,
    output_mean: int | None = None,
    clocks: str = "",
) -> Plan:
    """Every step of `invoke bench`. `clocks`: graphics and memory clock in MHz to hold, such as `1980,2619`.

    Raises Usage for an unknown mode or clocks that are none, NotInRelease for what the release cannot do.
    """
    if mode not in (*table().modes, PYTHON):
        raise unknown_name("benchmark mode", mode, (*table().modes, PYTHON))
    held, given_back = hold(deployment, clocks)
    same = mode == PYTHON or table().modes[mode].same_length
    asked = load(deployment, input_mean, output_mean, same_length=same)
    driven = by_python(deployment, asked) if mode == PYTHON else by_manager(deployment, mode, asked)
    steps = (*build.steps(deployment), *driven[:-1], *held, driven[-1])
    return verified(
        Plan(
            purpose=f"Benchmark {deployment.recipe.title} ({mode}) {build.words(deployment)}",
            release=deployment.release.tag,
            recipe=deployment.recipe_name,
            in_image=launch.in_image(deployment, user),
            names=build.names(deployment, steps, **{"data": driven[-2].output} if mode != PYTHON else {}),
            steps=steps,
            notes=room.notes(deployment, steps),
            last=given_back,
        )
    )


def hold(deployment: Deployment, clocks: str) -> tuple[tuple[Step, ...], tuple[Step, ...]]:
    """Steps that hold the clocks of the GPUs in use, and those that give them back at the end."""
    if not clocks:
        return (), ()
    graphics, _, memory = clocks.partition(",")
    if not (MHZ.fullmatch(graphics) and MHZ.fullmatch(memory)):
        query = "nvidia-smi --query-gpu=clocks.max.graphics,clocks.max.memory --format=csv,noheader,nounits"
        raise Usage(f"--clocks takes two numbers in MHz, such as 1980,2619, not {clocks!r}", mend=query)
    gpus = ",".join(str(gpu) for gpu in deployment.gpus.serving)
    smi = ("nvidia-smi", "--id", gpus)
    lock = (("graphics", "--lock-gpu-clocks", graphics), ("memory", "--lock-memory-clocks", memory))
    free = (("graphics", "--reset-gpu-clocks"), ("memory", "--reset-memory-clocks"))
    return (
        tuple(_smi(f"Hold the {what} clock at {mhz} MHz", (*smi, f"{flag}={mhz},{mhz}")) for what, flag, mhz in lock),
        tuple(_smi(f"Give the {what} clock back", (*smi, flag)) for what, flag in free),
    )


def _smi(title: str, argv: Words) -> Step:
    return Step(title=title, tool="nvidia-smi", argv=argv, why="needs root")


def by_manager(deployment: Deployment, name: str, asked: Load) -> tuple[Step, ...]:
    """A synthetic data set, then gptManagerBenchmark over it."""
    mode, known = table().modes[name], table()
    tool = contract(deployment.release.tag, "gptManagerBenchmark")
    binary = in_sources(deployment, "cpp/build/benchmarks/gptManagerBenchmark")
    rate = ("--request_rate", str(known.requests_per_second))
    data = f"{deployment.workspace.datasets}/{data_name(deployment, asked)}.json"
    emulated = (
        *("--static_emulated_batch_size", str(min(known.static_batch_size, deployment.max_batch_size))),
        *spelled(tool, ("--static_emulated_timeout", str(known.static_timeout_ms)), ()),
    )
    argv = (
        *ranks(deployment),
        *(binary, "--engine_dir", deployment.engine_dir, "--type", mode.batching),
        *("--dataset", data, "--max_num_samples", str(known.requests)),
        *(rate if knows(tool, rate) else ()),
        *(emulated if mode.emulated else ()),
    )
    there = Step(
        title="See that the image has the benchmark program",
        tool="test",
        where="container",
        argv=("test", "-x", binary),
        why="images that were built without build_wheel.py --benchmarks do not carry it",
    )
    drive = Step(title=f"Benchmark: {mode.title}", tool=tool.tool, where="container", argv=argv)
    return (there, *data_set(deployment, asked, data, in_data=not knows(tool, rate)), drive)


def data_name(deployment: Deployment, asked: Load) -> str:
    """What the data set of a load is called: its token ids are the tokenizer's, its form is the release's."""
    made_by = json.dumps([*deployment.weights, *edits_for(deployment)])
    digest = hashlib.sha256(made_by.encode()).hexdigest()[:6]
    return f"{deployment.recipe_name}-{deployment.release.tag}-{digest}-{asked.name}"


def data_set(deployment: Deployment, asked: Load, target: str, *, in_data: bool) -> tuple[Step, ...]:
    """The synthetic data set, by a copy of prepare_dataset.py that loads tokenizers with code of their own (W18, W19).

    `in_data`: the release keeps the request rate in the data set, not in the benchmark.
    """
    tool, known = contract(deployment.release.tag, "prepare_dataset"), table()
    copy = f"{target}.tools"
    take = ("cp", "-rT", in_sources(deployment, "benchmarks/cpp"), copy)
    edits = patches.applied(edits_for(deployment), deployment.release.tag, copy, target)
    rate = ("--request-rate", str(known.requests_per_second))
    argv = (
        *("python3", f"{copy}/prepare_dataset.py", "--output", f"{target}.partial"),
        *("--tokenizer", deployment.checkpoint_dir),
        *(rate if in_data and knows(tool, rate) else ()),
        *("token-norm-dist", "--num-requests", str(known.requests)),
        *("--input-mean", str(asked.input_mean), "--input-stdev", str(asked.input_stdev)),
        *("--output-mean", str(asked.output_mean), "--output-stdev", str(asked.output_stdev)),
    )
    return (
        Step(title="Copy the benchmark scripts", tool="cp", where="container", argv=take, output=target),
        *edits,
        Step(title="Make the data set", tool=tool.tool, where="container", argv=argv, output=target),
        publish("data set", target),
    )


def edits_for(deployment: Deployment) -> tuple[str, ...]:
    """The patches of prepare_dataset.py that the model's tokenizer needs."""
    coded = ("dataset-remote-code",) if deployment.recipe.checkpoint.remote_code else ()
    special = ("dataset-special-tokens",) if "keep-special-tokens" in deployment.recipe.patches else ()
    return (*coded, *special)


def by_python(deployment: Deployment, asked: Load) -> tuple[Step, ...]:
    """benchmarks/python/benchmark.py: static batches of one and of the largest size."""
    tool = contract(deployment.release.tag, "benchmark-python")
    lengths = f"{asked.input_mean},{asked.output_mean}"
    batches = ";".join(dict.fromkeys(("1", str(deployment.max_batch_size))))
    argv = (
        *ranks(deployment),
        *("python3", in_sources(deployment, "benchmarks/python/benchmark.py")),
        *spelled(tool, *(("--model", name) for name in deployment.recipe.benchmark), ("--model", "dec")),
        *("--engine_dir", deployment.engine_dir, "--dtype", deployment.dtype),
        *("--batch_size", batches, "--input_output_len", lengths, "--csv"),
    )
    return (Step(title="Benchmark: static batches in Python", tool=tool.tool, where="container", argv=argv),)


def in_sources(deployment: Deployment, path: str) -> str:
    """The path in the image of a file of the TensorRT-LLM sources."""
    root = example(deployment, "").rstrip("/").removesuffix("/examples")
    return f"{root}/{path}"
