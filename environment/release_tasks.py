"""The tasks about what is pinned: releases, and the contracts of their tools."""

from __future__ import annotations

from invoke import Context, Exit, task


@task(
    help={
        "source": "a checkout of tensorrtllm_backend or TensorRT-LLM; nothing of it is run",
        "image": "an image on this host to read instead; nothing of it is run either",
        "release": "whose command lines and templates they are, such as v0.10.0",
        "output": "the folder to write to (default: the project's own contracts)",
        "check": "compare with the shipped contracts and write nothing; exit code 1 when they differ",
    }
)
def contract(
    c: Context, release: str, source: str = "", image: str = "", output: str = "", check: bool = False
) -> None:
    """Read a release's command lines and template placeholders out of its source, or out of an image."""
    from environment.console import result
    from environment.contracts.extraction import report
    from environment.contracts.extraction.contracts import place
    from environment.contracts.extraction.reading import read

    found, folder = read(source, image, release), place(release, output)
    if not check:
        report.write(found, folder)
        result(report.told(found, release, folder))
        return
    if differing := report.differences(found, folder):
        raise Exit("\n".join(differing), code=1)
    result(f"{len(found.contracts)} contracts agree with the source")


@task(
    help={
        "tag": "one release in full, with sources",
        "compare": "a second tag: what differs from --tag",
        "json": "as data",
    }
)
def releases(c: Context, tag: str = "", compare: str = "", json: bool = False) -> None:
    """List the known releases; `--tag v0.10.0` shows one in full, `--compare v0.12.0` what differs."""
    from environment.console import result, result_json
    from environment.releases.report import document, report

    if json:
        result_json("releases/1", document(tag, compare))
    else:
        result(report(tag, compare))
