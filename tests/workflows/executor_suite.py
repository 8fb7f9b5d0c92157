"""What every executor must do: subclass `ExecutorSuite` and give the two fixtures.

Steps are commands of a shell in a directory that the test shares with them; where an executor has
no such directory (a cluster far away), it is a volume that the test looks into.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any, ClassVar

import pytest

from alongside.errors import InvalidRequest, NotFound
from alongside.models import now
from alongside_workflows.executors.base import Credentials, Executor, ObservedRun, RunRemoved
from alongside_workflows.model import Step, Workflow
from alongside_workflows.runs import RunSpec, RunStatus, State

ACCESS = Credentials("http://127.0.0.1:9/api", "the-token-of-this-run")


def shell(name: str, script: str, **more: Any) -> Step:
    """A step that is a shell script."""
    return Step(name=name, command=("sh", "-c", script), **more)


def make_run(id: str, place: Path, *steps: Step, **more: Any) -> RunSpec:
    """What was asked for, with its files in this directory."""
    workflow = Workflow(name=id, steps=steps, directory=str(place), **more)
    return RunSpec(id=id, owner="al", workflow=workflow, executor="local", created=now())


async def wait_until(condition: Callable[[], bool | Awaitable[bool]], timeout: float = 40) -> None:
    """Until it is so, while everything else goes on; TimeoutError."""
    async with asyncio.timeout(timeout):
        while True:
            found = condition()
            if found if isinstance(found, bool) else await found:
                return
            await asyncio.sleep(0.02)


async def status_of(executor: Executor, id: str) -> RunStatus | None:
    """The status of a run now; None when there is none."""
    return next((one.status for one in await executor.observed() if one.spec.id == id), None)


async def until(
    executor: Executor,
    id: str,
    wanted: State | Callable[[RunStatus], bool],
    timeout: float = 40,
) -> RunStatus:
    """Wait for a state of a run, or for something about it."""
    found: list[RunStatus] = []

    async def there() -> bool:
        status = await status_of(executor, id)
        if status is None:
            return False
        found[:] = [status]
        if isinstance(wanted, State):
            assert status.state is wanted or not status.state.final, status
            return status.state is wanted
        return wanted(status)

    await wait_until(there, timeout)
    return found[0]


def lines(path: Path) -> list[str]:
    """The lines of a file; none when there is no file."""
    return path.read_text().split() if path.exists() else []


class ExecutorSuite:
    """Runs on every executor."""

    patience: ClassVar[float] = 40.0
    """Seconds for a run of a few steps that do next to nothing."""

    @pytest.fixture
    def place(self) -> Path:
        """A directory that steps and test share."""
        raise NotImplementedError

    @pytest.fixture
    def executor(self) -> Executor:
        """An open executor, with nothing left of it afterwards."""
        raise NotImplementedError

    async def until(self, executor: Executor, id: str, wanted: State) -> RunStatus:
        """Wait for a state of a run."""
        return await until(executor, id, wanted, self.patience)

    @pytest.mark.shows("K64", "T119")
    async def test_a_diamond(self, executor: Executor, place: Path) -> None:
        meet = "touch $0.here; while [ ! -e {other}.here ]; do sleep 0.02; done"
        spec = make_run(
            "diamond",
            place,
            shell("a", "echo a >> log; echo n=20 >> $ALONGSIDE_RESULTS", results=("n",)),
            Step(name="b", command=("sh", "-c", meet.format(other="c"), "b"), after=("a",)),
            Step(name="c", command=("sh", "-c", meet.format(other="b"), "c"), after=("a",)),
            shell("d", "echo d{n} >> log", after=("b", "c"), takes={"n": "a.n"}),
        )
        await executor.submit(spec, ACCESS)
        status = await self.until(executor, "diamond", State.SUCCEEDED)
        assert lines(place / "log") == ["a", "d20"]  # and b and c have met: they overlap
        first, second = (status.step(name).attempts[0] for name in "bc")
        assert first.ended is not None
        assert second.ended is not None
        assert max(first.started, second.started) < min(first.ended, second.ended)
        assert all(step.state is State.SUCCEEDED for step in status.steps)
        assert [step.attempts[0].exit_code for step in status.steps] == [0, 0, 0, 0]
        assert status.started is not None
        assert status.ended is not None

    @pytest.mark.shows("K58", "K76")
    async def test_fr6_a_failure_and_its_repair(self, executor: Executor, place: Path) -> None:
        spec = make_run(
            "mended",
            place,
            shell("one", "echo one >> log"),
            shell("two", "echo two >> log", after=("one",)),
            shell("three", "echo three >> log; test -e repaired", after=("two",)),
            shell("four", "echo four >> log", after=("three",)),
            shell("aside", "echo aside >> log", after=("one",)),
        )
        await executor.submit(spec, ACCESS)
        status = await self.until(executor, "mended", State.FAILED)
        assert "three" in status.message
        assert status.step("four").state is State.WAITING
        assert "three" in status.step("four").message
        assert status.step("aside").state is State.SUCCEEDED
        assert sorted(lines(place / "log")) == ["aside", "one", "three", "two"]
        (place / "repaired").touch()
        await executor.resume("mended", ACCESS)
        again = await status_of(executor, "mended")
        assert again is not None
        assert not again.state.final or again.state is State.SUCCEEDED
        status = await self.until(executor, "mended", State.SUCCEEDED)
        assert sorted(lines(place / "log")) == ["aside", "four", "one", "three", "three", "two"]
        assert [a.number for a in status.step("three").attempts] == [1, 2]
        assert [a.state for a in status.step("three").attempts] == [State.FAILED, State.SUCCEEDED]
        assert len(status.step("one").attempts) == 1

    @pytest.mark.shows("T120", "K67")
    async def test_retries(self, executor: Executor, place: Path) -> None:
        spec = make_run(
            "again",
            place,
            shell(
                "a",
                "echo x >> log; test $(wc -l < log) -ge 3",
                retry={"times": 2, "pause": "0.1 s"},
            ),
        )
        await executor.submit(spec, ACCESS)
        status = await self.until(executor, "again", State.SUCCEEDED)
        states = [attempt.state for attempt in status.step("a").attempts]
        assert states == [State.FAILED, State.FAILED, State.SUCCEEDED]

    async def test_cancelled(self, executor: Executor, place: Path) -> None:
        spec = make_run(
            "ended", place, shell("a", "touch here; sleep 600"), shell("b", "true", after=("a",))
        )
        await executor.submit(spec, ACCESS)
        await wait_until((place / "here").exists, self.patience)
        await executor.cancel("ended")
        status = await self.until(executor, "ended", State.CANCELLED)
        assert status.step("a").state is State.CANCELLED
        assert status.step("b").state is State.WAITING
        await executor.cancel("ended")
        await executor.cancel("unknown")

    async def test_asked_for_twice(self, executor: Executor, place: Path) -> None:
        spec = make_run("twice", place, shell("a", "echo a >> log"))
        await asyncio.gather(*(executor.submit(spec, ACCESS) for _ in range(3)))
        await self.until(executor, "twice", State.SUCCEEDED)
        await executor.submit(spec, ACCESS)
        await executor.resume("twice", ACCESS)
        status = await status_of(executor, "twice")
        assert status is not None
        assert status.state is State.SUCCEEDED
        assert lines(place / "log") == ["a"]

    async def test_what_is_printed_and_left(self, executor: Executor, place: Path) -> None:
        spec = make_run("talk", place, shell("a", "seq 100; echo last >&2"))
        await executor.submit(spec, ACCESS)
        await self.until(executor, "talk", State.SUCCEEDED)
        text = await executor.log("talk", "a", 1, 2)
        assert text.splitlines() == ["100", "last"]
        assert ACCESS.token not in await executor.log("talk", "a", 1, 1000)
        for wrong in (("talk", "b", 1), ("talk", "a", 2), ("nothing", "a", 1), ("talk", "..", 1)):
            with pytest.raises(NotFound):
                await executor.log(*wrong, 10)
        with pytest.raises(NotFound):
            await executor.file("talk", "a", 7, "output.ipynb")
        with pytest.raises(InvalidRequest):
            await executor.file("talk", "a", 1, "token")

    async def test_watched_and_forgotten(self, executor: Executor, place: Path) -> None:
        changes = executor.watch()
        spec = make_run("seen", place, shell("a", "true"))
        await executor.submit(spec, ACCESS)
        states = []
        async with asyncio.timeout(self.patience):
            async for change in changes:
                if isinstance(change, ObservedRun) and change.spec.id == "seen":
                    states.append(change.status.state)
                    if change.status.state.final:
                        break
        assert states[-1] is State.SUCCEEDED
        await executor.forget("seen")
        await executor.forget("seen")
        async with asyncio.timeout(self.patience):
            async for change in changes:
                if isinstance(change, RunRemoved):
                    assert change.id == "seen"
                    break
        assert await status_of(executor, "seen") is None

    async def test_a_live_one_is_forgotten(self, executor: Executor, place: Path) -> None:
        spec = make_run("gone", place, shell("a", "touch here; sleep 600"))
        await executor.submit(spec, ACCESS)
        await wait_until((place / "here").exists, self.patience)
        await executor.forget("gone")

        async def nothing_is_left() -> bool:
            return await status_of(executor, "gone") is None

        await wait_until(nothing_is_left, self.patience)

    async def test_the_run_takes_too_long(self, executor: Executor, place: Path) -> None:
        spec = make_run("late", place, shell("a", "sleep 600"), timeout="0.5 s")
        await executor.submit(spec, ACCESS)
        status = await self.until(executor, "late", State.CANCELLED)
        assert "longer" in status.message

    async def test_nothing_to_resume(self, executor: Executor) -> None:
        with pytest.raises(NotFound):
            await executor.resume("unknown", ACCESS)
