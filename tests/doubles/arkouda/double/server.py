"""Locale 0: starts, listens and answers one request after the other."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Sequence
from multiprocessing.connection import Connection
from pathlib import Path

import zmq

from . import daemons, tokens
from .ages import Age
from .commands import COMMANDS
from .group import Group, Memory
from .log import Log, banner, put
from .messages import Malformed, Refused, Reply, Request, read, write
from .options import Halt, Options
from .state import State
from .symbols import Symbols

RUN_ON = bool(os.environ.get("ARKOUDA_DOUBLE_SPIN"))
"""Poll without a pause, as the real server does: a core per locale."""


class Server:
    """The server of one group of locales."""

    def __init__(self, options: Options, age: Age, others: Sequence[Connection] = ()) -> None:
        self.age = age
        self.options = options
        self.group = Group(others)
        self.memory = Memory(options, age, len(self.group))
        self.symbols = Symbols(self.group, self.memory)
        self.state = State(age, options, self.memory)
        self.context: zmq.Context[zmq.Socket[bytes]] = zmq.Context()
        self.socket = self.context.socket(zmq.REP)
        self.socket.linger = 1000
        self.token = ""
        self.received = 0
        self.sent = 0
        self.over = False

    def start(self) -> None:
        """Be reachable. In which order things come into being depends on the age."""
        if self.age.binds_first:
            self.bind()
        folder = tokens.folder()
        self.log = Log(self.options, folder)
        if self.options.authenticate:
            self.token = tokens.token(folder / "tokens.txt", self.age)
        url = f"tcp://{self.state.host}:{self.options.port}"
        if self.token:
            url += f"?token={self.token}"
        if self.age.binds_first:
            self.inform(f"{self.state.host} {self.options.port} {url}\n")
            put(
                self.state.config() + "\n" if self.options.silent else banner(url, self.age.version)
            )
            daemons.start(self.state, self.context)
        else:
            put(banner(url, self.age.version))
            self.bind()
            self.inform(f"{self.state.host} {self.options.port}\n")

    def bind(self) -> None:
        try:
            self.socket.bind(f"tcp://*:{self.options.port}")
        except zmq.ZMQError as error:
            halt = "halt reached - " if not self.age.binds_first else "uncaught ZMQError: "
            raise Halt(f"error: {halt}Error in Socket.bind(): {error.strerror}") from error

    def inform(self, text: str) -> None:
        """Write the connection file."""
        if self.options.information:
            try:
                Path(self.options.information).write_text(text)
            except OSError as error:
                raise Halt(f"uncaught {type(error).__name__}: {error}") from error

    def run(self) -> None:
        """Answer until told to shut down."""
        while not self.over:
            if self.socket.poll(0 if RUN_ON else None):
                self.answer(self.socket.recv_multipart())
        if self.options.information:
            Path(self.options.information).unlink(missing_ok=True)
        self.log.info(f"requests = {self.received} responseCount = {self.sent} elapsed sec = 0")
        self.socket.close(linger=1000)
        self.context.term()  # the other ports' threads close theirs

    def answer(self, frames: list[bytes]) -> None:
        self.received += 1
        began = time.monotonic()
        user = cmd = ""
        try:
            payload = frames[1] if len(frames) > 1 else b""
            request = read(frames[0], payload, self.age)
            user, cmd = request.user, request.cmd
            if self.options.authenticate:
                self.authenticate(request.token)
        except (Malformed, Refused) as error:
            if self.age.ends_on_refusal:
                raise Halt(f"uncaught ErrorWithMsg: {error}") from error
            self.send(Reply(str(error), "ERROR"), user)
            return
        shown = "[binary data]" if cmd == "array" else request.text
        self.log.trace(f">>> {cmd} {shown}")
        if cmd == "shutdown" or (cmd == "disconnect" and self.options.ends_with_client):
            self.over = True
            self.send(Reply(f"shutdown server ({self.sent + 1} req)"), user)
            return
        try:
            reply = self.own(request) or self.other(request)
        except Refused as error:
            text = str(error)
            self.log.line("ERROR", text)
            if self.age.name != "2021":
                text = f"Error executing command {cmd}: {text}"
            reply = Reply(text, "ERROR")
        # Counted before the answer: who has the answer finds it in the figures.
        self.state.count(user, cmd, time.monotonic() - began)
        self.send(reply, user)
        self.log.trace(f"<<< {cmd} took {time.monotonic() - began:.17g} sec")

    def authenticate(self, token: str) -> None:
        if token in ("", "None"):
            raise Refused("Error: access to arkouda requires a token")
        if token != self.token:
            raise Refused(
                f"Error: token {token} does not match server token, check with server owner"
            )

    def send(self, reply: Reply, user: str) -> None:
        self.sent += 1
        frame = write(reply, user, self.age)
        shown = "<binary-data>" if reply.payload is not None else frame.decode()
        self.log.trace(f"repMsg: {shown}")
        self.socket.send(frame)

    def own(self, request: Request) -> Reply | None:
        """The answer to a command about the server itself."""
        port, cmd = self.options.port, request.cmd
        texts: dict[str, Callable[[], str]] = {
            "noop": lambda: "noop",
            "ruok": lambda: "imok",
            "disconnect": lambda: f"disconnected from arkouda server tcp://*:{port}",
            "getconfig": self.state.config,
            "getmemused": lambda: self.state.memory_used(request.named),
        }
        if self.age.name != "2021":
            texts |= {
                "getavailmem": lambda: self.state.memory_left(request.named),
                "getmemstatus": self.state.memory_status,
                "getRegistrationConfig": lambda: "{}",
            }
        if cmd == "connect":
            text = f"connected to arkouda server tcp://*:{port}"
            if self.options.authenticate:
                text += f" as user {request.user} with token {request.token}"
            return Reply(text)
        return Reply(texts[cmd]()) if cmd in texts else None

    def other(self, request: Request) -> Reply:
        """The answer to a command about arrays."""
        if not request.cmd and self.age.name != "2021":
            return Reply("Server received an empty command", "ERROR")
        if request.cmd not in COMMANDS:
            text = f"Unrecognized command: {request.cmd}"
            self.log.error(text)
            return Reply(text, "ERROR")
        return COMMANDS[request.cmd](self.symbols, request)
