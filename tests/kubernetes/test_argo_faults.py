"""What may happen to a run on a cluster, with the real Argo: nothing is called done that was not.

Runs that wait for the same things are carried out at the same time.
"""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from kubernetes_asyncio.client import ApiClient, CoreV1Api

from alongside_workflows import Step
from alongside_workflows.executors.argo.executor import ArgoExecutor
from alongside_workflows.model import Amounts
from alongside_workflows.runs import RunStatus, State
from tests.kubernetes import watching
from tests.kubernetes.argo_stage import CONTROLLER, PATIENCE, Objects, Stage
from tests.workflows.executor_suite import (
    ACCESS,
    lines,
    make_run,
    shell,
    status_of,
    until,
    wait_until,
)

pytestmark = pytest.mark.timeout(2 * PATIENCE)
ENDS_SLOWLY = (
    "trap 'sleep 2; echo end >> log; exit 1' TERM; echo begin >> log; test -e go && exit 0; "
    "sleep 600 & wait"
)


@pytest.fixture
def objects(kubernetes: ApiClient, argo_stage: Stage) -> Objects:
    return Objects(kubernetes, argo_stage.settings.namespace)


async def written(path: Path, wanted: list[str]) -> None:
    """Until a file has these lines."""
    await wait_until(lambda: lines(path) == wanted, PATIENCE)


def states(status: RunStatus, step: str) -> list[State]:
    return [attempt.state for attempt in status.step(step).attempts]


@pytest.mark.shows("T120")
async def test_a_pod_that_is_taken_away_has_failed(
    argo: ArgoExecutor, objects: Objects, argo_stage: Stage
) -> None:
    """It is tried again as told: not at all, if nothing was told."""
    tried, moved = (argo_stage.directory() for _ in range(2))
    twice = "echo x >> log; test $(wc -l < log) -ge 2 || sleep 600"
    again = shell("a", twice, retry={"times": 1, "pause": "0.1 s"})
    once, after = shell("a", "echo x >> log; sleep 600"), shell("b", "echo y >> log", after=("a",))
    await argo.submit(make_run("tried", tried, again), ACCESS)
    await argo.submit(make_run("moved", moved, once, after), ACCESS)
    await asyncio.gather(*(written(place / "log", ["x"]) for place in (tried, moved)))
    (pod,) = await objects.pods("tried")
    await objects.delete_pod(pod.metadata.name)
    (pod,) = await objects.pods("moved")
    await objects.evict_pod(pod.metadata.name)
    status = await until(argo, "tried", State.SUCCEEDED, PATIENCE)
    assert states(status, "a") == [State.FAILED, State.SUCCEEDED]
    assert "removed" in status.step("a").attempts[0].message
    status = await until(argo, "moved", State.FAILED, PATIENCE)
    assert states(status, "a") == [State.FAILED]
    assert status.message
    assert status.remedy
    assert status.step("b").state is State.WAITING
    assert (lines(tried / "log"), lines(moved / "log")) == (["x", "x"], ["x"])


@pytest.mark.shows("K60")
async def test_nfr1_a_controller_and_a_service_that_die_in_the_middle(
    argo: ArgoExecutor, kubernetes: ApiClient, argo_stage: Stage
) -> None:
    """The run goes on, and each of its steps was carried out once."""
    place = argo_stage.directory()
    spec = make_run(
        "outlives",
        place,
        shell("a", "echo a >> log"),
        shell("b", "echo b >> log; while ! test -e go; do sleep 0.1; done", after=("a",)),
        shell("c", "echo c >> log", after=("b",)),
    )
    first = ArgoExecutor(argo_stage.settings, argo_stage.kubeconfig)
    await first.open()
    await first.submit(spec, ACCESS)
    await first.close()
    await written(place / "log", ["a", "b"])
    core, (namespace, labels) = CoreV1Api(kubernetes), CONTROLLER
    (old,) = (await core.list_namespaced_pod(namespace, label_selector=labels)).items
    await core.delete_namespaced_pod(old.metadata.name, namespace, grace_period_seconds=0)
    (place / "go").touch()  # while there is nobody who sees that step end
    await watching.until(
        core.list_namespaced_pod,
        namespace,
        label_selector=labels,
        condition=lambda pod: (
            pod.metadata.uid != old.metadata.uid and pod.status.phase == "Running"
        ),
    )
    status = await until(argo, "outlives", State.SUCCEEDED, PATIENCE)
    assert lines(place / "log") == ["a", "b", "c"]
    assert all(states(status, step) == [State.SUCCEEDED] for step in "abc")


