"""The model `tensorrt_llm_bls` of a rehearsal's templates: as upstream's where a plan patches it, ours in all else.

Pure: path -> text. The lines that `patches.toml` looks for are upstream's, and what happens there is upstream's, too:
unpatched, the engine learns neither the request's id nor that a client has gone.
"""

from __future__ import annotations

from recipes import patches
from recipes.front import BLS, ENSEMBLE
from recipes.rehearsal.repository import CPU, Layout, parameter, tensor_lines
from recipes.rehearsal.tensors import Tensors

MODEL, DECODER = f"{BLS}/1/model.py", f"{BLS}/1/lib/triton_decoder.py"

# triton-inference-server/tensorrtllm_backend@v0.8.0: tensorrt_llm_bls/1/model.py: execute
WHOLE = {
    MODEL: """\
import triton_python_backend_utils as pb_utils
from recipes.rehearsal.models import protocol
from recipes.rehearsal.models.tensorrt_llm_bls import Answering


class TritonPythonModel(Answering):
    def ask_engine(self, request, step, known):
        trtllm_request = pb_utils.InferenceRequest(
            model_name="tensorrt_llm",
            inputs=protocol.inputs(step, known),
            requested_output_names=list(step.outputs))
        trtllm_responses = trtllm_request.exec(decoupled=True)
        for trtllm_response in trtllm_responses:
            yield trtllm_response
"""
}

# @v0.10.0: tensorrt_llm_bls/1/model.py: execute; lib/triton_decoder.py: convert_triton_request, _generate
WITH_DECODER = {
    MODEL: """\
import triton_python_backend_utils as pb_utils
from lib.triton_decoder import TritonDecoder
from recipes.rehearsal.models.tensorrt_llm_bls import Answering


class TritonPythonModel(Answering):
    def ask_engine(self, request, step, known):
        decoder = TritonDecoder()
        req = decoder.convert_triton_request(request)
        res_gen = decoder.decode(req, step, known)
        for res in res_gen:
            yield res
""",
    DECODER: """\
import triton_python_backend_utils as pb_utils
from recipes.rehearsal.models import protocol


class Request:
    pass


class TritonDecoder:
    llm_model_name = "tensorrt_llm"

    def convert_triton_request(self, triton_request):
        return Request()

    def decode(self, request, step, known):
        triton_req = pb_utils.InferenceRequest(
            model_name=self.llm_model_name,
            inputs=protocol.inputs(step, known),
            requested_output_names=list(step.outputs))
        yield from triton_req.exec(decoupled=True)
""",
}


def files(tensors: Tensors, layout: Layout, release: str) -> dict[str, str]:
    """The BLS model, which takes and gives what the ensemble does."""
    edited = {file for name in patches.ALWAYS for file in patches.table()[name].due(release)}
    return {f"{BLS}/config.pbtxt": config(tensors, layout, release), **(WITH_DECODER if DECODER in edited else WHOLE)}


def config(tensors: Tensors, layout: Layout, release: str) -> str:
    """Its config.pbtxt."""
    ensemble = tensors.models[ENSEMBLE]
    lines = [
        f'name: "{BLS}"',
        'backend: "python"',
        CPU,
        "model_transaction_policy { decoupled: true }",
        f"max_batch_size: {layout.max_batch_size}",
        *tensor_lines("input", ensemble.inputs),
        *tensor_lines("output", ensemble.outputs),
        parameter("release", release),
    ]
    return "\n".join(lines) + "\n"
