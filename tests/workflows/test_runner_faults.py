"""kill -9 of the runner and of steps at every moment, on real processes: nothing is lost, nothing
runs twice, nothing is left."""

from __future__ import annotations

import json
import os
import resource
import signal
import subprocess
import sys
from pathlib import Path

import psutil
import pytest

from alongside_workflows.journal import Begun, Ended, Intended, Journal
from alongside_workflows.model import Step
from alongside_workflows.runner import attempt
from alongside_workflows.runs import State
from tests.waiting import wait_until
from tests.workflows.local_runs import ROOT, STANDIN, Make, leftovers, nothing_left, words

pytestmark = pytest.mark.slow


@pytest.mark.shows("K60", "T117")
def test_the_runner_is_killed_while_a_step_runs(tmp_path: Path, make: Make) -> None:
    run = make(
        words("a", "append", "log", "progress", "wait", "go", "result", "n", "7", results=("n",)),
        words("b", "append", "log", "value", "{k}", "k", takes={"k": "a.n"}),
    )
    run.start()
    wait_until("it runs", lambda: run.folder.load_status() and run.status.step("a").cell)
    assert (run.status.step("a").cell, run.status.step("a").cells) == (2, 3)
    run.kill()
    process = run.step_process()
    assert process.is_running()
    runner = run.start()
    wait_until("it is followed", lambda: run.folder.runner() is not None)
    (tmp_path / "go").touch()
    assert runner.wait(30) == 0
    assert run.status.state is State.SUCCEEDED
    assert run.lines() == ["a:1", "b:1"]
    assert json.loads((tmp_path / "k").read_text()) == 7


@pytest.mark.shows("K60")
def test_the_runner_is_killed_between_intent_and_start(tmp_path: Path, make: Make) -> None:
    run = make(words("a", "append", "log"))
    journal = Journal(run.folder.journal)
    moment = run.spec.created
    journal.append(
        Begun(time=moment),
        Intended(time=moment, step="a", attempt=1, nonce="lost", boot=attempt.boot()),
    )
    journal.close()
    status = run.finish()
    assert status.state is State.SUCCEEDED
    assert [one.number for one in status.step("a").attempts] == [1]
    assert run.lines() == ["a:1"]
    # Even one that was on its way all the time comes too late now.
    folder = run.folder.attempt("a", 1)
    late = [sys.executable, "-P", "-m", attempt.__name__, "lost", STANDIN, str(folder)]
    environment = dict(os.environ) | {"PYTHONPATH": str(ROOT)}
    assert subprocess.run(late, env=environment, timeout=30).returncode == 75
    assert run.lines() == ["a:1"]


@pytest.mark.shows("K60")
def test_the_runner_is_killed_between_start_and_note(tmp_path: Path, make: Make) -> None:
    """The process is there, and nothing but its claim says so."""
    run = make(words("a", "append", "log", "wait", "go"))
    run.start()
    wait_until("it runs", run.lines)
    run.kill()
    (tmp_path / "go").touch()
    process = run.step_process()
    wait_until("the step ends on its own", lambda: not process.is_running())
    assert not any(isinstance(event, Ended) for event in run.events)
    status = run.finish()
    assert status.state is State.SUCCEEDED
    assert run.lines() == ["a:1"]


def test_runner_and_step_are_killed(tmp_path: Path, make: Make) -> None:
    retry = {"times": 1, "pause": "0.1 s"}
    run = make(words("a", "append", "log", "orphan", "wait", "go", retry=retry))
    run.start()
    wait_until("it runs", run.lines)
    process = run.step_process()
    wait_until("it has a child", lambda: leftovers_of(process))
    (orphan,) = leftovers_of(process)
    run.kill()
    process.kill()
    (tmp_path / "go").touch()
    status = run.finish()
    assert [one.state for one in status.step("a").attempts] == [State.FAILED, State.SUCCEEDED]
    assert "without telling" in status.step("a").attempts[0].message
    assert run.lines() == ["a:1", "a:2"]
    wait_until("its child is gone", lambda: not orphan.is_running())


def leftovers_of(process: psutil.Process) -> list[psutil.Process]:
    """Its children."""
    return process.children()


@pytest.mark.shows("T120")
def test_a_step_is_killed(tmp_path: Path, make: Make) -> None:
    run = make(words("a", "append", "log", "unless", "x", "fail"), words("b", "die"))
    status = run.finish()
    assert status.state is State.FAILED
    assert status.step("b").attempts[0].exit_code == 137
    assert "SIGKILL" in status.step("b").message
    assert status.step("b").remedy
    assert status.step("a").message == "Cell 2 has failed."


