"""R: the Triton model repository, by itself and against the engine and the clients it serves."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING

from doctor.checks.artifact import configs_of, engine_of, repository_of, trtllm_config
from doctor.checks.rules import family
from doctor.outcome import Finding, failed, given, known, noted, passed, warned
from doctor.subject import Subject
from environment.artifacts.heads import Damaged
from environment.unknown import Unknown

if TYPE_CHECKING:
    from environment.contracts import Placeholder

DECOUPLED = ("tensorrt_llm", "tensorrt_llm_bls")
PAIRS = (("[", "]"), ("{", "}"), ("(", ")"))
STRATEGIES = ("V1", "v1", "inflight_batching", "inflight_fused_batching")
ALIKE = 0.85  # of difflib: a slip of a letter or two, not another word


def layout(subject: Subject) -> Finding:
    """Every model has a version folder, a Python model its code; what is no model is named."""
    if isinstance(subject.artifacts.repository, Damaged):
        return failed("fail-none", reason=subject.artifacts.repository.reason)
    repository = repository_of(subject)
    empty = [model.folder for model in repository.models if not model.versions]
    values = {"bare": empty, "others": repository.others, "count": len(repository.models)}
    if repository.bare:
        return failed("fail-config", names=repository.bare)
    if empty:
        return failed(**values)
    if uncoded := [f"{model.folder}/{model.versions[-1]}" for model in repository.models if model.uncoded]:
        return failed("fail-code", names=uncoded)
    return noted(**values) if repository.others else passed(**values)


def names(subject: Subject) -> Finding:
    """A config's name is that of its folder."""
    wrong = [
        f"{folder}: {config.name}" for folder, config in configs_of(subject).items() if config.name not in ("", folder)
    ]
    return failed(wrong=wrong) if wrong else passed()


def unfilled(subject: Subject) -> Finding:
    """No placeholder is left that the release's template needs filled, always or when the model is called."""
    models = repository_of(subject).models
    templates = subject.artifacts.placeholders
    rows: Mapping[str, tuple[Placeholder, ...]] = {} if isinstance(templates, Unknown) else templates
    left = [(model.folder, name) for model in models for name, _ in model.unfilled]
    bare = {(model.folder, name) for model in models for name, _ in model.needed}
    needed = [(folder, name) for folder, name in left if _needed(rows.get(folder, ()), name) or (folder, name) in bare]
    called = [(folder, name) for folder, name in left if _called(rows.get(folder, ()), folder, name)]
    if needed:
        return failed(needed=_by_folder((*needed, *called)), tag=subject.release.tag)
    if called:
        return warned(called=_by_folder(called), tag=subject.release.tag)
    optional = sorted({name for _, name in left})
    return noted(optional=optional, count=len(optional)) if optional else passed()


def unknown_parameters(subject: Subject) -> Finding:
    """No parameter is a misspelling of one of the release's: backends ignore what they do not know without a word."""
    configs, templates = configs_of(subject), known(subject.artifacts.placeholders)
    wrong: list[str] = []
    for folder, config in configs.items():
        there = {row.parameter for row in templates.get(folder, ()) if row.parameter}
        slips = {name: difflib.get_close_matches(name, there, n=1, cutoff=ALIKE) for name, _ in config.parameters}
        wrong += [f"{folder}: {name} ({near[0]}?)" for name, near in slips.items() if near and name not in there]
    values = {"wrong": wrong, "tag": subject.release.tag}
    return warned(**values) if wrong else passed(**values)


def batching_strategy(subject: Subject) -> Finding:
    """The batching strategy is one that the backend knows: with another one it refuses to load the model."""
    config = trtllm_config(subject)
    said = config.parameter("gpt_model_type") or config.parameter("batching_strategy")
    given(None if "${" in said else said or None, "not-in-repository")
    return passed(said=said) if said in STRATEGIES else failed(said=said, known=STRATEGIES)


def value_characters(subject: Subject) -> Finding:
    """No value was cut where upstream's tool cuts: fill_template.py splits its argument at every comma and colon."""
    found = [
        (f"{folder}: {name}", value)
        for folder, config in configs_of(subject).items()
        for name, value in config.parameters
        if "${" not in value
    ]
    cut = [place for place, value in found if any(value.count(a) != value.count(b) for a, b in PAIRS)]
    if cut:
        return failed(cut=cut)
    split = [place for place, value in found if "," in value or ":" in value]
    return noted(split=split) if split else passed()


