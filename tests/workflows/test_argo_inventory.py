"""Runs as they are pieced together from objects of the cluster, and told to those who watch."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest

from alongside.platforms.kubernetes.api import Cluster
from alongside.platforms.kubernetes.objects import RUN
from alongside.platforms.kubernetes.resources import CONFIG_MAPS
from alongside_workflows.executors.argo.ahead import NODE
from alongside_workflows.executors.argo.compile import manifests
from alongside_workflows.executors.argo.inventory import Inventory
from alongside_workflows.executors.argo.naming import PARTS, WORKFLOWS
from alongside_workflows.executors.argo.parts import Part
from alongside_workflows.executors.argo.records import record, verdict
from alongside_workflows.executors.base import ObservedRun, RunChange
from alongside_workflows.runs import State
from tests.workflows.argo_runs import API, SETTINGS, notebook, run_of

SPEC = run_of(notebook("a"))


def kept(item: dict[str, Any], version: int, **status: Any) -> dict[str, Any]:
    """The object as the server has it."""
    place = {"namespace": "runs", "uid": item["metadata"]["name"], "resourceVersion": str(version)}
    found = {**item, "metadata": {**item["metadata"], **place}}
    return found | ({"status": status} if status else {})


RECORD = record(SPEC)
TASKS, FLOW = manifests(SPEC, SETTINGS, API)


@pytest.fixture
def inventory() -> Inventory:
    """Of a cluster that is not there: it only hears what it is told."""
    return Inventory(Cluster(), "runs")


async def test_a_run_is_known_by_its_record_and_its_state_by_its_workflow(
    inventory: Inventory,
) -> None:
    changes = inventory.watch()
    inventory.wrote(CONFIG_MAPS, kept(RECORD, 1))
    inventory.wrote(CONFIG_MAPS, kept(TASKS, 2))
    (run,) = inventory.observed()
    assert run.spec == SPEC
    assert [spec.id for spec in inventory.unsubmitted()] == [SPEC.id]
    inventory.wrote(WORKFLOWS, kept(FLOW, 3, phase="Running", startedAt="2026-11-22T01:00:01Z"))
    assert inventory.unsubmitted() == []
    assert inventory.unnoted() == [SPEC.id]
    async with asyncio.timeout(5):
        seen: list[RunChange] = []
        async for change in changes:
            seen.append(change)
            if isinstance(change, ObservedRun) and change.status.state is State.RUNNING:
                break
    assert [part["metadata"]["name"] for part in inventory.parts(SPEC.id)] == ["run-weather-abc-1"]


async def test_those_who_watch_are_told_once_and_let_go_at_the_end(inventory: Inventory) -> None:
    changes = inventory.watch()
    for version in (1, 2, 3):
        inventory.wrote(CONFIG_MAPS, kept(RECORD, version))
    inventory.close()
    async with asyncio.timeout(5):
        seen = [change async for change in changes]
    assert len(seen) == 1
    assert isinstance(seen[0], ObservedRun)


def test_a_workflow_that_somebody_deleted_is_not_taken_for_one_that_is_to_be_made(
    inventory: Inventory,
) -> None:
    item = kept(RECORD, 1)
    item["metadata"]["annotations"] = {**item["metadata"]["annotations"], PARTS: "2"}
    inventory.wrote(CONFIG_MAPS, item)
    assert not inventory.unsubmitted()
    assert not inventory.unnoted()
    assert inventory.last_part(SPEC.id) == 2
    run = inventory.find(SPEC.id)
    assert run is not None
    assert run.status.state is State.WAITING  # it has not been seen, but nor is it known to be gone


def test_a_run_whose_workflow_somebody_deletes_has_failed_until_it_is_resumed(
    inventory: Inventory,
) -> None:
    inventory.wrote(CONFIG_MAPS, kept(RECORD, 1))
    flow = kept(FLOW, 2, phase="Running", startedAt="2026-11-22T01:00:01Z")
    inventory.wrote(WORKFLOWS, flow)
    inventory._heard_workflow(flow, False)
    run = inventory.find(SPEC.id)
    assert run is not None
    assert run.status.state is State.FAILED
    assert "deleted its Workflow" in run.status.message
    assert run.status.remedy
    assert run.status.ended is not None
    assert inventory.find(SPEC.id) == run  # also as time goes by
    (_, again) = manifests(SPEC, SETTINGS, API, Part(2))
    inventory.wrote(WORKFLOWS, kept(again, 3, phase="Running", startedAt="2026-11-22T01:00:09Z"))
    run = inventory.find(SPEC.id)
    assert run is not None
    assert run.status.state is State.RUNNING


def test_a_run_has_ended_as_it_has_whoever_deletes_its_workflow(inventory: Inventory) -> None:
    """What has come of it is written down while its Workflow is there; resumed, it goes on."""
    inventory.wrote(CONFIG_MAPS, kept(RECORD, 1))
    times = {"startedAt": "2026-11-22T01:00:01Z", "finishedAt": "2026-11-22T01:00:09Z"}
    flow = kept(FLOW, 2, phase="Running", startedAt=times["startedAt"])
    inventory.wrote(WORKFLOWS, flow)
    assert not inventory.unwritten
    name = flow["metadata"]["name"]
    told = {"name": "results", "value": json.dumps({"n": 3})}
    step = {"name": f"{name}.a", "type": "Pod", "phase": "Succeeded", **times}
    nodes = {"1": {**step, "outputs": {"exitCode": "0", "parameters": [told]}}}
    over = kept(FLOW, 3, phase="Failed", nodes=nodes, **times)
    inventory.wrote(WORKFLOWS, over)
    assert inventory.unwritten == {SPEC.id}
    assert inventory.news.is_set()
    ended = inventory.find(SPEC.id)
    assert ended is not None
    assert ended.status.step("a").results == {"n": 3}
    inventory._heard_workflow(over, False)  # it is quicker than we can write
    assert inventory.unwritten == {SPEC.id}
    said = kept(verdict(SPEC, 1, ended.status), 4)
    inventory.wrote(CONFIG_MAPS, said)
    assert not inventory.unwritten
    assert inventory.find(SPEC.id) == ended
    assert (inventory.last_part(SPEC.id), inventory.lost_parts(SPEC.id)) == (1, 0)

    again = Inventory(Cluster(), "runs")  # a service that begins now
    for item in (said, kept(RECORD, 5)):
        again.wrote(CONFIG_MAPS, item)
    again._miss()
    assert again.find(SPEC.id) == ended
    assert not again.unwritten

    (_, second) = manifests(SPEC, SETTINGS, API, Part(2))
    resumed = kept(second, 6, phase="Running", startedAt="2026-11-22T02:00:00Z")
    again.wrote(WORKFLOWS, resumed)
    run = again.find(SPEC.id)
    assert run is not None
    assert (run.status.state, run.status.started) == (State.RUNNING, ended.status.started)
    assert run.status.step("a") == ended.status.step("a")
    noted = kept(RECORD, 7)
    noted["metadata"]["annotations"] = {**noted["metadata"]["annotations"], PARTS: "2"}
    again.wrote(CONFIG_MAPS, noted)
    again._heard_workflow(resumed, False)  # of this one nothing is known
    run = again.find(SPEC.id)
    assert run is not None
    assert run.status.state is State.FAILED
    assert run.status.step("a") == ended.status.step("a")
    assert again.lost_parts(SPEC.id) == 1


def test_a_spoilt_record_is_left_out(inventory: Inventory) -> None:
    inventory.wrote(CONFIG_MAPS, kept({**RECORD, "binaryData": {}}, 1))
    assert inventory.observed() == []
    assert inventory.find("unknown") is None
    inventory.wrote(CONFIG_MAPS, kept(RECORD, 2))
    before = inventory.find(SPEC.id)
    assert before is not None
    item = verdict(SPEC, 1, before.status)
    inventory.wrote(CONFIG_MAPS, kept({**item, "binaryData": {"status": "AAAA"}}, 3))
    assert inventory.find(SPEC.id) == before


def test_what_has_succeeded_stays_so_though_its_pod_goes_before_argo_has_noticed(
    inventory: Inventory,
) -> None:
    inventory.wrote(CONFIG_MAPS, kept(RECORD, 1))
    name = FLOW["metadata"]["name"]
    begun = {"startedAt": "2026-11-22T01:00:01Z"}
    step = {"name": f"{name}.a", "type": "Pod", "phase": "Running", **begun}
    inventory.wrote(WORKFLOWS, kept(FLOW, 2, phase="Running", nodes={"1": step}, **begun))
    told = {"exitCode": 0, "message": json.dumps({"outcome": {}, "results": {"n": 3}})}
    ended = {**told, "finishedAt": "2026-11-22T01:00:09Z"}
    pod = {
        "metadata": {
            "name": f"{name}-a",
            "labels": {RUN: SPEC.id},
            "annotations": {NODE: f"{name}.a"},
        },
        "status": {"containerStatuses": [{"name": "main", "state": {"terminated": ended}}]},
    }
    inventory._heard_pod(pod, True)
    run = inventory.find(SPEC.id)
    assert run is not None
    assert run.status.state is State.SUCCEEDED
    assert inventory.unwritten == {SPEC.id}
    inventory.wrote(CONFIG_MAPS, kept(verdict(SPEC, 1, run.status), 4))
    inventory._heard_pod(pod, False)
    assert inventory.find(SPEC.id) == run
