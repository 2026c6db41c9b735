"""The plans of `run` and `summarize`: an engine is asked, or judged by ROUGE, without a server."""

from __future__ import annotations

from environment.contracts import Contract, contract, tools
from environment.errors import Usage
from environment.plan import Plan, Step
from recipes import build, download, launch, room, vision
from recipes.checks import check_answer
from recipes.converted import OFFLINE
from recipes.deployment import Deployment
from recipes.spelling import NotInRelease, Words, spelled
from recipes.tools import example, folder
from recipes.verification import verified

ANSWER = 128  # tokens
ROUGE = "evaluate-metric/rouge"


def run(
    deployment: Deployment, user: str, *, question: str = "", max_tokens: int | None = None, streaming: bool = False
) -> Plan:
    """Every step of `invoke run`: the engine answers a question, in 128 tokens unless said.

    Raises NotInRelease for what the release cannot do, Usage for an answer longer than the engine gives.
    """
    most = min(ANSWER, deployment.max_output_len) if max_tokens is None else max_tokens
    if most < 1:
        raise Usage(f"--max-tokens {most} is less than 1", mend="such as --max-tokens 50")
    check_answer(most, deployment.max_output_len)
    text = question or deployment.recipe.question.text
    seen = vision.ask(deployment, text, most, streaming=streaming)
    asked = seen or (ask(deployment, text, most, streaming=streaming),)
    return _plan(deployment, user, f"Run {deployment.recipe.title}", asked)


def summarize(deployment: Deployment, user: str) -> Plan:
    """Every step of `invoke summarize`: ROUGE over news articles. Raises NotInRelease for what the release cannot."""
    return _plan(deployment, user, f"Judge summaries of {deployment.recipe.title}", judge(deployment))


def _plan(deployment: Deployment, user: str, purpose: str, more: tuple[Step, ...]) -> Plan:
    built = build.steps(deployment)
    steps = (*built, *(step for step in more if step.argv not in {made.argv for made in built}))
    return verified(
        Plan(
            purpose=f"{purpose} {build.words(deployment)}",
            release=deployment.release.tag,
            recipe=deployment.recipe_name,
            in_image=launch.in_image(deployment, user),
            names=build.names(deployment, steps),
            steps=steps,
            notes=room.notes(deployment, steps),
        )
    )


def ranks(deployment: Deployment) -> Words:
    """mpirun with exactly the ranks that the engine was built for; none for a single one (seed mistake W2)."""
    ranks = str(deployment.world_size)
    return ("mpirun", "--allow-run-as-root", "-n", ranks) if deployment.world_size > 1 else ()


def runner(deployment: Deployment) -> tuple[Contract, str]:
    """The script that asks an engine: one for all models, or in old releases one a model family."""
    known, own = tools(deployment.release.tag), f"run-{deployment.recipe.family}"
    if "run" in known:
        return contract(deployment.release.tag, "run"), example(deployment, "run.py")
    if own in known:
        return contract(deployment.release.tag, own), f"{folder(deployment)}/run.py"
    raise NotInRelease(f"{deployment.release.tag} has no script that asks an engine of this family")


def ask(deployment: Deployment, question: str, max_tokens: int, *, streaming: bool) -> Step:
    """One question to the engine, without a server."""
    tool, script = runner(deployment)
    argv = (
        *ranks(deployment),
        *("python3", script, "--engine_dir", deployment.engine_dir, "--tokenizer_dir", deployment.checkpoint_dir),
        *spelled(tool, ("--max_output_len", str(max_tokens)), ("--max_new_tokens", str(max_tokens))),
        *("--input_text", question),
        *(spelled(tool, ("--streaming",)) if streaming else ()),
    )
    why = f"expected in the answer: {deployment.recipe.question.expected}"
    return Step(title="Ask the engine", tool=tool.tool, where="container", argv=argv, why=why)


def judge(deployment: Deployment) -> tuple[Step, ...]:
    """News articles, the ROUGE metric, then summarize.py. Old tools load both from the folder they run in."""
    tool, data = contract(deployment.release.tag, "summarize"), deployment.datasets_dir
    argv = (
        *("env", "-C", data, *ranks(deployment), "python3", example(deployment, "summarize.py"), "--test_trt_llm"),
        *("--hf_model_dir", deployment.checkpoint_dir, "--data_type", deployment.dtype),
        *("--engine_dir", deployment.engine_dir),
        *spelled(tool, ("--dataset_dir", data), ()),
        *spelled(tool, ("--rouge_dir", f"{data}/rouge"), ()),
    )
    step = Step(title="Judge summaries by ROUGE", tool=tool.tool, where="container", argv=argv, env=OFFLINE)
    return (*download.calibration(deployment, kept=True), *metric(f"{data}/rouge"), step)


def metric(target: str) -> tuple[Step, ...]:
    """Fetches the code of the ROUGE metric, which `evaluate` would else fetch while it runs."""
    words = ("./inv", "fetch", ROUGE, "--kind", "space", "--revision", "main", "--into", target)
    why = "the container that judges has no network"
    return (Step(title=f"Download {ROUGE}", tool="fetch", argv=words, output=target, why=why),)
