"""How the server starts: one container whose main process is mpirun with tp x pp ranks of Triton."""

from __future__ import annotations

from environment.image_layout import MADE_BY, TRITONSERVER, USER
from environment.plan import Step
from recipes.deployment import Deployment
from recipes.gpus import devices
from recipes.server_network import TOOL

Words = tuple[str, ...]
LABEL = "io.trtllm.server"
SHM_SIZE = "16g"  # NCCL and the Python backend share memory; Docker's own 64 MB is far too little (the seeds use 16g)
ULIMITS: Words = ("--ulimit", "memlock=-1", "--ulimit", "stack=67108864")
# No other container reaches the server's, and no answer finds the way back to what it would call: it is left alone
# with the ports that are published. Those go through Docker's own proxy and need neither.
ALONE = ("enable_icc=false", "enable_ip_masquerade=false")
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


def container_name(deployment: Deployment) -> str:
    """What the server's container and its network are called."""
    return f"trtllm-{deployment.name}"


def network(deployment: Deployment) -> Step:
    """A network that the server's container has to itself."""
    name = container_name(deployment)
    options = (word for option in ALONE for word in ("--opt", f"com.docker.network.bridge.{option}"))
    labels = ("--label", f"{MADE_BY}=plan", "--label", f"{LABEL}={deployment.name}")
    argv = ("docker", "network", "create", "--driver", "bridge", *options, *labels, name)
    there = ("docker", "network", "inspect", name)
    why = "no other container reaches the server, and no other host answers it"
    return Step(title=f"Make the network {name}", tool=TOOL, argv=argv, there=there, why=why)


def serving_user(caller: str) -> str:
    """Who the server runs as, UID:GID: the caller, for root the image's own user. It only reads what it is given."""
    return USER if caller.partition(":")[0] == "0" else caller


def start(deployment: Deployment, repository: str, user: str) -> Step:
    """The server's container, detached; its ports are published on the loopback address only."""
    ports, name = deployment.ports, container_name(deployment)
    published = ((ports.http, "http"), (ports.grpc, "grpc"), (ports.metrics, "metrics"))
    engine = deployment.engine_dir
    argv = (
        *("docker", "run", "--detach", "--init", "--name", name, "--network", name),
        *("--label", f"{LABEL}={deployment.name}", *_gpus(deployment)),
        *(word for port, what in published for word in ("--publish", f"127.0.0.1:{port}:{INSIDE[what]}")),
        *("--shm-size", SHM_SIZE, *ULIMITS, *NARROW, *LOGGED),
        *("--user", serving_user(user), "--env", "HOME=/tmp"),
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
