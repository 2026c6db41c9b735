"""The task that says what files and folders are."""

from __future__ import annotations

from invoke import Context, Exit, task


@task(
    positional=["path"],
    iterable=["path"],
    help={
        "path": "files and folders, as many as you like",
        "for-tensorrt": "the TensorRT that is to load them, such as 10.0.1.6",
        "for-compute": "the compute capability of its GPU, such as 9.0 (default: this host's)",
        "image": "take the TensorRT of this image",
        "json": "as data",
    },
)
def inspect(
    c: Context, path: list[str], for_tensorrt: str = "", for_compute: str = "", image: str = "", json: bool = False
) -> None:
    """Say what a plan, engine, checkpoint, tokenizer or model repository is, and whether it is whole and will load."""
    from doctor.inspection import answer, look, target, text
    from environment.console import result, result_json

    whom = target.target(for_tensorrt, for_compute, image)
    found = [look.inspect(each, whom) for each in look.existing(path)]
    result_json(answer.SCHEMA, answer.document(found)) if json else result(text.told(found, whom))
    code = answer.exit_code(found)
    raise Exit(code=code)
