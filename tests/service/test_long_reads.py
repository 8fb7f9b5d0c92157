"""What is read for long ends when its reader may no longer read it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import websockets

from tests.service.conftest import API, Running

BOB = {"user": "bob", "access": "attach"}


@pytest.fixture(autouse=True)
def often(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("alongside_service.service.RECHECK", 0.02)


async def shared(run: Running) -> str:
    """A running backend of ada's that bob may attach to."""
    ada = run.user("ada")
    id: str = (await ada.post("backends", json={"kind": "dask"})).json()["id"]
    await run.settled(lambda: run.service.registry.get(id).status.phase == "running")
    assert (await ada.patch(f"backends/{id}", json={"shares": [BOB]})).status_code == 200
    return id


async def unshare(run: Running, id: str) -> None:
    answer = await run.user("ada").patch(f"backends/{id}", json={"shares": []})
    assert answer.status_code == 200


async def test_a_log_that_is_followed(run: Running, monkeypatch: pytest.MonkeyPatch) -> None:
    following = asyncio.Event()

    async def chatty(*_: Any) -> AsyncIterator[str]:
        while True:
            yield "line"
            following.set()
            await asyncio.sleep(0.001)

    monkeypatch.setattr(run.platform, "logs", chatty)
    id = await shared(run)
    reading = asyncio.create_task(run.user("bob").get(f"backends/{id}/logs?follow=true"))
    async with asyncio.timeout(5):
        await following.wait()
        await unshare(run, id)
        assert (await reading).status_code == 200


async def test_the_websocket_of_a_page(run: Running, tmp_path: Path) -> None:
    id = await shared(run)
    run.platform.socket = tmp_path / "dashboard.sock"
    sent: list[dict[str, Any]] = []
    accepted = asyncio.Event()

    async def silent(socket: websockets.ServerConnection) -> None:
        await socket.wait_closed()

    async def send(message: Any) -> None:
        sent.append(message)
        accepted.set()

    inbox: asyncio.Queue[Any] = asyncio.Queue()
    inbox.put_nowait({"type": "websocket.connect"})
    token = run.hub.add("bob")
    path = f"{API.removesuffix('/api/v1')}/backends/{id}/dashboard/status/ws"
    scope = {
        "type": "websocket",
        "path": path,
        "raw_path": path.encode(),
        "root_path": "",
        "query_string": b"",
        "headers": [(b"host", b"hub.test"), (b"authorization", f"Bearer {token}".encode())],
        "subprotocols": [],
        "scheme": "ws",
        "server": ("hub.test", 80),
        "client": None,
    }
    async with websockets.unix_serve(silent, str(run.platform.socket)), asyncio.timeout(5):
        page = asyncio.create_task(run.app(scope, inbox.get, send))
        await accepted.wait()
        assert sent[0]["type"] == "websocket.accept"
        await unshare(run, id)
        await page
    assert (sent[-1]["type"], sent[-1]["code"]) == ("websocket.close", 1008)
