"""How the server starts: one container whose main process is mpirun with tp x pp ranks of Triton."""

from __future__ import annotations

from environment.image_layout import TRITONSERVER
from environment.plan import Step
from recipes.deployment import Deployment
from recipes.gpus import devices

Words = tuple[str, ...]
LABEL = "io.trtllm.server"
SHM_SIZE = "16g"  # NCCL and the Python backend share memory; Docker's own 64 MB is far too little (the seeds use 16g)
ULIMITS: Words = ("--ulimit", "memlock=-1", "--ulimit", "stack=67108864")
NARROW: Words = ("--cap-drop", "ALL", "--security-opt", "no-new-privileges")
# The engine keeps the newest 300 MB of what the server writes; without this a log grows until the disk is full.
LOGGED: Words = ("--log-driver", "json-file", "--log-opt", "max-size=100m", "--log-opt", "max-file=3")
INSIDE = {"http": 8000, "grpc": 8001, "metrics": 8002}


def in_image(deployment: Deployment, user: str) -> Words:
    """`docker run` for one tool of the image: the GPUs, no network, the workspace at its own path, nobody's root."""
    root = deployment.workspace.root
    return (
        *("docker", "run", "--rm", "--init", "--network", "none", *_gpus(deployment)),
        *("--shm-size", SHM_SIZE, *ULIMITS, *NARROW),
        *("--user", user, "--env", "HOME=/tmp"),
        *("--volume", f"{root}:{root}", *(_checkpoint_mount(deployment) if deployment.model_dir else ())),
        deployment.image,
    )


def start(deployment: Deployment, repository: str, user: str) -> Step:
    """The server's container, detached; its ports are published on the loopback address only."""
    ports = deployment.ports
    published = ((ports.http, "http"), (ports.grpc, "grpc"), (ports.metrics, "metrics"))
    engine = deployment.engine_dir
    argv = (
        *("docker", "run", "--detach", "--init", "--name", f"trtllm-{deployment.name}"),
        *("--label", f"{LABEL}={deployment.name}", *_gpus(deployment)),
        *(word for port, name in published for word in ("--publish", f"127.0.0.1:{port}:{INSIDE[name]}")),
        *("--shm-size", SHM_SIZE, *ULIMITS, *NARROW, *LOGGED),
        *("--user", user, "--env", "HOME=/tmp"),
        *("--volume", f"{repository}:{repository}:ro", "--volume", f"{engine}:{engine}:ro"),
        *_checkpoint_mount(deployment),
        deployment.image,
        *ranks(deployment.world_size, repository),
    )
    return Step(title=f"Start the server with {deployment.world_size} rank(s)", tool="docker", argv=argv)


def ranks(world_size: int, repository: str) -> Words:
    """mpirun with one Triton a rank, as the release's launch_triton_server.py composes it.

    Rank 0 serves; the others load the engine alone. Unlike that script, mpirun stays the main process: stopping, logs
    and exit codes are Docker's (triton-inference-server/tensorrtllm_backend@v0.10.0:scripts/launch_triton_server.py).
    """
    return ("mpirun", "--allow-run-as-root", *(word for rank in range(world_size) for word in _rank(rank, repository)))


def _rank(rank: int, repository: str) -> Words:
    engine_only = ("--model-control-mode=explicit", "--load-model=tensorrt_llm") if rank else ()
    return (
        *((":",) if rank else ()),
        *("-n", "1", TRITONSERVER, f"--model-repository={repository}", *engine_only),
        *(f"--{name}-port={port}" for name, port in INSIDE.items()),
        *("--disable-auto-complete-config", f"--backend-config=python,shm-region-prefix-name=rank{rank}_"),
    )


def _gpus(deployment: Deployment) -> Words:
    return ("--gpus", devices(deployment.gpus.serving))


def _checkpoint_mount(deployment: Deployment) -> Words:
    path = deployment.checkpoint_dir
    return ("--volume", f"{path}:{path}:ro")
