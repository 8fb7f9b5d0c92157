"""A step that has failed and is replaced by another one."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from alongside.errors import InvalidFields
from alongside_workflows import Step, Workflow, with_notebooks
from alongside_workflows.files import parse_workflow
from alongside_workflows.runs import State
from alongside_workflows.task import CRATE
from tests.workflows.argo_runs import command as argo_command
from tests.workflows.argo_runs import run_of
from tests.workflows.local_runs import Make
from tests.workflows.notebooks import Attempt, notebook
from tests.workflows.test_argo_compile import workflow_of
from tests.workflows.test_joined import real


@pytest.mark.shows("T120")
def test_a_command_is_replaced_by_another_and_both_are_told(tmp_path: Path, make: Make) -> None:
    step = Step.model_validate(
        {
            "name": "fit",
            "command": ["sh", "-c", "echo fine >> log; exit 3"],
            "retry": {
                "times": 2,
                "pause": "0.1 s",
                "command": ["sh", "-c", "echo coarse >> log; echo n=1 > $ALONGSIDE_RESULTS"],
            },
            "results": ["n"],
            "cache": True,
        }
    )
    after = Step.model_validate(
        {"name": "next", "command": ["sh", "-c", "echo {n} >> log"], "takes": {"n": "fit.n"}}
    )
    status = real(make(step, after)).finish()
    assert status.state is State.SUCCEEDED
    assert [one.state for one in status.step("fit").attempts] == [State.FAILED, State.SUCCEEDED]
    assert (tmp_path / "log").read_text().split() == ["fine", "coarse", "1"]
    kept = {path.name for path in (tmp_path / "unchanged").iterdir()} - {"hashes.json"}
    assert not kept, "what another one has done is not its outcome"


@pytest.mark.shows("T120")
def test_a_notebook_is_replaced_by_another_one_that_travels_with_it(tmp_path: Path) -> None:
    notebook(tmp_path / "fine.ipynb", "n = 1", "raise MemoryError")
    notebook(tmp_path / "coarse.ipynb", "n = 2", "m = 10 * n")
    retry = {"times": 1, "notebook": "coarse.ipynb"}
    step = {"name": "fit", "notebook": "fine.ipynb", "retry": retry, "results": ["m"]}
    flow = Workflow.model_validate({"name": "w", "steps": [step], "directory": str(tmp_path)})
    brought = with_notebooks(flow).notebooks
    assert set(brought) == {"fine.ipynb", "coarse.ipynb"}
    attempt = Attempt(
        tmp_path / "elsewhere",
        attempt=2,
        values={"n": 3},
        notebook=brought["fine.ipynb"],
        instead=brought["coarse.ipynb"],
        directory=str(tmp_path),
        step=step,
    )
    outcome = attempt.run()
    assert outcome.succeeded, (outcome, attempt.log)
    assert outcome.results == {"m": 30}
    assert "coarse.ipynb" in (attempt.folder / CRATE).read_text()


def test_argo_runs_it_in_the_way_of_which_we_know_the_number(tmp_path: Path) -> None:
    retry = {"times": 1, "command": ["false"]}
    (alike, bare) = (
        workflow_of(run_of(argo_command("a", image="i", retry=one)))["spec"]["templates"][1]
        for one in (retry, {"times": 1})
    )
    assert "alongside_workflows" in json.dumps(alike["container"]["command"])
    assert "alongside_workflows" not in json.dumps(bare["container"]["command"])


@pytest.mark.parametrize(
    ("step", "place", "sentence"),
    [
        ({"retry": {"times": 1, "notebook": "n.ipynb"}}, "retry.notebook", "is no notebook"),
        ({"retry": {"command": ["x", "{n}"]}}, "retry.command", "is not tried again"),
        ({"retry": {"times": 1, "command": ["x"]}}, "retry.command", "'n' is given"),
        ({"retry": {"times": 1, "command": ["{n}", "{m}"]}}, "retry.command", "{m} is no"),
    ],
)
def test_a_replacement_that_can_never_be_is_told(
    step: dict[str, Any], place: str, sentence: str
) -> None:
    given = {"name": "a", "command": ["x", "{n}"], "parameters": {"n": 1}} | step
    with pytest.raises(InvalidFields) as refused:
        parse_workflow(json.dumps({"name": "w", "steps": [given]}), "w.json")
    (error,) = refused.value.errors
    assert error.field == f"steps.0.{place}"
    assert sentence in error.message
    assert error.remedy
