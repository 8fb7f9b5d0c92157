"""What the pods of a run say before Argo has taken note. Pure; the real ones are met in
`tests/kubernetes`."""

from __future__ import annotations

import json
from typing import Any

from alongside_workflows import Retry
from alongside_workflows.executors.argo.ahead import NODE, ahead
from alongside_workflows.executors.argo.compile import manifests
from alongside_workflows.executors.argo.naming import workflow_name
from alongside_workflows.executors.argo.status import status_of
from alongside_workflows.runs import RunSpec, RunStatus, State
from tests.workflows.argo_runs import API, CREATED, SETTINGS, notebook, run_of

BEGUN, ENDED = "2026-11-22T01:00:01Z", "2026-11-22T01:00:07Z"
TOLD = {"outcome": {"exit_code": 0, "cell": 4, "cells": 4}, "results": {"n": 3}}


def workflow(spec: RunSpec, shutdown: str = "", **phases: str) -> dict[str, Any]:
    """The run's Workflow as it was made, with these nodes. `name__0`: an attempt of several."""
    found = manifests(spec, SETTINGS, API)[-1]
    root = workflow_name(spec.id, 1)
    nodes = {}
    for name, phase in phases.items():
        task, _, number = name.partition("__")
        called = f"{root}.{task}({number})" if number else f"{root}.{task}"
        sort = "Retry" if f"{name}__0" in phases else "Pod"
        nodes[called] = {"name": called, "type": sort, "phase": phase, "startedAt": BEGUN}
    status = {"phase": "Running", "startedAt": BEGUN, "nodes": nodes}
    body = {**found["spec"], **({"shutdown": shutdown} if shutdown else {})}
    return {**found, "spec": body, "status": status}


def pod(spec: RunSpec, task: str, message: object = TOLD, exit_code: int = 0) -> dict[str, Any]:
    """One whose step has ended."""
    text = message if isinstance(message, str) else json.dumps(message)
    ended = {"exitCode": exit_code, "message": text, "finishedAt": ENDED}
    return pod_in(spec, task, terminated=ended)


def pod_in(spec: RunSpec, task: str, **state: Any) -> dict[str, Any]:
    containers = [{"name": "wait", "state": {"running": {}}}, {"name": "main", "state": state}]
    return {
        "metadata": {"annotations": {NODE: f"{workflow_name(spec.id, 1)}.{task}"}},
        "status": {"containerStatuses": containers},
    }


def seen(spec: RunSpec, item: dict[str, Any], *pods: dict[str, Any]) -> RunStatus:
    return status_of(spec, [ahead(item, pods)], CREATED)


ONE = run_of(notebook("a", results=("n",)))
TWO = run_of(notebook("a", results=("n",)), notebook("b", after=("a",)))


def test_a_run_has_succeeded_when_the_last_of_its_pods_says_so() -> None:
    status = seen(ONE, workflow(ONE, a="Running"), pod(ONE, "a"))
    assert status.state is State.SUCCEEDED
    assert status.step("a").results == {"n": 3}
    assert (status.step("a").cell, status.step("a").cells) == (4, 4)
    assert status.ended == status.step("a").attempts[-1].ended
    assert status.ended is not None
    assert status.ended.second == 7


def test_until_the_last_one_has_begun_it_goes_on() -> None:
    status = seen(TWO, workflow(TWO, a="Running"), pod(TWO, "a"))
    assert (status.state, status.step("a").state) == (State.RUNNING, State.SUCCEEDED)
    assert status.step("b").state is State.WAITING


def test_what_succeeds_with_its_second_attempt_has_succeeded() -> None:
    spec = run_of(notebook("a", retry=Retry(times=2)))
    item = workflow(spec, a="Running", a__0="Failed", a__1="Running")
    status = seen(spec, item, pod(spec, "a(0)", "", 1), pod(spec, "a(1)"))
    assert status.state is State.SUCCEEDED
    assert [attempt.state for attempt in status.step("a").attempts] == [
        State.FAILED,
        State.SUCCEEDED,
    ]


def test_what_failed_is_told_by_argo_which_knows_whether_it_is_repeated() -> None:
    item = workflow(ONE, a="Running")
    assert ahead(item, [pod(ONE, "a", exit_code=1)]) is item


def test_without_what_came_of_it_argo_is_waited_for() -> None:
    item = workflow(ONE, a="Running")
    for message in ("", "Done.", "[1]", json.dumps(TOLD)[:20]):
        assert ahead(item, [pod(ONE, "a", message)]) is item


def test_a_run_that_is_being_cancelled_is_left_to_argo() -> None:
    item = workflow(ONE, shutdown="Terminate", a="Running")
    assert ahead(item, [pod(ONE, "a")]) is item


def test_what_argo_has_noted_counts_and_pods_of_others_do_not() -> None:
    item = workflow(ONE, a="Failed")
    assert ahead(item, [pod(ONE, "a"), pod(TWO, "b"), {"metadata": {}}]) is item


def test_a_step_has_begun_when_its_container_runs() -> None:
    item = workflow(ONE, a="Pending")
    item["status"]["nodes"][f"{workflow_name(ONE.id, 1)}.a"]["message"] = "ContainerCreating"
    assert seen(ONE, item, pod_in(ONE, "a", running={"startedAt": BEGUN})).step("a").message == ""
    assert seen(ONE, item, pod_in(ONE, "a", waiting={})).step("a").message != ""
