"""What a company has in front of the internet: a server whose certificate only its own CA vouches for, and a proxy."""

from __future__ import annotations

import base64
import select
import shutil
import socket
import ssl
import subprocess
import threading
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from http.server import BaseHTTPRequestHandler, SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pip

from tests.docker.standins import PACKAGES, git

EC = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes")
PACKAGE = "company_package-1.0"
# Everything that upstream's Dockerfiles fetch with; each says so when it has.
FETCHING = """
set -e
url={url}
python3 -c "import urllib.request; urllib.request.urlopen('$url/file').read()"; echo FETCHED BY PYTHON
python3 -m pip download --quiet --no-deps --dest /tmp --index-url $url/simple company-package; echo FETCHED BY PIP
curl --fail --silent --show-error --output /dev/null $url/file; echo FETCHED BY CURL
wget --quiet --output-document=/dev/null $url/file; echo FETCHED BY WGET
git ls-remote --quiet $url/repository.git; echo FETCHED BY GIT
echo "deb [trusted=yes] $url/debian ./" >/etc/apt/sources.list
apt-get update --error-on=any; echo FETCHED BY APT
"""
FETCHERS = ("PYTHON", "PIP", "CURL", "WGET", "GIT", "APT")


@dataclass(frozen=True)
class Server:
    """An HTTPS server, and the CA that vouches for it."""

    url: str
    ca: Path


def openssl(folder: Path, *words: str) -> None:
    subprocess.run(["openssl", *words], cwd=folder, check=True, capture_output=True)


def vouched(folder: Path, address: str) -> ssl.SSLContext:
    """A server's certificate for `address`, from a CA of its own in `folder`/ca.crt."""
    folder.joinpath("server.ext").write_text(f"subjectAltName=IP:{address}\n")
    openssl(folder, "req", "-x509", *EC, "-keyout", "ca.key", "-out", "ca.crt", "-days", "2", "-subj", "/CN=Company CA")
    openssl(folder, "req", *EC, "-keyout", "server.key", "-out", "server.csr", "-subj", "/CN=server")
    authority = ("-CA", "ca.crt", "-CAkey", "ca.key", "-CAcreateserial", "-days", "2")
    openssl(folder, "x509", "-req", "-in", "server.csr", *authority, "-extfile", "server.ext", "-out", "server.crt")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(folder / "server.crt", folder / "server.key")
    return context


def stock(root: Path) -> None:
    """A file, a package index with one wheel, a git repository and an empty Debian archive."""
    index = root / "simple" / "company-package"
    index.mkdir(parents=True)
    root.joinpath("file").write_text("company\n")
    with zipfile.ZipFile(index / f"{PACKAGE}-py3-none-any.whl", "w") as wheel:
        wheel.writestr(f"{PACKAGE}.dist-info/METADATA", "Metadata-Version: 2.1\nName: company-package\nVersion: 1.0\n")
        wheel.writestr(f"{PACKAGE}.dist-info/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
    index.joinpath("index.html").write_text(f'<a href="{PACKAGE}-py3-none-any.whl">it</a>\n')
    git(root, "init", "--quiet", "--bare", "repository.git")
    git(root / "repository.git", "update-server-info")
    root.joinpath("debian").mkdir()
    root.joinpath("debian", "Packages").write_text("")


class Quiet(SimpleHTTPRequestHandler):
    def log_message(self, *_words: object) -> None:
        pass


class Impatient(ThreadingHTTPServer):
    """Connections are dropped in the middle of a handshake here: worth no traceback."""

    daemon_threads = True

    def handle_error(self, *_words: object) -> None:
        pass


@contextmanager
def server(folder: Path, address: str) -> Iterator[Server]:
    """Serves at `address`, with a certificate from a CA that nobody knows."""
    root = folder / "served"
    stock(root)
    context = vouched(folder, address)
    with Impatient((address, 0), partial(Quiet, directory=str(root))) as made:
        made.socket = context.wrap_socket(made.socket, server_side=True, do_handshake_on_connect=False)
        threading.Thread(target=made.serve_forever, args=(0.01,), daemon=True).start()
        try:
            yield Server(f"https://{address}:{made.server_port}", folder / "ca.crt")
        finally:
            made.shutdown()


class Proxy(Impatient):
    """Connects whoever knows the password."""

    def __init__(self, address: str, login: str) -> None:
        super().__init__((address, 0), Connecting)
        self.expected = f"Basic {base64.b64encode(login.encode()).decode()}"
        self.connected: list[str] = []


class Connecting(BaseHTTPRequestHandler):
    server: Proxy
    protocol_version = "HTTP/1.1"  # git asks a second time on the connection on which it was refused

    def do_CONNECT(self) -> None:
        if self.headers.get("Proxy-Authorization") != self.server.expected:
            self.send_response(407)
            self.send_header("Proxy-Authenticate", 'Basic realm="company"')
            self.send_header("Content-Length", "0")
            self.end_headers()
            return
        host, _, port = self.path.partition(":")
        with socket.create_connection((host, int(port)), timeout=10) as other:
            self.server.connected.append(self.path)
            self.send_response(200)
            self.end_headers()
            self._pass_on(other)
        self.close_connection = True

    def _pass_on(self, other: socket.socket) -> None:
        sides = {self.connection: other, other: self.connection}
        while ready := select.select(list(sides), [], [], 10)[0]:
            for side in ready:
                if not (data := side.recv(65536)):
                    return
                sides[side].sendall(data)

    def log_message(self, *_words: object) -> None:
        pass


@contextmanager
def proxy(address: str, login: str) -> Iterator[Proxy]:
    """A proxy at `address` that wants this login."""
    with Proxy(address, login) as made:
        threading.Thread(target=made.serve_forever, args=(0.01,), daemon=True).start()
        try:
            yield made
        finally:
            made.shutdown()


def add_fetchers(root: Path) -> None:
    """This host's own curl, wget, git and apt, and a pip, into the folder of a stand-in made from the same Debian."""
    shutil.copytree(Path(pip.__file__).parent, root / PACKAGES / "pip")
    methods = sorted(Path("/usr/lib/apt/methods").glob("http*"))
    core = Path("/usr/lib/git-core")
    found = [Path(shutil.which(name) or name) for name in ("curl", "wget", "git", "apt-get")]
    for program in (
        *found,
        *methods,
        core / "git-remote-http",
        core / "git-remote-https",
        Path("/usr/lib/apt/methods/store"),
    ):
        for file in (program, *libraries(program)):
            target = root / str(file).lstrip("/")
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(file, target)
    for folder in (
        "etc/apt/apt.conf.d",
        "etc/apt/preferences.d",
        "var/lib/apt/lists/partial",
        "var/cache/apt/archives/partial",
        "var/lib/dpkg",
    ):
        root.joinpath(folder).mkdir(parents=True, exist_ok=True)
    root.joinpath("var/lib/dpkg/status").write_text("")


def libraries(program: Path) -> list[Path]:
    """The libraries that a program loads, where a merged-usr Debian has them."""
    said = subprocess.run(["ldd", str(program)], capture_output=True, text=True, check=True).stdout
    paths = [Path(line.split("=> ")[1].split(" (")[0]) for line in said.splitlines() if "=> /" in line]
    return [path if path.is_relative_to("/usr") else Path("/usr", *path.parts[1:]) for path in paths]
