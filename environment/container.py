"""The door to the Docker Engine: the only module that imports `docker`.

It finds the engine as the Docker command line does (DOCKER_HOST, then the current context), never waits without a
limit, and raises `DockerTrouble`s that are told apart by their text: docker-py's exception classes are not enough (a
pull that breaks half-way and an unknown tag are both its ImageNotFound). Builds go through the command line, because
docker-py has no BuildKit.
"""

from __future__ import annotations

import os
import socket
from collections.abc import Callable, Iterable, Iterator
from contextlib import closing, contextmanager, suppress
from typing import Any

import docker
import urllib3
from docker import auth, errors
from docker.context import ContextAPI
from docker.types import DeviceRequest
from docker.utils import kwargs_from_env

from environment.docker_errors import DockerTrouble, explain
from environment.engine_answers import Ended, Image, Info, as_image
from environment.image_layout import MADE_BY
from environment.images.reference import parts
from environment.layers import Layers, amount
from environment.pulling import kept_moving, stalled
from environment.signals import uninterrupted

DEFAULT = "unix:///var/run/docker.sock"
SOCKET = "http+docker://"  # how docker-py writes the address of a socket of this host
ANSWER = 10  # seconds an engine may take for a question that needs no work
MOST_SAID = 16_000_000  # bytes of what a container that is asked something may answer
PATIENCE = 180  # seconds without a byte after which a pull is given up; engines retry a stalled layer after 167


class Client(docker.APIClient):
    """docker-py asks for pulls without any time limit; here every request has one."""

    def _set_request_timeout(self, kwargs: dict[str, Any]) -> dict[str, Any]:
        kwargs["timeout"] = kwargs.get("timeout") or self.timeout
        return kwargs


@contextmanager
def explained(doing: str, where: str = "", registry: str = "") -> Iterator[None]:
    """Turns everything that docker-py lets through into a DockerTrouble that says what was being done.

    The errors of requests, which it also lets through, are OSErrors.
    """
    try:
        yield
    except (errors.DockerException, OSError, urllib3.exceptions.HTTPError) as error:
        raise explain(words_of(error), doing, where=where, registry=registry) from error


def words_of(error: Exception) -> str:
    """The engine's own words where there are some, else the library's."""
    return str(error.explanation if isinstance(error, errors.APIError) and error.explanation else error)


