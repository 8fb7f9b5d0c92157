"""Notebooks that travel with the definition, for an executor that doesn't see the user's files."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from alongside.errors import InvalidRequest
from alongside_workflows import Workflow, digest
from alongside_workflows.executors.argo import attempt
from alongside_workflows.executors.argo.compile import manifests
from alongside_workflows.executors.argo.records import parse_record, record
from alongside_workflows.files import with_notebooks
from tests.workflows.argo_runs import SETTINGS, notebook, run_of
from tests.workflows.notebooks import notebook as written


def brought(folder: Path) -> Workflow:
    """A workflow that has been read where its notebook is, which is there no longer."""
    path = written(folder / "fit.ipynb", "n = 1", "print('n is', n)")
    flow = Workflow(name="w", steps=(notebook("fit", parameters={"n": 7}),), directory=str(folder))
    found = with_notebooks(flow)
    path.unlink()
    return found


def test_what_travels_is_all_that_is_executed(tmp_path: Path) -> None:
    flow = brought(tmp_path)
    assert list(flow.notebooks) == ["fit.ipynb"]
    assert flow.directory == ""
    assert with_notebooks(flow) == flow
    spec = run_of(*flow.steps, notebooks=flow.notebooks)
    assert parse_record(record(spec)) == spec


def test_a_notebook_that_is_not_there_is_named(tmp_path: Path) -> None:
    flow = Workflow(name="w", steps=(notebook("fit"),), directory=str(tmp_path))
    with pytest.raises(InvalidRequest, match=r"no notebook .*fit\.ipynb"):
        with_notebooks(flow)


def test_what_is_elsewhere_is_read_there(tmp_path: Path) -> None:
    step = notebook("fit").model_copy(update={"notebook": "s3://bucket/fit.ipynb"})
    assert not with_notebooks(Workflow(name="w", steps=(step,))).notebooks


def test_a_pod_without_the_users_files_executes_it(tmp_path: Path) -> None:
    flow = brought(tmp_path)
    (told, _) = manifests(run_of(*flow.steps, notebooks=flow.notebooks), SETTINGS, "")
    (tmp_path / "task").mkdir()
    (tmp_path / "task" / "task.json").write_text(told["data"]["fit"])
    home = {**os.environ, "HOME": str(tmp_path)}
    assert attempt.run(tmp_path / "run", tmp_path, home) == 0
    executed = json.loads((tmp_path / "run" / "fit" / "1" / "output.ipynb").read_text())
    assert "n is 7" in json.dumps([cell.get("outputs") for cell in executed["cells"]])


def test_a_step_is_skipped_by_the_notebook_that_travels(tmp_path: Path) -> None:
    flow = brought(tmp_path)
    (step,) = flow.steps
    memory = digest.Memory()

    def of(notebook: Mapping[str, Any] | None) -> str:
        return digest.digest(step, {}, str(tmp_path), memory, "env", notebook=notebook)

    same, other = flow.notebooks["fit.ipynb"], json.loads(json.dumps(flow.notebooks["fit.ipynb"]))
    other["cells"][-1]["source"] = "print('else')"
    assert of(same) == of(json.loads(json.dumps(same)))
    assert of(same) != of(other)
    with pytest.raises(digest.Unknowable):
        of(None)  # there is none on this machine
