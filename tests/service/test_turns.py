"""Several replicas, of which one acts."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from pathlib import Path

import httpx
import pytest

from alongside.testing.waiting import make_spec
from tests.doubles.memory_platform import MemoryPlatform
from tests.service.conftest import API, Running, running


async def health(run: Running) -> tuple[int, object]:
    answer = await run.client(None).get("healthz")
    return answer.status_code, answer.json()


def lines(metrics: httpx.Response, name: str) -> list[str]:
    return [line for line in metrics.text.splitlines() if line.startswith(name)]


async def test_one_that_stands_by_answers_nothing_but_probes(catalogue_path: Path) -> None:
    platform = MemoryPlatform(takes_turns=True)
    begin = platform.hold("leading")
    async with running(catalogue_path, platform, metrics_without_token=True) as run:
        ada = run.user("ada")
        assert await health(run) == (200, {"status": "ok", "leading": False})
        metrics = await ada.get("metrics")
        assert lines(metrics, "alongside_leading") == ["alongside_leading 0.0"]
        for method, path in (
            ("GET", "backends"),
            ("POST", "backends"),
            ("GET", "events"),
            ("DELETE", "backends/x"),
            ("GET", f"http://hub.test{API}/../../backends/x/dashboard/"),
            ("GET", "nothing"),
        ):
            answer = await ada.request(method, path)
            assert answer.status_code == 503, path
            assert answer.headers["Retry-After"]
            assert answer.json()["detail"] == "Another replica of the service answers."
        begin()
        await run.settled(lambda: run.service.leading)
        assert await health(run) == (200, {"status": "ok", "leading": True})
        assert (await ada.get("backends")).json() == []
        metrics = await ada.get("metrics")
        assert lines(metrics, "alongside_leading") == ["alongside_leading 1.0"]
        assert not run.ends


async def test_one_that_stands_by_ends_nothing(catalogue_path: Path) -> None:
    platform = MemoryPlatform(takes_turns=True)
    begin = platform.hold("leading")
    async with running(catalogue_path, platform) as run:
        over = make_spec("dask", {"workers": 1}, maximum=60, platform="local")
        over = over.model_copy(update={"created": over.created - timedelta(hours=1)})
        await platform.launch(over)
        await run.settled(lambda: len(run.service.registry) == 1)
        platform.become(over.id, ready=0)
        await run.settled(lambda: not run.service.registry.get(over.id).status.ready)
        assert over.id in platform.backends
        begin()
        await run.settled(lambda: platform.backends[over.id].spec.stop)


async def test_it_begins_with_what_its_predecessor_did_last(catalogue_path: Path) -> None:
    """Also with what its own watch has not told it yet."""
    platform = MemoryPlatform(takes_turns=True)
    begin = platform.hold("leading")
    async with running(catalogue_path, platform) as run:
        ada = run.user("ada")
        platform.hold("watch")
        platform.break_watches()
        spec = make_spec("dask", {"workers": 1}, owner="ada", platform="local")
        await platform.launch(spec)
        assert run.service.registry.get(spec.id) is None
        begin()
        await run.settled(lambda: run.service.leading)
        assert [one["id"] for one in (await ada.get("backends")).json()] == [spec.id]


async def test_one_that_is_deposed_ends_at_once(catalogue_path: Path) -> None:
    async with running(catalogue_path, MemoryPlatform(takes_turns=True)) as run:
        await run.settled(lambda: run.service.leading)
        run.platform.depose()
        await run.settled(lambda: bool(run.ends))
        assert run.ends == ["another replica acts, or we can't tell"]
        assert not run.service.leading
        assert (await run.user("ada").get("backends")).status_code == 503


async def test_a_service_of_which_a_part_fails_begins_anew(
    run: Running, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken() -> None:
        raise RuntimeError("on purpose")

    monkeypatch.setattr(run.service.catalogue, "refresh", broken)
    await run.settled(lambda: bool(run.ends))
    assert run.ends == ["on purpose"]


async def test_a_regular_end_is_no_failure(catalogue_path: Path) -> None:
    async with running(catalogue_path) as run:
        await asyncio.sleep(0)
    assert not run.ends
