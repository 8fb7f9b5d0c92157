"""The one connection of a client."""

from __future__ import annotations

import getpass
import json
import logging
import os
import shlex
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import zmq

from ._age import NEW, VERSION


class Channel:
    """What has the socket in the newer client; in the older one the module has it."""

    def __init__(self, url: str, link: Any) -> None:
        self.url = url
        self.socket = link


connected = False
serverConfig: dict[str, Any] | None = None  # noqa: N816 - the real package's name
username = ""
token: str | None = None
socket: Any = None
address = ""
channel: Channel | None = None
log = logging.getLogger("Arkouda User Logger")

UNITS = {"b": 1, "kb": 1024, "mb": 1024**2, "gb": 1024**3, "tb": 1024**4, "pb": 1024**5}


def connect(
    server: str = "localhost",
    port: int = 5555,
    timeout: int = 0,
    access_token: str | None = None,
    connect_url: str | None = None,
) -> None:
    """Connect to a running server. `timeout` in seconds; 0: wait for ever.

    Raises ConnectionError (no such address), RuntimeError (refused by the server), ValueError
    (a URL that can't be read) and zmq.Again (no answer within `timeout`).
    """
    global connected, serverConfig, username, token, socket, address, channel
    if connect_url and not NEW:
        server, port, access_token = parts(connect_url, access_token)
    # The newer client hands a URL to ZeroMQ as it is, which takes none with a token.
    address = connect_url if connect_url and NEW else f"tcp://{server}:{port}"
    username = getpass.getuser()
    token = remembered(f"{server}:{port}" if NEW else address, access_token)
    if link() is not None:
        link().close(linger=0)
    reach(timeout)
    greeting = send("connect")
    connected = True
    serverConfig = json.loads(ask("getconfig"))
    if serverConfig["arkoudaVersion"] != VERSION:
        warnings.warn(
            f"Version mismatch between client ({VERSION}) and server "
            f"({serverConfig['arkoudaVersion']}); some commands may fail",
            RuntimeWarning,
            stacklevel=2,
        )
    if NEW:
        ask("getRegistrationConfig")
    log.info(greeting)


def link() -> Any:
    """The socket, wherever this age has it; None before the first connection."""
    return socket if channel is None else channel.socket


def reach(timeout: int = 0) -> None:
    """A new socket to the address. Raises ConnectionError."""
    global socket, channel
    context: zmq.Context[zmq.Socket[bytes]] = zmq.Context.instance()
    made = context.socket(zmq.REQ)
    made.setsockopt(zmq.LINGER, 0)
    if timeout > 0:
        made.setsockopt(zmq.SNDTIMEO, timeout * 1000)
        made.setsockopt(zmq.RCVTIMEO, timeout * 1000)
    try:
        made.connect(address)
    except Exception as error:
        made.close()
        raise ConnectionError(error) from error
    if NEW:
        channel = Channel(address, made)
    else:
        socket = made


def parts(url: str, access_token: str | None) -> tuple[str, int, str | None]:
    """Host, port and token of a URL, as the older client reads it."""
    head, _, given = url.partition("?token=")
    try:
        host, port = head.split("tcp://")[1].split(":")
        return host, int(port), given or access_token
    except (IndexError, ValueError) as error:
        raise ValueError(
            "url must be in form tcp://<hostname/url>:<port>[?token=<token>]"
        ) from error


def remembered(place: str, given: str | None) -> str | None:
    """The token for this place, kept in the user's file."""
    folder = Path(os.environ.get("ARKOUDA_CLIENT_DIRECTORY") or Path.home()) / ".arkouda"
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "tokens.txt"
    lines = path.read_text().splitlines() if path.exists() else []
    tokens = dict(line.split(",") for line in lines)
    if given in (None, "", "None"):
        path.touch()
        return tokens.get(place)
    if tokens.get(place) != given:
        tokens[place] = str(given)
        path.write_text("".join(f"{key},{value}\n" for key, value in tokens.items()))
    return given


def disconnect() -> None:
    """Say goodbye to the server."""
    global connected, serverConfig
    if not connected:
        log.info("not connected; cannot disconnect")
        return
    send("disconnect")
    close()