def test_a_step_ends_without_an_outcome_or_with_a_spoilt_one(tmp_path: Path, make: Make) -> None:
    spoilt = Step(name="b", command=("sh", "-c", f"rm -f {tmp_path}/x"))
    run = make(words("a", "leave"), spoilt)
    status = run.finish()
    assert status.state is State.FAILED
    assert "exit status 3" in status.step("a").message
    assert status.step("b").state is State.SUCCEEDED


@pytest.mark.shows("K67")
def test_what_has_failed_is_never_called_done(tmp_path: Path, make: Make) -> None:
    """An outcome is told, but the process has not ended: its step hasn't either."""
    run = make(words("a", "tell", "append", "log", "wait", "go", "fail"))
    run.start()
    wait_until("it has told", run.lines)
    wait_until("it runs", lambda: run.state("a") is State.RUNNING)
    (tmp_path / "go").touch()
    assert run.runners[-1].wait(30) == 0
    assert run.status.step("a").state is State.FAILED


def test_what_a_step_leaves_is_ended(tmp_path: Path, make: Make) -> None:
    run = make(words("a", "orphan"), words("b", "append", "log", after=("a",)))
    assert run.finish().state is State.SUCCEEDED
    nothing_left(tmp_path)
    assert run.marked() == []


@pytest.mark.parametrize("stubborn", [False, True])
def test_cancelled_while_it_runs(tmp_path: Path, make: Make, stubborn: bool) -> None:
    more = ("stubborn",) if stubborn else ()
    run = make(
        words("a", *more, "append", "log", "wait", "go"),
        words("b", "append", "log", after=("a",)),
    )
    runner = run.start()
    wait_until("it runs", run.lines)
    run.folder.cancel_file.touch()
    assert runner.wait(30) == 0
    assert run.status.state is State.CANCELLED
    assert run.status.step("a").state is State.CANCELLED
    assert run.status.step("b").state is State.WAITING
    assert run.lines() == ["a:1"]


def test_a_step_that_does_not_end_after_its_timeout_is_ended(tmp_path: Path, make: Make) -> None:
    run = make(words("a", "stubborn", "append", "log", "wait", "go", timeout="0.2 s"))
    run.settings = run.settings.model_copy(update={"slack": 0.2})
    status = run.finish()
    assert status.state is State.FAILED
    assert "longer than its timeout" in status.message
    assert run.marked() == []


def test_cancelled_while_nobody_carries_it_out(tmp_path: Path, make: Make) -> None:
    run = make(words("a", "append", "log", "wait", "go"))
    run.start()
    wait_until("it runs", run.lines)
    run.kill()
    run.folder.cancel_file.touch()
    assert run.finish().step("a").state is State.CANCELLED


def test_cancelled_while_it_pauses(tmp_path: Path, make: Make) -> None:
    run = make(words("a", "fail", retry={"times": 3, "pause": "1 h"}))
    runner = run.start()
    wait_until(
        "it pauses",
        lambda: run.folder.load_status() and run.status.step("a").state is State.PAUSING,
    )
    run.folder.cancel_file.touch()
    assert runner.wait(30) == 0
    assert run.status.state is State.CANCELLED
    assert run.status.step("a").state is State.CANCELLED


@pytest.mark.shows("K58")
def test_resumed_it_keeps_the_records_of_what_has_succeeded(tmp_path: Path, make: Make) -> None:
    run = make(
        words("one", "append", "log"),
        words("two", "append", "log", after=("one",)),
        words("three", "append", "log", "unless", "repaired", after=("two",)),
    )
    assert run.finish().state is State.FAILED
    before = {path: path.read_bytes() for path in run.folder.state.glob("steps/*/1/outcome.json")}
    assert len(before) == 3
    (tmp_path / "repaired").touch()
    run.folder.resume_file.touch()
    status = run.finish()
    assert status.state is State.SUCCEEDED
    assert run.lines() == ["one:1", "two:1", "three:1", "three:2"]
    assert all(path.read_bytes() == content for path, content in before.items())
    assert not run.folder.resume_file.exists()
    assert run.finish().state is State.SUCCEEDED  # once more: nothing happens


def test_only_one_carries_it_out(tmp_path: Path, make: Make) -> None:
    run = make(words("a", "append", "log", "wait", "go"))
    first = run.start()
    wait_until("it runs", run.lines)
    assert run.start().wait(30) == 0
    (tmp_path / "go").touch()
    assert first.wait(30) == 0
    assert run.lines() == ["a:1"]


def test_asked_to_leave_it_leaves_the_step_alone(tmp_path: Path, make: Make) -> None:
    run = make(words("a", "append", "log", "wait", "go"))
    runner = run.start()
    wait_until("it runs", run.lines)
    runner.terminate()
    assert runner.wait(30) == 0
    assert run.step_process().is_running()
    (tmp_path / "go").touch()
    assert run.finish().state is State.SUCCEEDED
    assert run.lines() == ["a:1"]


