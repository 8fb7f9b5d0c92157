"""The backends of runs: launched when steps ask, in the owner's quota, and ended in time."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

import httpx
import pytest

from alongside.models import Resources, Spec, Status
from alongside.phases import Phase
from alongside.platforms.base import Observed
from alongside_service.reconciler import Facts, Stop, Wait, decide
from alongside_service.run_need import Need, need
from alongside_workflows.executors.base import ObservedRun
from alongside_workflows.model import Workflow
from alongside_workflows.runs import RunSpec, RunStatus, State, StepRun
from tests.doubles.memory_platform import MemoryPlatform
from tests.service.conftest import Running, running

T0 = datetime(2026, 11, 21, 12, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
ID = "report-abcdefghijklmnop"
WORKFLOW: dict[str, Any] = {
    "name": "report",
    "steps": [
        {"name": "plain", "command": ["true"]},
        {"name": "fit", "notebook": "fit.ipynb", "backend": {"options": {"workers": 2}}},
        {"name": "pool", "notebook": "x.ipynb", "backend": {"options": {"workers": 1}}},
        {"name": "one", "notebook": "one.ipynb", "backend": "pool"},
        {"name": "two", "notebook": "two.ipynb", "backend": "pool"},
        {"name": "here", "notebook": "here.ipynb", "backend": "session"},
    ],
    "backends": {"pool": {"options": {"workers": 3}, "minimum": 1}},
}


def run_with(state: State, ended: datetime | None = None, **steps: State) -> ObservedRun:
    spec = RunSpec(
        id=ID,
        owner="ada",
        workflow=Workflow.model_validate(WORKFLOW),
        executor="local",
        created=T0,
    )
    known = tuple(
        StepRun(name=s["name"], state=steps.get(s["name"], State.WAITING))
        for s in WORKFLOW["steps"]
    )
    return ObservedRun(spec, RunStatus(state=state, ended=ended, steps=known))


def backend(name: str) -> Spec:
    return Spec(
        id=f"{name}-x",
        name=name,
        kind="dask",
        platform="local",
        profile="small",
        owner="ada",
        session=None,
        options={},
        resources=Resources(),
        created=T0,
        run=ID,
    )


OWN, POOLED = "fit-klmnop", "pool-klmnop"


@pytest.mark.shows("K63", "K71")
@pytest.mark.parametrize(
    ("name", "run", "needed"),
    [
        (OWN, run_with(State.RUNNING), Need()),
        (OWN, run_with(State.WAITING), Need()),
        (OWN, run_with(State.RUNNING, fit=State.RUNNING), Need()),
        (OWN, run_with(State.RUNNING, fit=State.PAUSING), Need()),
        (OWN, run_with(State.RUNNING, fit=State.FAILED), Need()),
        (OWN, run_with(State.RUNNING, plain=State.SUCCEEDED), Need()),
        (OWN, run_with(State.RUNNING, fit=State.SUCCEEDED), Need(T0, "its step has succeeded")),
        (OWN, run_with(State.SUCCEEDED), Need(T0, "its run has succeeded")),
        (OWN, run_with(State.CANCELLED, T0), Need(T0, "its run was cancelled")),
        (OWN, None, Need(T0, "its run is gone")),
        (
            OWN,
            run_with(State.FAILED, T0 - MINUTE),
            Need(T0 + 9 * MINUTE, "its run has failed", forget=False),
        ),
        (POOLED, run_with(State.RUNNING, one=State.SUCCEEDED, two=State.SUCCEEDED), Need()),
        # a step that is called like what others share has one of another name
        (POOLED, run_with(State.RUNNING, pool=State.SUCCEEDED), Need()),
        (
            "pool-own-klmnop",
            run_with(State.RUNNING, pool=State.SUCCEEDED),
            Need(T0, "its step has succeeded"),
        ),
        (POOLED, run_with(State.SUCCEEDED), Need(T0, "its run has succeeded")),
    ],
)
def test_how_long_a_run_needs_a_backend(name: str, run: ObservedRun | None, needed: Need) -> None:
    assert need(backend(name), run, T0) == needed


@pytest.mark.parametrize(
    ("phase", "needed", "action"),
    [
        (Phase.RUNNING, None, Wait()),
        (Phase.RUNNING, Need(), Wait()),
        (Phase.PENDING, Need(T0, "its run is gone"), Stop("its run is gone", forget=True)),
        (Phase.RUNNING, Need(T0, "it failed", forget=False), Stop("it failed", forget=False)),
        (Phase.RUNNING, Need(T0 + MINUTE, "it failed", forget=False), Wait(T0 + MINUTE)),
        (Phase.STOPPING, Need(T0, "its run is gone"), Wait(T0 + 2 * MINUTE)),
    ],
)
def test_what_follows_for_the_backend(phase: Phase, needed: Need | None, action: Any) -> None:
    seen = Observed(backend(OWN), Status(phase=phase))
    assert decide(seen, Facts(now=T0, need=needed)) == action


async def submitted(run: Running, **changes: Any) -> tuple[str, httpx.AsyncClient]:
    """Id of a new run of ada, and a client with its token."""
    body = {"workflow": {**WORKFLOW, **changes}, "session": ""}
    answer = await run.user("ada").post("runs", json=body)
    assert answer.status_code == 202, answer.text
    id = answer.json()["id"]
    return id, run.client(run.executor.credentials[id].token)


async def asked(client: httpx.AsyncClient, id: str, step: str, attempt: int = 1) -> dict[str, Any]:
    answer = await client.post(f"runs/{id}/steps/{step}/backend", params={"attempt": attempt})
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


def of_run(run: Running, id: str) -> list[Observed]:
    return [seen for seen in run.platform.backends.values() if seen.spec.run == id]


@pytest.mark.shows("K55", "K56")
async def test_a_step_that_asks_gets_one_backend_of_its_own(run: Running) -> None:
    id, step = await submitted(run)
    assert not run.platform.backends
    first = await asked(step, id, "fit")
    assert (first["kind"], first["name"]) == ("dask", f"fit-{id[-6:]}")
    await run.settled(lambda: run.service.registry.get(first["id"]).status.ready == 2)
    ready = await asked(step, id, "fit")
    assert ready["id"] == first["id"]
    assert (ready["ready"], ready["members"], ready["wanted"]) == (True, 2, 2)
    spec = run.platform.backends[first["id"]].spec
    assert (spec.run, spec.owner, spec.session) == (id, "ada", None)
    pooled = {(await asked(step, id, name))["id"] for name in ("one", "two")}
    own = (await asked(step, id, "pool"))["id"]
    assert len(pooled | {own, first["id"]}) == 3
    assert len(of_run(run, id)) == 3
    none = await step.post(f"runs/{id}/steps/plain/backend?attempt=1")
    assert (none.status_code, none.json()["detail"]) == (404, "Step plain computes on no backend.")
    assert (await step.post(f"runs/{id}/steps/no/backend?attempt=1")).status_code == 404


@pytest.mark.shows("K25", "K61")
async def test_nfr2_a_backend_comes_up_while_the_pod_of_its_step_does(run: Running) -> None:
    """It is the one that the step's process is given when that asks; plain steps get none."""
    id, step = await submitted(run)
    run.executor.arrive(id, "plain", "fit", "here")
    await run.settled(lambda: bool(of_run(run, id)), 30)
    run.executor.arrive(id)
    run.executor.arrive(id, "fit")  # a pod that was taken away, and another one
    (early,) = of_run(run, id)
    assert early.spec.name == f"fit-{id[-6:]}"
    assert (await asked(step, id, "fit"))["id"] == early.spec.id
    run.executor.arrive(id, "one", "two", "fit")
    await run.settled(lambda: len(of_run(run, id)) == 2, 30)
    await run.user("ada").post(f"runs/{id}/cancel")
    await run.settled(lambda: not of_run(run, id), 30)
    run.executor.arrive(id, "pool")  # too late
    await run.settled(lambda: run.service.runs.get(id).arriving == {"pool"}, 30)
    assert not of_run(run, id)


