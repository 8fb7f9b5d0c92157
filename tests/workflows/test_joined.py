"""Joined steps: one kernel for several notebooks, on real kernels, also when things are killed."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from alongside.errors import InvalidFields
from alongside_workflows.files import parse_workflow
from alongside_workflows.model import Step, Workflow
from alongside_workflows.runs import State
from tests.waiting import wait_until
from tests.workflows.local_runs import Make, Run
from tests.workflows.notebooks import notebook

WAIT = "import os, time\nwhile not os.path.exists('go'): time.sleep(0.02)"


def real(run: Run) -> Run:
    """With the real step."""
    run.settings = run.settings.model_copy(update={"module": "alongside_workflows.step"})
    return run


def chain(place: Path, *cells: str, **first: Any) -> tuple[Step, Step]:
    """Two joined steps: the first keeps something in memory, the second has these cells."""
    made = "data = [1, 2, 3]; open('log', 'a').write('a')"
    notebook(place / "a.ipynb", made)
    notebook(place / "b.ipynb", "open('log', 'a').write('b')", *cells, "total = sum(data)")
    return (
        Step(name="a", notebook="a.ipynb", **first),
        Step(name="b", notebook="b.ipynb", joined="a", results=("total",)),
    )


def at_work(run: Run) -> bool:
    """Whether the second step waits in its second cell."""
    status = run.folder.load_status()
    return status is not None and status.step("b").cell == 2


def numbers(run: Run, step: str) -> list[tuple[int, State]]:
    """Its attempts."""
    return [(one.number, one.state) for one in run.status.step(step).attempts]


@pytest.mark.shows("T121")
def test_what_is_in_memory_is_there_in_the_next_step(tmp_path: Path, make: Make) -> None:
    """The second one has parameters, results, outputs and an executed notebook of its own."""
    notebook(
        tmp_path / "one" / "a.ipynb",
        "import os\nimport array\nfile = open('/proc/self/io')",
        "data = array.array('d', range(1_000_000)); count = len(data)",
    )
    (tmp_path / "two").mkdir()
    (tmp_path / "two" / "beside.py").write_text("factor = 2")
    notebook(
        tmp_path / "two" / "b.ipynb",
        "n = 0\nscale = 1\ntable = ''",
        "file.seek(0); before = file.read().split()[1]",
        "mean = scale * sum(data) / n",
        "file.seek(0); after = file.read().split()[1]",
        "import beside, json, os\n"
        "told = os.environ['ALONGSIDE_STEP'], os.environ['table'] == table, beside.factor\n"
        "json.dump(mean, open(table, 'w'))\nread = int(after) - int(before)",
    )
    run = real(
        make(
            Step(name="a", notebook="one/a.ipynb", results=("count",)),
            Step(
                name="b",
                notebook="two/b.ipynb",
                joined="a",
                parameters={"scale": 10},
                takes={"n": "a.count"},
                outputs={"table": "out/mean.json"},
                results=("mean", "told", "read"),
            ),
            Step(
                name="c", command=("cp", "{t}", "copy"), inputs={"t": "out/mean.json"}, after=("b",)
            ),
        )
    )
    status = run.finish()
    assert status.state is State.SUCCEEDED, status
    results: dict[str, Any] = status.step("b").results
    assert results["mean"] == 10 * 499_999.5
    assert results["told"] == ["b", True, 2]
    # of files: what it has read of its own counter, and nothing of eight million bytes
    assert results["read"] < 10_000
    assert (tmp_path / "copy").read_text() == "4999995.0"
    assert "scale = 10" in (run.folder.attempt("b", 1) / "output.ipynb").read_text()
    assert (run.folder.attempt("b", 1) / "ro-crate-metadata.json").exists()
    assert run.marked() == []


@pytest.mark.shows("T121")
def test_the_second_fails_and_both_are_repeated(tmp_path: Path, make: Make) -> None:
    first, second = chain(tmp_path, retry={"times": 1, "pause": "0.05 s"})
    notebook(
        tmp_path / "b.ipynb",
        "import os\nopen('log', 'a').write('b')\nif not os.path.exists('go'):\n"
        "    open('go', 'w').close()\n    1 / 0",
        "total = sum(data)",
    )
    run = real(make(first, second))
    status = run.finish()
    assert status.state is State.SUCCEEDED, status
    assert (tmp_path / "log").read_text() == "abab"
    assert numbers(run, "a") == [(1, State.SUCCEEDED), (2, State.SUCCEEDED)]
    assert numbers(run, "b") == [(1, State.FAILED), (2, State.SUCCEEDED)]
    assert status.step("b").results == {"total": 6}
    assert run.marked() == []


@pytest.mark.shows("K60", "T121")
def test_the_runner_is_killed_and_the_process_goes_on(tmp_path: Path, make: Make) -> None:
    run = real(make(*chain(tmp_path, WAIT)))
    run.start()
    wait_until("the second is at work", lambda: at_work(run))
    assert run.status.step("a").state is State.SUCCEEDED
    run.kill()
    (tmp_path / "go").touch()
    status = run.finish()
    assert status.state is State.SUCCEEDED, status
    assert (tmp_path / "log").read_text() == "ab"
    assert numbers(run, "a") == numbers(run, "b") == [(1, State.SUCCEEDED)]
    assert run.marked() == []


@pytest.mark.shows("K60", "T121")
@pytest.mark.parametrize("victim", ["kernel", "process"])
def test_kernel_or_process_is_killed_in_the_second(tmp_path: Path, make: Make, victim: str) -> None:
    """It fails alone, with a sentence; when the run is resumed, the first one is repeated too."""
    run = real(make(*chain(tmp_path, WAIT)))
    runner = run.start()
    wait_until("the second is at work", lambda: at_work(run))
    process = run.step_process()
    if victim == "kernel":
        for child in process.children():
            child.kill()
    else:
        process.kill()
    assert runner.wait(60) == 0
    assert run.status.state is State.FAILED
    assert numbers(run, "a") == [(1, State.SUCCEEDED)]
    assert numbers(run, "b") == [(1, State.FAILED)]
    assert "SIGKILL" in run.status.step("b").message
    assert run.marked() == []
    (tmp_path / "go").touch()
    run.folder.resume_file.touch()
    status = run.finish()
    assert status.state is State.SUCCEEDED, status
    assert (tmp_path / "log").read_text() == "abab"
    assert numbers(run, "a")[-1] == numbers(run, "b")[-1] == (2, State.SUCCEEDED)
    assert run.marked() == []


def test_cancelled_in_the_second(tmp_path: Path, make: Make) -> None:
    run = real(make(*chain(tmp_path, WAIT), Step(name="c", command=("true",), after=("a",))))
    runner = run.start()
    wait_until("the second is at work", lambda: at_work(run))
    run.folder.cancel_file.touch()
    assert runner.wait(60) == 0
    assert run.status.state is State.CANCELLED
    assert [run.state(name) for name in "abc"] == [
        State.SUCCEEDED,
        State.CANCELLED,
        State.WAITING,  # what comes after the first waits for the whole chain
    ]
    assert run.marked() == []


def test_the_second_has_a_timeout_of_its_own(tmp_path: Path, make: Make) -> None:
    first, second = chain(tmp_path, WAIT)
    run = real(make(first, Step.model_validate(second.model_dump() | {"timeout": "2 s"})))
    status = run.finish()
    assert status.state is State.FAILED
    assert status.step("a").state is State.SUCCEEDED
    assert "timeout" in status.step("b").message
    assert run.marked() == []


def test_a_notebook_in_another_language(tmp_path: Path, make: Make) -> None:
    first, second = chain(tmp_path)
    notebook(tmp_path / "b.ipynb", "1", kernel="nowhere")
    status = real(make(first, second)).finish()
    assert status.state is State.FAILED
    assert "no kernel 'nowhere'" in status.step("b").message


DEFINITION = """
name: w
steps:
  - {name: a, notebook: a.ipynb, backend: {kind: dask}}
  - {name: b, notebook: b.ipynb, joined: a%s}
  - {name: c, notebook: c.ipynb%s}
