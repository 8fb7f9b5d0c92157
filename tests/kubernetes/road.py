"""A way to the API server that a test can cut."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from ruamel.yaml import YAML

_BLOCK = 65536


class Road:
    """Carries bytes between a local port and the API server. `kubeconfig` leads over it."""

    def __init__(self, kubeconfig: str, folder: Path) -> None:
        yaml = YAML(typ="safe")
        config: dict[str, Any] = yaml.load(Path(kubeconfig).read_text(encoding="utf-8"))
        chosen = {c["name"]: c["context"] for c in config["contexts"]}[config["current-context"]]
        self._cluster = {c["name"]: c["cluster"] for c in config["clusters"]}[chosen["cluster"]]
        self._config = config
        where = urlsplit(self._cluster["server"])
        self._target = where.hostname or "", where.port or 443
        self._pairs: set[asyncio.StreamWriter] = set()
        self._open = True
        self._server: asyncio.Server | None = None
        self._file = folder / "road.yaml"

    @property
    def kubeconfig(self) -> str:
        return str(self._file)

    async def build(self) -> None:
        self._server = await asyncio.start_server(self._carry, "127.0.0.1", 0)
        port = self._server.sockets[0].getsockname()[1]
        self._cluster["server"] = f"https://127.0.0.1:{port}"
        # a name that each API server's certificate has
        self._cluster["tls-server-name"] = "kubernetes.default.svc"
        with self._file.open("w", encoding="utf-8") as file:
            YAML(typ="safe").dump(self._config, file)

    def cut(self) -> None:
        """What is on its way is lost, and nobody gets through."""
        self._open = False
        for writer in self._pairs:
            writer.transport.abort()

    def mend(self) -> None:
        self._open = True

    async def close(self) -> None:
        self.cut()
        if self._server is not None:
            self._server.close()
            await self._server.wait_closed()

    async def _carry(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if not self._open:
            writer.transport.abort()
            return
        far_reader, far_writer = await asyncio.open_connection(*self._target)
        pair = {writer, far_writer}
        self._pairs |= pair
        try:
            await asyncio.gather(_copy(reader, far_writer), _copy(far_reader, writer))
        finally:
            self._pairs -= pair
            for one in pair:
                one.transport.abort()


async def _copy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with suppress(OSError):
        while block := await reader.read(_BLOCK):
            writer.write(block)
            await writer.drain()
    writer.transport.abort()


@asynccontextmanager
async def road(kubeconfig: str, folder: Path) -> AsyncIterator[Road]:
    """Open at first; gone afterwards."""
    it = Road(kubeconfig, folder)
    await it.build()
    try:
        yield it
    finally:
        await it.close()
