"""What differs between a locked stack and one that is here, with both values. Pure."""

from __future__ import annotations

from collections.abc import Mapping

from environment.images.lock_file import Lock, LockedBase


def differences(locked: Lock, now: Lock) -> tuple[str, ...]:
    """What differs, with both values. The image's id and name are not compared: they are of one host."""
    pairs = (
        ("release", locked.release, now.release),
        ("identity", locked.image.identity, now.image.identity),
        ("layers", str(locked.image.layers), str(now.image.layers)),
        ("backend commit", locked.backend.commit, now.backend.commit),
        ("tensorrt_llm commit", locked.tensorrt_llm.commit, now.tensorrt_llm.commit),
        ("base digest", locked.base.digest, now.base.digest),
    )
    return (
        *(differing(name, one, two) for name, one, two in pairs if one != two),
        *common("digest of ", digests_of(locked.built_from), digests_of(now.built_from)),
        *different("", locked.observed, now.observed),
        *different("upstream ", locked.upstream, now.upstream),
        *(
            difference
            for name in sorted(locked.checkpoints.keys() & now.checkpoints.keys())  # others are not fetched yet
            for difference in different(f"{name} ", locked.checkpoints[name], now.checkpoints[name])
        ),
    )


def digests_of(bases: Mapping[str, LockedBase]) -> dict[str, str]:
    """The registry's digests, by the argument of the Dockerfile that names the image."""
    return {name: base.digest for name, base in bases.items() if base.digest}


def common(kind: str, locked: Mapping[str, str], now: Mapping[str, str]) -> tuple[str, ...]:
    """As `different`, of what both have: what an image was built from may be gone, and the image is whole without."""
    both = locked.keys() & now.keys()
    return different(kind, {name: locked[name] for name in both}, {name: now[name] for name in both})


def different(kind: str, locked: Mapping[str, str], now: Mapping[str, str]) -> tuple[str, ...]:
    """The names whose values differ, with both."""
    names = sorted(name for name in {*locked, *now} if locked.get(name) != now.get(name))
    return tuple(differing(f"{kind}{name}", locked.get(name, ""), now.get(name, "")) for name in names)


def differing(name: str, locked: str, found: str) -> str:
    """One difference, with both values."""
    return f"{name}: locked {locked or 'nothing'}, found {found or 'nothing'}"
