"""One connection to a directory: TLS, bind, search, add, modify; asynchronous all the way.

It is made for one step of one session and closed after it. No wait has a limit of its own: whoever
opens a connection does so within `asyncio.timeout`, and a wait that is cancelled leaves nothing.
"""

from __future__ import annotations

import asyncio
import contextlib
import secrets
import ssl
from collections.abc import AsyncIterator, Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from alongside_authenticators.ldap import messages
from alongside_authenticators.ldap.errors import LdapError, Misconfigured, ResultError
from alongside_authenticators.ldap.filters import Filter, Present
from alongside_authenticators.ldap.messages import Answer, Entry

#: The largest answer that is read, in bytes. Only attributes that are asked for come.
LARGEST = 2**20
#: What is longer is decoded beside the event loop, in bytes: ten milliseconds' work.
LONG = 4096
PORTS = {"ldap": 389, "ldaps": 636}


@dataclass(frozen=True)
class Server:
    """Where a directory is and how it is spoken to.

    `tls` is `ldaps`, `starttls` or `none`. Certificates are read from their files at each
    connection, so that renewed ones count at once.
    """

    host: str
    port: int
    tls: str
    ca_file: str = ""
    certificate_file: str = ""
    key_file: str = ""

    @classmethod
    def at(cls, url: str, *, plain: bool = False, **files: str) -> Server:
        """The server of an address `ldaps://host[:port]` or `ldap://host[:port]`."""
        try:
            parts = urlsplit(url)
            host, port = parts.hostname, parts.port
        except ValueError:
            host = port = None
        more = parts.path.strip("/") or parts.query or parts.fragment or parts.username
        if not host or parts.scheme not in PORTS or more:
            raise Misconfigured("The directory's address has to be ldaps://host or ldap://host.")
        tls = "ldaps" if parts.scheme == "ldaps" else "none" if plain else "starttls"
        return cls(host, port or PORTS[parts.scheme], tls, **files)

    def context(self) -> ssl.SSLContext:
        """How TLS is spoken: the server's certificate and name are always checked."""
        try:
            context = ssl.create_default_context(cafile=self.ca_file or None)
        except (OSError, ssl.SSLError):
            raise Misconfigured("The file of certificate authorities can't be read.") from None
        if self.certificate_file:
            try:
                context.load_cert_chain(self.certificate_file, self.key_file or None)
            except (OSError, ssl.SSLError):
                raise Misconfigured("The hub's own certificate or key can't be read.") from None
        return context


