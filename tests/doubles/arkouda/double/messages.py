"""Requests and replies as they go over the wire."""

from __future__ import annotations

import json
import shlex
from dataclasses import dataclass, field
from typing import Any

from .ages import Age

MARK = b"BINARY_PAYLOAD"


class Malformed(Exception):
    """A request that the server can't read."""


class Refused(Exception):
    """What the server answers with an ERROR."""


@dataclass(frozen=True)
class Request:
    """One request. `args` are the values of its arguments, in the order in which they came."""

    user: str
    token: str
    cmd: str
    args: tuple[str, ...] = ()
    text: str = ""
    named: dict[str, str] = field(default_factory=dict)
    payload: bytes = b""


@dataclass(frozen=True)
class Reply:
    """One answer: a text of a type, or bytes alone."""

    msg: str = ""
    kind: str = "NORMAL"
    payload: bytes | None = None


def read(raw: bytes, payload: bytes, age: Age) -> Request:
    """The request in its first frame; raises Malformed."""
    head = raw.split(MARK, 1)[0]
    try:
        found: Any = json.loads(head.decode())
    except ValueError as error:
        raise Malformed("illegal character while reading the request") from error
    if not isinstance(found, dict):
        raise Malformed("the request is not an object")
    missing = [name for name in age.requires if found.get(name) is None]
    if missing:
        raise Malformed(f"missing field {missing[0]} in the request")
    text = str(found["args"])
    named: dict[str, str] = {}
    if age.name == "2021":
        try:
            args = tuple(shlex.split(text))
        except ValueError:
            args = tuple(text.split())
    else:
        named = arguments(text) if int(found["size"]) > 0 else {}
        args = tuple(named.values())
    return Request(
        user=str(found["user"]),
        token=str(found["token"]),
        cmd=str(found["cmd"]),
        args=args,
        text=text,
        named=named,
        payload=payload,
    )


def arguments(text: str) -> dict[str, str]:
    """The arguments of a request of the new age: a list of texts, each one parameter."""
    try:
        return {
            str(one["key"]): str(one["val"])
            for one in (json.loads(item) for item in json.loads(text))
        }
    except (ValueError, TypeError, KeyError) as error:
        raise Malformed("illegal arguments") from error


def write(reply: Reply, user: str, age: Age) -> bytes:
    """The frame that answers."""
    if reply.payload is not None:
        return reply.payload
    answer = {"msg": reply.msg, "msgType": reply.kind, "msgFormat": "STRING", "user": user}
    if age.name != "2021":
        answer["payload"] = ""
    return json.dumps(answer).encode()
