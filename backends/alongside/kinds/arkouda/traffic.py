"""Who talks to a server, as the kernel's own books have it: nothing is asked of the server.

Linux keeps for each TCP connection when data last went either way. A request that came in after
the last answer went out is being worked on; when neither happened for long, nobody needs the
server. So a busy single-threaded server is not disturbed, and one that nobody uses is known by it.
"""

from __future__ import annotations

import socket
from collections.abc import Sequence
from dataclasses import dataclass

from pyroute2.netlink.diag import DiagSocket

_ESTABLISHED = 1 << 1
_INFO = 1 << 1  # the extension that carries tcp_info
_GREETING = 128  # bytes; two ends that only greet each other exchange fewer


@dataclass(frozen=True)
class Traffic:
    """On one port of this machine (or network namespace).

    `busy`: a request has come that is not answered; `quiet`: seconds since data last went either
    way, None when nobody is connected.
    """

    clients: int = 0
    busy: bool = False
    quiet: float | None = None


@dataclass(frozen=True)
class Connection:
    """Milliseconds since data was last received, and sent; bytes received in all."""

    received: int
    sent: int
    size: int


def look(port: int) -> Traffic:
    """The traffic of the server that listens on this port. Raises OSError."""
    with DiagSocket() as diagnosis:
        diagnosis.bind()
        found = diagnosis.get_sock_stats(
            family=socket.AF_INET, states=_ESTABLISHED, extensions=_INFO
        )
        books = [item.get_attr("INET_DIAG_INFO") for item in found if item["idiag_sport"] == port]
    return weigh(
        [
            Connection(
                info["tcpi_last_data_recv"],
                info["tcpi_last_data_sent"],
                info["tcpi_bytes_received"],
            )
            for info in books
            if info
        ]
    )


def weigh(connections: Sequence[Connection]) -> Traffic:
    """What these connections come to."""
    if not connections:
        return Traffic()
    return Traffic(
        clients=len(connections),
        busy=any(c.received < c.sent and c.size > _GREETING for c in connections),
        quiet=min(min(c.received, c.sent) for c in connections) / 1000,
    )