class Connection:
    """An open connection; made by `connected`."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader, self._writer = reader, writer
        self._id = 0

    async def start_tls(self, context: ssl.SSLContext, host: str) -> None:
        """Ask for TLS and speak it from here on."""
        await self._result(messages.start_tls())
        await self._writer.start_tls(context, server_hostname=host)
        # Answers that somebody on the way slipped in before TLS began can't know these numbers.
        self._id = secrets.randbelow(2**30)

    async def bind(self, dn: str, password: str) -> None:
        """Log in with a name and a password, or, without a name, by the certificate of TLS."""
        request = messages.bind_simple(dn, password) if dn else messages.bind_external()
        await self._result(request)

    async def search(
        self,
        base: str,
        filter: Filter,
        attributes: Iterable[str] = ("*",),
        *,
        scope: str = "subtree",
        limit: int = 2,
    ) -> list[Entry]:
        """At most `limit` entries below `base`. LdapError if more are sent than were asked for."""
        found: list[Entry] = []
        request = messages.search(base, scope, filter, attributes, limit)
        async for answer in self._answers(request):
            if answer.entry is not None:
                found.append(answer.entry)
                if len(found) > limit:
                    raise LdapError("The directory answered what wasn't asked.")
            elif answer.code == messages.SIZE_LIMIT and len(found) >= limit:
                break  # more of them would be said no more of than that they are several
            elif error := answer.error():
                raise error
        return found

    async def read(self, dn: str, attributes: Iterable[str] = ("*",)) -> Entry | None:
        """The entry of this name, None when there is none."""
        try:
            found = await self.search(dn, Present("objectClass"), attributes, scope="base")
        except ResultError as error:
            if error.code == messages.NO_SUCH_OBJECT:
                return None
            raise
        return found[0] if found else None

    async def add(self, dn: str, attributes: messages.Attributes) -> None:
        """Create an entry; ResultError when it can't be, or is there."""
        await self._result(messages.add(dn, attributes))

    async def modify(self, dn: str, changes: Sequence[tuple[str, str, Sequence[str]]]) -> None:
        """Change an entry, all at once or not at all."""
        await self._result(messages.modify(dn, changes))

    async def _result(self, request: Any) -> None:
        async for answer in self._answers(request):
            if error := answer.error():
                raise error

    async def _answers(self, request: Any) -> AsyncIterator[Answer]:
        self._id += 1
        self._writer.write(messages.encode(self._id, request))
        await self._writer.drain()
        while True:
            data = await self._message()
            if len(data) > LONG:
                answer = await asyncio.to_thread(messages.decode, data)
            else:
                answer = messages.decode(data)
            if answer.id == 0:  # a notice of disconnection
                raise answer.error() or _ended()
            if answer.id != self._id:
                raise LdapError("The directory answered what wasn't asked.")
            yield answer
            if answer.kind not in ("searchResEntry", "searchResRef"):
                return

    async def _message(self) -> bytes:
        """The bytes of the next message: its tag and length (X.690, 8.1.3), then as many."""
        head = await self._reader.readexactly(2)
        size = head[1]
        if size > 0x80:
            more = await self._reader.readexactly(size & 0x7F)
            head, size = head + more, int.from_bytes(more)
        if head[0] != 0x30 or head[1] == 0x80 or size > LARGEST:
            raise LdapError("What answers at the directory's address is no directory.")
        return head + await self._reader.readexactly(size)

    async def close(self) -> None:
        """End it in an orderly way, for as long as a second."""
        self._writer.close()
        with contextlib.suppress(OSError, TimeoutError, ssl.SSLError):
            async with asyncio.timeout(1):
                await self._writer.wait_closed()
                return
        self._writer.transport.abort()


@contextlib.asynccontextmanager
async def connected(server: Server, entering: Callable[[str], None]) -> AsyncIterator[Connection]:
    """A connection that is closed again; `entering` is told of each step in words."""
    entering("connect")
    context = None if server.tls == "none" else await asyncio.to_thread(server.context)
    direct = context if server.tls == "ldaps" else None
    with _told():
        reader, writer = await asyncio.open_connection(
            server.host, server.port, ssl=direct, limit=LARGEST
        )
    connection = Connection(reader, writer)
    try:
        with _told():
            if context is not None and direct is None:
                entering("start TLS")
                await connection.start_tls(context, server.host)
            yield connection
        await connection.close()
    finally:
        writer.transport.abort()


@contextlib.contextmanager
def _told() -> Any:
    """Errors of the network in words."""
    try:
        yield
    except ssl.SSLCertVerificationError as error:
        raise LdapError(
            "The directory's certificate isn't trusted.",
            "The hub's administrator has to check it, and the authorities that the hub trusts.",
            error.verify_message,
        ) from None
    except ssl.SSLError as error:
        raise LdapError("No TLS could be agreed on with the directory.", "", str(error)) from None
    except asyncio.IncompleteReadError:
        raise _ended() from None
    except TimeoutError:
        raise  # of whoever set the limit, who knows it
    except OSError as error:
        raise LdapError(
            "The directory can't be reached.",
            "Try again later; if this lasts, tell the hub's administrator.",
            str(error),
        ) from None


def _ended() -> LdapError:
    return LdapError("The directory ended the connection.", "Try again later.")
