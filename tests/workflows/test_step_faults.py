"""What goes wrong while a notebook is executed: never called done, never an orphan."""

from __future__ import annotations

import re
import signal
import time
from pathlib import Path

import pytest

from alongside.platforms.local import process
from alongside_workflows.task import BAD_INPUT, CANCELLED, DEAD_KERNEL, FAILED, TIMED_OUT
from tests.workflows.notebooks import Attempt, notebook, wait_for

pytestmark = pytest.mark.slow

CHILD = "import subprocess; child = subprocess.Popen(['sleep', '1000']); print('begun')"
ENDLESS = "import time\nprint('looping')\nwhile True: time.sleep(0.01)"


def stay(tmp_path: Path, **step: object) -> Attempt:
    """An attempt that doesn't end by itself, with a process beside its kernel."""
    path = notebook(tmp_path / "n.ipynb", CHILD, ENDLESS)
    return Attempt(tmp_path, step={"notebook": str(path), **step})


def looping(attempt: Attempt) -> list[process.Identity]:
    """Wait until it is in its endless loop; the processes that it has then."""
    wait_for(lambda: "looping" in attempt.printed, "the loop")
    found = attempt.offspring()
    assert len(found) == 2
    return found


@pytest.mark.shows("K67")
def test_a_cell_that_fails_is_named(tmp_path: Path) -> None:
    path = notebook(tmp_path / "n.ipynb", "x = 1", "print('before')\nx / 0", "x = 2")
    attempt = Attempt(tmp_path, step={"notebook": str(path), "output": "failed.ipynb"})
    outcome = attempt.run()
    assert outcome.exit_code == FAILED
    assert outcome.message == "Cell 2 of 3 has failed: ZeroDivisionError: division by zero."
    assert outcome.remedy
    shown = attempt.executed.cells[2].outputs
    assert [output.output_type for output in shown] == ["stream", "error"]
    assert attempt.executed.cells[3].execution_count is None
    assert (tmp_path / "failed.ipynb").exists()


def test_a_kernel_that_is_killed_is_dead_not_done(tmp_path: Path) -> None:
    path = notebook(tmp_path / "n.ipynb", "print(1)", "import os; os.kill(os.getpid(), 9)")
    attempt = Attempt(tmp_path, step={"notebook": str(path)})
    outcome = attempt.run()
    assert outcome.exit_code == DEAD_KERNEL
    assert outcome.message == "The kernel has died in cell 2 of 2 (killed by signal 9 (SIGKILL))."
    assert "memory" in outcome.remedy
    assert attempt.printed == "1\n"


def test_a_kernel_that_leaves_is_dead_even_with_exit_code_0(tmp_path: Path) -> None:
    path = notebook(tmp_path / "n.ipynb", "import os; os._exit(0)")
    outcome = Attempt(tmp_path, step={"notebook": str(path)}).run()
    assert outcome.exit_code == DEAD_KERNEL
    assert "exit code 0" in outcome.message


def test_a_step_that_is_killed_takes_its_kernel_along(tmp_path: Path) -> None:
    path = notebook(tmp_path / "n.ipynb", ENDLESS)
    attempt = Attempt(tmp_path, step={"notebook": str(path)})
    with attempt.started() as started:
        wait_for(lambda: "looping" in attempt.printed, "the loop")
        kernel = attempt.offspring()
        assert len(kernel) == 1
        started.kill()
        started.wait(10)
        assert process.wait_gone(kernel, 5) == []
    assert not (attempt.folder / "outcome.json").exists()


@pytest.mark.parametrize("signum", [signal.SIGTERM, signal.SIGINT])
def test_a_step_that_is_told_to_end_leaves_nothing_behind(
    tmp_path: Path, signum: signal.Signals
) -> None:
    attempt = stay(tmp_path)
    with attempt.started() as started:
        below = looping(attempt)
        began = time.monotonic()
        started.send_signal(signum)
        assert started.wait(10) == CANCELLED
        assert time.monotonic() - began < 10
        assert process.wait_gone(below, 0) == []
    assert attempt.outcome.message == "The step was cancelled in cell 2 of 2."
    last = attempt.executed.cells[-1].outputs
    assert [output.get("ename") for output in last] == [None, "KeyboardInterrupt"]


