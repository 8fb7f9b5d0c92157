"""Dask's dashboard, which is built when it is first asked for."""

from __future__ import annotations

import sys
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest
from distributed import Scheduler

from alongside.kinds.dask.dashboard import Dashboard


@pytest.fixture
async def scheduler() -> AsyncIterator[Scheduler]:
    async with Scheduler(
        host="127.0.0.1", port=0, dashboard_address="127.0.0.1:0", dashboard=False
    ) as found:
        found.http_application.add_application(Dashboard(found))
        yield found


async def page(scheduler: Scheduler, name: str) -> tuple[int, str]:
    server: Any = scheduler.http_server
    address = f"http://127.0.0.1:{server.port}/{name}"
    async with httpx.AsyncClient(trust_env=False, follow_redirects=True) as client:
        answer = await client.get(address)
    return answer.status_code, answer.text


def built(scheduler: Scheduler) -> bool:
    return not any(isinstance(one, Dashboard) for one in scheduler.http_application.applications)


async def test_what_is_no_part_of_it_does_not_build_it(scheduler: Scheduler) -> None:
    for name in ("health", "metrics", "json/counts.json", "sitemap.json"):
        assert (await page(scheduler, name))[0] == 200, name
    assert not built(scheduler)


@pytest.mark.parametrize("name", ["", "status", "individual-task-stream"])
async def test_any_of_its_pages_can_be_the_first(scheduler: Scheduler, name: str) -> None:
    status, text = await page(scheduler, name)
    assert status == 200
    assert "bokeh" in text.lower()
    assert built(scheduler)
    assert (await page(scheduler, "graph"))[0] == 200
    assert (await page(scheduler, "no-such-page"))[0] == 404


async def test_without_bokeh_there_is_a_page_that_says_so(
    scheduler: Scheduler, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "distributed.dashboard.scheduler", None)
    status, text = await page(scheduler, "status")
    assert (status, "Dask needs bokeh" in text) == (200, True)
