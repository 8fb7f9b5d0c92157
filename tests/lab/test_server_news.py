"""What the browser is told, as pure decisions: mirror, history, numbering, problems."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterator
from itertools import count
from typing import Any

import httpx
import jsonschema
import pytest
import yaml

from alongside.endpoint import Endpoint, is_loopback
from alongside.errors import (
    InvalidRequest,
    NotAllowed,
    NotAuthenticated,
    StorageFailed,
    Unavailable,
)
from alongside_lab import follower
from alongside_lab.connection import NoService, problem_of
from alongside_lab.follower import Follower
from alongside_lab.mirror import REMEMBERED
from alongside_lab.news import SCHEMA, SCHEMA_ID, News
from alongside_lab.upstream import Upstream


class Logger:
    """Takes events as Jupyter's logger does: valid ones only."""

    def __init__(self) -> None:
        self.events: list[dict[str, Any]] = []
        self._schema = yaml.safe_load(SCHEMA.read_text())
        assert self._schema["$id"] == SCHEMA_ID

    def emit(self, *, schema_id: str, data: dict[str, Any]) -> None:
        assert schema_id == SCHEMA_ID
        jsonschema.validate(data, self._schema)
        self.events.append(data)

    @property
    def types(self) -> list[str]:
        return [event["type"] for event in self.events]


def backend(id: str = "etl-1", phase: str = "running", cpu: float = 0.5) -> dict[str, Any]:
    return {
        "id": id,
        "phase": phase,
        "started": None if phase in {"pending", "starting"} else "2026-01-01T00:00:00Z",
        "usage": {"cpu": cpu, "memory": 1000},
    }


@pytest.fixture
def seconds() -> Iterator[int]:
    return count(1)


@pytest.fixture
def news(seconds: Iterator[int]) -> News:
    return News(Logger(), clock=lambda: float(next(seconds)))


def logged(news: News) -> Logger:
    assert isinstance(news._logger, Logger)
    return news._logger


def test_a_snapshot_is_one_event_and_the_same_again_is_none(news: News) -> None:
    news.snapshot([backend(), backend("b-2")])
    news.snapshot([backend(), backend("b-2")])
    assert logged(news).types == ["reset"]
    news.snapshot([backend("b-2")])
    assert logged(news).types == ["reset", "reset"]
    assert [b["id"] for b in news.document()["backends"]] == ["b-2"]


def test_changes_carry_a_sample_while_something_is_used(news: News) -> None:
    news.changed(backend(phase="starting"))
    news.changed(backend(cpu=1.5))
    news.changed(backend(phase="stopped"))
    samples = [event["sample"] for event in logged(news).events]
    assert samples == [None, [2000, 1.5, 1000], None]
    (known,) = news.document()["backends"]
    assert known["phase"] == "stopped"
    assert known["history"] == [(2000, 1.5, 1000)]


def test_history_is_bounded_kept_over_a_snapshot_and_gone_with_its_backend(news: News) -> None:
    for _ in range(REMEMBERED + 30):
        news.changed(backend())
    news.snapshot([backend()])
    (known,) = news.document()["backends"]
    assert len(known["history"]) == REMEMBERED
    times = [sample[0] for sample in known["history"]]
    assert times == sorted(times)
    news.removed("etl-1")
    news.changed(backend())
    assert len(news.document()["backends"][0]["history"]) == 1


def test_what_was_never_there_is_not_removed(news: News) -> None:
    news.removed("etl-1")
    assert logged(news).events == []


@pytest.mark.shows("T129")
def test_runs_come_and_go_and_a_service_without_them_has_none(news: News) -> None:
    news.snapshot([])
    assert news.document()["runs"] is None
    news.snapshot([], [])
    assert news.document()["runs"] == []
    news.snapshot([], [])  # no news
    news.run_changed({"id": "r-1", "state": "running"})
    news.run_changed({"id": "r-1", "state": "succeeded"})
    assert news.document()["runs"] == [{"id": "r-1", "state": "succeeded"}]
    news.run_removed("r-1")
    news.run_removed("r-1")
    assert news.document()["runs"] == []
    assert logged(news).types == ["reset", "run", "run", "run-removed"]


