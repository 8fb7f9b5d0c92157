"""Runs of real notebooks with real kernels: results flow, and no kernel is ever left."""

from __future__ import annotations

import json
from pathlib import Path

import nbformat
import pytest

from alongside_workflows.model import Step
from alongside_workflows.runs import State
from tests.waiting import wait_until
from tests.workflows.local_runs import Make, Run


def notebook(place: Path, name: str, *cells: str) -> None:
    """A notebook with these cells."""
    made = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(cell) for cell in cells])
    made.metadata["kernelspec"] = {
        "name": "python3",
        "display_name": "Python",
        "language": "python",
    }
    nbformat.write(made, place / name)


def real(run: Run) -> Run:
    """With the real step."""
    run.settings = run.settings.model_copy(update={"module": "alongside_workflows.step"})
    return run


@pytest.mark.shows("K68", "T117")
def test_results_of_one_are_parameters_of_the_next(tmp_path: Path, make: Make) -> None:
    notebook(tmp_path, "a.ipynb", "n = 1", "table = {'ü': [n, None]}")
    notebook(tmp_path, "b.ipynb", "t = {}", "import json; json.dump(t, open('out.json', 'w'))")
    run = real(
        make(
            Step(name="a", notebook="a.ipynb", parameters={"n": 41}, results=("table",)),
            Step(name="b", notebook="b.ipynb", takes={"t": "a.table"}),
        )
    )
    status = run.finish()
    assert status.state is State.SUCCEEDED, status
    assert json.loads((tmp_path / "out.json").read_text()) == {"ü": [41, None]}
    assert status.step("a").results == {"table": {"ü": [41, None]}}
    spent = status.step("a").attempts[0].spent
    assert spent is not None
    assert spent.computing > 0
    assert run.marked() == []


WAITING = (
    "open('log', 'a').write('x')",
    "import os, time\nwhile not os.path.exists('go'): time.sleep(0.02)",
    "open('log', 'a').write('y')",
)


@pytest.mark.shows("K60")
def test_a_cell_goes_on_while_its_runner_is_killed(tmp_path: Path, make: Make) -> None:
    notebook(tmp_path, "n.ipynb", *WAITING)
    run = real(make(Step(name="n", notebook="n.ipynb")))
    run.start()
    wait_until("it computes", (tmp_path / "log").exists)
    run.kill()
    runner = run.start()
    wait_until("progress is told", lambda: run.status.step("n").cell == 2)
    (tmp_path / "go").touch()
    assert runner.wait(60) == 0
    assert run.status.state is State.SUCCEEDED
    assert (tmp_path / "log").read_text() == "xy"
    assert run.marked() == []


def test_no_kernel_is_left_of_a_step_that_is_killed(tmp_path: Path, make: Make) -> None:
    notebook(tmp_path, "n.ipynb", *WAITING)
    run = real(make(Step(name="n", notebook="n.ipynb")))
    runner = run.start()
    wait_until("it computes", (tmp_path / "log").exists)
    assert run.marked()
    run.step_process().kill()
    assert runner.wait(60) == 0
    assert run.status.state is State.FAILED
    assert "SIGKILL" in run.status.step("n").message
    assert run.marked() == []


def test_no_kernel_is_left_when_all_are_killed(tmp_path: Path, make: Make) -> None:
    notebook(tmp_path, "n.ipynb", *WAITING)
    run = real(make(Step(name="n", notebook="n.ipynb")))
    run.start()
    wait_until("it computes", (tmp_path / "log").exists)
    run.kill()
    run.step_process().kill()
    assert run.finish().state is State.FAILED
    assert run.marked() == []


def test_cancelled_it_leaves_no_kernel(tmp_path: Path, make: Make) -> None:
    notebook(tmp_path, "n.ipynb", *WAITING)
    run = real(make(Step(name="n", notebook="n.ipynb")))
    run.settings = run.settings.model_copy(update={"grace": 20.0})
    runner = run.start()
    wait_until("it computes", (tmp_path / "log").exists)
    run.folder.cancel_file.touch()
    assert runner.wait(60) == 0
    assert run.status.step("n").state is State.CANCELLED
    assert run.status.step("n").attempts[0].exit_code == 143
    assert run.marked() == []


@pytest.mark.shows("K58")
def test_resumed_after_the_notebook_was_mended(tmp_path: Path, make: Make) -> None:
    notebook(tmp_path, "a.ipynb", "open('log', 'a').write('a')")
    notebook(tmp_path, "b.ipynb", "open('log', 'a').write('b')", "1 / 0")
    run = real(
        make(Step(name="a", notebook="a.ipynb"), Step(name="b", notebook="b.ipynb", after=("a",)))
    )
    assert run.finish().state is State.FAILED
    assert "ZeroDivisionError" in run.status.message
    notebook(tmp_path, "b.ipynb", "open('log', 'a').write('b')", "1 / 1")
    run.folder.resume_file.touch()
    assert run.finish().state is State.SUCCEEDED
    assert (tmp_path / "log").read_text() == "abb"
    assert run.folder.attempt("b", 2).joinpath("output.ipynb").exists()


def test_unchanged_notebooks_are_skipped(tmp_path: Path, make: Make) -> None:
    notebook(tmp_path, "a.ipynb", "n = 1", "open('out.txt', 'w').write(str(n))")
    step = Step(
        name="a", notebook="a.ipynb", outputs={"out": "out.txt"}, results=("n",), cache=True
    )
    assert real(make(step, id="one")).finish().state is State.SUCCEEDED
    assert real(make(step, id="two")).finish().step("a").unchanged == "one"