def test_a_disk_that_is_full_for_a_while(tmp_path: Path, make: Make) -> None:
    run = make(words("a", "append", "log", "wait", "go"), words("b", "append", "log", after=("a",)))
    runner = run.start()
    wait_until("it runs", run.lines)
    size = run.folder.journal.stat().st_size
    _, most = resource.prlimit(runner.pid, resource.RLIMIT_FSIZE)
    resource.prlimit(runner.pid, resource.RLIMIT_FSIZE, (size, most))
    (tmp_path / "go").touch()
    wait_until("it says so", lambda: "journal" in run.folder.log.read_text())
    assert runner.poll() is None
    assert run.lines() == ["a:1"]
    resource.prlimit(runner.pid, resource.RLIMIT_FSIZE, (most, most))
    assert runner.wait(30) == 0
    assert run.status.state is State.SUCCEEDED
    assert run.status.message == ""
    assert run.lines() == ["a:1", "b:1"]


def test_a_torn_journal(tmp_path: Path, make: Make) -> None:
    run = make(words("a", "append", "log", "wait", "go"))
    run.start()
    wait_until("it runs", run.lines)
    run.kill()
    with run.folder.journal.open("ab") as file:
        file.write(b'{"what": "ended", "step": "a", "sta')
    (tmp_path / "go").touch()
    assert run.finish().state is State.SUCCEEDED
    assert run.lines() == ["a:1"]


def test_a_spoilt_journal_is_told(tmp_path: Path, make: Make) -> None:
    run = make(words("a", "append", "log"))
    run.folder.journal.write_bytes(b"nonsense\n" * 2)
    assert run.start().wait(30) == 1
    assert "spoilt" in run.folder.log.read_text()
    assert run.lines() == []


def test_the_machine_was_restarted(tmp_path: Path, make: Make) -> None:
    run = make(words("a", "append", "log", retry={"times": 1, "pause": "0.1 s"}))
    journal = Journal(run.folder.journal)
    moment = run.spec.created
    journal.append(
        Begun(time=moment),
        Intended(time=moment, step="a", attempt=1, nonce="n", boot="another"),
    )
    journal.close()
    status = run.finish()
    assert [one.state for one in status.step("a").attempts] == [State.FAILED, State.SUCCEEDED]
    assert status.step("a").attempts[0].message == "The machine was restarted."


@pytest.mark.shows("K62")
def test_nfr3_secrets_are_in_one_file_only(
    tmp_path: Path, make: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = make(words("a", "token", "t", "environment", "e", "append", "log", "wait", "go"))
    run.folder.access_file.write_text(json.dumps({"api": "http://x", "token": "s3cret"}))
    run.start()
    wait_until("it runs", run.lines)
    process = run.step_process()
    for one in (process, psutil.Process(run.runners[-1].pid)):
        assert "s3cret" not in " ".join(one.cmdline())
        assert "s3cret" not in Path(f"/proc/{one.pid}/environ").read_text()
    (tmp_path / "go").touch()
    run.runners[-1].wait(30)
    assert (tmp_path / "t").read_text() == "s3crethttp://x"
    assert "s3cret" not in (tmp_path / "e").read_text()
    holding = [p for p in run.folder.path.rglob("*") if p.is_file() and b"s3cret" in p.read_bytes()]
    assert holding == [run.folder.access_file]


@pytest.mark.parametrize("forks", [True, False], ids=["forked", "plain"])
def test_both_ways_to_start(tmp_path: Path, make: Make, forks: bool) -> None:
    run = make(words("a", "say", "hello", "append", "log"))
    run.settings = run.settings.model_copy(update={"forks": forks})
    assert run.finish().state is State.SUCCEEDED
    log = run.folder.attempt("a", 1) / "log.txt"
    assert log.read_text() == "hello\n"
    assert log.stat().st_mode & 0o777 == 0o600


@pytest.mark.shows("K60")
def test_nfr1_killed_again_and_again(tmp_path: Path, make: Make) -> None:
    """At whatever moment: each step is executed exactly once."""
    names = [f"s{i}" for i in range(5)]
    steps = [words(n, "append", n, after=names[max(0, i - 1) : i]) for i, n in enumerate(names)]
    run = make(*steps)

    def killed_at(step: str) -> None:
        runner = run.start()
        wait_until(
            f"{step} has begun, or all is over",
            lambda: run.lines(step) or runner.poll() is not None,
            every=0.001,
        )
        os.kill(runner.pid, signal.SIGKILL)
        runner.wait(10)

    for name in names:
        killed_at(name)
    assert run.finish().state is State.SUCCEEDED
    assert [run.lines(name) for name in names] == [[f"{name}:1"] for name in names]
    assert leftovers(tmp_path) == []
