"""An Arkouda server that somebody else runs: attached by its address, and never ended by us.

On bare metal, under Slurm, in a container: whoever started it says where it is and what its token
is. It is no backend: it has no card, no quota and no lifetime, and outlives session and kernel.
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

from alongside.errors import InvalidRequest
from alongside.kinds import get_kind
from alongside.models import Connection
from alongside.versions import plain, warn_about

KIND: Final = "arkouda"
PORT: Final = 5555
ADDRESS: Final = "ALONGSIDE_ARKOUDA_ADDRESS"
"""Variable: ``host:port`` of the server that `attach(kind="arkouda")` means, where a workflow's
step computes on no backend of its own."""
TOKEN_FILE: Final = "ALONGSIDE_ARKOUDA_TOKEN_FILE"  # noqa: S105 - the name of a variable
"""Variable: the file with that server's token; empty where the server wants none."""

_HOST = re.compile(r"[A-Za-z0-9]([A-Za-z0-9._-]{0,252}[A-Za-z0-9])?")
_HIGHEST = 65535


def attach(host: str, port: int = PORT, token: str | Path | None = None) -> Any:
    """The user's module `arkouda`, connected to that server.

    token : what the server printed or was given, or a file whose last line it is; "" where it
        wants none, which has to be said, as newer servers end when they are given a wrong one
    Raises InvalidRequest; ClientMissing; NotReady when it is busy or gone, within seconds;
    NotAllowed when it doesn't accept the token.
    """
    address = f"tcp://{_host(host)}:{_port(port)}"
    name = f"the server at {host}:{port}"
    connection = Connection(kind=KIND, address=address, credentials={"token": _token(token)})
    client = get_kind(KIND).attach(connection, name)
    theirs = plain(str(client.get_config().get("arkoudaVersion", "")))
    if theirs:
        warn_about(name[0].upper() + name[1:], {KIND: theirs}, stacklevel=4)
    return client


def named(environ: Mapping[str, str]) -> tuple[str, int, str | Path | None] | None:
    """Host, port and token of the server that the environment names, None when it names none."""
    text = environ.get(ADDRESS, "")
    if not text:
        return None
    parts = urlsplit(f"tcp://{text}")
    try:
        host, port = parts.hostname or "", parts.port or PORT
    except ValueError:
        host = ""
    if not host or parts.path:
        raise InvalidRequest(
            f"{ADDRESS} is {text[:100]!r}, which is no address.", "Write it like node17:5555."
        )
    file = environ.get(TOKEN_FILE)
    return host, port, Path(file) if file else file


def _host(text: str) -> str:
    if not isinstance(text, str) or not _HOST.fullmatch(text):
        raise InvalidRequest(
            f"{str(text)[:100]!r} is no name of a machine.",
            'Give name and port by themselves: attach(host="node17", port=5555).',
            "host",
        )
    return text


def _port(number: int) -> int:
    if isinstance(number, bool) or not isinstance(number, int) or not 0 < number <= _HIGHEST:
        raise InvalidRequest(
            f"{str(number)[:100]} is no port.", "Give a number from 1 to 65535.", "port"
        )
    return number


def _token(given: str | Path | None) -> str:
    if given is None:
        raise InvalidRequest(
            "The server's token is missing.",
            'Give it as token="...", or its file as token=Path("..."); token="" for a server that '
            "was started without authentication.",
            "token",
        )
    if not isinstance(given, os.PathLike):
        return given
    try:
        lines = Path(given).expanduser().read_text("utf-8").split()
    except (OSError, UnicodeDecodeError) as error:
        raise InvalidRequest(
            f"The token can't be read from {given} ({type(error).__name__}).",
            "Name a file that has it and that you can read.",
            "token",
        ) from None
    if not lines:
        raise InvalidRequest(f"{given} is empty.", "Put the server's token into it.", "token")
    return lines[-1]