async def test_it_is_ready_when_as_many_are_there_as_were_wanted(run: Running) -> None:
    run.platform.automatic = False
    id, step = await submitted(run)
    early = await asked(step, id, "one")
    assert not early["ready"]
    run.platform.become(early["id"], phase=Phase.RUNNING, ready=0, wanted=3)
    await run.settled(lambda: run.service.registry.get(early["id"]).status.wanted == 3)
    assert not (await asked(step, id, "one"))["ready"]
    run.platform.become(early["id"], phase=Phase.RUNNING, ready=1, wanted=3)
    await run.settled(lambda: run.service.registry.get(early["id"]).status.ready == 1)
    enough = await asked(step, id, "one")
    assert (enough["ready"], enough["members"], enough["wanted"]) == (True, 1, 1)


@pytest.mark.shows("K57")
async def test_a_full_quota_is_waited_for_with_its_reason(run: Running) -> None:
    id, step = await submitted(run)
    ada = run.user("ada")
    taken = [
        (await ada.post("backends", json={"kind": "dask", "name": f"b{n}"})).json()["id"]
        for n in range(3)
    ]
    for _ in range(2):
        waiting = await asked(step, id, "fit")
        assert not waiting["ready"]
        assert not waiting["failed"]
        assert "3 backends" in waiting["message"]
        assert waiting["remedy"]
    assert 'code="quota-exceeded"' not in run.service.metrics.text().decode()
    await ada.delete(f"backends/{taken[0]}")
    await run.settled(lambda: run.service.registry.get(taken[0]) is None)
    assert (await asked(step, id, "fit"))["id"]


