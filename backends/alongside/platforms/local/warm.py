"""Processes that start warm: forked from a server that has imported their modules already.

``python -m alongside.platforms.local.warm FD module...`` imports the modules, then answers on the
inherited socket FD: each request is one line of JSON (a `Program` with an id and a deadline), each
answer one line (the id with the new process's pid and start time, or an error). A child leads a
session of its own and lives on when the server ends; the server ends when its owner does, because
the socket then closes.

`WarmProcesses` is the owner's side::

    warm = WarmProcesses(["distributed"], log=log)
    await warm.start()
    identity = await warm.fork(Program("dask.__main__:main", ("dask", "scheduler"), env=...))
    ...
    await warm.close()

The server never sees its owner's environment: what it has, every forked child could read.
"""

from __future__ import annotations

import asyncio
import contextlib
import dataclasses
import gc
import json
import logging
import os
import select
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from importlib import import_module
from typing import Any

from alongside.errors import Unavailable
from alongside.platforms.local.forked import Program, StartFailed, become, run_to_end
from alongside.platforms.local.process import Identity, adopt_orphans

SETTLE = 10.0
"""Seconds that a child may take to turn into its program (a home directory may be remote)."""
_BACKOFF = (0.5, 2.0, 8.0, 30.0, 60.0)
_ENVIRONMENT = ("PATH", "LANG", "LC_ALL", "TZ", "TMPDIR", "LD_LIBRARY_PATH", "PYTHONPATH")
ONE_THREAD = {
    "OMP_NUM_THREADS": "1",
    "OPENBLAS_NUM_THREADS": "1",
    "MKL_NUM_THREADS": "1",
    "JE_ARROW_MALLOC_CONF": "background_thread:false",
}
"""Environment in which libraries start no threads when they are imported: threads don't fork."""
_ROOM = "ALONGSIDE_ROOM"  # its space in memory is where a child's own mark goes


class WarmProcesses:
    """Starts programs by forking a server that has imported `preload` already.

    preload : modules to import; they must not start threads
    log : receives what happens to the server
    environment : additional environment of the server (readable by every child)

    One server at a time; when it dies, another is started after a pause that grows with the
    number of deaths in a row. All waits are bounded. Belongs to one event loop.
    """

    def __init__(
        self,
        preload: Sequence[str],
        *,
        log: logging.Logger | logging.LoggerAdapter[Any],
        environment: Mapping[str, str] | None = None,
    ) -> None:
        self._preload = tuple(preload)
        self._log = log
        self._environment = dict(environment or {})
        self._server: subprocess.Popen[bytes] | None = None
        self._writer: asyncio.StreamWriter | None = None
        self._answers: dict[int, asyncio.Future[dict[str, Any]]] = {}
        self._keeper: asyncio.Task[None] | None = None
        self._number = 0

    @property
    def pid(self) -> int | None:
        """The server's process id, None while there is no server."""
        return self._server.pid if self._server and self._server.returncode is None else None

    async def start(self) -> None:
        """Start the server; returns at once, `fork` waits until the modules are imported."""
        if self._keeper is None:
            up = asyncio.Event()
            self._keeper = asyncio.create_task(self._keep(up))
            await up.wait()

    async def close(self) -> None:
        """End the server. What it forked lives on."""
        keeper, self._keeper = self._keeper, None
        if keeper is not None:
            keeper.cancel()
            await asyncio.wait([keeper], timeout=SETTLE)

    async def fork(self, program: Program, timeout: float = 30.0) -> Identity:
        """Start a program; its process leads a session of its own and is nobody's child.

        `timeout` in seconds includes the server's imports, if it is starting. Raises Unavailable
        when there is no server or it does not answer (nothing was started: start it plainly), and
        StartFailed when the program can't be started at all.
        """
        writer = self._writer
        if writer is None:
            raise Unavailable("No warm process is there to start from.", "Try again in a moment.")
        self._number += 1
        number = self._number
        answer = self._answers[number] = asyncio.get_running_loop().create_future()
        request = {"number": number, "deadline": time.monotonic() + timeout}
        line = json.dumps(request | dataclasses.asdict(program) | {"env": dict(program.env)})
        try:
            writer.write(line.encode() + b"\n")
            # The server does not begin after the deadline; what it has begun, it answers.
            result = await asyncio.wait_for(answer, timeout + 2 * SETTLE)
        except (TimeoutError, OSError):
            self._kill()  # hung: a late fork must not surprise anybody
            raise Unavailable("The warm process does not answer.", "Try again.") from None
        finally:
            self._answers.pop(number, None)
        if "error" in result:
            kind = Unavailable if result.get("late") else StartFailed
            raise kind(result["error"], result.get("remedy", ""))
        return Identity(result["pid"], result["started"])

    async def _keep(self, up: asyncio.Event) -> None:
        """Run one server after the other, until cancelled."""
        deaths = 0
        while True:
            began = time.monotonic()
            try:
                await self._run(up)
            except OSError as error:
                self._log.warning("The warm process can't be started: %s", error)
            finally:
                up.set()
            deaths = deaths + 1 if time.monotonic() - began < 60 else 1
            pause = _BACKOFF[min(deaths, len(_BACKOFF)) - 1]
            self._log.warning("The warm process has ended; another one follows in %s s.", pause)
            await asyncio.sleep(pause)

    async def _run(self, up: asyncio.Event) -> None:
        """One server from its start to its end."""
        ours, theirs = socket.socketpair()
        with theirs:
            ours.setblocking(False)
            try:
                self._server = _start_server(theirs, self._preload, self._environment)
            except OSError:
                ours.close()
                raise
        reader, writer = await asyncio.open_connection(sock=ours)
        self._writer = writer
        up.set()
        try:
            while line := await reader.readline():
                result = json.loads(line)
                answer = self._answers.get(result["number"])
                if answer is not None and not answer.done():
                    answer.set_result(result)
        except (ConnectionError, ValueError) as error:
            self._log.warning("The warm process answered badly: %s", error)
        finally:
            self._writer = None
            writer.close()
            self._kill()
            for answer in self._answers.values():
                if not answer.done():
                    message = "The warm process has ended."
                    answer.set_exception(Unavailable(message, "Try again in a moment."))
            # It has been killed, so this takes as long as the kernel needs.
            self._server.wait()

    def _kill(self) -> None:
        if self._server is not None and self._server.poll() is None:
            self._server.kill()


