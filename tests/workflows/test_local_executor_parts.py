"""What is special about the local executor: it comes back, there may be several, and accounts."""

from __future__ import annotations

import asyncio
import logging
import os
import pwd
import shutil
import signal
import tempfile
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from pathlib import Path

import psutil
import pytest

from alongside.errors import InvalidRequest, NotAllowed, NotFound
from alongside_workflows.executors.base import Executor, ObservedRun
from alongside_workflows.executors.local import LocalExecutor
from alongside_workflows.runs import State
from tests.platforms.accounts import another_account, run_in_a_view
from tests.workflows.executor_suite import (
    ACCESS,
    lines,
    make_run,
    shell,
    status_of,
    until,
    wait_until,
)
from tests.workflows.local_runs import STANDIN, nothing_left, words

Opening = Callable[..., Awaitable[LocalExecutor]]


@pytest.fixture
def home() -> Iterator[Path]:
    """A state directory that accounts can pass, whatever is done to pytest's own."""
    path = Path(tempfile.mkdtemp(prefix="al-"))
    path.chmod(0o711)
    yield path / "home"
    shutil.rmtree(path)


@pytest.fixture
async def opening(home: Path, tmp_path: Path, importable: None) -> AsyncIterator[Opening]:
    """Opens executors of one home; in the end no run is left, nor a process."""
    opened: list[LocalExecutor] = []

    async def one(*, warm: bool = False) -> LocalExecutor:
        executor = LocalExecutor(home, module=STANDIN, warm=warm, grace=2)
        await executor.open()
        opened.append(executor)
        return executor

    yield one
    for executor in opened:
        await executor.close()
    last = await one()
    for seen in await last.observed():
        await last.forget(seen.spec.id)

    async def empty() -> bool:
        return not await last.observed()

    await wait_until(empty, 60)
    await last.close()
    nothing_left(tmp_path)
    nothing_left(home)


def runner_of(executor: LocalExecutor, id: str) -> psutil.Process:
    """The process that carries a run out."""
    found = executor._home.folder(id).runner()
    assert found is not None
    return psutil.Process(found.pid)


@pytest.mark.shows("K60")
async def test_a_runner_that_is_killed_is_followed_by_another(
    opening: Opening, tmp_path: Path
) -> None:
    executor = await opening()
    await executor.submit(
        make_run("r", tmp_path, words("a", "append", "log", "wait", "go")), ACCESS
    )
    await wait_until(lambda: bool(lines(tmp_path / "log")))
    runner = runner_of(executor, "r")
    runner.kill()

    def another() -> bool:
        found = executor._home.folder("r").runner()
        return found is not None and found.pid != runner.pid

    await wait_until(another)
    (tmp_path / "go").touch()
    status = await until(executor, "r", State.SUCCEEDED)
    assert lines(tmp_path / "log") == ["a:1"]
    assert status.message == ""


@pytest.mark.shows("K60", "T117")
async def test_a_run_goes_on_without_its_executor(opening: Opening, tmp_path: Path) -> None:
    first = await opening()
    await first.submit(
        make_run("r", tmp_path, words("a", "append", "log", "wait", "go"), shell("b", "true")),
        ACCESS,
    )
    await wait_until(lambda: bool(lines(tmp_path / "log")))
    await first.close()
    runner = runner_of(first, "r")
    (tmp_path / "go").touch()
    await asyncio.to_thread(psutil.wait_procs, [runner], 30)
    second = await opening()
    status = await status_of(second, "r")
    assert status is not None
    assert status.state is State.SUCCEEDED


@pytest.mark.shows("K60")
async def test_opened_it_takes_up_what_nobody_carries_out(opening: Opening, tmp_path: Path) -> None:
    first = await opening()
    spec = make_run("r", tmp_path, words("a", "append", "log", "wait", "go"))
    await first.submit(spec, ACCESS)
    await wait_until(lambda: bool(lines(tmp_path / "log")))
    runner = runner_of(first, "r")
    await first.close()
    runner.kill()
    (tmp_path / "go").touch()
    second = await opening()
    await until(second, "r", State.SUCCEEDED)
    assert lines(tmp_path / "log") == ["a:1"]


async def test_two_over_the_same_home(opening: Opening, tmp_path: Path) -> None:
    one, other = await opening(), await opening()
    changes = other.watch()
    spec = make_run("r", tmp_path, words("a", "append", "log", "unless", "go"))
    await asyncio.gather(one.submit(spec, ACCESS), other.submit(spec, ACCESS))
    async with asyncio.timeout(40):
        async for change in changes:
            if isinstance(change, ObservedRun) and change.status.state.final:
                break
    assert lines(tmp_path / "log") == ["a:1"]
    (tmp_path / "go").touch()
    await other.resume("r", ACCESS)
    await until(one, "r", lambda status: status.state is State.SUCCEEDED)
    assert lines(tmp_path / "log") == ["a:1", "a:2"]
    await one.forget("r")

    async def gone() -> bool:
        return await status_of(other, "r") is None

    await wait_until(gone)


async def test_forked_from_a_warm_process(opening: Opening, tmp_path: Path) -> None:
    executor = await opening(warm=True)
    step = words("a", "say", "hello", "orphan", "append", "log")
    await executor.submit(make_run("r", tmp_path, step), ACCESS)
    await until(executor, "r", State.SUCCEEDED)
    assert await executor.log("r", "a", 1, 10) == "hello\n"