def test_that_schedules_have_changed_is_told(news: News) -> None:
    news.schedules_changed()
    assert logged(news).types == ["schedules"]


def test_every_event_is_numbered_and_the_state_says_how_far(news: News) -> None:
    news.state(connected=True)
    news.snapshot([backend()])
    news.changed(backend(cpu=2))
    news.state(connected=True)  # no news
    news.alive()
    news.removed("etl-1")
    assert logged(news).types == ["state", "reset", "changed", "state", "removed"]
    assert [e["sequence"] for e in logged(news).events] == [1, 2, 3, 4, 5]
    assert {e["epoch"] for e in logged(news).events} == {news.epoch}
    assert news.document()["sequence"] == 5
    assert News(Logger()).epoch != news.epoch


@pytest.mark.parametrize(
    ("error", "title", "remedy"),
    [
        (NotAuthenticated("No.", "Ask."), "token is no longer valid", "Restart the session"),
        (NotAllowed("No."), "may not use Alongside", "Restart the session"),
        (InvalidRequest("No.", "Ask."), "not set up here", "Ask."),
        (NoService("No.", "Install it."), "No clusters on this machine", "Install it."),
        (StorageFailed("No.", "Choose."), "No clusters on this machine", "Choose."),
        (Unavailable("No.", "Wait."), "No connection to Alongside", "Wait."),
    ],
)
def test_each_failure_has_a_title_a_sentence_and_a_remedy(
    error: Unavailable, title: str, remedy: str
) -> None:
    problem = problem_of(error)
    assert title in problem["title"]
    assert problem["detail"] == "No."
    assert problem["remedy"].startswith(remedy)


def test_no_proxy_leads_to_this_machine() -> None:
    assert is_loopback("http://127.0.0.1:80/x")
    assert is_loopback("http://[::1]/")
    assert is_loopback("http://localhost")
    assert not is_loopback("https://hub.example.org")


async def test_a_browser_hears_from_a_server_to_which_nothing_happens(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(follower, "HEARTBEAT", 0.01)
    beats = asyncio.Event()

    class Counting(Logger):
        def emit(self, *, schema_id: str, data: dict[str, Any]) -> None:
            super().emit(schema_id=schema_id, data=data)
            if len(self.events) == 3:
                beats.set()

    async def never() -> None:
        await asyncio.Event().wait()

    def nowhere() -> Endpoint:
        raise AssertionError

    logger = Counting()
    upstream = Upstream(nowhere, never)
    task = asyncio.create_task(Follower(News(logger), upstream, logging.getLogger()).run())
    async with asyncio.timeout(10):
        await beats.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert set(logger.types) == {"state"}


async def test_an_event_that_makes_no_sense_is_survived(monkeypatch: pytest.MonkeyPatch) -> None:
    """It is logged, told, and the events are followed again from the beginning."""
    monkeypatch.setattr(follower, "FIRST_PAUSE", 0.01)
    asked: list[str] = []
    good = asyncio.Event()

    def answer(request: httpx.Request) -> httpx.Response:
        asked.append(request.headers.get("last-event-id", ""))
        events = ['event: snapshot\nid: 1\ndata: {"backends": []}\n\n']
        if len(asked) == 1:
            events.append('event: changed\nid: 2\ndata: {"nothing": 1}\n\n')
        elif len(asked) > 2:
            good.set()
        body = "".join(events)
        return httpx.Response(200, text=body, headers={"content-type": "text/event-stream"})

    async def at_once() -> None:
        return

    upstream = Upstream(lambda: Endpoint("http://service.test", "token"), at_once)
    await upstream.http()
    await upstream.close()
    upstream._http = httpx.AsyncClient(
        transport=httpx.MockTransport(answer), base_url="http://service.test"
    )
    upstream._endpoint = upstream.find()
    news = News(Logger())
    task = asyncio.create_task(Follower(news, upstream, logging.getLogger("quiet")).run())
    async with asyncio.timeout(10):
        await good.wait()
    task.cancel()
    await asyncio.wait({task})
    await upstream.close()
    assert asked[:3] == ["", "", "1"]
