"""`postprocessing` of a rehearsal: token ids to text, and the rest of what the model said passed on under its names."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from recipes.rehearsal.models import protocol
from recipes.rehearsal.models.protocol import Array
from recipes.rehearsal.text import Detokenizer, load_tokenizer

PASSED_ON = ("CUM_LOG_PROBS", "OUTPUT_LOG_PROBS", "CONTEXT_LOGITS", "GENERATION_LOGITS")


class TritonPythonModel:
    """Called by Triton: https://github.com/triton-inference-server/python_backend#usage."""

    def initialize(self, args: Mapping[str, str]) -> None:
        """Loads the tokenizer."""
        settings = protocol.Settings(args)
        self.outputs = settings.outputs
        self.text = Detokenizer(
            load_tokenizer(Path(settings.parameter("tokenizer_dir"))),
            skip_special_tokens=settings.flag("skip_special_tokens", default=True),
        )

    def execute(self, requests: Sequence[Any]) -> list[Any]:
        """One response a request: for a streamed answer, a request is one piece of it."""
        return [protocol.response(self.tensors(request)) for request in requests]

    def tensors(self, request: Any) -> dict[str, Array]:
        """OUTPUT [beams] from TOKENS_BATCH [1, beams, n] and SEQUENCE_LENGTH [1, beams]."""
        ids, lengths = (protocol.array(request, name) for name in ("TOKENS_BATCH", "SEQUENCE_LENGTH"))
        beams = [] if ids is None or lengths is None else zip(ids[0], lengths.reshape(-1), strict=True)
        said = {
            "OUTPUT": np.array([self.text(beam[:length].tolist()).encode() for beam, length in beams], dtype=object)
        }
        for name in PASSED_ON:
            values = protocol.array(request, name)
            if f"OUT_{name}" in self.outputs and values is not None:
                said[f"OUT_{name}"] = values
        return said
