"""The reading of a hub: does it let us have the checkpoint? Asked only with `--online`; the token is never kept."""

from __future__ import annotations

import http.client
import os
from functools import partial
from pathlib import Path
from urllib.parse import quote, urlsplit

import msgspec

from doctor.facts.readings import Reading
from doctor.probes.taking import Probe, Taken
from environment.home import home

DEADLINE, PATIENCE = 8.0, 3.0  # seconds: in all, and for one answer
ENDPOINT = "https://huggingface.co"


def probes(repository: str, revision: str) -> tuple[Probe, ...]:
    """One request for the head of one small file."""
    return (Probe(gives=("hub",), read=partial(_head, repository, revision), deadline=DEADLINE),)


def _head(repository: str, revision: str) -> Taken:
    said, token = os.environ.get("HF_ENDPOINT") or ENDPOINT, _token()
    place = urlsplit(said)
    if place.scheme not in {"http", "https"} or not place.hostname:
        yield "hub", Reading(status="failed", reason=f"HF_ENDPOINT={said} is no address of a hub, such as {ENDPOINT}")
        return
    kind = http.client.HTTPSConnection if place.scheme == "https" else http.client.HTTPConnection
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    try:
        connection = kind(place.hostname, place.port, timeout=PATIENCE)
        connection.request("HEAD", f"{place.path}/{quote(repository)}/resolve/{revision}/config.json", headers=headers)
        status = connection.getresponse().status  # a redirect is a permission; where to, does not matter
    except (OSError, ValueError, http.client.HTTPException) as error:
        yield "hub", Reading(status="failed", reason=f"{place.hostname} does not answer: {error}")
        return
    answer = {"repository": repository, "host": place.hostname, "status": status, "token": bool(token)}
    yield "hub", Reading(text=msgspec.json.encode(answer).decode())


def _token() -> str:
    """The hub's token as huggingface_hub finds it: HF_TOKEN, else the file of its login."""
    if said := os.environ.get("HF_TOKEN", "").strip():
        return said
    kept = Path(os.environ.get("HF_HOME", home() / ".cache/huggingface"))
    file = Path(os.environ.get("HF_TOKEN_PATH", kept / "token"))
    return file.read_text(encoding="utf-8").strip() if file.is_file() else ""