def shutdown() -> None:
    """End the server. Raises RuntimeError when not connected."""
    if not connected:
        raise RuntimeError("not connected, cannot shutdown server")
    send("shutdown")
    close()


def close() -> None:
    global connected, serverConfig
    connected, serverConfig = False, None
    link().disconnect(address)
    link().close(linger=0)


def generic_msg(cmd: str, args: Any = None) -> str:
    """Send a command with arguments as they are on the wire."""
    if not connected:
        raise RuntimeError("client is not connected to a server")
    return send(cmd, args or "", -1 if not args else len(json.loads(args)) if NEW else 0)


def ask(cmd: str, **named: object) -> str:
    """A command with its arguments. Raises RuntimeError for what the server refuses."""
    if not connected:
        raise RuntimeError("client is not connected to a server")
    return send(cmd, worded(named), len(named) or -1)


def worded(named: Mapping[str, object]) -> str:
    """Arguments as each age has them on the wire."""
    if NEW:
        items = [{"key": key, "dtype": "", "val": str(value)} for key, value in named.items()]
        return json.dumps([json.dumps(item) for item in items]) if items else ""
    return shlex.join(str(value) for value in named.values())


def send(cmd: str, args: str = "", size: int = -1, payload: bytes | None = None) -> str:
    """One request and the text of its answer. Raises RuntimeError for an error."""
    with renewed():
        exchange(cmd, args, size, payload)
        return text_of(link().recv_string())


def fetch(cmd: str, args: str, size: int) -> bytes:
    """One request and the bytes that answer it."""
    with renewed():
        exchange(cmd, args, size)
        frame: bytes = link().recv(copy=False).bytes
    if frame.startswith(b'{"msg"'):
        text_of(frame.decode())
    return frame


@contextmanager
def renewed() -> Iterator[None]:
    """An interrupt leaves a request without its answer: then there is a new socket."""
    try:
        yield
    except KeyboardInterrupt:
        link().close(linger=0)
        reach()
        raise


def exchange(cmd: str, args: str, size: int, payload: bytes | None = None) -> None:
    """Send a request."""
    if link() is None:
        raise RuntimeError("client is not connected to a server")
    message: dict[str, object] = {
        "user": username,
        "token": token or "",
        "cmd": cmd,
        "format": "STRING" if payload is None else "BINARY",
        "args": args,
    }
    if NEW:
        message["size"] = size
    if payload is None:
        link().send_string(json.dumps(message))
    else:
        link().send(f"{json.dumps(message)}BINARY_PAYLOAD".encode(), flags=zmq.SNDMORE)
        link().send(payload, copy=False)


def text_of(text: str) -> str:
    """The text of a reply. Raises RuntimeError for an error, warns of a warning."""
    reply = json.loads(text)
    if reply["msgType"] == "ERROR":
        raise RuntimeError(reply["msg"])
    if reply["msgType"] == "WARNING":
        warnings.warn(reply["msg"], stacklevel=2)
    return str(reply["msg"])


def get_config() -> dict[str, Any]:
    """What the server said of itself when connecting."""
    if serverConfig is None:
        raise RuntimeError("client is not connected to a server")
    return serverConfig


def get_mem_used(unit: str = "b", as_percent: bool = False) -> int:
    """Bytes in use, over all locales."""
    if not NEW:
        return int(ask("getmemused"))
    return int(ask("getmemused", factor=UNITS[unit.lower()], as_percent=as_percent))


def get_mem_avail(unit: str = "b", as_percent: bool = False) -> int:
    """Bytes left, over all locales."""
    return int(ask("getavailmem", factor=UNITS[unit.lower()], as_percent=as_percent))


def get_mem_status() -> list[dict[str, Any]]:
    """The memory of each locale."""
    found: list[dict[str, Any]] = json.loads(ask("getmemstatus"))
    return found


def ruok() -> str:
    """``imok``, or a text that says otherwise; never raises."""
    try:
        answer = ask("ruok")
    except Exception as error:
        return f"ruok did not return response: {error}"
    return "imok" if answer == "imok" else f"imnotok because: {answer}"
