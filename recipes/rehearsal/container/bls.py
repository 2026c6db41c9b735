"""Stands where the release's BLS model is: it loads and refuses. A rehearsal is asked through the ensemble."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from recipes.rehearsal.models import protocol
from recipes.rehearsal.models.protocol import FINAL


class TritonPythonModel:
    """Called by Triton."""

    def execute(self, requests: Sequence[Any]) -> None:
        """Tells every client where to ask instead."""
        for request in requests:
            request.get_response_sender().send(protocol.error("a rehearsal is asked through `ensemble`"), flags=FINAL)