class Engine:
    """A Docker Engine that answers."""

    def __init__(self, client: Client, host: str | None = None) -> None:
        self.client, self.host = client, host

    def info(self) -> Info:
        """What the engine is."""
        with explained("asking the Docker Engine about itself"):
            info, version = self.client.info(), self.client.version()
        return Info(
            version=version["Version"],
            api=version["ApiVersion"],
            root=info["DockerRootDir"],
            runtimes=tuple(info.get("Runtimes") or ()),
            driver=info["Driver"],
            here=self.client.base_url.startswith(SOCKET),
        )

    def image(self, reference: str) -> Image | None:
        """The image of that name, digest or id on this engine; None when there is none."""
        try:
            with explained(f"looking at {reference}"):
                engine: Any = self.client  # this one method is untyped in types-docker
                return as_image(engine.inspect_image(reference))
        except DockerTrouble as trouble:
            if trouble.id == "image-unknown":
                return None
            raise

    def pull(self, reference: str, watch: Callable[[Layers], None], patience: int = PATIENCE) -> None:
        """Pulls `repository:tag` or `repository@digest`, telling `watch` of the layers.

        Gives up with id "stalled" after `patience` seconds without a byte. A pull given up, interrupted or broken
        leaves no tag: the engine names the image when its last layer is in.
        """
        doing, registry, layers = f"pulling {reference}", parts(reference)[0], Layers()
        with explained(doing, registry=registry), self.patient(patience) as client:
            try:
                for layers in kept_moving(client.pull(reference, stream=True, decode=True), reference, patience):
                    watch(layers)
            except (OSError, urllib3.exceptions.ReadTimeoutError) as error:
                if "timed out" not in str(error):
                    raise
                raise stalled(doing, patience, layers) from error

    @contextmanager
    def patient(self, patience: int) -> Iterator[Client]:
        """A connection of its own for a long stream, closed at its end: that is what stops the engine's work."""
        client = connected(patience, self.host)
        try:
            yield client
        finally:
            client.close()

    def tag(self, source: str, target: str) -> None:
        """Gives the image `source` the name `target`, which may have named another image before."""
        repository, _, name = target.rpartition(":")
        with explained(f"naming {source} {target}"):
            self.client.tag(source, repository, name)

    def untag(self, reference: str) -> None:
        """Takes the name away, and the image too when that was its last name; nothing when there is none."""
        try:
            with explained(f"removing the name {reference}"):
                self.client.remove_image(reference)
        except DockerTrouble as trouble:
            if trouble.id != "image-unknown":
                raise

    def run(
        self,
        image: str,
        words: tuple[str, ...],
        *,
        limit: int,
        network: str = "none",
        entrypoint: tuple[str, ...] = (),
        user: str = "",
        gpus: bool = False,
        called: str = "",
    ) -> Ended:
        """Runs a container of `image` to its end and removes it, whatever happens. At most `limit` seconds.

        `gpus` gives it all of this host's; `called` is what a person calls the image. Raises DockerTrouble for one that
        says more than anybody reads.
        """
        asked = [DeviceRequest(count=-1, capabilities=[["gpu"]])] if gpus else None
        doing = f"running {' '.join(entrypoint) or words[0]} in {called or image}"
        with explained(doing):
            made = self.client.create_container(
                image,
                list(words),
                entrypoint=list(entrypoint) or None,
                user=user or None,
                labels={MADE_BY: "run"},
                host_config=self.client.create_host_config(network_mode=network, device_requests=asked),
            )
            try:
                return self._to_its_end(made["Id"], doing, limit)
            finally:
                with uninterrupted():
                    self.client.remove_container(made["Id"], force=True, v=True)

    def archives(self, image: str, folders: Iterable[str]) -> Iterator[tuple[str, Iterable[bytes]]]:
        """Those of the folders that the image has, each with its content as a tar stream. Nothing of it is run."""
        with explained(f"reading {image}"):
            made = self.client.create_container(image, ["true"], labels={MADE_BY: "read"})
            try:
                for folder in folders:
                    with suppress(errors.NotFound):
                        yield folder, self.client.get_archive(made["Id"], folder)[0]
            finally:
                with uninterrupted():
                    self.client.remove_container(made["Id"], force=True, v=True)

    def _to_its_end(self, container: str, doing: str, limit: int) -> Ended:
        self.client.start(container)
        try:
            self.client.wait(container, timeout=limit)
        except OSError as error:
            if "timed out" not in str(error):
                raise
            raise DockerTrouble(f"{doing}: not done after {limit} s", id="container-hung") from error
        state = self.client.inspect_container(container)["State"]
        return Ended(
            code=state["ExitCode"],
            out=self._said(container, doing, stderr=False),
            err=self._said(container, doing, stdout=False),
            killed_for_memory=state["OOMKilled"],
        )

    def _said(self, container: str, doing: str, **streams: bool) -> str:
        said = bytearray()
        with closing(self.client.logs(container, stream=True, **streams)) as pieces:
            for piece in pieces:
                said += piece
                if len(said) > MOST_SAID:
                    raise DockerTrouble(
                        f"{doing}: it says more than {amount(MOST_SAID)}, given up", id="container-talks"
                    )
        return said.decode("utf-8", "replace")


def connected(timeout: int, host: str | None = None) -> Client:
    """A client of the engine that `host`, else DOCKER_HOST, or ("") Docker's current context names; it has answered."""
    said = {**os.environ, **({} if host is None else {"DOCKER_HOST": host})}
    settings: Any = kwargs_from_env(said) if said.get("DOCKER_HOST") else by_context()
    url = str(settings.get("base_url") or DEFAULT)
    if url.startswith("unix://"):
        knock(url)
    try:
        client = Client(timeout=ANSWER, **settings)
    except ValueError as error:  # of an address that is none
        raise errors.DockerException(str(error)) from error
    client.timeout = timeout
    return client


def by_context() -> Any:
    """How the engine of Docker's current context is reached.

    Raises DockerException for one that is not there: docker-py would take another engine than `docker build` does.
    """
    if ContextAPI.get_context(os.environ.get("DOCKER_CONTEXT")) is None:
        raise errors.DockerException(
            "the context that DOCKER_CONTEXT or Docker's configuration names: context not found"
        )
    return ContextAPI.kwargs_from_context()


def connect(host: str | None = None) -> Engine:
    """The engine (see `connected`); raises DockerTrouble when it is absent, forbidden, down or hung."""
    with explained("connecting to the Docker Engine", where=host or os.environ.get("DOCKER_HOST", "")):
        return Engine(connected(ANSWER, host), host)


def knock(url: str) -> None:
    """Connects to the socket of `url` once: docker-py does not close one that refuses."""
    with socket.socket(socket.AF_UNIX) as line:
        line.settimeout(ANSWER)
        try:
            line.connect(url.removeprefix("unix://"))
        except OSError as error:
            raise errors.DockerException(f"Error while fetching server API version: {error!r}") from error


def credentials(registry: str) -> tuple[str, str] | None:
    """User and password (or token) for `registry` from Docker's own store; None when nobody is logged in there."""
    with explained(f"looking for the login of {registry}"):
        entry = auth.load_config().resolve_authconfig(registry)
    if not entry:
        return None
    return entry.get("username") or "", entry.get("password") or entry.get("identitytoken") or ""
