"""The other ports of a server of 2026: they answer while the main one is busy, without a token."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable

import zmq

from .messages import Malformed, Refused, Reply, Request, read, write
from .options import Halt
from .state import State

Answer = Callable[[Request], Reply]


def status(state: State, port: int) -> Answer:
    def answer(request: Request) -> Reply:
        if request.cmd == "ruok":
            return Reply("imok")
        if request.cmd == "getmemstatus":
            return Reply(state.memory_status())
        return common(state, "status", port, request)

    return answer


def metrics(state: State, port: int) -> Answer:
    def answer(request: Request) -> Reply:
        if request.cmd == "metrics":
            return Reply(state.metrics(request.named.get("category", "")))
        return common(state, "metrics", port, request)

    return answer


def common(state: State, name: str, port: int, request: Request) -> Reply:
    """What both know; anything else is answered with nothing."""
    if request.cmd == "connect":
        text = f"connected to arkouda {name} server tcp://*:{port}"
        if state.options.authenticate:
            text += f" as user {request.user} with token {request.token}"
        return Reply(text)
    if request.cmd == "getconfig":
        return Reply(state.config())
    return Reply("")


def start(state: State, context: zmq.Context[zmq.Socket[bytes]]) -> None:
    """Bind the ports that were asked for and answer on them in threads; raises Halt."""
    for name, variable, default, make in (
        ("METRICS", "METRICS_SERVER_PORT", "5556", metrics),
        ("STATUS", "SERVER_STATUS_PORT", "5557", status),
    ):
        if name not in state.options.daemons:
            continue
        port = int(os.environ.get(variable, "") or default)
        socket = context.socket(zmq.REP)
        socket.linger = 0
        try:
            socket.bind(f"tcp://*:{port}")
        except zmq.ZMQError as error:
            raise Halt(f"uncaught ZMQError: Error in Socket.bind(): {error.strerror}") from error
        threading.Thread(
            target=serve, args=(socket, make(state, port), state), name=name, daemon=True
        ).start()


def serve(socket: zmq.Socket[bytes], answer: Answer, state: State) -> None:
    """Answer until the server ends; what can't be read ends it."""
    while True:
        try:
            frames = socket.recv_multipart()
        except zmq.ContextTerminated:
            socket.close()  # which older versions of pyzmq wait for
            return
        try:
            request = read(frames[0], b"", state.age)
            reply = answer(request)
        except (Malformed, Refused) as error:
            os.write(2, f"uncaught error: {error}\n".encode())
            os._exit(1)
        socket.send(write(reply, request.user, state.age))
