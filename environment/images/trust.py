"""A company's CA in a build from source: pip, apt, curl, wget, git trust it there, and the image does not keep it."""

from __future__ import annotations

import ssl
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from environment.errors import Usage
from environment.home import expanded
from environment.plan import Step

EDIT = Path("dockerfiles/company-ca/trust.sed")  # from the project's folder, where a plan runs
SETTINGS: Mapping[str, Path] = {
    "ca-apt": Path("dockerfiles/company-ca/apt.conf"),
    "ca-wget": Path("dockerfiles/company-ca/wgetrc"),
}
LARGEST = 250 * 1024  # bytes: with this host's own roots beside it, no more than BuildKit takes for a secret (500 KiB)
PRIVATE = "PRIVATE KEY-----"
MEND = "name a file that holds the company's own certificates in PEM (-----BEGIN CERTIFICATE-----), and nothing else"


def checked_ca(text: str) -> str:
    """The absolute path of a file of certificates, or "" for none; raises Usage for anything else.

    A file with a private key is refused: what a build may read, a build may tell.
    """
    if not text:
        return ""
    file = expanded(text)
    try:
        content = file.read_text(encoding="ascii", errors="replace")
        ssl.create_default_context(cafile=str(file))
    except OSError as error:  # ssl.SSLError is one
        said = "holds no certificate" if isinstance(error, ssl.SSLError) else error.strerror
        raise Usage(f"--ca {text}: {said}", mend=MEND) from error
    if len(content) > LARGEST:
        raise Usage(f"--ca {text} has {len(content)} bytes, more than {LARGEST}", mend=MEND)
    if PRIVATE in content:
        raise Usage(f"--ca {text} holds a private key, too", mend=MEND)
    return str(file)


def bundle(store: Path) -> Path:
    """The file of the certificates that a build trusts."""
    return store / "ca" / "ca"


def collected(ca: str, roots: str, store: Path) -> tuple[Step, ...]:
    """Steps that put the company's certificates and this host's own into one file, and the settings beside it."""
    target = bundle(store)
    both = tuple(dict.fromkeys(file for file in (roots, ca) if file))
    return (
        Step(title="Make a place for the certificates", tool="mkdir", argv=("mkdir", "-p", str(target.parent))),
        Step(
            title="Put the company's certificates beside this host's",
            tool="sed",
            argv=("sed", "-n", f"w {target}", *both),
            why="a program that is told of a CA file believes nothing else",
        ),
        *(
            Step(title=f"Add {file.name} for it", tool="cp", argv=("cp", str(file), str(target.with_name(name))))
            for name, file in SETTINGS.items()
        ),
    )


def edit(dockerfile: str) -> Step:
    """Lets every RUN of the Dockerfile read the certificates."""
    return Step(
        title="Let every instruction trust the company's CA",
        tool="sed",
        argv=("sed", "-i", "-f", str(EDIT), dockerfile),
        why="as a secret of the build, which no layer holds",
    )


def secrets(store: Path) -> tuple[str, ...]:
    """The words that hand the certificates to a build."""
    names = ("ca", *SETTINGS)
    return tuple(word for name in names for word in ("--secret", f"id={name},src={bundle(store).with_name(name)}"))


def trusting(step: Step, store: Path) -> Step:
    """The step, with git told of the certificates when it is one of git."""
    if step.argv[0] != "git":
        return step
    return replace(step, env={**step.env, "GIT_SSL_CAINFO": str(bundle(store))})
