"""B: a checkout to build from."""

from __future__ import annotations

from doctor.checks.rules import family
from doctor.facts.source import Source
from doctor.outcome import Finding, failed, given, known, passed, warned
from doctor.subject import Subject


def submodule(subject: Subject) -> Finding:
    """The submodule tensorrt_llm is there, at the commit that the checkout pins."""
    source = _source(subject)
    pinned, there = known(source.pinned), source.there
    if there is None:
        return failed("fail-missing", pinned=pinned)
    found = known(there)
    return passed(found=found) if found == pinned else failed(found=found, pinned=pinned)


def large_files(subject: Subject) -> Finding:
    """The static libraries are themselves, not pointers of git-lfs."""
    source = _source(subject)
    pointers = known(source.pointers)
    if pointers:
        return failed(count=len(pointers), first=pointers[0])
    given(source.there, "no-submodule")
    return passed()


def at_release(subject: Subject) -> Finding:
    """The checkout is at the release's commit, and its files are as git left them."""
    found, wanted = known(_source(subject).head), subject.release.backend.commit
    values = {"found": found, "wanted": wanted, "tag": subject.release.tag}
    if found != wanted:
        return warned(**values)
    changed = known(_source(subject).changed)
    return warned("warn-changed", **values, count=len(changed), first=changed[0]) if changed else passed(**values)


def git_lfs(subject: Subject) -> Finding:
    """git-lfs is installed, when the release's libraries are kept with it."""
    _source(subject)
    said = known(subject.host.tools["git-lfs"])
    if said or not subject.release.source_build.git_lfs_required:
        return passed(said=(said or "-").strip())
    return failed(tag=subject.release.tag)


def _source(subject: Subject) -> Source:
    return given(subject.source, "no-source")


CHECKS = family("B", {"B001": submodule, "B002": large_files, "B003": at_release, "B004": git_lfs})