def _start_server(
    theirs: socket.socket, preload: Sequence[str], extra: Mapping[str, str]
) -> subprocess.Popen[bytes]:
    environment = {name: os.environ[name] for name in _ENVIRONMENT if name in os.environ}
    environment |= ONE_THREAD | {_ROOM: "-" * 160} | dict(extra)
    return subprocess.Popen(
        [sys.executable, "-P", "-m", __spec__.name, str(theirs.fileno()), *preload],
        pass_fds=[theirs.fileno()],
        env=environment,
        stdin=subprocess.DEVNULL,
        start_new_session=True,  # a Ctrl-C at the owner's terminal is for the owner
        cwd="/",
    )


def serve(connection: socket.socket) -> None:
    """Answer requests until the owner is gone."""
    buffer = b""
    while data := connection.recv(65536):
        buffer += data
        *lines, buffer = buffer.split(b"\n")
        for line in lines:
            answer = _fork(connection, json.loads(line))
            connection.sendall(json.dumps(answer).encode() + b"\n")


def _fork(connection: socket.socket, request: dict[str, Any]) -> dict[str, Any]:
    """Fork one child; the answer to give. In the child this does not return."""
    number = request.pop("number")
    if time.monotonic() > request.pop("deadline"):
        return {"number": number, "late": True, "error": "The request came too late."}
    program = Program(**request)
    ours, theirs = socket.socketpair()
    with ours:
        pid = os.fork()
        if pid == 0:
            connection.close()
            ours.close()
            _child(program, theirs)
        theirs.close()
        problem = _read_problem(ours)
        identity = Identity.of(pid)  # there is one: until it is told to go on, it waits
        if problem == b"" and identity is not None:
            ours.sendall(b"+")
            return {"number": number} | dataclasses.asdict(identity)
    if problem:
        return {"number": number, **json.loads(problem)}
    with contextlib.suppress(OSError):
        os.kill(pid, signal.SIGKILL)
    return {"number": number, "error": "The process ended, or hung, before its first line."}


def _read_problem(ours: socket.socket) -> bytes | None:
    """What a child reports: nothing when all went well; None when it takes too long."""
    deadline = time.monotonic() + SETTLE
    text = b""
    while (rest := deadline - time.monotonic()) > 0:
        if not select.select([ours], [], [], rest)[0]:
            break
        data = ours.recv(4096)
        if not data:
            return text
        text += data
    return None


def _child(program: Program, theirs: socket.socket) -> None:
    told = False
    try:
        with theirs:
            try:
                become(program, session=True)
            except BaseException as error:
                message, remedy = (
                    getattr(error, "message", repr(error)),
                    getattr(error, "remedy", ""),
                )
                theirs.sendall(json.dumps({"error": message, "remedy": remedy}).encode())
            theirs.shutdown(socket.SHUT_WR)
            told = bool(theirs.recv(1))  # not if the server has died: nobody would know of this one
    finally:
        if not told:
            os._exit(1)
    run_to_end(program.entry)


def main() -> None:
    """Import, then serve."""
    descriptor, *preload = sys.argv[1:]
    # Children, and what children leave behind, are buried by the kernel: in a container there is
    # often nobody else who would.
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    adopt_orphans()
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    for module in preload:
        try:
            import_module(module)
        except ImportError as error:
            sys.stderr.write(f"Not imported beforehand: {error}\n")
    os.environ.pop(_ROOM, None)
    gc.collect()
    gc.freeze()  # else the first collection in a child would copy every page
    with socket.socket(fileno=int(descriptor)) as connection:
        connection.set_inheritable(False)
        with contextlib.suppress(ConnectionError):
            serve(connection)


if __name__ == "__main__":
    main()
