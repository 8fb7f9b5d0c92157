"""How far a run is, from what Argo says of its Workflow. Pure.

The statuses are written by the documentation and source of Argo Workflows 3.7, not recorded from a
cluster; the tests in `tests/kubernetes` meet the real controller.
"""

from __future__ import annotations

import base64
import gzip
import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from alongside_workflows import Retry
from alongside_workflows.executors.argo.attempt import encoded
from alongside_workflows.executors.argo.parts import next_part
from alongside_workflows.executors.argo.status import Beside, attempt_node, status_of
from alongside_workflows.executors.base import ObservedRun
from alongside_workflows.runs import RunSpec, RunStatus, State
from tests.workflows.argo_runs import CREATED, notebook, run_of

NAME = "run-weather-abc"
NOW = CREATED + timedelta(hours=1)


def at(seconds: int) -> str:
    return (CREATED + timedelta(seconds=seconds)).strftime("%Y-%m-%dT%H:%M:%SZ")


def node(name: str, phase: str, message: str = "", **more: Any) -> dict[str, Any]:
    """One node of a Workflow's status."""
    told = {"type": "Pod", "id": f"{NAME}-{abs(hash(name))}", "name": name, "phase": phase} | more
    told.setdefault("startedAt", at(1))
    if phase not in ("Pending", "Running"):
        told.setdefault("finishedAt", at(9))
    return told | ({"message": message} if message else {})


def outputs(exit_code: int | None = None, **told: Any) -> dict[str, Any]:
    """What a node has told, as Argo keeps it."""
    found: dict[str, Any] = {
        "parameters": [{"name": name, "value": encoded(value)} for name, value in told.items()]
    }
    return found if exit_code is None else found | {"exitCode": str(exit_code)}


def workflow(
    phase: str, *nodes: dict[str, Any], part: int = 1, shutdown: str = "", **status: Any
) -> dict[str, Any]:
    """A Workflow in this phase. Nodes are named by their tasks."""
    name = f"{NAME}-{part}"
    named = [each | {"name": f"{name}.{each['name']}"} for each in nodes]
    over = {"finishedAt": at(10)} if phase in ("Succeeded", "Failed", "Error") else {}
    return {
        "metadata": {"name": name},
        "spec": {"shutdown": shutdown} if shutdown else {},
        "status": {
            "phase": phase,
            "startedAt": at(1),
            **over,
            **status,
            "nodes": {str(number): each for number, each in enumerate(named)},
        },
    }


def chain(**more: Any) -> RunSpec:
    return run_of(notebook("a", results=("n",)), notebook("b", after=("a",)), **more)


def seen(spec: RunSpec, *parts: dict[str, Any]) -> RunStatus:
    return status_of(spec, parts, NOW)


def test_a_run_without_a_workflow_is_being_submitted_for_a_while() -> None:
    spec = chain()
    assert status_of(spec, [], CREATED).state is State.WAITING
    late = status_of(spec, [], NOW)
    assert late.state is State.FAILED
    assert "no Workflow" in late.message
    assert late.remedy


def test_a_run_that_argo_has_not_looked_at_waits() -> None:
    status = seen(chain(), {"metadata": {"name": f"{NAME}-1"}, "spec": {}})
    assert status.state is State.WAITING
    assert {step.state for step in status.steps} == {State.WAITING}


def test_a_step_that_runs_tells_its_cell() -> None:
    status = seen(chain(), workflow("Running", node("a", "Running", progress="3/10")))
    assert status.state is State.RUNNING
    step = status.step("a")
    assert (step.state, step.cell, step.cells) == (State.RUNNING, 3, 10)
    assert status.step("b").state is State.WAITING


@pytest.mark.parametrize("cells", [(2, 2), (1, 2), (None, None), ("2", 2)])
def test_a_step_that_was_too_quick_for_argo_has_told_its_cells_itself(cells: Any) -> None:
    outcome = {"exit_code": 0, "cell": cells[0], "cells": cells[1]}
    ended = node("a", "Succeeded", progress="1/1", outputs=outputs(0, outcome=outcome, results={}))
    step = seen(chain(), workflow("Running", ended)).step("a")
    assert (step.cell, step.cells) == (cells if isinstance(cells[0], int) else (None, None))


@pytest.mark.parametrize(
    ("message", "words"),
    [
        ("PodInitializing", "being made"),
        ("Unschedulable: 0/2 nodes are available: 2 Insufficient cpu.", "No node has room"),
        ('ImagePullBackOff: Back-off pulling image "x"', "can't be had"),
        ('CreateContainerConfigError: secret "x" not found', "can't be set up"),
        ("Strange: as nobody knows it", "as nobody knows it"),
        ("", "being made"),
    ],
)
def test_a_pod_that_waits_says_why(message: str, words: str) -> None:
    step = seen(chain(), workflow("Running", node("a", "Pending", message))).step("a")
    assert step.state is State.RUNNING
    assert words in step.message


