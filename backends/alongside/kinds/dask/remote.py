"""HTTPS to schedulers on the network, on connections that are kept open between two looks.

One service looks at many backends every few seconds: a handshake each time would cost more than
all the rest. A scheduler runs code of its users, so nothing that it sends is trusted: the time for
a request is bounded as a whole, the size of the answer is, redirects are not followed.
"""

from __future__ import annotations

import http.client
import socket
import ssl
import threading
import time
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import urlsplit

from alongside.kinds.base import Pages

_KEPT = 60.0  # seconds that a connection is kept without use
_SWEEP = 10.0  # seconds between two searches for such
_SPARE = 2  # connections kept for each scheduler


class _BoundedSocket(ssl.SSLSocket):
    """A TLS socket on which reading ends at a moment, however slowly the data drips."""

    deadline: float = 0.0

    def recv_into(self, buffer: Any, nbytes: int | None = None, flags: int = 0) -> int:
        left = self.deadline - time.monotonic()
        if left <= 0:
            raise TimeoutError("timed out")
        self.settimeout(left)
        return super().recv_into(buffer, nbytes, flags)


class _Connection(http.client.HTTPConnection):
    """HTTPS to one scheduler. Call `by` before each request."""

    def __init__(self, pages: Pages, context: ssl.SSLContext) -> None:
        parts = urlsplit(pages.url)
        super().__init__(parts.hostname or "", parts.port or 443)
        self._context = context
        self._deadline = 0.0
        self.used = 0.0

    def by(self, deadline: float) -> None:
        """The moment (monotonic) at which the next answer has to be there."""
        self._deadline = deadline
        if isinstance(self.sock, _BoundedSocket):
            self.sock.settimeout(self._left())
            self.sock.deadline = deadline

    def connect(self) -> None:
        plain = socket.create_connection((self.host, self.port), self._left())
        try:
            plain.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            plain.settimeout(self._left())
            self.sock = self._context.wrap_socket(plain)
        except BaseException:
            plain.close()
            raise
        self.by(self._deadline)

    def _left(self) -> float:
        left = self._deadline - time.monotonic()
        if left <= 0:
            raise TimeoutError("timed out")
        return left


@dataclass
class _Spare:
    """What is kept for one scheduler."""

    context: ssl.SSLContext
    connections: list[_Connection]
    used: float


class Connections:
    """Open connections to schedulers. May be used from any thread."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        # The authority is part of the key: another backend may get the address of one that is gone.
        self._spares: dict[tuple[str, str], _Spare] = {}
        self._swept = 0.0

    def ask(
        self,
        pages: Pages,
        method: str,
        path: str,
        body: bytes | None,
        timeout: float,
        longest: int,
    ) -> tuple[int, bytes]:
        """Status and content of an answer.

        timeout : seconds for all of it
        longest : bytes of the answer
        Raises OSError or http.client.HTTPException when there is none.
        """
        deadline = time.monotonic() + timeout
        headers = {**pages.headers, "Content-Type": "application/json"}
        # What changes something isn't sent on a connection that may have ended: that it did would
        # be noticed only afterwards, and sending it twice would do it twice.
        connection = self._take(pages) if method == "GET" else None
        if connection is not None:
            try:
                return self._exchange(
                    connection, pages, deadline, longest, method, path, body, headers
                )
            except TimeoutError:
                raise
            except (OSError, http.client.HTTPException):
                pass  # it ended while nobody used it
        fresh = _Connection(pages, self._context(pages))
        return self._exchange(fresh, pages, deadline, longest, method, path, body, headers)

    def _exchange(
        self, connection: _Connection, pages: Pages, deadline: float, longest: int, *request: Any
    ) -> tuple[int, bytes]:
        kept = False
        try:
            connection.by(deadline)
            connection.request(*request)
            with connection.getresponse() as response:
                content = response.read(longest + 1)
                if len(content) > longest:
                    raise http.client.HTTPException("the answer is too long")
                whole = response.isclosed() or not response.read(1)
            if whole and connection.sock is not None:
                self._keep(pages, connection)
                kept = True
            return response.status, content
        finally:
            if not kept:
                connection.close()

    def close(self) -> None:
        """Close all connections that are not in use."""
        with self._lock:
            spares = list(self._spares.values())
            self._spares.clear()
        _close(c for spare in spares for c in spare.connections)

    def __len__(self) -> int:
        with self._lock:
            return sum(len(spare.connections) for spare in self._spares.values())

    def _spare(self, pages: Pages) -> _Spare:
        """With the lock held."""
        key = (pages.url, pages.authority)
        if key not in self._spares:
            self._spares[key] = _Spare(_trust(pages.authority), [], 0.0)
        spare = self._spares[key]
        spare.used = time.monotonic()
        return spare

    def _context(self, pages: Pages) -> ssl.SSLContext:
        with self._lock:
            return self._spare(pages).context

    def _take(self, pages: Pages) -> _Connection | None:
        stale = self._expired()
        _close(stale)
        with self._lock:
            connections = self._spare(pages).connections
            return connections.pop() if connections else None

    def _keep(self, pages: Pages, connection: _Connection) -> None:
        connection.used = time.monotonic()
        with self._lock:
            connections = self._spare(pages).connections
            if len(connections) < _SPARE:
                connections.append(connection)
                return
        connection.close()

    def _expired(self) -> list[_Connection]:
        """Remove what was not used for a while."""
        moment = time.monotonic()
        found: list[_Connection] = []
        with self._lock:
            if moment < self._swept + _SWEEP:
                return []
            self._swept = moment
            for key, spare in list(self._spares.items()):
                old = [c for c in spare.connections if moment > c.used + _KEPT]
                spare.connections = [c for c in spare.connections if c not in old]
                found.extend(old)
                if not spare.connections and moment > spare.used + _KEPT:
                    del self._spares[key]
        return found


def _close(connections: Any) -> None:
    for connection in connections:
        connection.close()


def _trust(authority: str) -> ssl.SSLContext:
    """Trusts this authority alone. It signs for one cluster, whatever the address is."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.check_hostname = False
    context.load_verify_locations(cadata=authority)
    context.sslsocket_class = _BoundedSocket
    return context


REMOTE: Final = Connections()
"""Those of this process."""
