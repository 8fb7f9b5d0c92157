"""Where runs end with what has begun them: they are cancelled, and what is known of them stays."""

from __future__ import annotations

import asyncio
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from alongside.models import now
from alongside_service.afterwards import end_session
from alongside_workflows.executors.base import Credentials
from alongside_workflows.executors.ending import cancel_all
from alongside_workflows.executors.local import LocalExecutor
from alongside_workflows.model import Workflow
from alongside_workflows.runs import RunSpec, State
from tests.waiting import awaited


@pytest.fixture
def home() -> Iterator[Path]:
    path = Path(tempfile.mkdtemp(prefix="ae-"))
    yield path
    shutil.rmtree(path, ignore_errors=True)


def spec(id: str, place: Path) -> RunSpec:
    step = {"name": "wait", "command": ["sh", "-c", f"touch {place / id}; exec sleep 600"]}
    workflow = {"name": "long", "directory": str(place), "steps": [step]}
    return RunSpec(
        id=id,
        owner="ada",
        workflow=Workflow.model_validate(workflow),
        executor="local",
        created=now(),
    )


async def begun(place: Path, *ids: str) -> None:
    await awaited("they have begun", lambda: all((place / id).exists() for id in ids))


@pytest.mark.shows("K63")
async def test_runs_end_with_a_session_that_has_its_own_service(home: Path, tmp_path: Path) -> None:
    ids = ["one-abcdefghijklmnop", "two-abcdefghijklmnop"]
    executor = LocalExecutor(home, warm=False)
    await executor.open()
    for id in ids:
        await executor.submit(spec(id, tmp_path), Credentials("http://127.0.0.1:9", "x"))
    await begun(tmp_path, *ids)
    await executor.close()
    async with asyncio.timeout(45):
        await end_session(home)
    await executor.open()
    try:
        known = {run.spec.id: run.status.state for run in await executor.observed()}
        assert known == dict.fromkeys(ids, State.CANCELLED)
        async with asyncio.timeout(5):
            await cancel_all(executor)  # there is nothing to end any more
    finally:
        await executor.close()


async def test_where_there_are_no_runs_nothing_is_opened(home: Path) -> None:
    await end_session(home)
    assert list(home.iterdir()) == []