def test_a_kernel_that_does_not_listen_is_ended_as_well(tmp_path: Path) -> None:
    deaf = "import signal; signal.signal(signal.SIGINT, signal.SIG_IGN)"
    path = notebook(tmp_path / "n.ipynb", deaf, ENDLESS)
    attempt = Attempt(tmp_path, step={"notebook": str(path)})
    with attempt.started() as started:
        wait_for(lambda: "looping" in attempt.printed, "the loop")
        below = attempt.offspring()
        started.terminate()
        assert started.wait(10) == CANCELLED
        assert process.wait_gone(below, 0) == []


def test_who_is_told_to_end_before_it_has_begun_does_not_begin(tmp_path: Path) -> None:
    attempt = stay(tmp_path)
    with attempt.started() as started:
        # It listens before anything else, so from when Python has made its signals.
        wait_for(lambda: catches(started.pid, signal.SIGTERM), "the signal's handler")
        started.terminate()
        assert started.wait(20) == CANCELLED
    assert not (attempt.folder / "output.ipynb").exists()


def catches(pid: int, signum: int) -> bool:
    status = Path(f"/proc/{pid}/status").read_text()
    caught = int(status.split("SigCgt:")[1].split()[0], 16)
    return bool(caught >> (signum - 1) & 1)


def test_a_step_that_takes_too_long_has_failed(tmp_path: Path) -> None:
    attempt = stay(tmp_path, timeout="3 s")
    outcome = attempt.run()
    assert outcome.exit_code == TIMED_OUT
    assert outcome.message.startswith("The step took longer than its timeout, 3 s")
    assert outcome.remedy


def peak_memory(pid: int) -> int:
    """The most that a process has held since it began its program, in KiB.

    The usage that wait4() reports counts what its parent held when it forked, here all of pytest.
    """
    found = re.search(r"^VmHWM:\s+(\d+) kB$", Path(f"/proc/{pid}/status").read_text(), re.MULTILINE)
    return int(found[1]) if found else 0  # none: it has just ended


def test_an_endless_output_neither_stops_it_nor_fills_the_disk(tmp_path: Path) -> None:
    flood = "line = 'x' * 9_999\nfor i in range(10_000): print(line)"
    path = notebook(tmp_path / "n.ipynb", flood, "done = 1\nprint('after')")
    attempt = Attempt(tmp_path, step={"notebook": str(path), "results": ["done"]})
    with attempt.started() as started:
        most = 0
        while started.poll() is None:
            most = max(most, peak_memory(started.pid))
            time.sleep(0.05)
    assert attempt.outcome.results == {"done": 1}, attempt.log
    assert 0 < most < 400 * 1024
    written = (attempt.folder / "output.ipynb").stat().st_size
    assert 8 * 2**20 < written < 10 * 2**20
    first, second = attempt.executed.cells[1:]
    assert "is left out" in first.outputs[-1].text
    assert second.outputs[0].text == "after\n"


def test_a_missing_input_stops_it_before_anything_runs(tmp_path: Path) -> None:
    path = notebook(tmp_path / "n.ipynb", "1")
    step = {"notebook": str(path), "inputs": {"data": "no/data.csv", "more": "nothing"}}
    attempt = Attempt(tmp_path, step=step)
    outcome = attempt.run()
    assert outcome.exit_code == BAD_INPUT
    assert "data (" in outcome.message
    assert "more (" in outcome.message
    assert not (attempt.folder / "output.ipynb").exists()


@pytest.mark.shows("K67")
def test_an_output_that_was_not_made_is_a_failure(tmp_path: Path) -> None:
    path = notebook(tmp_path / "n.ipynb", "1")
    step = {"notebook": str(path), "outputs": {"made": "out/made.txt"}}
    outcome = Attempt(tmp_path, step=step).run()
    assert outcome.exit_code == FAILED
    assert str(tmp_path / "out" / "made.txt") in outcome.message


def test_a_kernel_that_is_not_there_is_bad_input(tmp_path: Path) -> None:
    path = notebook(tmp_path / "n.ipynb", "1", kernel="cobol")
    outcome = Attempt(tmp_path, step={"notebook": str(path)}).run()
    assert outcome.exit_code == BAD_INPUT
    assert "There is no kernel 'cobol' here. Kernels: " in outcome.message
    assert "python3" in outcome.message


def test_a_task_that_is_none_is_told(tmp_path: Path) -> None:
    attempt = Attempt(tmp_path, step={"notebook": "n.ipynb"})
    (attempt.folder / "task.json").write_text("{")
    assert attempt.run().exit_code == BAD_INPUT
