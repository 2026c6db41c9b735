"""C: the checkpoint and its tokenizer, by their files alone; no code of the model is run."""

from __future__ import annotations

import re

from doctor.architectures import remote_tokenizers, since
from doctor.checks.artifact import checkpoint_of, named, tokenizer_of
from doctor.checks.rules import family
from doctor.facts.versions import at_least
from doctor.outcome import Finding, NotKnown, failed, given, known, noted, passed, warned
from doctor.subject import Subject
from environment.artifacts.checkpoint import Checkpoint
from environment.artifacts.heads import Damaged
from environment.artifacts.tokenizer import TokenizerCode
from environment.unknown import Unknown

PAD, EOS = "pad_token", "eos_token"
PADDING_SIDE_SINCE = "4.45"  # huggingface/transformers: _pad() is passed padding_side (zai-org/ChatGLM3#1324)
VOCABULARY_FIRST_SINCE = "4.34"  # the base class asks for the vocabulary when it is initialised (zai-org/ChatGLM3#1299)


def shards(subject: Subject) -> Finding:
    """Every weight file that the index names is there."""
    found = subject.artifacts.checkpoint
    if isinstance(found, Damaged):
        return failed("fail-damaged", reason=found.reason)
    checkpoint = named(found, "no-model")
    if not checkpoint.shards and not checkpoint.pickles:
        return failed("fail-none")
    missing = [shard.name for shard in checkpoint.shards if shard.name not in checkpoint.files]
    values = {"count": len(checkpoint.shards) or len(checkpoint.pickles), "missing": missing}
    return failed(**values) if missing else passed(**values)


def truncated(subject: Subject) -> Finding:
    """Every safetensors file has exactly the bytes that its header promises."""
    checkpoint = checkpoint_of(subject)
    there = [shard for shard in checkpoint.shards if shard.name in checkpoint.files]
    faults = [
        f"{shard.name}: {shard.fault}" for shard in there if shard.fault and shard.name not in checkpoint.pointers
    ]
    return failed(faults=faults) if faults else passed(count=len(there))


def pointers(subject: Subject) -> Finding:
    """No file is a git-lfs pointer in place of the real one."""
    names = checkpoint_of(subject).pointers
    return failed(names=names) if names else passed()


def incomplete(subject: Subject) -> Finding:
    """No download was left unfinished."""
    names = checkpoint_of(subject).incomplete
    return warned(names=names) if names else passed()


def verified(subject: Subject) -> Finding:
    """Every file still has the SHA-256 recorded when it was fetched."""
    digests = named(subject.artifacts.digests, "no-deep")
    wrong = [digest.name for digest in digests if known(digest.actual) != digest.recorded]
    if wrong:
        return failed(names=wrong)
    return passed(count=len(digests)) if digests else noted()


def remote_code(subject: Subject) -> Finding:
    """Code that comes with the checkpoint is pinned to a commit one can review."""
    checkpoint = checkpoint_of(subject)
    code = sorted({*checkpoint.remote_code, *tokenizer_code(subject)})
    if not code:
        return passed()
    return noted(code=code, revision=checkpoint.revision) if checkpoint.revision else warned(code=code)


def tokenizer_class(subject: Subject) -> Finding:
    """The tokenizer's class can be found, and the template's Python models are willing to."""
    tokenizer = tokenizer_of(subject)
    name = tokenizer.tokenizer_class or next(iter(tokenizer.remote_code), "").rpartition(".")[2]
    if not name:
        return _by_type(checkpoint_of(subject))
    own = f"tokenization_{name.removesuffix('Tokenizer').lower()}.py"
    if tokenizer.missing_code:
        return failed("fail-file", name=name, code=tokenizer.missing_code)
    if not tokenizer.remote_code and name in remote_tokenizers():
        return failed("fail-map" if own in tokenizer.files else "fail", name=name, file=own)
    template = known(subject.artifacts.template) if tokenizer.remote_code else None
    if template and not template.trusts_remote_code:
        return failed("fail-template", name=name, where=template.source, tag=subject.release.tag)
    return passed(name=name)


def _by_type(checkpoint: Checkpoint) -> Finding:
    """transformers goes by config.json where no class is named: by its own auto_map, or by a model type it knows."""
    own = next((name for name in checkpoint.remote_code if name.partition(".")[0].startswith("tokenization")), None)
    if own:
        return passed(name=own.rpartition(".")[2])
    values = {"type": given(checkpoint.model.model_type or None, "no-architecture")}
    return failed("fail-unnamed", **values) if checkpoint.remote_code else passed("pass-type", **values)


