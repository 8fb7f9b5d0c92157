"""The socket of an Arkouda client, which waits as long as the server is there, and no longer.

By itself the client waits for an answer for ever, also when the server has ended. This stands in
for its socket: an answer may take hours, but when the connection breaks, whoever waits hears of it.
"""

from __future__ import annotations

import contextlib
import socket as sockets
from typing import Any, Final
from urllib.parse import urlsplit

import zmq
from zmq.utils.monitor import recv_monitor_message

_LOST: Final = zmq.EVENT_DISCONNECTED | zmq.EVENT_CLOSED
_KNOCK: Final = 10.0
"""Seconds of waiting after which it is looked whether the server's machine is still there."""
_KNOCKS: Final = 3
REACHED: Final = 5.0
"""Seconds within which a request must have found a server that accepts it."""
_BACK: Final = 0.5  # where there was one before: what its connection may take to be made anew


class Watched:
    """All that the socket does, except waiting for one that is gone.

    `address` is ``tcp://host:port``. Raises ConnectionError in the calls that send and receive.
    """

    def __init__(self, socket: zmq.Socket[bytes], address: str) -> None:
        self._socket = socket
        self.address = address
        self.broken = False
        """Whether the connection has ever broken: maybe it's another server that answers now."""
        self._lost = False
        self._monitor = socket.get_monitor_socket(_LOST)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._socket, name)

    def send(self, *data: Any, **how: Any) -> Any:
        self._until_accepted()
        return self._socket.send(*data, **how)

    def send_string(self, *data: Any, **how: Any) -> Any:
        self._until_accepted()
        return self._socket.send_string(*data, **how)

    def send_multipart(self, *data: Any, **how: Any) -> Any:
        self._until_accepted()
        return self._socket.send_multipart(*data, **how)

    def recv(self, *how: Any, **more: Any) -> Any:
        self._until_answered()
        return self._socket.recv(*how, **more)

    def recv_string(self, *how: Any, **more: Any) -> Any:
        self._until_answered()
        return self._socket.recv_string(*how, **more)

    def close(self, linger: int | None = None) -> None:
        """Close it; what was to be sent is not waited for."""
        with contextlib.suppress(zmq.ZMQError):
            self._socket.disable_monitor()
        self._monitor.close(0)
        self._socket.close(0 if linger is None else linger)

    def look(self) -> None:
        """Take note of what has happened to the connection."""
        while self._monitor.poll(0):
            recv_monitor_message(self._monitor)
            self.broken = True

    def _until_accepted(self) -> None:
        self.look()  # a connection that broke between two requests is made anew
        # objects that are let go say so to the server: once it is known to be gone, none waits
        patience = 0.0 if self._lost else _BACK if self.broken else REACHED
        if not self._socket.poll(int(patience * 1000), zmq.POLLOUT):
            self._lost = True
            raise _gone()
        self._lost = False

    def _until_answered(self) -> None:
        waiting = zmq.Poller()
        waiting.register(self._socket, zmq.POLLIN)
        waiting.register(self._monitor, zmq.POLLIN)
        silent = 0
        while True:
            ready = dict(waiting.poll(int(_KNOCK * 1000)))
            if self._socket in ready or self._socket.poll(0):
                return
            silent = silent + 1 if not ready and not knock(self.address) else 0
            if ready or silent >= _KNOCKS:
                # from now on a new request may be sent, though this one was never answered
                self._socket.setsockopt(zmq.REQ_RELAXED, 1)
                self.broken = self._lost = True
                raise _gone()


def knock(address: str, timeout: float = 2.0) -> bool:
    """Whether something accepts connections there."""
    parts = urlsplit(address)
    try:
        with sockets.create_connection((parts.hostname, parts.port), timeout):
            return True
    except OSError:
        return False


def _gone() -> ConnectionError:
    return ConnectionError(
        "The Arkouda server has ended, or can't be reached any more; what was in it is lost unless "
        "it was saved."
    )
