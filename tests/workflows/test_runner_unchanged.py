"""Steps that ask for it are skipped when nothing has changed, by real runners."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from alongside_workflows.model import Step
from alongside_workflows.runs import RunStatus, State
from tests.workflows.executor_suite import lines
from tests.workflows.local_runs import Make, words


def steps(**more: Any) -> tuple[Step, Step]:
    """A step that may be skipped, and one that takes its result."""
    first = words(
        "a",
        *("append", "log", "copy", "in", "out", "result", "n", "5"),
        inputs={"data": "in"},
        outputs={"table": "out"},
        results=("n",),
        cache=True,
        **more,
    )
    return first, words("b", "append", "log", "value", "{k}", "k", takes={"k": "a.n"})


@pytest.mark.shows("K58")
def test_skipped_while_nothing_has_changed(tmp_path: Path, make: Make) -> None:
    (tmp_path / "in").write_text("1")

    def once(id: str, **more: Any) -> RunStatus:
        (tmp_path / "log").unlink(missing_ok=True)
        return make(*steps(**more), id=id).finish()

    assert once("one").step("a").digest
    assert lines(tmp_path / "log") == ["a:1", "b:1"]
    second = once("two")
    assert second.state is State.SUCCEEDED
    assert second.step("a").unchanged == "one"
    assert second.step("a").results == {"n": 5}
    assert lines(tmp_path / "log") == ["b:1"]
    assert (tmp_path / "k").read_text() == "5"
    once("three", environment={"A": "b"})
    assert lines(tmp_path / "log") == ["a:1", "b:1"]
    (tmp_path / "out").unlink()
    once("four")
    assert lines(tmp_path / "log") == ["a:1", "b:1"], "its output is gone"
    (tmp_path / "in").write_text("2")
    assert once("five").step("a").unchanged == ""
    assert once("six").step("a").unchanged == "five"


def test_a_failure_is_no_outcome_to_take(tmp_path: Path, make: Make) -> None:
    step = words("a", "append", "log", "fail", cache=True)
    for id in ("one", "two"):
        assert make(step, id=id).finish().state is State.FAILED
    assert lines(tmp_path / "log") == ["a:1", "a:1"]


def test_what_can_not_be_examined_is_executed(tmp_path: Path, make: Make) -> None:
    step = words("a", "append", "log", cache=True, inputs={"x": "missing"})
    run = make(step)
    assert run.finish().state is State.SUCCEEDED
    assert lines(tmp_path / "log") == ["a:1"]
    assert "executed in any case" in run.folder.log.read_text()
