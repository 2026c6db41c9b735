"""The stand-in for the TensorRT-LLM backend: the tensors, streaming and errors of `tensorrt_llm`, a CPU engine inside.

Triton finds it as the python-based backend `tensorrtllm`, so a model repository that names the real backend is served
as it is. Tensors: triton-inference-server/tensorrtllm_backend, all_models/inflight_batcher_llm/tensorrt_llm.
"""

from __future__ import annotations

import os
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any
from weakref import WeakValueDictionary

import numpy as np

from environment.data import read_json
from recipes.rehearsal.batching import Batcher, Request
from recipes.rehearsal.ctranslate import CTranslate2
from recipes.rehearsal.engine import Engine, Sampling
from recipes.rehearsal.manifest import MANIFEST, Manifest
from recipes.rehearsal.models import protocol
from recipes.rehearsal.models.protocol import FINAL, Array, BadRequest
from recipes.rehearsal.text import Pieces, load_tokenizer, words_of

WORKERS = 2  # batches at a time: one answers while the next prompt is read
RANK, WORLD = "OMPI_COMM_WORLD_RANK", "OMPI_COMM_WORLD_SIZE"  # what mpirun tells each process
LARGEST = 16  # requests a batch
# The real backend's own words (triton-inference-server/tensorrtllm_backend: inflight_batcher_llm/src).
NOT_DECOUPLED = "Streaming is only supported if model is deployed using decoupled mode."


class TritonPythonModel:
    """Called by Triton: https://github.com/triton-inference-server/python_backend#usage."""

    def initialize(self, args: Mapping[str, str]) -> None:
        """Loads the engine that `gpt_model_path` (the template's `engine_dir`) names."""
        settings = protocol.Settings(args)
        self.decoupled = settings.decoupled
        wait_as_rank(int(os.environ.get(RANK, "0")))
        folder = Path(settings.parameter("gpt_model_path"))
        self.manifest = read_json(folder / MANIFEST, Manifest)
        self.exclude_input = settings.flag("exclude_input_in_output", default=False)
        self.decode = _decoder(settings.parameter("whole_characters", ""))
        self.engine = self.load(folder)
        self.answers: WeakValueDictionary[str, Any] = WeakValueDictionary()
        self.batcher = Batcher(self.engine, workers=WORKERS, largest=LARGEST)
        protocol.log(f"no TensorRT engine is used: {type(self.engine).__name__} runs {self.manifest.checkpoint}")

    def load(self, folder: Path) -> Engine:
        """The engine that the folder's manifest names."""
        return CTranslate2(
            folder / self.manifest.model,
            vocabulary=self.manifest.vocabulary,
            positions=self.manifest.positions,
            workers=WORKERS,
            threads=self.manifest.threads or os.cpu_count() or 1,
        )

    def execute(self, requests: Sequence[Any]) -> None:
        """Takes the requests; the answers follow from worker threads."""
        for request in requests:
            sender = request.get_response_sender()
            if protocol.number(request, "stop", False):
                self.stop(request.request_id(), sender)
                continue
            try:
                asked = self.read(request, sender)
                self.answers[request.request_id()] = asked.listener
                self.batcher.submit(asked)
            except BadRequest as reason:
                sender.send(protocol.error(str(reason)), flags=FINAL)

    def stop(self, identity: str, sender: Any) -> None:
        """Ends the answer to the request of that id, if there is one, as the real backend's `stop` does."""
        answer = self.answers.get(identity)
        if answer is not None:
            answer.stopped = True
        sender.send(flags=FINAL)

    def finalize(self) -> None:
        """Ends what runs."""
        self.batcher.close()

    def read(self, request: Any, sender: Any) -> Request:
        """The request as the engine takes it; raises BadRequest for what cannot be answered."""
        ids = protocol.single(request, "input_ids").reshape(-1)
        prompt = tuple(int(token) for token in ids[: int(protocol.number(request, "input_lengths", ids.size))])
        limit = int(protocol.number(request, "request_output_len", 0))
        fault = self.fault(prompt, limit, int(protocol.number(request, "beam_width", 1)))
        if fault:
            raise BadRequest(fault)
        streaming = bool(protocol.number(request, "streaming", False))
        if streaming and not self.decoupled:
            raise BadRequest(NOT_DECOUPLED)
        whole = Pieces(self.decode) if streaming and self.decode else None
        return Request(
            prompt=prompt,
            limit=limit,
            listener=Answer(sender, prompt if not self.exclude_input else (), streaming=streaming, pieces=whole),
            end_id=int(protocol.number(request, "end_id", -1)),
            stop_words=words_of(protocol.array(request, "stop_words_list")),
            sampling=sampling(request),
        )

    def fault(self, prompt: Sequence[int], limit: int, beams: int) -> str:
        """What is wrong with a request, or ''."""
        if beams != 1:
            return f"beam_width is {beams}; a rehearsal searches with 1 beam"
        if limit < 1:
            return f"request_output_len is {limit}; it must be at least 1"
        if len(prompt) + limit > self.engine.positions:
            said = f"the prompt has {len(prompt)} tokens and asks for {limit}"
            return f"{said}; the checkpoint holds {self.engine.positions} (max_position_embeddings)"
        if prompt and not 0 <= min(prompt) <= max(prompt) < self.engine.vocabulary:
            return f"the prompt has token ids outside 0..{self.engine.vocabulary - 1}"
        return ""


