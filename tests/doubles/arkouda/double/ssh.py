"""Locales on several machines: the launcher starts them through ``ssh``; they call back by TCP.

Lines of JSON go between the launcher and each locale; orders between locale 0 and the others.
A line that is cut is a lost locale, and the end of all.
"""

from __future__ import annotations

import contextlib
import json
import os
import re
import secrets
import shlex
import signal
import socket
import subprocess
import threading
from collections.abc import Mapping, Sequence
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

from . import smp
from .ages import Age
from .group import obey
from .options import Halt, Options

LOST = 255
STARTUP_S = 120.0


def variable(name: str, default: str = "") -> str:
    """A setting of the launcher by the first of its three names."""
    for full in (f"GASNET_{name}", f"AMUDP_{name}", name):
        if os.environ.get(full):
            return os.environ[full]
    return default


class Line:
    """JSON by the line over a socket."""

    def __init__(self, link: socket.socket) -> None:
        self.link = link
        self.file = link.makefile("r")

    def send(self, **message: Any) -> None:
        self.link.sendall((json.dumps(message) + "\n").encode())

    def receive(self) -> dict[str, Any]:
        """The next message; empty when the other side has gone."""
        try:
            text = self.file.readline()
            found: dict[str, Any] = json.loads(text) if text else {}
        except (OSError, ValueError):
            return {}
        return found


def launch(program: str, flags: Sequence[str], count: int) -> int:
    """Start all locales, tell each who it is, and end with the first that ends."""
    hosts = [word for word in re.split(r"[ ,/;:]+", variable("SSH_SERVERS")) if word]
    if len(hosts) < count:
        raise Halt(
            "Not enough machines in environment variable SSH_SERVERS to satisfy request for "
            f"({count}).\nOnly ({len(hosts)}) machines available: {variable('SSH_SERVERS')}"
        )
    gate = socket.create_server(("", 0), backlog=count)
    gate.settimeout(STARTUP_S)
    here = variable("MASTERIP") or address()
    tag = secrets.token_hex(8)
    start(program, flags, hosts[:count], f"{tag},{here}:{gate.getsockname()[1]}")
    try:
        lines = meet(gate, tag, count)
    except TimeoutError:
        raise Halt("Error: not all locales have called back") from None
    gate.close()
    lines[0].send(rank=0, locales=count, environment=dict(os.environ))
    first = lines[0].receive()
    for rank, line in enumerate(lines[1:], 1):
        line.send(rank=rank, locales=count, host=first.get("host"), port=first.get("port"), tag=tag)
    outcome: list[int] = []
    over = threading.Event()

    def follow(line: Line) -> None:
        outcome.append(int(line.receive().get("exit", LOST)))
        over.set()

    for line in lines:
        threading.Thread(target=follow, args=(line,), daemon=True).start()
    over.wait()
    os._exit(outcome[0])


def address() -> str:
    """The address of this machine."""
    try:
        return socket.gethostbyname(socket.gethostname())
    except OSError:
        return "127.0.0.1"


def start(program: str, flags: Sequence[str], hosts: Sequence[str], secret: str) -> None:
    """Start one locale per host; a start that fails ends the launcher by TERM.

    The first host is this machine, and its locale is locale 0. With ARKOUDA_DOUBLE_GASNET in the
    environment it is as GASNet does it: all of them by ssh, numbered as they call back.
    """
    faithful = bool(os.environ.get("ARKOUDA_DOUBLE_GASNET"))
    command = [*shlex.split(variable("SSH_CMD", "ssh"))]
    command += ["-o", "StrictHostKeyChecking no", *shlex.split(variable("SSH_OPTIONS"))]
    folder = variable("SSH_REMOTE_PATH", str(Path.cwd()))
    for number, host in enumerate(hosts):
        words = ["env", f"AMUDP_SLAVE_ARGS={'-1' if faithful else number},{secret}"]
        words += [f"{program}_real", *flags]
        remote = f"cd {shlex.quote(folder)} ; {shlex.join(words)}"
        run = [*command, host, remote] if number or faithful else words
        child = subprocess.Popen(run, stdin=subprocess.DEVNULL)
        threading.Thread(target=guard, args=(child,), daemon=True).start()


def guard(child: subprocess.Popen[bytes]) -> None:
    """A locale, or the ssh that holds it, that ends badly takes the launcher with it."""
    if child.wait() != 0:
        os.kill(os.getpid(), signal.SIGTERM)


def meet(gate: socket.socket, tag: str, count: int) -> list[Line]:
    """The lines to the locales, by rank, once all of them have called. Raises TimeoutError."""
    found: dict[int, Line] = {}
    while len(found) < count:
        link, _ = gate.accept()
        line = Line(link)
        hello = line.receive()
        if hello.get("tag") != tag:
            link.close()
            continue
        wanted = int(hello["rank"])
        found[len(found) if wanted < 0 else wanted] = line
    return [found[rank] for rank in range(count)]


def member(options: Options, age: Age) -> int:
    """Be one of the locales; the exit status."""
    rank, tag, place = os.environ.pop("AMUDP_SLAVE_ARGS").split(",")
    host, _, port = place.rpartition(":")
    master = Line(socket.create_connection((host, int(port)), timeout=STARTUP_S))
    master.link.settimeout(None)
    master.send(rank=int(rank), tag=tag)
    told = master.receive()
    if not told:
        return 1
    if told["rank"]:
        return follow(master, told)
    return lead(master, told, tag, options, age)


def follow(master: Line, told: Mapping[str, Any]) -> int:
    """A further locale: joins locale 0 and obeys it."""
    link = socket.create_connection((told["host"], told["port"]), timeout=STARTUP_S)
    link.settimeout(None)
    link.sendall(told["tag"].encode() + int(told["rank"]).to_bytes(4, "big"))
    leave(master)
    smp.busy()
    with contextlib.suppress(EOFError, OSError):
        obey(Connection(link.detach()))
    # Locale 0 has gone; why, the launcher knows, and it ends this one as well.
    threading.Event().wait(STARTUP_S)
    return 1


def leave(master: Line) -> None:
    """End with the launcher."""

    def look() -> None:
        master.receive()
        os._exit(1)

    threading.Thread(target=look, daemon=True).start()


def lead(master: Line, told: Mapping[str, Any], tag: str, options: Options, age: Age) -> int:
    """Locale 0: takes the others in and serves."""
    from .server import Server

    for name, value in told["environment"].items():
        os.environ.setdefault(name, value)
    gate = socket.create_server(("", 0), backlog=told["locales"])
    gate.settimeout(STARTUP_S)
    master.send(host=master.link.getsockname()[0], port=gate.getsockname()[1])
    others: dict[int, Connection] = {}
    while len(others) < told["locales"] - 1:
        link, _ = gate.accept()
        link.settimeout(STARTUP_S)
        head = link.recv(len(tag) + 4, socket.MSG_WAITALL)
        link.settimeout(None)
        if head[: len(tag)] == tag.encode():
            others[int.from_bytes(head[len(tag) :], "big")] = Connection(link.detach())
    gate.close()
    leave(master)
    server = Server(options, age, [others[rank] for rank in sorted(others)])
    try:
        server.start()
        server.run()
    except Halt:
        master.send(exit=1)
        raise
    master.send(exit=0)
    return 0
