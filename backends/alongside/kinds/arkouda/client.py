"""A kernel's own Arkouda client: found, judged, and connected in bounded time.

The client is the user's, of any age, and never a dependency of ours. It would wait for ever for a
server that is busy or gone, print the token when it connects, and leave it in a file that others
may read: none of that happens here.
"""

from __future__ import annotations

import contextlib
import importlib
import io
import json
import logging
import os
import sys
import tempfile
import warnings
from collections.abc import Iterator
from typing import Any, Final
from urllib.parse import urlsplit

import zmq

from alongside.errors import AlongsideError, Conflict, NotAllowed, NotReady
from alongside.kinds.arkouda.messages import ask
from alongside.kinds.arkouda.ownership import arrays, disown
from alongside.kinds.arkouda.watched import Watched, knock
from alongside.models import Connection
from alongside.versions import plain

PATIENCE: Final = 15.0
"""Seconds that a server may take to answer that it is well, before it counts as busy."""
DIRECTORY: Final = "ARKOUDA_CLIENT_DIRECTORY"
_FIRST = 2021  # the year of the oldest release that speaks as today's servers do

_callers: dict[str, tuple[str, str]] = {}  # by address: the token, and what the group is called


class ClientMissing(AlongsideError):
    """There is no Arkouda client in this kernel, or none that can be used."""

    code = "client-missing"
    status = 424


def connect(connection: Connection, name: str) -> Any:
    """The user's module `arkouda`, connected to this server and to no other.

    name : of the backend, for the errors
    Raises ClientMissing; NotReady when the server is busy or gone; NotAllowed when it doesn't
    accept the token.
    """
    client = load()
    token = connection.credentials["token"]
    parts = urlsplit(connection.address)
    _check(connection.address, token, name)
    theirs = _release(connection.address, token)
    known, before, broken = arrays(client), _place(client), _broken(client)
    moved = before != connection.address
    let_go(client)
    try:
        with _quiet(), _private_directory():
            client.connect(
                server=parts.hostname,
                port=parts.port,
                timeout=max(1, int(PATIENCE)),  # it may not be understood
                access_token=token or None,
            )
    except Exception as error:
        let_go(client)
        raise _mismatch(client, theirs, name, error) from None
    _wait_long(client)
    _watch(client, connection.address)
    if moved or broken:
        disown(client, known, elsewhere=moved)
    _callers[connection.address] = (token, name)
    return client


def ready(client: Any) -> None:
    """Raise NotReady when the server that it is connected to is busy or gone, within seconds.

    Raises Conflict when it is connected to none, or by hand.
    """
    at = _place(client)
    if at not in _callers or not _module(client).connected:
        raise Conflict(
            "This kernel is not attached to a locale group.",
            'Attach it: alongside.attach("NAME").',
        )
    token, name = _callers[at]
    _check(at, token, name)
    _watch(client, at)  # older clients make a new socket when a cell is interrupted


def load() -> Any:
    """The user's module `arkouda`. Raises ClientMissing, which says where to get one."""
    try:
        with _quiet():
            client = importlib.import_module("arkouda")
    except ImportError as error:
        if error.name == "arkouda":
            raise ClientMissing("This kernel has no Arkouda client.", _remedy()) from None
        raise ClientMissing(
            f"This kernel's Arkouda client can't be imported ({error}).", _remedy()
        ) from None
    version = plain(str(getattr(client, "__version__", "")))
    year = version.partition(".")[0]
    if not hasattr(client, "ruok") or (year.isdigit() and 0 < int(year) < _FIRST):
        raise ClientMissing(
            f"This kernel's Arkouda client ({version or 'unknown version'}) is too old for any "
            "server: it is the package of 2020 that PyPI has.",
            _remedy(),
        )
    return client


def _remedy() -> str:
    return (
        "Install the client of the server's release: its tarball from "
        "https://github.com/Bears-R-Us/arkouda/releases, or "
        "`pip install git+https://github.com/Bears-R-Us/arkouda@RELEASE`. "
        "Not `pip install arkouda`: what PyPI has is of 2020."
    )


