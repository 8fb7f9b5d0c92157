"""The way to a backend's pages, and what may not go along it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.service.conftest import Running

PAGES = "http://hub.test/services/alongside/backends"


class Pages:
    """A backend's web server; answers everything with `head`, remembers the last request."""

    def __init__(self) -> None:
        self.head = b""
        self.asked = b""

    async def __call__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.asked = await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n" + self.head + b"\r\npage")
        await writer.drain()
        writer.close()


@pytest.fixture
async def pages(run: Running, tmp_path: Path) -> AsyncIterator[Pages]:
    served = Pages()
    run.platform.socket = tmp_path / "dashboard.sock"
    async with await asyncio.start_unix_server(served, run.platform.socket):
        yield served


async def launched(run: Running) -> str:
    id: str = (await run.user("ada").post("backends", json={"kind": "dask"})).json()["id"]
    return id


async def test_a_page_comes_from_the_backends_socket(run: Running, pages: Pages) -> None:
    id = await launched(run)
    answer = await run.user("ada").get(f"{PAGES}/{id}/dashboard/status")
    assert (answer.status_code, answer.text) == (200, "page")
    assert b"authorization" not in pages.asked.lower()


async def test_a_link_in_the_sockets_place_is_not_followed(
    run: Running, pages: Pages, tmp_path: Path
) -> None:
    """Else a user could have a service that is root open any socket of the machine."""
    link = tmp_path / "link.sock"
    link.symlink_to(tmp_path / "dashboard.sock")
    run.platform.socket = link
    id = await launched(run)
    answer = await run.user("ada").get(f"{PAGES}/{id}/dashboard/status")
    assert answer.status_code == 503
    assert pages.asked == b""


async def test_headers_in_any_characters_go_both_ways(run: Running, pages: Pages) -> None:
    pages.head = "X-Name: ✓\r\n".encode()
    id = await launched(run)
    answer = await run.user("ada").get(
        f"{PAGES}/{id}/dashboard/status", headers={b"X-Word": "é".encode()}
    )
    assert answer.status_code == 200
    assert dict(answer.headers.raw)[b"x-name"] == "✓".encode()
    assert "é".encode() in pages.asked


async def test_a_broken_redirect_is_left_out(run: Running, pages: Pages) -> None:
    pages.head = b"Location: http://[\r\n"
    id = await launched(run)
    answer = await run.user("ada").get(f"{PAGES}/{id}/dashboard/status")
    assert answer.status_code == 200
    assert "location" not in answer.headers


async def test_a_page_gets_no_hold_on_the_rest_of_the_hub(run: Running, pages: Pages) -> None:
    """Not by a service worker for all its paths, nor by emptying the browser's memory of it."""
    pages.head = b"Service-Worker-Allowed: /\r\nClear-Site-Data: *\r\nSet-Cookie: a=b\r\n"
    id = await launched(run)
    answer = await run.user("ada").get(f"{PAGES}/{id}/dashboard/status")
    assert answer.status_code == 200
    assert not {"service-worker-allowed", "clear-site-data", "set-cookie"} & set(answer.headers)