def wait_as_rank(rank: int) -> None:
    """Returns for rank 0. The real backend keeps every other rank in here for its life, working for rank 0."""
    if rank:
        protocol.log(f"rank {rank} of {os.environ.get(WORLD, '?')} is here and waits for work")
    while rank:
        time.sleep(1)


def sampling(request: Any) -> Sampling:
    """How the request wants its tokens chosen; the defaults are greedy, as TensorRT-LLM's are."""
    seed, shortest = protocol.either(request, "seed"), protocol.either(request, "min_tokens")
    return Sampling(
        top_k=int(protocol.number(request, "runtime_top_k", 1)),
        top_p=protocol.number(request, "runtime_top_p", 0.0) or 1.0,
        temperature=protocol.number(request, "temperature", 1.0) or 1.0,
        repetition_penalty=protocol.number(request, "repetition_penalty", 1.0) or 1.0,
        min_length=0 if shortest is None else int(shortest.reshape(-1)[0]),
        seed=None if seed is None else int(seed.reshape(-1)[0]),
        bad_words=words_of(protocol.array(request, "bad_words_list")),
    )


def _decoder(tokenizer_dir: str) -> Any:
    """Ids to text, when the model repository asks that streamed pieces be whole characters; else None."""
    if not tokenizer_dir:
        return None
    tokenizer = load_tokenizer(Path(tokenizer_dir))
    return lambda ids: tokenizer.decode(ids, skip_special_tokens=False)


class Answer:
    """Sends one request's responses: each piece as it comes when streaming, else everything at the end."""

    def __init__(self, sender: Any, echo: Sequence[int], *, streaming: bool, pieces: Pieces | None) -> None:
        self._sender, self._streaming, self._pieces = sender, streaming, pieces
        self._ids = [] if streaming else list(echo)
        self._log_probs: list[float] = []
        self._sum = 0.0
        self._count = 0
        self.stopped = False

    def token(self, token: int, log_prob: float, *, last: bool) -> None:
        """One more token; `last` sends what is left and ends the answer."""
        self._sum += log_prob
        self._count += 1
        self._log_probs.append(log_prob)
        self._ids += self._pieces.push(token, last=last) if self._pieces else [token]
        if last or (self._streaming and self._ids):
            self._send(FINAL if last else 0)

    def _send(self, flags: int) -> None:
        self._sender.send(protocol.response(tensors(self._ids, self._log_probs, self._sum)), flags=flags)
        self._ids, self._log_probs = [], []

    def failed(self, reason: str) -> None:
        """Tells the client the reason."""
        self._sender.send(protocol.error(reason), flags=FINAL)

    def ended(self) -> None:
        """Ends a cancelled answer: without an error when it was stopped, as the real backend does."""
        protocol.log(f"a client cancelled its request after {self._count} tokens")
        if self.stopped:
            self._send(FINAL)
        else:
            self._sender.send(protocol.cancelled(), flags=FINAL)

    def cancelled(self) -> bool:
        """Whether the client has gone, or has asked to stop."""
        return self.stopped or bool(self._sender.is_cancelled())


def tensors(ids: Sequence[int], log_probs: Sequence[float], total: float) -> dict[str, Array]:
    """The outputs for one beam: ids [1, 1, n]; logits are not kept by a CPU engine and come back as zeros."""
    return {
        "output_ids": np.array([[ids]], dtype=np.int32),
        "sequence_length": np.array([[len(ids)]], dtype=np.int32),
        "cum_log_probs": np.array([[total]], dtype=np.float32),
        "output_log_probs": np.array([[log_probs]], dtype=np.float32),
        "context_logits": np.zeros((1, 1, 1), dtype=np.float32),
        "generation_logits": np.zeros((1, 1, 1, 1), dtype=np.float32),
    }
