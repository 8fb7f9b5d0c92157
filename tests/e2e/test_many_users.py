"""Twenty people at once: each gets what the quota allows, exactly, and nothing is left after."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from tests.stack import Stack
from tests.waiting import wait_until

pytestmark = [pytest.mark.timeout(420), pytest.mark.slow]

USERS = [f"user{number:02}" for number in range(20)]
CATALOGUE = """
profiles:
  tiny:
    title: Tiny
    default: dask
    backends:
      dask:
        options:
          workers: {default: 1, maximum: 2}
          memory: {default: 256 MiB, minimum: 128 MiB, maximum: 512 MiB}
        start_timeout: 5 min
quotas:
  default: {backends: 2, workers: 3}
"""


@pytest.fixture
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    place = tmp_path_factory.mktemp("many")
    (place / "catalogue.yaml").write_text(CATALOGUE)
    settings = {"ALONGSIDE_CATALOGUE": str(place / "catalogue.yaml")}
    with Stack(place / "home", environment=settings) as running:
        yield running


@pytest.mark.shows("K99", "K22")
async def test_twenty_users_start_and_stop_at_once_within_exact_quotas(stack: Stack) -> None:
    tokens = {user: stack.token(user) for user in USERS}
    async with httpx.AsyncClient(base_url=stack.url, timeout=240) as http:

        async def call(user: str, method: str, path: str, **body: Any) -> httpx.Response:
            headers = {"Authorization": f"Bearer {tokens[user]}"}
            return await http.request(method, path, headers=headers, **body)

        async def backends(user: str) -> list[dict[str, object]]:
            found: list[dict[str, object]] = (
                await call(user, "GET", "/services/alongside/api/v1/backends")
            ).json()
            return found

        async def work(user: str) -> Counter[int]:
            server = f"/hub/api/users/{user}/server"
            started = await call(user, "POST", server, json={"profile": "tiny"})
            assert started.status_code in (201, 202), started.text
            async with asyncio.timeout(240):
                while [b["phase"] for b in await backends(user)] != ["running"]:
                    await asyncio.sleep(1)
            # One backend and two workers are left of the quota: one of these launches fits.
            wish = {"kind": "dask", "options": {"workers": 2}}
            launches = [
                call(user, "POST", "/services/alongside/api/v1/backends", json={**wish, "name": n})
                for n in ("one", "two", "three")
            ]
            answers = await asyncio.gather(*launches)
            for refused in (a for a in answers if a.status_code == 403):
                assert "quota" in refused.json()["detail"]
            assert len(await backends(user)) == 2
            return Counter(answer.status_code for answer in answers)

        async def stop(user: str) -> None:
            for backend in await backends(user):
                path = f"/services/alongside/api/v1/backends/{backend['id']}"
                assert (await call(user, "DELETE", path)).status_code in (202, 204, 404)
            path = f"/hub/api/users/{user}/server"
            assert (await call(user, "DELETE", path)).status_code in (202, 204)

        outcomes = await asyncio.gather(*map(work, USERS))
        assert outcomes == [Counter({202: 1, 403: 2})] * len(USERS)
        await asyncio.gather(*map(stop, USERS))

    def folders() -> list[str]:
        return [f.name for f in (stack.home / "backends").iterdir() if not f.name.startswith(".")]

    wait_until(f"no backend is left: {folders()}", lambda: not folders(), 120)
    wait_until("no session is left", lambda: not stack.find("jupyterhub-singleuser"), 120)
