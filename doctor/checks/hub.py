"""C: whether the hub hands out the checkpoint."""

from __future__ import annotations

from doctor.checks.rules import family
from doctor.outcome import Finding, NotKnown, failed, given, known, passed
from doctor.subject import Subject

REFUSED, MISSING, HIGHEST_GOOD = (401, 403), (404, 410), 399


def access(subject: Subject) -> Finding:
    """The hub answers a request for one small file of the checkpoint."""
    hub = given(known(subject.hub), "no-online")
    values = {"repository": hub.repository, "host": hub.host, "status": hub.status}
    if hub.status <= HIGHEST_GOOD:
        return passed(**values)
    if hub.status in REFUSED:
        return failed("fail-token" if hub.token else "fail", **values)
    if hub.status in MISSING:
        return failed("fail-missing", **values)
    raise NotKnown(f"{hub.host} answers {hub.status}")


CHECKS = family("C", {"C012": access})