def _check(address: str, token: str, name: str) -> None:
    """That it answers, and us. A token is never tried on a server that it isn't for."""
    if not knock(address):
        raise _unreachable(name)
    try:
        answer = ask(address, token, "ruok", timeout=PATIENCE)
    except NotReady:
        if knock(address):
            raise NotReady(
                f"{name} is busy with a computation: it hasn't answered for {PATIENCE:.0f} s.",
                "Wait until that is done, or interrupt the kernel that asked for it; then attach "
                "again.",
            ) from None
        raise _unreachable(name) from None
    if not answer.good:
        raise NotAllowed(
            f"{name} doesn't accept this kernel's token.",
            "Attach again: it was started anew, or it isn't yours.",
        )


def _unreachable(name: str) -> NotReady:
    return NotReady(
        f"The server of {name} can't be reached.",
        "Look at its card or its log, and launch it again if it has ended.",
    )


def let_go(client: Any) -> None:
    """Leave the server that the client is connected to, if any, without a word to it.

    It may be gone, and then a farewell would be waited for; it may end itself on hearing one.
    """
    holder = _holder(client)
    if holder is None or not isinstance(holder.socket, zmq.Socket | Watched):
        return
    holder.socket.close(linger=0)
    _module(client).connected = False


def _place(client: Any) -> str:
    """Where the client was last connected to, by its own account: ``tcp://host:port`` or ''."""
    module, holder = _module(client), _holder(client)
    for where, name in ((holder, "url"), (module, "pspStr"), (module, "address")):
        if isinstance(found := getattr(where, name, None), str):
            return found
    return ""


def _release(address: str, token: str) -> str:
    """The server's release, '' when it doesn't say. It may end of a client that is too old."""
    try:
        answer = ask(address, token, "getconfig", timeout=PATIENCE)
        return plain(str(json.loads(answer.text)["arkoudaVersion"]))
    except (NotReady, ValueError, KeyError, TypeError):
        return ""


def _mismatch(client: Any, theirs: str, name: str, error: Exception) -> AlongsideError:
    """Why it can't connect to a server that has just answered."""
    mine = plain(str(client.__version__))
    if theirs and theirs != mine:
        return Conflict(
            f"This kernel's Arkouda client ({mine}) does not understand the server of {name} "
            f"({theirs}).",
            _remedy().replace("RELEASE", f"v{theirs}"),
        )
    return NotReady(
        f"{name} could not be attached ({type(error).__name__}).", "Look at its log, try again."
    )


def _broken(client: Any) -> bool:
    holder = _holder(client)
    if holder is None or not isinstance(holder.socket, Watched):
        return False
    if not holder.socket.closed:
        holder.socket.look()
    return holder.socket.broken


def _wait_long(client: Any) -> None:
    """What it does from now on may take as long as it takes: `Watched` knows when to give up."""
    holder = _holder(client)
    if holder is not None and isinstance(holder.socket, zmq.Socket):
        holder.socket.setsockopt(zmq.SNDTIMEO, -1)
        holder.socket.setsockopt(zmq.RCVTIMEO, -1)


def _watch(client: Any, address: str) -> None:
    holder = _holder(client)
    if holder is not None and isinstance(holder.socket, zmq.Socket):
        holder.socket = Watched(holder.socket, address)


def _holder(client: Any) -> Any:
    """What has the client's socket: a channel in newer ones, the module in those before 2023."""
    module = _module(client)
    channel = getattr(module, "channel", None)
    holder = module if channel is None else channel
    return holder if hasattr(holder, "socket") else None


def _module(client: Any) -> Any:
    return sys.modules.get(getattr(client.connect, "__module__", ""), client)


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """No greeting, no log line with the token in it, no warning that `alongside` gives itself."""
    before = logging.root.manager.disable
    logging.disable(logging.WARNING)
    try:
        # not the error stream: the client's loggers keep the one that they find when imported
        with contextlib.redirect_stdout(io.StringIO()), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        logging.disable(before)


@contextlib.contextmanager
def _private_directory() -> Iterator[None]:
    """The client writes the token into a file: into a directory that is gone afterwards.

    Where the user has chosen one for it, it is that one.
    """
    if os.environ.get(DIRECTORY):
        yield
        return
    with tempfile.TemporaryDirectory(prefix="alongside-") as private:
        os.environ[DIRECTORY] = private
        try:
            yield
        finally:
            del os.environ[DIRECTORY]
