"""A request as far as signing in is concerned: where it came from, and which headers it has."""

from __future__ import annotations

import ipaddress
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from alongside_authenticators.refusals import Misconfigured, Refused

LONGEST = 16 * 1024
"""Bytes that one header may have: keys for a mount, but no files."""

Network = ipaddress.IPv4Network | ipaddress.IPv6Network


@dataclass(frozen=True)
class Arrival:
    """What a check of an assertion needs of a request; nothing of a web framework.

    method, path : as they were sent, the path without query
    headers : all values of each name in lower case, as bytes
    body : what was sent with it
    peer : address at the other end of the connection, "" for a Unix socket
    """

    method: str
    path: str
    headers: Mapping[str, Sequence[bytes]] = field(repr=False)
    body: bytes = field(default=b"", repr=False)
    peer: str = ""

    @classmethod
    def of(cls, request: Any) -> Arrival:
        """Of a tornado request."""
        headers: dict[str, list[bytes]] = {}
        for name, value in request.headers.get_all():
            # as tornado decoded them, so that what is no UTF-8 is found here
            headers.setdefault(name.lower(), []).append(value.encode("latin-1", "replace"))
        # what tornado calls remote_ip is what a header says; this is who is connected
        address = request.connection.context.address
        peer = address[0] if isinstance(address, tuple) else ""
        return cls(request.method, request.path, headers, request.body, peer)

    def header(self, name: str) -> bytes:
        """The one value of a header, b"" if it wasn't sent. Refused if it was sent twice."""
        values = self.headers.get(name.lower(), ())
        if len(values) > 1:
            raise twice(name)
        value = values[0].strip(b" \t") if values else b""
        if len(value) > LONGEST:
            raise Refused(
                400,
                "TooLong",
                f"The header {name} is longer than {LONGEST} bytes. Have the portal send less.",
            )
        return value

    def came_through(self, proxies: Collection[Network], hubs: Collection[Network]) -> bool:
        """Whether the hub's own proxy (`hubs`) is connected, on behalf of one of `proxies`.

        The hub's own proxy adds the address of who is connected to it at the end of
        `X-Forwarded-For`.
        """
        last = self.header("x-forwarded-for").rpartition(b",")[2].strip().decode("latin-1")
        return is_within(self.peer, hubs) and is_within(last, proxies)


def twice(name: str) -> Refused:
    """The refusal of a header that was sent more than once."""
    return Refused(
        400,
        "SentTwice",
        f"The header {name} was sent more than once, so it may be forged. Have the proxy replace "
        "what browsers send instead of adding to it.",
    )


def is_within(address: str, networks: Collection[Network]) -> bool:
    """Whether an address belongs to one of these networks; text that is none doesn't."""
    try:
        found = ipaddress.ip_address(address)
    except ValueError:
        return False
    mapped = getattr(found, "ipv4_mapped", None)
    return any((mapped or found) in network for network in networks)


def networks(texts: Collection[str], setting: str) -> tuple[Network, ...]:
    """Addresses and networks of a setting."""
    try:
        return tuple(ipaddress.ip_network(text) for text in texts)
    except ValueError as error:
        raise Misconfigured(
            f"{setting} has something that is no address or network: {error}."
        ) from None
