"""A step that has failed for want of memory is tried again on a backend that has more."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

import alongside
from alongside.errors import InvalidFields
from alongside.models import Resources, Spec
from alongside_service.run_need import Need, need, place_of
from alongside_workflows import Workflow, submit
from alongside_workflows.executors.base import ObservedRun
from alongside_workflows.files import parse_workflow
from alongside_workflows.runs import Attempt, RunSpec, RunStatus, State, StepRun
from tests.client.real import real_service
from tests.waiting import wait_until

CATALOGUE = """\
profiles:
  small:
    title: Small
    backends:
      dask: {options: {workers: 1, cores: 1, memory: 300 MiB}}
  large:
    title: Large
    backends:
      dask: {options: {workers: 1, cores: 1, memory: 600 MiB}}
"""
NEEDS = """
from distributed import Client
(worker,) = Client().scheduler_info()["workers"].values()
if worker["memory_limit"] < 500 * 2**20:
    raise MemoryError(worker["memory_limit"])
"""


@pytest.mark.slow
@pytest.mark.shows("T120")
def test_what_fails_on_one_backend_succeeds_on_the_other_as_its_rule_says(tmp_path: Path) -> None:
    step = {
        "name": "fit",
        "command": ["python", "-c", NEEDS],
        "backend": {"profile": "small"},
        "retry": {"times": 1, "pause": "0.1 s", "backend": {"profile": "large"}},
    }
    flow = Workflow.model_validate({"name": "fit", "steps": [step], "directory": str(tmp_path)})
    with real_service(CATALOGUE) as real, alongside.Client(real.url, real.token) as service:
        run = submit(flow, service=service, wait=True, wait_for=150)
        first, second = run.step("fit").attempts
        assert (first.state, second.state) == (State.FAILED, State.SUCCEEDED)
        assert "" != first.backend != second.backend == run.step("fit").backend
        assert "MemoryError" in run.log("fit", attempt=1)
        assert run.log("fit", attempt=2) == ""
        recorded = json.dumps(run.record())
        assert second.backend in recorded
        wait_until("no backend is left", lambda: not service.backends(), 60)


def workflow(**step: Any) -> Workflow:
    steps = [{"name": "fit", "command": ["true"], "backend": {}, **step}]
    return parse_workflow(json.dumps({"name": "w", "steps": steps}), "w.json")


ELSEWHERE = {"times": 1, "backend": {"profile": "large", "wait": "1 h"}}


def test_a_rule_that_can_never_be_followed_is_told() -> None:
    with pytest.raises(InvalidFields, match="'fit' is not tried again"):
        workflow(retry=ELSEWHERE | {"times": 0})
    with pytest.raises(InvalidFields, match="'fit' has no backend"):
        workflow(retry=ELSEWHERE, backend=None)
    flow = workflow(retry=ELSEWHERE)
    assert flow.wait_of(flow.steps[0]) == timedelta(hours=1)


def test_its_name_is_that_of_no_step() -> None:
    flow = workflow(retry=ELSEWHERE)
    twin = flow.steps[0].model_copy(update={"name": "fit-again"})
    both = flow.model_copy(update={"steps": (*flow.steps, twin)})
    places = [place_of(each, flow.steps[0], 2) for each in (flow, both)]
    assert [place and place.name for place in places] == ["fit-again", "fit-again-"]


MOMENT = datetime(2026, 1, 1, tzinfo=UTC)


@pytest.mark.parametrize(
    ("name", "attempts", "state", "needed"),
    [
        ("fit", 1, State.RUNNING, Need()),
        ("fit", 1, State.PAUSING, Need()),
        ("fit", 2, State.RUNNING, Need(MOMENT, "its step goes on with another one")),
        ("fit-again", 2, State.RUNNING, Need()),
        ("fit-again", 2, State.SUCCEEDED, Need(MOMENT, "its step has succeeded")),
    ],
)
def test_how_long_each_is_needed(name: str, attempts: int, state: State, needed: Need) -> None:
    spec = RunSpec(
        id="w-abcdef",
        owner="ada",
        workflow=workflow(retry=ELSEWHERE),
        executor="local",
        created=MOMENT,
    )
    tried = tuple(
        Attempt(number=number, state=State.FAILED, started=MOMENT)
        for number in range(1, attempts + 1)
    )
    step = StepRun(name="fit", state=state, attempts=tried)
    run = ObservedRun(spec, RunStatus(state=State.RUNNING, steps=(step,)))
    backend = Spec(
        id=f"{name}-x",
        name=f"{name}-abcdef",
        kind="dask",
        platform="local",
        profile="small",
        owner="ada",
        session=None,
        options={},
        resources=Resources(),
        created=MOMENT,
        run=spec.id,
    )
    assert need(backend, run, MOMENT) == needed
