"""Arkouda's messages, without its client: one question, one answer, in bounded time.

A request is a JSON object and the answer another one, as ZeroMQ messages. Servers of all ages take
these fields; those before 2021 had no `size`, and pass over it.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import zmq

from alongside.errors import NotReady

_LONGEST: Final = 16 * 2**20  # bytes of an answer
_USER: Final = "alongside"


@dataclass(frozen=True)
class Answer:
    """What the server said. `kind` is ``NORMAL``, ``WARNING`` or ``ERROR``."""

    text: str
    kind: str

    @property
    def good(self) -> bool:
        return self.kind != "ERROR"


def ask(
    address: str, token: str, command: str, args: str | Sequence[str] = (), timeout: float = 2.0
) -> Answer:
    """The answer to one command, on a connection of its own.

    address : ``tcp://host:port``
    token : empty only for a status port; a newer server may end when it gets a wrong one
    args : values of type string, in order; or a text as servers of 2021 take it
    timeout : seconds for all of it
    Raises NotReady when there is no answer, or none that makes sense.
    """
    request = {
        "user": _USER,
        "token": token,
        "cmd": command,
        "format": "STRING",
        "args": args if isinstance(args, str) else _listed(args),
        "size": len(args) if args else -1,
    }
    # A context of its own, ended at once: its threads must not be there when we fork.
    with zmq.Context() as context, context.socket(zmq.REQ) as socket:
        socket.setsockopt(zmq.LINGER, 0)
        socket.setsockopt(zmq.MAXMSGSIZE, _LONGEST)
        socket.setsockopt(zmq.SNDTIMEO, int(timeout * 1000))
        socket.setsockopt(zmq.RCVTIMEO, int(timeout * 1000))
        try:
            socket.connect(address)
            socket.send(json.dumps(request).encode())
            content = socket.recv()
        except zmq.ZMQError as error:
            raise NotReady(f"The Arkouda server does not answer ({error}).") from None
    return _read(content)


def _listed(args: Sequence[str] | Mapping[str, str]) -> str:
    if not args:
        return ""
    if not isinstance(args, Mapping):
        args = {f"arg{n}": value for n, value in enumerate(args)}
    return json.dumps(
        [
            json.dumps({"key": key, "objType": "VALUE", "dtype": "str", "val": value})
            for key, value in args.items()
        ]
    )


def _read(content: bytes) -> Answer:
    try:
        document = json.loads(content)
        return Answer(str(document["msg"]), str(document["msgType"]))
    except (ValueError, KeyError, TypeError):
        raise NotReady("What answers is not an Arkouda server.") from None