async def test_a_run_that_can_not_be_carried_out_has_failed_with_a_sentence(
    opening: Opening, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("alongside_workflows.executors.local.keeping._PAUSES", (0.0, 0.01))
    executor = await opening()
    await executor.submit(make_run("r", tmp_path, words("a", "wait", "go")), ACCESS)
    await until(executor, "r", lambda status: status.state is State.RUNNING)
    folder = executor._home.folder("r")
    runner = runner_of(executor, "r")
    folder.journal.write_bytes(b"spoilt\n" * 2)
    runner.send_signal(signal.SIGKILL)
    status = await until(executor, "r", State.FAILED, 60)
    assert "spoilt" in status.message
    assert status.remedy
    (tmp_path / "go").touch()


async def test_cancelled_although_its_runner_is_gone(opening: Opening, tmp_path: Path) -> None:
    first = await opening()
    await first.submit(make_run("r", tmp_path, words("a", "append", "log", "wait", "go")), ACCESS)
    await wait_until(lambda: bool(lines(tmp_path / "log")))
    runner = runner_of(first, "r")
    await first.close()
    runner.kill()
    second = await opening()
    await second.cancel("r")
    await until(second, "r", State.CANCELLED)


async def test_what_it_does_not_take(opening: Opening, tmp_path: Path) -> None:
    executor = await opening()
    with pytest.raises(InvalidRequest):
        await executor.submit(make_run("../r", tmp_path, shell("a", "true")), ACCESS)
    assert await executor.observed() == []


async def test_the_files_of_a_skipped_step_are_those_that_were_taken(
    opening: Opening, tmp_path: Path
) -> None:
    executor = await opening()
    step = words("a", "say", "once", "append", "log", cache=True)
    for id in ("one", "two"):
        await executor.submit(make_run(id, tmp_path, step), ACCESS)
        status = await until(executor, id, State.SUCCEEDED)
    assert status.step("a").unchanged == "one"
    assert lines(tmp_path / "log") == ["a:1"]
    assert await executor.log("two", "a", 1, 10) == "once\n"
    foreign = make_run("three", tmp_path, step).model_copy(update={"owner": "eve"})
    await executor.submit(foreign, ACCESS)
    status = await until(executor, "three", State.SUCCEEDED)
    assert status.step("a").unchanged == "", "outcomes are each user's own"


async def test_links_are_not_followed(opening: Opening, tmp_path: Path) -> None:
    executor = await opening()
    await executor.submit(make_run("r", tmp_path, words("a", "say", "x")), ACCESS)
    await until(executor, "r", State.SUCCEEDED)
    secret = tmp_path / "secret"
    secret.mkdir()
    (secret / "log.txt").write_text("secret")
    folder = executor._home.folder("r").attempt("a", 1)
    (folder / "log.txt").unlink()
    (folder / "log.txt").symlink_to(secret / "log.txt")
    with pytest.raises(NotFound):
        await executor.log("r", "a", 1, 10)
    shutil.rmtree(folder)
    folder.symlink_to(secret)
    with pytest.raises(NotFound):
        await executor.log("r", "a", 1, 10)


ACCOUNT = "al-test-runs"


@pytest.fixture(scope="module")
def account() -> Iterator[pwd.struct_passwd]:
    """A real Unix account, removed afterwards."""
    with another_account(ACCOUNT) as made:
        yield made


@pytest.mark.shows("K62")
async def test_as_root_all_of_a_run_belongs_to_its_account(
    opening: Opening, account: pwd.struct_passwd
) -> None:
    place = Path(account.pw_dir)
    executor = await opening()
    spec = make_run("r", place, shell("a", "id -un > who; touch here; test -e go"))
    spec = spec.model_copy(update={"account": ACCOUNT})
    await executor.submit(spec, ACCESS)
    await until(executor, "r", State.FAILED)
    assert (place / "who").read_text().strip() == ACCOUNT
    folder = executor._home.folder("r")
    assert folder.spec_file.stat().st_uid == folder.path.stat().st_uid == 0
    inside = [folder.state, *folder.state.rglob("*")]
    assert {path.lstat().st_uid for path in inside} == {account.pw_uid}
    (place / "go").touch()
    await executor.resume("r", ACCESS)
    await until(executor, "r", State.SUCCEEDED)


@pytest.mark.skipif(os.geteuid() != 0, reason="root only")
async def test_the_superuser_and_strangers_have_no_runs(opening: Opening, tmp_path: Path) -> None:
    executor = await opening()
    spec = make_run("r", tmp_path, shell("a", "true"))
    with pytest.raises(NotAllowed):
        await executor.submit(spec.model_copy(update={"account": "root"}), ACCESS)
    with pytest.raises(InvalidRequest):
        await executor.submit(spec.model_copy(update={"account": "al-nobody-at-all"}), ACCESS)


def test_it_has_a_name() -> None:
    assert LocalExecutor.name == "local"
    assert issubclass(LocalExecutor, Executor)
    assert logging.getLogger("alongside.runs")


def test_the_same_where_the_interpreter_is_out_of_reach_otherwise(tmp_path: Path) -> None:
    assert "1 passed" in run_in_a_view(tmp_path, __file__, "-k", "root")
