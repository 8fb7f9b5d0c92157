"""A server started by a test, and requests to it as they are on the wire."""

from __future__ import annotations

import json
import os
import shlex
import signal
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import psutil
import zmq

from tests.doubles.arkouda import server
from tests.stack import free_port
from tests.waiting import wait_until


class Started:
    """One server in a directory of its own; its output is in the file `output`."""

    def __init__(self, directory: Path, age: str, port: int, process: subprocess.Popen[bytes]):
        self.directory = directory
        self.age = age
        self.port = port
        self.process = process
        self.cwd = directory / "cwd"
        self.output = directory / "output"
        self.information = directory / "information"

    @property
    def token(self) -> str:
        return (self.cwd / ".arkouda" / "tokens.txt").read_text().splitlines()[-1]

    def printed(self) -> str:
        return self.output.read_text()

    def listening(self) -> None:
        """Wait until its connection file is whole."""

        def whole() -> bool:
            assert self.process.poll() is None, self.printed()
            return self.information.exists() and self.information.read_text().endswith("\n")

        wait_until("the connection file", whole, every=0.01)

    def ended(self, timeout: float = 10) -> int:
        return self.process.wait(timeout)

    def members(self) -> list[psutil.Process]:
        """The processes that are its locales, without a launcher; locale 0 first."""
        main = psutil.Process(self.process.pid)
        found = [main, *main.children(recursive=True)]
        return [one for one in found if one.name() == "arkouda_server_"]

    def ask(self, cmd: str, *args: object, **changes: Any) -> dict[str, Any]:
        """The reply, parsed; raises zmq.Again when there is none in time."""
        found: dict[str, Any] = json.loads(self.exchange(cmd, *args, **changes))
        return found

    def exchange(
        self,
        cmd: str,
        *args: object,
        token: str = "",
        port: int = 0,
        timeout: float = 5,
        payload: bytes | None = None,
        raw: bytes | None = None,
    ) -> bytes:
        """One request over a socket of its own."""
        message: dict[str, object] = {
            "user": "test",
            "token": token,
            "cmd": cmd,
            "format": "STRING",
            "args": shlex.join(map(str, args)),
        }
        if self.age != "2021":
            items = [{"key": f"a{at}", "dtype": "", "val": str(arg)} for at, arg in enumerate(args)]
            message["args"] = json.dumps([json.dumps(item) for item in items])
            message["size"] = len(items) or -1
        frames = [raw if raw is not None else json.dumps(message).encode()]
        if payload is not None:
            frames = [frames[0] + b"BINARY_PAYLOAD", payload]
        context: zmq.Context[zmq.Socket[bytes]] = zmq.Context.instance()
        with context.socket(zmq.REQ) as socket:
            socket.setsockopt(zmq.LINGER, 0)
            socket.setsockopt(zmq.RCVTIMEO, int(timeout * 1000))
            socket.connect(f"tcp://127.0.0.1:{port or self.port}")
            socket.send_multipart(frames)
            return socket.recv()

    def named(self, cmd: str, port: int, **named: object) -> dict[str, Any]:
        """A request of 2026 with arguments by name."""
        items = [{"key": key, "dtype": "", "val": str(value)} for key, value in named.items()]
        request = {
            "user": "test",
            "token": "",
            "cmd": cmd,
            "format": "STRING",
            "args": json.dumps([json.dumps(item) for item in items]),
            "size": len(items) or -1,
        }
        return self.ask("", raw=json.dumps(request).encode(), port=port)


@contextmanager
def started(
    directory: Path,
    age: str,
    *flags: str,
    env: Mapping[str, str] | None = None,
    port: int | None = None,
    cwd: Path | None = None,
) -> Iterator[Started]:
    """Start a server in a process group of its own; the whole group is gone afterwards."""
    executable = server(directory / "bin", age=age)
    (directory / "cwd").mkdir(exist_ok=True)
    (directory / "information").unlink(missing_ok=True)  # of a server before this one
    port = free_port() if port is None else port
    ours = {k: v for k, v in os.environ.items() if not k.startswith(("ARKOUDA_", "SSH_"))}
    command = [str(executable), f"--ServerPort={port}", *flags]
    command.append(f"--serverConnectionInfo={directory / 'information'}")
    with (directory / "output").open("wb") as output:
        process = subprocess.Popen(
            command,
            cwd=cwd or directory / "cwd",
            env={**ours, **(env or {})},
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    try:
        yield Started(directory, age, port, process)
    finally:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait(10)
