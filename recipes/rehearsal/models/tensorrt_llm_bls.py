"""What `tensorrt_llm_bls` of a rehearsal does around the engine: the ensemble's other steps, tokens collected between.

It does what upstream's does, and no more: one request at a time an instance, the whole answer so far in each response
when `accumulate_tokens` is on (triton-inference-server/tensorrtllm_backend, all_models/inflight_batcher_llm). How the
engine is asked stands in the model repository (recipes/rehearsal/bls.py), where a plan patches it as upstream's.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from recipes.front import ACCUMULATE, ENSEMBLE
from recipes.rehearsal.models import protocol
from recipes.rehearsal.models.protocol import FINAL, Array, BadRequest
from recipes.rehearsal.tensors import Step, for_release

IDS, LENGTH = "output_ids", "sequence_length"


class Answering:
    """Called by Triton: https://github.com/triton-inference-server/python_backend#usage."""

    ask_engine: Callable[[Any, Step, Mapping[str, Array]], Iterator[Any]]  # for a client's request; its responses

    def initialize(self, args: Mapping[str, str]) -> None:
        """Reads how the release's ensemble joins its models."""
        settings = protocol.Settings(args)
        tensors = for_release(settings.parameter("release"))
        self.inputs = tuple(tensors.models[ENSEMBLE].inputs)
        self.before, self.engine, self.after = tensors.steps
        self.accumulates = settings.flag(ACCUMULATE, default=False)

    def execute(self, requests: Sequence[Any]) -> None:
        """Answers one request after another."""
        for request in requests:
            sender = request.get_response_sender()
            try:
                for said in self.answers(request):
                    sender.send(protocol.response(said))
                sender.send(flags=FINAL)
            except BadRequest as reason:
                sender.send(protocol.error(str(reason)), flags=FINAL)

    def answers(self, request: Any) -> Iterator[dict[str, Array]]:
        """The outputs of each response; raises BadRequest with the reason of the step that refused."""
        given = {name: protocol.array(request, name) for name in self.inputs}
        known = {name: values for name, values in given.items() if values is not None}
        known |= protocol.asked(self.before, known)
        collected: list[Array] = []
        for piece in protocol.answered(self.engine, self.ask_engine(request, self.engine, known)):
            if self.accumulates:
                collected.append(piece[self.engine.outputs[IDS]])
            yield protocol.asked(self.after, piece | (self.whole(collected) if collected else {}))

    def whole(self, collected: Sequence[Array]) -> dict[str, Array]:
        """All tokens so far [1, beams, n] and their number [1, beams], under the ensemble's names."""
        ids = np.concatenate(collected, axis=2)
        lengths = np.full(ids.shape[:2], ids.shape[2], dtype=np.int32)
        return {self.engine.outputs[IDS]: ids, self.engine.outputs[LENGTH]: lengths}
