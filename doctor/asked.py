"""What a person asks the doctor about. Values only, and quick to import: the probes wait for them."""

from __future__ import annotations

from environment.data import Value


class Asked(Value, frozen=True, kw_only=True):
    """What the person wants to do. `gpus` is tp x pp, `launch_named` whether they said so; sizes in bytes.

    `devices` are the numbers of the GPUs that shall work, all of them when nobody said. `hub` is the checkpoint's id
    there, '' when it is not fetched. `serves` is false for an engine that is built alone, which needs no ports. `dtype`
    and `quantization` are as recipes say.
    """

    gpus: int = 1
    tensor_parallel: int = 1
    pipeline_parallel: int = 1
    devices: tuple[int, ...] = ()
    http_port: int = 8000
    grpc_port: int = 8001
    metrics_port: int = 8002
    serves: bool = True
    exposed: bool = False
    dtype: str = ""
    quantization: str = ""
    checkpoint_bytes: int | None = None
    rank_bytes: int | None = None
    recipe: str = ""
    hub: str = ""
    hub_revision: str = ""
    launch_named: bool = False


class Named(Value, frozen=True, kw_only=True):
    """The folders a person named, '' for those they did not. `deep` reads every byte of a checkpoint, and starts a
    container of the image with GPUs; `online` asks the hub.
    """

    engine: str = ""
    model: str = ""
    repository: str = ""
    source: str = ""
    deep: bool = False
    online: bool = False