async def test_a_platform_and_a_hub_that_are_silent_are_waited_for(run: Running) -> None:
    from alongside.errors import Unavailable

    id, step = await submitted(run)
    run.hub.down = True
    silent = await asked(step, id, "fit")
    assert (silent["failed"], silent["message"]) == (False, "The hub does not answer.")
    run.hub.down = False
    run.platform.fail("launch", Unavailable("Busy.", "Wait."), after=True)
    assert (await asked(step, id, "fit"))["message"] == "Busy."
    assert (await asked(step, id, "fit"))["id"]
    assert len(run.platform.launched) == 1  # although its first record had no answer


async def test_what_is_not_offered_any_more_fails_the_step(
    run: Running, catalogue_path: Any
) -> None:
    id, step = await submitted(run)
    text = catalogue_path.read_text()
    catalogue_path.write_text(
        text.replace("maximum: 4}", "maximum: 1}").replace("default: 2", "default: 1")
    )
    run.service.catalogue.refresh()
    refused = await asked(step, id, "fit")
    assert refused["failed"]
    assert "too large" in refused["message"]


async def test_one_that_has_failed_fails_its_attempt_and_the_next_gets_another(
    run: Running,
) -> None:
    run.platform.automatic = False
    id, step = await submitted(run)
    run.executor.step(id, "fit", State.RUNNING)
    first = await asked(step, id, "fit")
    run.platform.become(
        first["id"], phase=Phase.FAILED, message="No worker came.", ended=datetime.now(UTC)
    )
    await run.settled(lambda: not run.service.registry.get(first["id"]).status.live)
    failed = await asked(step, id, "fit")
    assert (failed["id"], failed["failed"], failed["message"]) == (
        first["id"],
        True,
        "No worker came.",
    )
    run.executor.step(id, "fit", State.PAUSING)
    run.executor.step(id, "fit", State.RUNNING)
    await run.settled(lambda: len(run.service.runs.get(id).status.step("fit").attempts) == 2)
    second = await asked(step, id, "fit", attempt=2)
    assert second["id"] != first["id"]
    assert not second["failed"]
    late = await step.post(f"runs/{id}/steps/fit/backend?attempt=1")
    assert (late.status_code, late.json()["detail"]) == (409, "Attempt 1 of step fit is over.")


async def test_one_that_was_stopped_is_followed_by_another(run: Running) -> None:
    id, step = await submitted(run)
    seen = set()

    def gone(backend: str) -> bool:
        return run.service.registry.get(backend) is None

    for _ in range(3):
        seen.add(found := (await asked(step, id, "fit"))["id"])
        assert (await run.user("ada").delete(f"backends/{found}")).status_code == 202
        await run.settled(partial(gone, found))
    assert len(seen) == 3


async def test_backend_session_is_the_one_of_that_session(run: Running) -> None:
    id, step = await submitted(run)
    none = await asked(step, id, "here")
    assert none["failed"]
    assert "This session has no Dask cluster" in none["message"]
    ada = run.user("ada")
    mine = (await ada.post("backends", json={"kind": "dask", "session": ""})).json()["id"]
    await ada.post("backends", json={"kind": "dask", "session": "other"})
    await run.settled(lambda: run.service.registry.get(mine).status.phase is Phase.RUNNING)
    found = await asked(step, id, "here")
    assert (found["id"], found["ready"]) == (mine, True)
    assert (await step.get(f"backends/{mine}/connection")).status_code == 200
    answer = await ada.post("runs", json={"workflow": WORKFLOW})  # from no session
    lone = run.client(run.executor.credentials[answer.json()["id"]].token)
    assert (await asked(lone, answer.json()["id"], "here"))["failed"]
    assert (await lone.get(f"backends/{mine}")).status_code == 404


