"""`python -m tests.forked DESCRIPTOR`: is `invoke` each time it is asked to be, in a fork of its own.

So the tests start Python and import Invoke once, and not a hundred times. What the tasks import is imported anew.
"""

from __future__ import annotations

import json
import os
import socket
import sys
from pathlib import Path

import invoke
from invoke.main import program

LARGEST = 1 << 18  # bytes of a request


def become_asked(line: socket.socket) -> None:
    """Answers each request with the exit code of a child, and returns only in those: as what was asked for."""
    while True:
        said, streams, _, _ = socket.recv_fds(line, LARGEST, 2)
        if not said:
            sys.exit()
        if (child := os.fork()) == 0:
            line.close()
            words, environment = json.loads(said)
            os.environ.clear()
            os.environ.update(environment)
            sys.argv = [str(Path(invoke.__file__).with_name("__main__.py")), *words]
            for stream, number in zip(streams, (1, 2), strict=True):
                os.dup2(stream, number)
            return
        for stream in streams:
            os.close(stream)
        line.send(str(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])).encode())


if __name__ == "__main__":
    become_asked(socket.socket(fileno=int(sys.argv[1])))
    program.run()
