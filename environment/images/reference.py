"""Image references: validated where they enter, and moved to a company's mirror. Pure."""

from __future__ import annotations

import re

from environment.errors import Usage

PORT = r"(?::(?:6553[0-5]|655[0-2]\d|65[0-4]\d\d|6[0-4]\d{3}|[1-5]\d{4}|[1-9]\d{0,3}))?"  # 1 to 65535
HOST = rf"[a-zA-Z0-9](?:[a-zA-Z0-9.-]*[a-zA-Z0-9])?{PORT}|\[[0-9a-fA-F:]+\]{PORT}"
PATH = r"[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*"
TAG = r"[A-Za-z0-9_][A-Za-z0-9._-]{0,127}"
REGISTRY = re.compile(rf"(?:{HOST})(?:/{PATH})*")
REFERENCE = re.compile(rf"(?:(?:{HOST})/)?{PATH}(?:/{PATH})*(?::{TAG})?(?:@sha256:[0-9a-f]{{64}})?")
NVIDIA = "nvcr.io"
LONGEST_PATH, LONGEST_TAG = 255, 128  # characters that Docker takes before a tag, and of one
UNVERIFIED = "-unverified"  # follows the name of an image until it is verified


def checked_registry(text: str) -> str:
    """`HOST[:PORT][/PATH]`, or "" for NVIDIA's own; raises Usage for anything else (a scheme, a login, a tag)."""
    registry = text.strip().rstrip("/")
    if registry and not REGISTRY.fullmatch(registry):
        raise Usage(
            f"{redacted(text)!r} is no registry",
            why="it is HOST[:PORT][/PATH]: no https://, no user or password (docker login keeps those)",
            mend="for example --registry registry.example.com:5000/nvidia-mirror",
        )
    return registry


def redacted(text: str) -> str:
    """The text without what stands before an @, which may be a password."""
    return re.sub(r"[^/@]+@", "***@", text)


def checked_reference(text: str, option: str = "--name") -> str:
    """A reference that Docker takes; raises Usage otherwise."""
    if not REFERENCE.fullmatch(text):
        raise Usage(f"{option} {text!r} is no image reference", mend="write [HOST[:PORT]/]PATH[:TAG] in lower case")
    body = text.partition("@")[0]
    path = body[: -len(tag) - 1] if (tag := tag_of(body)) else body
    if len(path) > LONGEST_PATH:
        mend = f"at most {LONGEST_PATH} stand before the tag"
        raise Usage(f"{option} {path[:40]}... has {len(path)} characters before its tag", mend=mend)
    return text


def tag_of(body: str) -> str:
    """The tag of a reference without a digest; "" when it has none: a port is no tag."""
    return body.rpartition("/")[2].partition(":")[2]


def checked_name(text: str) -> str:
    """A name to give an image: a reference without a digest; `:latest` when it has no tag.

    Its tag leaves room for the name that the image has until it is verified.
    """
    name = checked_reference(text)
    if "@" in name:
        why = "a digest is what an image has, not what it is given"
        raise Usage(f"--name {text!r} has a digest", why=why, mend=f"such as --name {name.partition('@')[0]}")
    if len(tag := tag_of(name)) > LONGEST_TAG - len(UNVERIFIED):
        most = LONGEST_TAG - len(UNVERIFIED)
        why = f"until it is verified, the image is called ...{UNVERIFIED}, and Docker takes {LONGEST_TAG}"
        raise Usage(f"--name has a tag of {len(tag)} characters", why=why, mend=f"take at most {most}")
    return name if tag else f"{name}:latest"


def mirrored(reference: str, registry: str) -> str:
    """The same image at the mirror: `nvcr.io/nvidia/x:y` becomes `REGISTRY/nvidia/x:y`."""
    if not registry or not reference.startswith(f"{NVIDIA}/"):
        return reference
    return f"{registry}/{reference.removeprefix(f'{NVIDIA}/')}"


def parts(reference: str) -> tuple[str, str, str]:
    """Registry host, repository, and tag or digest: what a registry's own interface wants."""
    body, _, digest = reference.partition("@")
    first, slash, rest = body.partition("/")
    is_host = bool(slash) and ("." in first or ":" in first or first == "localhost")
    host, path = (first, rest) if is_host else ("docker.io", body if slash else f"library/{body}")
    path, _, tag = path.partition(":")
    return host, path, digest or tag or "latest"