@pytest.mark.shows("K63", "K71")
async def test_backends_end_with_their_step_and_with_their_run(run: Running) -> None:
    id, step = await submitted(run)
    own = (await asked(step, id, "fit"))["id"]
    pooled = (await asked(step, id, "one"))["id"]
    run.executor.step(id, "fit", State.RUNNING)
    run.executor.step(id, "fit", State.SUCCEEDED)
    await run.settled(lambda: own not in run.platform.backends)
    assert pooled in run.platform.backends
    run.executor.become(id, State.SUCCEEDED)
    await run.settled(lambda: not of_run(run, id))
    await run.settled(lambda: len(run.service.registry) == 0)


@pytest.mark.shows("K71")
async def test_many_runs_leave_nothing_behind(run: Running) -> None:
    for _ in range(10):
        id, step = await submitted(run)
        await asked(step, id, "fit")
        run.executor.step(id, "fit", State.SUCCEEDED)
        run.executor.become(id, State.SUCCEEDED)
        await run.settled(lambda: not run.platform.backends)
    assert len(run.platform.launched) == 10


@pytest.mark.shows("K63")
@pytest.mark.parametrize("how", ["cancel", "delete", "vanish"])
async def test_backends_end_at_once_when_nobody_needs_them(run: Running, how: str) -> None:
    id, step = await submitted(run)
    await asked(step, id, "fit")
    ada = run.user("ada")
    if how == "cancel":
        await ada.post(f"runs/{id}/cancel")
    elif how == "delete":
        await ada.delete(f"runs/{id}")
    else:
        run.executor.finish(id)
    await run.settled(lambda: not run.platform.backends)
    over = await step.post(f"runs/{id}/steps/fit/backend?attempt=1")
    assert over.status_code in (401, 409)


async def test_backends_of_a_failed_run_stay_for_a_while_and_are_used_again(run: Running) -> None:
    id, step = await submitted(run)
    kept = (await asked(step, id, "fit"))["id"]
    run.executor.step(id, "fit", State.FAILED)
    run.executor.become(id, State.FAILED)
    await run.settled(lambda: run.service.runs.get(id).status.state is State.FAILED)
    refused = await step.post(f"runs/{id}/steps/fit/backend?attempt=1")
    assert (refused.status_code, refused.json()["detail"]) == (409, "The run is over.")
    assert run.platform.backends[kept].status.phase is Phase.RUNNING
    assert (await run.user("ada").post(f"runs/{id}/resume")).status_code == 202
    assert (await asked(step, id, "fit"))["id"] == kept
    run.executor.become(id, State.FAILED)
    await run.settled(lambda: run.service.runs.get(id).status.state is State.FAILED)
    assert kept in run.platform.backends


@pytest.mark.shows("K63")
async def test_backends_of_a_failed_run_end_when_they_were_kept_for_long_enough(
    run: Running,
) -> None:
    id, step = await submitted(run, keep_backends="1 s")
    kept = (await asked(step, id, "fit"))["id"]
    run.executor.become(id, State.FAILED)
    await run.settled(lambda: not run.service.registry.get(kept).status.live)
    assert run.service.registry.get(kept) is not None  # its logs may say why


async def test_backends_are_not_ended_before_it_is_known_which_runs_there_are(
    catalogue_path: Any,
) -> None:
    platform = MemoryPlatform()
    async with running(catalogue_path, platform) as run:
        id, step = await submitted(run)
        kept = (await asked(step, id, "fit"))["id"]
        executor = run.executor
    async with running(catalogue_path, platform, executor) as run:
        await run.settled(lambda: run.service.leading)
        spec = run.service.registry.get(kept).spec
        assert run.service.run_desk.need(spec, T0) == Need()
        run.service.runs.complete = False
        run.service.runs._drop(id)
        assert run.service.run_desk.need(spec, T0) is None
    assert kept in platform.backends


async def test_a_backend_of_a_run_says_so(run: Running) -> None:
    id, step = await submitted(run)
    made = (await asked(step, id, "fit"))["id"]
    assert (await run.user("ada").get(f"backends/{made}")).json()["run"] == id