"""


@pytest.mark.parametrize(
    ("second", "third", "place", "sentence"),
    [
        ("", ", joined: a", "steps.2.joined", "so does 'b'"),
        (", cache: true", "", "steps.1.cache", "can't be skipped"),
        (", image: other", "", "steps.1.image", "with the `image` of that"),
        (", backend: session", "", "steps.1.backend", "with the `backend` of that"),
        (", retry: {times: 3}", "", "steps.1.retry", "with the `retry` of that"),
        (", after: [c]", ", after: [a]", "steps", "a+b → c → a+b"),
    ],
)
def test_what_can_not_be_joined(second: str, third: str, place: str, sentence: str) -> None:
    with pytest.raises(InvalidFields) as refused:
        parse_workflow(DEFINITION % (second, third))
    (error,) = refused.value.errors
    assert error.field.endswith(place)
    assert sentence in error.message
    assert error.remedy


def test_the_first_of_a_chain_is_not_skipped_either() -> None:
    with pytest.raises(InvalidFields, match="goes on in its memory"):
        parse_workflow(DEFINITION.replace("{kind: dask}", "{kind: dask}, cache: true") % ("", ""))


def test_a_long_chain_is_one_begun_in_any_order() -> None:
    steps = [Step(name="s0", notebook="n.ipynb")]
    steps += [Step(name=f"s{n}", notebook="n.ipynb", joined=f"s{n - 1}") for n in range(1, 500)]
    chains = Workflow(name="w", steps=tuple(reversed(steps))).chains
    assert chains.steps == {"s0": tuple(f"s{n}" for n in range(500))}
    assert chains.last("s3") == "s499"