def decoupled(subject: Subject) -> Finding:
    """The models agree on decoupled mode, which streaming needs and a plain infer request refuses."""
    configs = configs_of(subject)
    modes = {folder: configs[folder].decoupled for folder in DECOUPLED if folder in configs}
    given(modes or None, "no-trtllm-model")
    if len(set(modes.values())) > 1:
        return failed(modes=[f"{folder}: {str(mode).lower()}" for folder, mode in modes.items()])
    return passed() if all(modes.values()) else noted()


def batches(subject: Subject) -> Finding:
    """All models take batches of the same size."""
    sizes = {folder: config.max_batch_size for folder, config in configs_of(subject).items()}
    values = {"sizes": [f"{folder}: {size}" for folder, size in sizes.items()]}
    return warned(**values) if len(set(sizes.values())) > 1 else passed(**values)


def paths(subject: Subject) -> Finding:
    """The folders that the configs name are on this host."""
    repository_of(subject)
    found = known(subject.artifacts.paths)
    gone = [path for path, there in found.items() if not there]
    return warned(paths=gone) if gone else passed(count=len(found))


def bls_instances(subject: Subject) -> Finding:
    """The BLS model has as many instances as the engine takes requests at once."""
    config = given(configs_of(subject).get("tensorrt_llm_bls"), "no-bls")
    built = given(engine_of(subject).limits.max_batch_size, "not-in-engine")
    values = {"instances": config.instances or 1, "built": built}
    return noted(**values) if (config.instances or 1) < built else passed(**values)


def control_mode(subject: Subject) -> Finding:
    """No running server takes up models while it runs: writing its repository would be running code in it."""
    found = known(subject.host.servers)
    modes = {row.pid: option(row.argv, "--model-control-mode") for row in found if row.name == "tritonserver"}
    changing = {pid: mode for pid, mode in modes.items() if mode in ("poll", "explicit")}
    if "poll" in changing.values():
        return warned(pids=list(changing))
    return noted(pids=list(changing)) if changing else passed(count=len(modes))


def syntax(subject: Subject) -> Finding:
    """Every config.pbtxt is a ModelConfig that Triton's own protobuf parses."""
    repository = repository_of(subject)
    broken = [f"{m.folder}: {m.config.reason}" for m in repository.models if isinstance(m.config, Damaged)]
    for model in repository.models:
        known(model.config)
    return failed(broken=broken) if broken else passed(count=len(repository.models))


def ensemble_steps(subject: Subject) -> Finding:
    """Every step of an ensemble is a model of the repository."""
    lost = [f"{folder}: {step}" for folder, step in repository_of(subject).lost]
    ensembles = [folder for folder, config in configs_of(subject).items() if config.steps]
    return failed(lost=lost) if lost else passed(count=len(given(ensembles or None, "no-ensemble")))


def _needed(rows: Iterable[Placeholder], name: str) -> bool:
    return any(row.name == name and row.required and not row.required_when for row in rows)


def _called(rows: Iterable[Placeholder], folder: str, name: str) -> bool:
    """Whether the model loads without it, and then fails every request: it is needed when this very model is called."""
    return any(row.name == name and row.verified and folder in row.required_when for row in rows)


def _by_folder(placeholders: Iterable[tuple[str, str]]) -> list[str]:
    """`model (placeholder, placeholder)`, each once."""
    names: dict[str, list[str]] = {}
    for folder, name in dict.fromkeys(placeholders):
        names.setdefault(folder, []).append(name)
    return [f"{folder} ({', '.join(left)})" for folder, left in names.items()]


def option(argv: Sequence[str], name: str) -> str:
    """The value of an option, given as two words or with an equals sign; '' without it."""
    words = [part for word in argv for part in (word.split("=", 1) if word.startswith(f"{name}=") else [word])]
    return words[words.index(name) + 1] if name in words[:-1] else ""


CHECKS = family(
    "R",
    {
        "R001": layout,
        "R002": names,
        "R003": unfilled,
        "R004": unknown_parameters,
        "R005": value_characters,
        "R006": decoupled,
        "R007": batches,
        "R008": paths,
        "R009": bls_instances,
        "R010": control_mode,
        "R011": syntax,
        "R012": ensemble_steps,
        "R013": batching_strategy,
    },
)
