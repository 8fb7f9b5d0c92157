"""Runs in the stream of events."""

from __future__ import annotations

import pytest

from alongside_workflows.runs import State
from tests.service.conftest import Running
from tests.service.test_events import reading
from tests.service.test_runs import DIAMOND


async def submit(run: Running, user: str) -> str:
    answer = await run.user(user).post("runs", json={"workflow": DIAMOND})
    assert answer.status_code == 202
    return str(answer.json()["id"])


@pytest.mark.shows("K70")
async def test_a_stream_tells_of_runs_from_the_snapshot_to_the_end(run: Running) -> None:
    first = await submit(run, "ada")
    async with reading(run, "ada") as reader:
        snapshot = await reader.data("snapshot")
        assert [known["id"] for known in snapshot["runs"]] == [first]
        assert "workflow" not in snapshot["runs"][0]
        second = await submit(run, "ada")
        await reader.until("run", id=second, state="waiting")
        run.executor.step(second, "a", State.RUNNING, cell=2, cells=5)
        told = await reader.until("run", id=second, state="running")
        assert '"cell":2,"cells":5' in told.data
        assert "workflow" not in told.data
        run.executor.become(second, State.SUCCEEDED)
        await reader.until("run", id=second, state="succeeded")
        await run.user("ada").delete(f"runs/{second}")
        await reader.until("run-removed", id=second)


async def test_nobody_hears_of_the_runs_of_others_but_admins(run: Running) -> None:
    run.hub.add("root", admin=True)
    async with reading(run, "bob") as bob, reading(run, "ada") as ada:
        assert (await bob.data("snapshot"))["runs"] == []
        await ada.data("snapshot")
        hidden = await submit(run, "ada")
        own = await submit(run, "bob")
        assert (await bob.until("run")).data.startswith(f'{{"id":"{own}"')
        assert (await ada.until("run")).data.startswith(f'{{"id":"{hidden}"')
        await run.user("ada").delete(f"runs/{hidden}")
        await run.user("bob").delete(f"runs/{own}")
        await bob.until("run-removed", id=own)


async def test_of_many_changes_a_slow_reader_is_told_the_last(run: Running) -> None:
    id = await submit(run, "ada")
    async with reading(run, "ada") as reader:
        await reader.data("snapshot")
        for cell in range(1, 101):
            run.executor.step(id, "a", State.WAITING, cell=cell)
        await run.settled(lambda: run.service.runs.get(id).status.step("a").cell == 100)
        told = await reader.until("run", id=id)
        assert '"cell":100' in told.data
        run.executor.become(id, State.CANCELLED)
        await reader.until("run", id=id, state="cancelled")


async def test_who_comes_back_is_told_what_it_missed(run: Running) -> None:
    id = await submit(run, "ada")
    async with reading(run, "ada") as reader:
        last = (await reader.next()).id
    gone = await submit(run, "ada")
    run.executor.become(id, State.FAILED)
    await run.settled(lambda: run.service.runs.get(id).status.state is State.FAILED)
    await run.user("ada").delete(f"runs/{gone}")
    async with reading(run, "ada", last) as reader:
        await reader.until("run", id=id, state="failed")
        await reader.until("run-removed", id=gone)
