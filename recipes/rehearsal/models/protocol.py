"""The one door to Triton's Python backend: requests, tensors, parameters and responses.

`triton_python_backend_utils` exists only inside the server's Python processes (triton-inference-server/python_backend).
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import numpy as np
import triton_python_backend_utils as backend

from recipes.rehearsal.tensors import Step
from recipes.tensor_names import SPELLINGS

Array = np.ndarray[Any, Any]
FINAL: int = backend.TRITONSERVER_RESPONSE_COMPLETE_FINAL


class BadRequest(Exception):
    """What a client asked for cannot be done; the text goes to the client."""


class Settings:
    """A model's config.pbtxt, as Triton hands it to `initialize`."""

    def __init__(self, args: Mapping[str, str]) -> None:
        self._config: dict[str, Any] = json.loads(args["model_config"])

    def parameter(self, name: str, default: str | None = None) -> str:
        """A parameter's text; an absent or unfilled one is `default`, or stops the model from loading."""
        said = str(self._config.get("parameters", {}).get(name, {}).get("string_value", ""))
        if said and not said.startswith("${"):
            return said
        if default is None:
            raise backend.TritonModelException(f"parameter {name} of {self._config['name']} is not filled")
        return default

    def flag(self, name: str, *, default: bool) -> bool:
        """A parameter that says yes or no."""
        return self.parameter(name, str(default)).lower() in ("1", "true", "t", "yes", "y")

    @property
    def outputs(self) -> tuple[str, ...]:
        """The names of the outputs the model has to give."""
        return tuple(str(tensor["name"]) for tensor in self._config["output"])

    @property
    def decoupled(self) -> bool:
        """Whether one request may have many responses."""
        return bool(backend.using_decoupled_model_transaction_policy(self._config))


def array(request: Any, name: str) -> Array | None:
    """An input, or None when the client did not send it (or sent nothing in it)."""
    tensor = backend.get_input_tensor_by_name(request, name)
    values: Array | None = None if tensor is None else tensor.as_numpy()
    return None if values is None or values.size == 0 else values


def either(request: Any, name: str) -> Array | None:
    """An input under whichever of its names the release has."""
    return next((found for each in SPELLINGS[name] if (found := array(request, each)) is not None), None)


def number(request: Any, name: str, default: float) -> float:
    """An input of one number."""
    values = array(request, name)
    return default if values is None else values.reshape(-1)[0].item()


def texts(request: Any, name: str) -> list[str]:
    """An input of strings."""
    values = array(request, name)
    return [] if values is None else [bytes(value).decode("utf-8", "replace") for value in values.reshape(-1)]


def single(request: Any, name: str) -> Array:
    """The values of an input that must be there, for a batch of one."""
    values = array(request, name)
    if values is None:
        raise BadRequest(f"{name} is empty")
    if values.shape[0] != 1:
        raise BadRequest(f"{name} has a batch of {values.shape[0]}; send each prompt as a request of its own")
    return values


def response(tensors: Mapping[str, Array]) -> Any:
    """A response of these output tensors."""
    return backend.InferenceResponse(output_tensors=[backend.Tensor(name, value) for name, value in tensors.items()])


def asked(step: Step, known: Mapping[str, Array]) -> dict[str, Array]:
    """Another model's response to what is known, by the ensemble's names; raises BadRequest."""
    request = backend.InferenceRequest(
        model_name=step.model, inputs=inputs(step, known), requested_output_names=list(step.outputs)
    )
    return next(answered(step, (request.exec(),)))


def inputs(step: Step, known: Mapping[str, Array]) -> list[Any]:
    """The input tensors of a step."""
    return [backend.Tensor(name, known[said]) for name, said in step.inputs.items() if said in known]


def answered(step: Step, responses: Iterable[Any]) -> Iterator[dict[str, Array]]:
    """A step's responses by the ensemble's names; raises BadRequest."""
    for answer in responses:
        if answer.has_error():
            raise BadRequest(answer.error().message())
        if tensors := answer.output_tensors():  # the final one of a stream may be empty
            yield {step.outputs[tensor.name()]: tensor.as_numpy() for tensor in tensors}


def error(reason: str) -> Any:
    """A response that tells the client what went wrong."""
    return backend.InferenceResponse(output_tensors=[], error=backend.TritonError(reason))


def cancelled() -> Any:
    """The response to a request that its client has cancelled."""
    return backend.InferenceResponse(error=backend.TritonError("cancelled", backend.TritonError.CANCELLED))


def log(text: str) -> None:
    """One line in the server's log."""
    backend.Logger.log_info(f"rehearsal: {text}")