def test_a_run_that_succeeded_has_its_results() -> None:
    told = outputs(0, results={"n": 3}, outcome={"exit_code": 0, "backend": "dask-1"})
    status = seen(
        chain(),
        workflow("Succeeded", node("a", "Succeeded", outputs=told), node("b", "Succeeded")),
    )
    assert (status.state, status.message) == (State.SUCCEEDED, "")
    assert status.ended == CREATED + timedelta(seconds=10)
    step = status.step("a")
    assert (step.results, step.backend) == ({"n": 3}, "dask-1")
    (attempt,) = step.attempts
    assert (attempt.state, attempt.exit_code, attempt.number) == (State.SUCCEEDED, 0, 1)


@pytest.mark.parametrize(
    ("spent", "seconds"), [({"waiting": 1.5}, 1.5), ({"waiting": "long"}, None), ("x", None)]
)
def test_an_attempt_has_what_its_step_tells_of_it(spent: Any, seconds: float | None) -> None:
    told = outputs(0, outcome={"exit_code": 0, "backend": "dask-1", "spent": spent}, results={})
    status = seen(chain(), workflow("Running", node("a", "Succeeded", outputs=told)))
    (attempt,) = status.step("a").attempts
    assert attempt.backend == "dask-1"
    assert (attempt.spent.waiting if attempt.spent else None) == seconds


def test_what_the_step_says_goes_before_what_argo_says() -> None:
    outcome = {"exit_code": 1, "message": "Cell 4 raised ValueError.", "remedy": "Correct it."}
    failed = node(
        "a", "Failed", "main: Error (exit code 1)", outputs=outputs(1, outcome=outcome, results={})
    )
    status = seen(chain(), workflow("Failed", failed, node("b", "Omitted", type="Skipped")))
    assert status.state is State.FAILED
    assert status.message == "Step 'a' has failed: Cell 4 raised ValueError."
    assert status.remedy == "Correct it."
    assert status.step("a").attempts[0].exit_code == 1
    assert status.step("b").state is State.WAITING
    assert status.step("b").message == "Not begun: step 'a' has failed."


@pytest.mark.parametrize(
    ("message", "words"),
    [
        ("main: OOMKilled (exit code 137)", "more memory than it may"),
        ("main: Error (exit code 3)", "exit status 3"),
        ("Error (exit code 3)", "exit status 3"),
        ("main: Error (exit code 1): The results are too large.", "The results are too large."),
        ("The node was low on resource: memory.", "short of resources"),
        ("Pod was active on the node longer than the specified deadline", "longer than it may"),
        ("pod deleted", "removed"),
        (
            "Pod failed before main container starts due to ErrImagePull: not there",
            "can't be had",
        ),
        ('pods "x" is forbidden: exceeded quota: q', "quota has no room"),
        (
            'workflowtaskresults.argoproj.io is forbidden: User "x" cannot create resource',
            "could not report",
        ),
        ("something new", "something new"),
        ("", "failed"),
    ],
)
def test_a_pod_that_failed_says_why_and_what_to_do(message: str, words: str) -> None:
    status = seen(chain(), workflow("Failed", node("a", "Failed", message)))
    step = status.step("a")
    assert (status.state, step.state) == (State.FAILED, State.FAILED)
    assert words in step.message
    assert step.remedy


def test_a_step_that_argo_could_make_no_pod_for_has_failed() -> None:
    broken = node("a", "Error", "failed to evaluate expression", type="Skipped")
    step = seen(chain(), workflow("Failed", broken)).step("a")
    assert (step.state, step.attempts) == (State.FAILED, ())
    assert "failed to evaluate expression" in step.message


def retried(task: str, phase: str, *attempts: dict[str, Any]) -> list[dict[str, Any]]:
    """The node that stands for all attempts, and theirs."""
    pods = [each | {"name": f"{task}({number})"} for number, each in enumerate(attempts)]
    return [node(task, phase, type="Retry"), *pods]


def test_a_step_that_is_tried_again_pauses() -> None:
    spec = run_of(notebook("a", retry=Retry(times=2)))
    failed = node("", "Failed", "main: Error (exit code 1)", outputs=outputs(1))
    step = seen(spec, workflow("Running", *retried("a", "Running", failed))).step("a")
    assert step.state is State.PAUSING
    assert step.message.endswith("Attempt 2 follows.")
    again = [failed, node("", "Running", startedAt=at(20))]
    step = seen(spec, workflow("Running", *retried("a", "Running", *again))).step("a")
    assert step.state is State.RUNNING
    assert [attempt.state for attempt in step.attempts] == [State.FAILED, State.RUNNING]
    gone = [failed] * 3
    step = seen(spec, workflow("Failed", *retried("a", "Failed", *gone))).step("a")
    assert (step.state, len(step.attempts)) == (State.FAILED, 3)


def test_attempts_are_in_order_also_from_the_tenth_on() -> None:
    spec = run_of(notebook("a", retry=Retry(times=20)))
    attempts = [node("", "Failed", outputs=outputs(number)) for number in range(12)]
    nodes = retried("a", "Failed", *attempts)
    step = seen(spec, workflow("Failed", nodes[0], *reversed(nodes[1:]))).step("a")
    assert [attempt.exit_code for attempt in step.attempts] == list(range(12))