@pytest.mark.shows("K58", "K63")
async def test_a_workflow_that_somebody_ends_by_hand(
    argo: ArgoExecutor, objects: Objects, argo_stage: Stage
) -> None:
    """The run has ended, with a sentence; resumed, it does not meet what was still ending."""
    hands = {
        "stopped": lambda run: objects.shut_down(run, "Stop"),
        "terminated": lambda run: objects.shut_down(run, "Terminate"),
        "deleted": objects.delete_workflow,
    }
    places = {run: argo_stage.directory() for run in hands}
    for run, place in places.items():
        after = shell("b", "echo b >> log", after=("a",))
        await argo.submit(make_run(run, place, shell("a", ENDS_SLOWLY), after), ACCESS)
    for run, hand in hands.items():
        await written(places[run] / "log", ["begin"])
        await hand(run)
    for run, place in places.items():
        wanted = State.FAILED if run == "deleted" else State.CANCELLED
        status = await until(argo, run, wanted, PATIENCE)
        assert status.message
        assert status.remedy
        assert status.ended
        assert status.step("b").state is State.WAITING
        (place / "go").touch()
        await argo.resume(run, ACCESS)
    for run, place in places.items():
        await until(argo, run, State.SUCCEEDED, PATIENCE)
        assert lines(place / "log") == ["begin", "end", "begin", "b"], run
        await argo.forget(run)
    for run in places:
        assert await status_of(argo, run) is None
        await objects.until_nothing_is_left(run)


@pytest.mark.shows("K67")
async def test_each_way_to_fail_has_its_sentence(argo: ArgoExecutor, argo_stage: Stage) -> None:
    place = argo_stage.directory()
    eats = "import time; held = bytearray(10**9); time.sleep(600)"
    failing = {
        "slow": shell("slow", "sleep 600", timeout="1 s"),
        "forgetful": shell("forgetful", "true", outputs={"made": "nothing.csv"}),
        "killed": shell("killed", "kill -9 $PPID"),
        "greedy": Step(
            name="greedy",
            command=("python", "-c", eats),
            resources=Amounts(memory=200 * 2**20),
        ),
    }
    words = {
        "slow": "longer",
        "forgetful": "nothing.csv",
        "killed": "exit status 137",
        "greedy": "memory",
    }
    after = shell("after", "touch after", after=tuple(failing))
    spec = make_run("fails", place, *failing.values(), after, parallel=10)
    nowhere = "localhost/there-is-no-such-image:1"
    absent = make_run("absent", place, shell("a", "true", image=nowhere))
    await asyncio.gather(argo.submit(spec, ACCESS), argo.submit(absent, ACCESS))
    status = await until(argo, "fails", State.FAILED, PATIENCE)
    for name, word in words.items():
        step = status.step(name)
        assert step.state is State.FAILED, name
        assert step.remedy, name
        assert word in f"{step.message} {step.remedy}", name
    assert status.step("after").state is State.WAITING
    assert not (place / "after").exists()
    # It may come yet: it is waited for, with the reason, until somebody gives up.
    await until(argo, "absent", lambda s: nowhere in s.step("a").message, PATIENCE)
    await argo.cancel("absent")
    await until(argo, "absent", State.CANCELLED, PATIENCE)
