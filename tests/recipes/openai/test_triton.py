"""The endpoint's connection to Triton, before a server that knows one call."""

from __future__ import annotations

import asyncio
import time
from typing import Any

import grpc
import pytest
from tritonclient.grpc import service_pb2, service_pb2_grpc

from recipes.openai.triton import Server
from recipes.ports import free_ports

AWAY, FOUND_WITHIN = 11.0, 2.5  # seconds; the next of gRPC's own tries would come some 5 s after the server is back


async def ready(_request: Any, _context: Any) -> Any:
    return service_pb2.ServerReadyResponse(ready=True)


async def found_after() -> float:
    """Seconds until a server that was away for long is found again."""
    (port,) = free_ports(1, 24000)
    server, asked = grpc.aio.server(), Server(f"127.0.0.1:{port}")
    gone = time.monotonic() + AWAY
    while time.monotonic() < gone:
        assert not await asked.ready()
        await asyncio.sleep(0.1)
    triton: Any = service_pb2_grpc.GRPCInferenceServiceServicer()
    triton.ServerReady = ready
    service_pb2_grpc.add_GRPCInferenceServiceServicer_to_server(triton, server)
    server.add_insecure_port(f"127.0.0.1:{port}")
    await server.start()
    back = time.monotonic()
    while not await asked.ready():
        await asyncio.sleep(0.05)
    await asked.close()
    await server.stop(None)
    return time.monotonic() - back


@pytest.mark.slow
def test_a_server_that_was_started_again_is_found_soon() -> None:
    assert asyncio.run(found_after()) < FOUND_WITHIN