def test_a_run_that_was_cancelled_tells_what_had_failed_before() -> None:
    spec = run_of(notebook("a"), notebook("b"), notebook("c", after=("b",)))
    own = {"exit_code": 1, "message": "Cell 1 raised.", "remedy": ""}
    nodes = [
        node("a", "Failed", "main: Error (exit code 1)", outputs=outputs(1, outcome=own)),
        node("b", "Failed", "workflow shutdown with strategy:  Terminate"),
    ]
    flow = workflow("Failed", *nodes, shutdown="Terminate")
    status = seen(spec, flow)
    assert (status.state, status.message) == (State.CANCELLED, "It was cancelled.")
    assert [step.state for step in status.steps] == [
        State.FAILED,
        State.CANCELLED,
        State.WAITING,
    ]
    assert "cancelled" in status.step("c").message


def test_a_run_that_is_being_cancelled_still_runs() -> None:
    status = seen(chain(), workflow("Running", node("a", "Running"), shutdown="Terminate"))
    assert (status.state, status.message) == (State.RUNNING, "Ending: It was cancelled.")
    assert status.step("a").state is State.RUNNING


def test_a_run_that_took_too_long_was_cancelled() -> None:
    spec = chain(timeout=timedelta(seconds=9))
    flow = workflow("Failed", node("a", "Failed", "Step exceeded its deadline"))
    status = seen(spec, flow)
    assert status.state is State.CANCELLED
    assert status.message == "It took longer than 9 s."
    assert status.step("a").state is State.CANCELLED


def test_a_workflow_that_argo_refuses_has_failed() -> None:
    status = seen(chain(), workflow("Error", message="invalid spec: templates.x"))
    assert status.state is State.FAILED
    assert "invalid spec: templates.x" in status.message


def test_nodes_of_large_workflows_are_unpacked() -> None:
    flow = workflow("Running", node("a", "Running", progress="1/4"))
    nodes = json.dumps(flow["status"].pop("nodes")).encode()
    flow["status"]["compressedNodes"] = base64.b64encode(gzip.compress(nodes)).decode()
    assert seen(chain(), flow).step("a").cells == 4


def test_a_resumed_run_goes_on_where_it_was() -> None:
    spec = chain()
    first = workflow(
        "Failed",
        node("a", "Succeeded", outputs=outputs(0, results={"n": 1})),
        node("b", "Failed", "main: Error (exit code 1)"),
    )
    part = next_part(ObservedRun(spec, seen(spec, first)), 1)
    assert part.number == 2
    assert part.done == {"a": {"n": 1}}
    assert part.tried == {"a": 1, "b": 1}
    number = {"parameters": [{"name": "number", "value": "2"}]}
    second = workflow("Succeeded", node("b", "Succeeded", inputs=number), part=2)
    status = seen(spec, first, second)
    assert status.state is State.SUCCEEDED
    assert status.step("a").results == {"n": 1}
    assert [attempt.number for attempt in status.step("b").attempts] == [1, 2]
    found = attempt_node([first, second], "b", 2)
    assert found is not None
    assert found.name == f"{NAME}-2.b"
    assert attempt_node([first, second], "b", 3) is None


def test_attempts_of_a_workflow_that_is_gone_keep_their_numbers() -> None:
    """Their files are there."""
    spec = run_of(notebook("a", retry=Retry(times=2)), notebook("b"))
    gone = status_of(spec, [], NOW, Beside(handed=2, lost=NOW))
    assert (gone.state, gone.ended) == (State.FAILED, NOW)
    assert "deleted its Workflow" in gone.message
    part = next_part(ObservedRun(spec, gone), 2, 2)
    assert (part.number, part.tried) == (3, {"a": 6, "b": 2})


@pytest.mark.parametrize("shutdown", ["Stop", "Terminate"])
def test_a_run_is_over_when_its_pods_are(shutdown: str) -> None:
    killed = node("a", "Failed", f"workflow shutdown with strategy:  {shutdown}")
    flow = workflow("Failed", killed, shutdown=shutdown)
    ending = status_of(chain(), [flow], NOW, Beside(1, busy=True))
    assert (ending.state, ending.message) == (State.RUNNING, "Ending: It was cancelled.")
    assert ending.ended is None
    ended = status_of(chain(), [flow], NOW, Beside(1))
    assert (ended.state, ended.message) == (State.CANCELLED, "It was cancelled.")


def test_a_pod_that_is_told_to_end_was_not_cancelled_by_us() -> None:
    told = outputs(143, outcome={"exit_code": 143, "message": "The step was cancelled."})
    step = seen(chain(), workflow("Failed", node("a", "Failed", "x", outputs=told))).step("a")
    assert step.state is State.FAILED
    assert "pod was removed" in step.message


def test_times_have_a_zone() -> None:
    status = seen(chain(), workflow("Running", node("a", "Running")))
    assert status.started == datetime(2026, 11, 22, 1, 0, 1, tzinfo=UTC)