def special_tokens(subject: Subject) -> Finding:
    """tokenizer_config.json sets no special token that the tokenizer's own code makes read-only."""
    set_there = sorted(code_of(subject).read_only & set(tokenizer_of(subject).special_tokens))
    return failed(tokens=set_there) if set_there else passed()


def pad_line(subject: Subject) -> Finding:
    """The template does not assign a pad_token that the tokenizer's own code makes read-only."""
    if PAD not in code_of(subject).read_only:
        return passed()
    template = known(subject.artifacts.template)
    values = {"where": template.source, "tag": subject.release.tag}
    return failed(**values) if template.assigns == "always" else passed("pass-guarded", **values)


def architecture(subject: Subject) -> Finding:
    """The release can convert the model's architecture."""
    names = given(checkpoint_of(subject).model.architectures or None, "no-architecture")
    first = {name: since(name) for name in names}
    found = next((name for name in names if first[name]), None)
    if found is None:
        raise NotKnown(f"nobody looked up since which release {', '.join(names)} can be converted")
    values = {"name": found, "since": first[found], "tag": subject.release.tag}
    return passed(**values) if at_least(subject.release.tag, str(first[found])) else failed(**values)


def tensor_parallel(subject: Subject) -> Finding:
    """Tensor parallelism divides the attention heads, and divides or is divided by the key/value heads."""
    model, tp = checkpoint_of(subject).model, subject.asked.tensor_parallel
    if model.heads is None:
        raise NotKnown("config.json does not say how many attention heads there are")
    valid = [count for count in (1, 2, 4, 8, 16) if model.heads % count == 0]
    values = {"tp": tp, "heads": model.heads, "kv_heads": model.kv_heads, "valid": valid}
    if model.heads % tp:
        return failed(**values)
    if model.kv_heads and model.kv_heads % tp and tp % model.kv_heads:
        return warned(**values)
    return passed(**values)


def pickle_only(subject: Subject) -> Finding:
    """The weights are safetensors, which run nothing when they are loaded."""
    checkpoint = checkpoint_of(subject)
    if checkpoint.safe or not checkpoint.pickles:
        return passed()
    return warned(count=len(checkpoint.pickles), first=checkpoint.pickles[0])


def generation_ids(subject: Subject) -> Finding:
    """config.json and generation_config.json agree on where an answer ends."""
    checkpoint = checkpoint_of(subject)
    said, generation = checkpoint.model.eos_ids, checkpoint.generation_eos_ids
    values = {"config": said, "generation": generation}
    return warned(**values) if said and generation and set(said) != set(generation) else passed(**values)


def transformers(subject: Subject) -> Finding:
    """The tokenizer's own code works with the transformers that will load it."""
    code, (least, said) = code_of(subject), transformers_of(subject)
    if not code.takes_padding_side and at_least(least, PADDING_SIDE_SINCE):
        return failed("fail-pad", version=said, since=PADDING_SIDE_SINCE)
    if not code.vocabulary_first and at_least(least, VOCABULARY_FIRST_SINCE):
        return failed(version=said, since=VOCABULARY_FIRST_SINCE)
    if least != said and not (code.takes_padding_side and code.vocabulary_first):
        raise NotKnown(f"{subject.release.tag} leaves the version of transformers open: {said}")
    return passed(version=said)


def code_of(subject: Subject) -> TokenizerCode:
    """What the tokenizer's own code shows; NotAsked for a tokenizer without any."""
    return named(tokenizer_of(subject).code, "no-own-tokenizer")


def tokenizer_code(subject: Subject) -> tuple[str, ...]:
    """The classes the tokenizer's configuration names, if it could be read."""
    found = subject.artifacts.tokenizer
    return () if found is None or isinstance(found, Damaged | Unknown) else found.remote_code


def transformers_of(subject: Subject) -> tuple[str, str]:
    """The least version of transformers, and how it is said: the image's is both; a release may pin a range."""
    if subject.image:
        version = known(subject.image.probe).packages.get("transformers")
        if version is None:
            raise NotKnown("the image has no transformers")
        return version, version
    pin = subject.release.pins.transformers or "no pin"
    least = re.match(r"(==|>=|~=)\s*([\d.]+)", pin)
    if not least:
        raise NotKnown(f"{subject.release.tag} leaves the version of transformers open: {pin}")
    return least[2], least[2] if least[1] == "==" else pin


CHECKS = family(
    "C",
    {
        "C001": shards,
        "C002": truncated,
        "C003": pointers,
        "C004": incomplete,
        "C005": verified,
        "C006": remote_code,
        "C007": tokenizer_class,
        "C008": special_tokens,
        "C009": pad_line,
        "C010": architecture,
        "C011": tensor_parallel,
        "C013": pickle_only,
        "C014": generation_ids,
        "C015": transformers,
    },
)
