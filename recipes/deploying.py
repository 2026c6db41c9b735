"""The options that all tasks around an engine share, and the kind of task that takes them."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from inspect import Signature, signature
from typing import TYPE_CHECKING, Any

from invoke import Context, Task, task

if TYPE_CHECKING:
    from recipes.deployment import Deployment

UNSAID = -sys.maxsize  # an option that was not given: the recipe says; 0 is a value that was given, and refused


DEPLOYING = {
    "recipe": "the recipe's name (invoke recipes)",
    "tag": "the release to use",
    "tp": "GPUs that share each layer",
    "pp": "pipeline stages",
    "dtype": "float16, bfloat16 or float32",
    "quant": "fp8, int8_sq, int4_awq, w4a8_awq, int8_wo, int4_wo or none",
    "kv-cache-dtype": "fp8 or int8",
    "feature": "a switch of the build, such as fp8-context-fmha or tokens-per-block=128 (repeat for more)",
    "max-batch-size": "requests at once",
    "max-input-len": "tokens in",
    "max-output-len": "tokens out",
    "gpus": "which GPUs build and serve, such as 0,2 (default: the first ones)",
    "convert-gpus": "which GPUs convert and calibrate the checkpoint, any number (default: those that serve)",
    "compute": "the compute capability to build for, such as 9.0 (default: that of this host's GPUs)",
    "model": "another checkpoint of the recipe: a variant (32k) or its hub id",
    "model-dir": "your own Hugging Face checkpoint instead of the hub's",
    "allow-remote-code": "let the Python in your own checkpoint be loaded; read it first",
    "recipe-file": "your own recipe instead of a shipped one",
    "name": "the server's name (default: the recipe's)",
    "http-port": "Triton's HTTP port on this host (default: 8000, or the next beside another server)",
    "grpc-port": "Triton's gRPC port on this host (default: 8001, or the next)",
    "metrics-port": "Triton's metrics port on this host (default: 8002, or the next)",
    "json": "with --dry: the plan as data",
}
OWN = {
    "rehearse": "real Triton on this CPU: no GPU, no Docker",
    "in_container": "with --rehearse: in a container, by the very plan of serve, with a stand-in image",
    "restart": "when Docker starts it again: no, always, unless-stopped or on-failure[:N]",
    "env_file": "a file of NAME=VALUE lines for the server's container",
    "expose": "publish the ports on every address of this host, not on 127.0.0.1 alone",
    "detach": "leave it running and return: the default",
    "follow": "afterwards show the server's log until Ctrl-C",
    "templates": "with --rehearse: a checkout of tensorrtllm_backend at the tag, served unmodified",
    "question": "what is asked (default: the recipe's smoke question)",
    "max_tokens": "the longest answer to it",
    "openai": "an OpenAI-compatible endpoint before it, too (invoke openai)",
    "openai_port": "where that listens on the loopback address (default: 9000, or the next)",
    "quality": "do not hold its answers against the checkpoint's own",
    "streaming": "show the answer as it grows",
    "mode": "ifb, v1, static, fixed (gptManagerBenchmark) or python (benchmark.py)",
    "input_mean": "tokens in, on average (default: half of the engine's)",
    "output_mean": "tokens out, on average",
    "locked": "refuse an image or a checkpoint that is not what trtllm.lock.json locks",
    "clocks": "hold the GPUs' graphics and memory clock: MHZ,MHZ (needs root)",
}


def deployed(
    recipe: str,
    tag: str = "",
    tp: int = UNSAID,
    pp: int = 1,
    dtype: str = "",
    quant: str = "",
    kv_cache_dtype: str = "",
    feature: list[str] | None = None,
    max_batch_size: int = UNSAID,
    max_input_len: int = UNSAID,
    max_output_len: int = UNSAID,
    gpus: str = "",
    convert_gpus: str = "",
    compute: str = "",
    model: str = "",
    model_dir: str = "",
    allow_remote_code: bool = False,
    recipe_file: str = "",
    name: str = "",
    http_port: int = UNSAID,
    grpc_port: int = UNSAID,
    metrics_port: int = UNSAID,
    json: bool = False,
) -> Deployment:
    """The deployment that the options say, which all tasks around an engine share."""
    from environment.workspace import current
    from recipes.deployment import deploy
    from recipes.side_by_side import ports_for

    space = current()
    ports = {"http": http_port, "grpc": grpc_port, "metrics": metrics_port}
    limits = {"max_batch_size": max_batch_size, "max_input_len": max_input_len, "max_output_len": max_output_len}
    return deploy(
        recipe,
        workspace=space,
        tag=tag,
        tp=None if tp == UNSAID else tp,
        pp=pp,
        dtype=dtype,
        quant=quant,
        kv_cache_dtype=kv_cache_dtype,
        feature=feature or (),
        limits=said(limits),
        gpus=gpus,
        convert_gpus=convert_gpus,
        compute=compute,
        model=model,
        model_dir=model_dir,
        allow_remote_code=allow_remote_code,
        recipe_file=recipe_file,
        name=name,
        ports=ports_for(name or recipe, said(ports), space.runs),
    )


def meant(recipe: str, ports: Mapping[str, int], **options: Any) -> Deployment:
    """The deployment of a recipe in one word, as `Deployment.said` has it, with the options of `deploy`."""
    from environment.workspace import current
    from recipes.deployment import deploy
    from recipes.recipe import meant as named
    from recipes.side_by_side import ports_for

    space, (name, file, variant) = current(), named(recipe)
    taken = ports_for(name, ports, space.runs)
    return deploy(name, workspace=space, ports=taken, model=variant, recipe_file=file, **options)


def said(options: Mapping[str, int]) -> dict[str, int]:
    """The options that were given."""
    return {word: value for word, value in options.items() if value != UNSAID}


def own_ports(ports: Mapping[str, int]) -> dict[str, Any]:
    """`http_port` and its like, of the ports that were given; raises Usage for what can be none, or not together."""
    if ports:
        from recipes.deployment import Ports

        Ports(**ports)
    return {f"{name}_port": port for name, port in ports.items()}


def or_none(value: int) -> int | None:
    """The value of an option, None when it was not given."""
    return None if value == UNSAID else value


def for_this_host(deployment: Deployment) -> Deployment:
    """The deployment for the kind of GPU that this host has; as it is where it has none that nvidia-smi lists."""
    from dataclasses import replace

    from environment.machine import computes
    from recipes.gpus import compute_of

    compute = compute_of(computes(), deployment.gpus.serving)
    return replace(deployment, gpus=replace(deployment.gpus, compute=compute))


def deploys(body: Callable[..., None]) -> Task[Callable[..., None]]:
    """A task around a deployment: its options are those of `deployed` and its own, and it is given the Deployment.

    Invoke reads the options from the signature, which is put together here so that they are said once.
    """
    shared = signature(deployed).parameters
    context, _, *own = signature(body).parameters.values()

    def task_body(c: Context, **said: Any) -> None:
        # The CPU engine takes any checkpoint it can run; what the recipe says of its own is for GPUs.
        words = {**said, "model_dir": "" if said.get("rehearse") else said["model_dir"]}
        deployment = deployed(**{name: words[name] for name in shared})
        if not (said["compute"] or said.get("rehearse")):
            deployment = for_this_host(deployment)
        body(c, deployment, **{name: said[name] for name in wanted})

    wanted = [one.name for one in own]
    own = [one for one in own if one.name not in shared]
    task_body.__name__, task_body.__doc__ = body.__name__, body.__doc__
    setattr(task_body, "__signature__", Signature([context, *shared.values(), *own]))  # noqa: B010 - no such attribute to mypy
    told_of = {one.name.replace("_", "-"): OWN[one.name] for one in own}
    made: Task[Callable[..., None]] = task(help={**DEPLOYING, **told_of}, iterable=["feature"], auto_shortflags=False)(
        task_body
    )
    return made
