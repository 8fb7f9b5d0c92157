"""A portal: signs in whoever says a name, and stands before a hub as its reverse proxy.

It is a real proxy of its own, on loopback: it takes out of requests what only it may send, adds
what it asserts, and passes everything else on as it came, WebSockets included.
"""

from __future__ import annotations

import asyncio
import html
import re
import threading
from collections.abc import Callable, Mapping
from types import TracebackType
from urllib.parse import parse_qsl, urlsplit

Assert = Callable[[str, str, str], Mapping[str, str]]
"""From user, method and path (without query) to the headers that say who it is."""


class Portal:
    """A portal before the hub at `port`. Use as a context manager; `url` is its own address.

    says : makes the headers
    strips : names of headers that are taken out of requests; None: nothing is (a careless proxy)
    """

    def __init__(
        self,
        port: int,
        says: Assert,
        strips: tuple[str, ...] | None = (),
        address: str = "127.0.0.1",
    ) -> None:
        self.says = says
        self.user = ""
        self._hub = port
        self._strips = strips
        self._address = address
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._tasks: set[asyncio.Task[None]] = set()
        self._server: asyncio.Server | None = None
        self.url = ""

    def __enter__(self) -> Portal:
        self._thread.start()
        asyncio.run_coroutine_threadsafe(self._open(), self._loop).result(10)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        asyncio.run_coroutine_threadsafe(self._close(), self._loop).result(10)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(10)
        self._loop.close()

    async def _open(self) -> None:
        self._server = await asyncio.start_server(self._accept, "127.0.0.1", 0)
        self.url = f"http://127.0.0.1:{self._server.sockets[0].getsockname()[1]}"

    async def _close(self) -> None:
        assert self._server is not None
        self._server.close()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        there: asyncio.StreamWriter | None = None
        try:
            head = (await reader.readuntil(b"\r\n\r\n"))[:-4].split(b"\r\n")
            target = urlsplit(head[0].split(b" ")[1].decode())
            if target.path.startswith("/portal/"):
                writer.write(self._own_page(target.path, dict(parse_qsl(target.query))))
                return
            back, there = await asyncio.open_connection(
                "127.0.0.1", self._hub, local_addr=(self._address, 0)
            )
            there.write(self._head(head))
            await asyncio.gather(_pour(reader, there), _pour(back, writer))
        except (OSError, asyncio.IncompleteReadError):
            pass
        finally:
            for one in (writer, there):
                if one is not None:
                    one.close()

    def _own_page(self, path: str, said: Mapping[str, str]) -> bytes:
        """Its page for signing in, and what that leads to."""
        back = html.escape(said.get("back") or "/hub/")
        if path == "/portal/enter":
            self.user = said.get("name", "")
            return f"HTTP/1.1 302 Found\r\nLocation: {back}\r\nConnection: close\r\n\r\n".encode()
        page = f"""<!doctype html><html lang="en"><title>Portal</title><h1>Portal</h1>
            <form action="/portal/enter"><label>Name <input name="name"></label>
            <input type="hidden" name="back" value="{back}"><button>Enter</button></form></html>"""
        head = "HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nConnection: close\r\n\r\n"
        return f"{head}{page}".encode()

    def _head(self, lines: list[bytes]) -> bytes:
        """The request's head as the hub gets it; one request a connection, so that all are seen."""
        method, target, _ = lines[0].decode().split(" ")
        taken_out = tuple(name.lower() for name in (*(self._strips or ()), "Connection"))
        kept = [
            line
            for line in lines[1:]
            if line.partition(b":")[0].strip().lower().decode() not in taken_out
        ]
        upgrade = any(re.match(rb"upgrade:", line, re.IGNORECASE) for line in kept)
        kept.append(b"Connection: Upgrade" if upgrade else b"Connection: close")
        if self.user:
            said = self.says(self.user, method, target.partition("?")[0])
            kept += [f"{name}: {value}".encode() for name, value in said.items()]
        return b"\r\n".join([lines[0], *kept]) + b"\r\n\r\n"


async def _pour(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while data := await reader.read(1 << 16):
        writer.write(data)
        await writer.drain()
    if writer.can_write_eof():
        writer.write_eof()
