"""Runs over the API: submitted once, seen by whom they concern, ended, resumed, forgotten."""

from __future__ import annotations

import asyncio
import json
from datetime import timedelta
from typing import Any

import pytest

from alongside.errors import Unavailable
from alongside.models import now
from alongside_service.run_record import merged
from alongside_service.run_upkeep import superfluous
from alongside_service.runs import Runs
from alongside_workflows.executors.base import ObservedRun
from alongside_workflows.model import Workflow
from alongside_workflows.runs import Run, RunSpec, RunStatus, State, fresh
from alongside_workflows.task import CRATE, OUTPUT
from tests.doubles.memory_executor import MemoryExecutor
from tests.service.conftest import Running, running

MOUNTED: dict[str, Any] = {
    "volumes": [{"name": "shared", "persistentVolumeClaim": {"claimName": "many-nfs-pvc"}}],
    "volume_mounts": [{"name": "shared", "mountPath": "/shared"}],
}
DIAMOND = {
    "name": "diamond",
    "steps": [
        {"name": "a", "command": ["echo", "A"]},
        {"name": "b", "command": ["echo", "B"], "after": ["a"]},
        {"name": "c", "command": ["echo", "C"], "after": ["a"]},
        {"name": "d", "command": ["echo", "D"], "after": ["b", "c"]},
    ],
}
"""V1: A, then B and C, then D."""


def observed(state: State, ended: timedelta | None = None, **spec: Any) -> ObservedRun:
    """A run that ended this long ago."""
    moment = now()
    values = {"id": "r-x", "owner": "ada", "executor": "local", "created": moment, **spec}
    status = RunStatus(state=state, ended=None if ended is None else moment - ended)
    return ObservedRun(RunSpec(workflow=Workflow.model_validate(DIAMOND), **values), status)


@pytest.mark.shows("K69")
async def test_one_request_submits_a_workflow_and_its_key_makes_it_one_run(run: Running) -> None:
    ada = run.user("ada")
    headers = {"Idempotency-Key": "k1"}
    answers = await asyncio.gather(
        *(ada.post("runs", json={"workflow": DIAMOND}, headers=headers) for _ in range(3))
    )
    assert {answer.status_code for answer in answers} == {202}
    made = Run.model_validate(answers[0].json())
    assert {answer.json()["id"] for answer in answers} == {made.id}
    assert len(run.executor.runs) == 1
    assert answers[0].headers["location"].endswith(f"/runs/{made.id}")
    assert (made.name, made.owner, made.state) == ("diamond", "ada", State.WAITING)
    assert [step.name for step in made.steps] == ["a", "b", "c", "d"]
    assert made.workflow == Workflow.model_validate(DIAMOND)
    assert (await ada.get(f"runs/{made.id}")).json()["id"] == made.id
    text = run.service.metrics.text().decode()
    assert 'alongside_runs{executor="local",state="waiting"} 1.0' in text
    other = await ada.post("runs", json={"workflow": DIAMOND})
    assert other.json()["id"] != made.id
    listed = (await ada.get("runs")).json()
    assert [item["id"] for item in listed] == [other.json()["id"], made.id]
    assert "workflow" not in listed[0]


@pytest.mark.shows("K69")
async def test_without_a_token_nothing_is_submitted(run: Running) -> None:
    for token in (None, "wrong"):
        answer = await run.client(token).post("runs", json={"workflow": DIAMOND})
        assert answer.status_code == 401
    assert not run.executor.runs


async def test_a_key_that_was_used_for_something_else_is_refused(run: Running) -> None:
    ada, headers = run.user("ada"), {"Idempotency-Key": "k1"}
    first = await ada.post("runs", json={"workflow": DIAMOND}, headers=headers)
    changed = {"workflow": {**DIAMOND, "parallel": 1}}
    answer = await ada.post("runs", json=changed, headers=headers)
    assert (answer.status_code, answer.json()["field"]) == (422, "Idempotency-Key")
    await ada.delete(f"runs/{first.json()['id']}")
    again = await ada.post("runs", json={"workflow": DIAMOND}, headers=headers)
    assert (again.status_code, again.json()["title"]) == (409, "Conflict")


async def test_all_problems_of_a_definition_are_told_with_their_places(run: Running) -> None:
    wrong = {
        "name": "wrong",
        "steps": [
            {"name": "a", "command": ["true"], "after": ["z"]},
            {"name": "b", "notebook": "b.ipynb", "takes": {"n": "a.count"}, "backend": "big"},
            {"name": "c", "notebook": "c.ipynb", "backend": {"options": {"workers": 99}}},
        ],
    }
    ada = run.user("ada")
    for path, body, prefix in (
        ("runs", {"workflow": wrong}, "workflow.steps"),
        ("workflows/check", wrong, "steps"),
    ):
        answer = await ada.post(path, json=body)
        assert answer.status_code == 422
        errors = answer.json()["errors"]
        assert [error["field"] for error in errors] == [
            f"{prefix}.0.after",
            f"{prefix}.1.takes.n",
            f"{prefix}.1.backend",
        ]
        assert all(error["message"] and error["remedy"] for error in errors)
    assert not run.executor.runs


@pytest.mark.parametrize(
    ("wish", "place", "words"),
    [
        ({"options": {"workers": 99}}, "options.workers", "too large"),
        ({"kind": "spark"}, "kind", "no kind of backend"),
        ({"profile": "course"}, "profile", "no profile"),
        ({"options": {"workers": 2}, "minimum": 3}, "minimum", "3 workers of 2"),
    ],
)
async def test_a_backend_that_can_not_be_had_is_told_at_once(
    run: Running, wish: dict[str, Any], place: str, words: str
) -> None:
    step = {"name": "fit", "notebook": "fit.ipynb", "backend": wish}
    shared = {"name": "w", "steps": [step], "backends": {"pool": wish}}
    answer = await run.user("ada").post("workflows/check", json=shared)
    assert answer.status_code == 422
    fields = {error["field"]: error["message"] for error in answer.json()["errors"]}
    assert set(fields) == {
        f"workflow.steps.0.backend.{place}",
        f"workflow.backends.pool.{place}",
    }
    assert all(words in message for message in fields.values())


async def test_what_is_right_comes_back_in_full(run: Running) -> None:
    answer = await run.user("ada").post("workflows/check", json=DIAMOND)
    assert answer.status_code == 200
    assert Workflow.model_validate(answer.json()) == Workflow.model_validate(DIAMOND)
    assert answer.json()["parallel"] == 4


async def test_others_never_know_and_admins_see_and_end(run: Running) -> None:
    ada, bob, root = run.user("ada"), run.user("bob"), run.user("root", admin=True)
    id = (await ada.post("runs", json={"workflow": DIAMOND})).json()["id"]
    run.executor.step(id, "a", State.RUNNING)
    for method, path in (
        ("GET", f"runs/{id}"),
        ("DELETE", f"runs/{id}"),
        ("POST", f"runs/{id}/cancel"),
        ("POST", f"runs/{id}/resume"),
        ("POST", f"runs/{id}/steps/a/backend?attempt=1"),
        ("GET", f"runs/{id}/steps/a/log"),
        ("GET", f"runs/{id}/steps/a/notebook"),
        ("GET", f"runs/{id}/record"),
    ):
        assert (await bob.request(method, path)).status_code == 404, path
    assert (await bob.get("runs")).json() == []
    assert [r["id"] for r in (await root.get("runs")).json()] == [id]
    assert (await root.get("runs?owner=bob")).json() == []
    assert (await root.post(f"runs/{id}/cancel")).status_code == 202
    assert (await root.post(f"runs/{id}/resume")).status_code == 403
    assert (await root.post(f"runs/{id}/steps/a/backend?attempt=1")).status_code == 403
    assert (await root.delete(f"runs/{id}")).status_code == 204
    assert (await ada.get(f"runs/{id}")).status_code == 404


async def test_only_the_hub_names_accounts_owners_and_pods(run: Running) -> None:
    ada = run.user("ada")
    run.hub.add("bob")
    for body, field in (
        ({"workflow": DIAMOND, "account": "root"}, "account"),
        ({"workflow": DIAMOND, "owner": "bob"}, "owner"),
        ({"workflow": {**DIAMOND, "pod": {"image": "x"}}}, "workflow.pod"),
        ({"workflow": {**DIAMOND, "pod": MOUNTED | {"labels": {"a": "b"}}}}, "workflow.pod"),
    ):
        answer = await ada.post("runs", json=body)
        assert (answer.status_code, answer.json()["field"]) == (403, field)
    answer = await run.spawner.post(
        "runs", json={"workflow": DIAMOND, "owner": "bob", "account": "bob", "session": ""}
    )
    assert answer.status_code == 202
    spec = run.executor.runs[answer.json()["id"]].spec
    assert (spec.owner, spec.account, spec.session) == ("bob", "bob", "")


async def test_volumes_of_a_workflow_are_left_to_who_makes_its_pods(run: Running) -> None:
    """Argo's executor allows the claims that the operator has named."""
    body = {"workflow": {**DIAMOND, "pod": MOUNTED}}
    answer = await run.user("ada").post("runs", json=body)
    assert answer.status_code == 202
    pod = run.executor.runs[answer.json()["id"]].spec.workflow.pod
    assert pod.volume_mounts == tuple(MOUNTED["volume_mounts"])


async def test_accounts_follow_the_services_setting(catalogue_path: Any) -> None:
    async with running(catalogue_path, account="u-{username}") as run:
        answer = await run.user("ada").post("runs", json={"workflow": DIAMOND})
        assert run.executor.runs[answer.json()["id"]].spec.account == "u-ada"


async def test_a_run_is_cancelled_resumed_and_deleted(run: Running) -> None:
    ada = run.user("ada")
    id = (await ada.post("runs", json={"workflow": DIAMOND})).json()["id"]
    for _ in range(2):
        assert (await ada.post(f"runs/{id}/cancel")).status_code == 202
    await run.settled(lambda: run.service.runs.get(id).status.state is State.CANCELLED)
    for _ in range(2):
        resumed = await ada.post(f"runs/{id}/resume")
        assert resumed.status_code == 202
        assert not State(resumed.json()["state"]).final
    run.executor.become(id, State.SUCCEEDED)
    await run.settled(lambda: run.service.runs.get(id).status.state is State.SUCCEEDED)
    assert (await ada.post(f"runs/{id}/resume")).status_code == 409
    assert (await ada.delete(f"runs/{id}")).status_code == 204
    assert (await ada.delete(f"runs/{id}")).status_code == 404
    assert (await ada.get("runs")).json() == []


async def test_old_news_do_not_end_a_run_that_was_resumed(run: Running) -> None:
    ada = run.user("ada")
    id = (await ada.post("runs", json={"workflow": DIAMOND})).json()["id"]
    run.executor.become(id, State.FAILED)
    await run.settled(lambda: run.service.runs.get(id).status.state is State.FAILED)
    old = run.executor.runs[id]
    await ada.post(f"runs/{id}/resume")
    run.executor._tell(old)
    run.executor.step(id, "a", State.RUNNING)
    await run.settled(lambda: bool(run.service.runs.get(id).status.steps[0].attempts))
    assert run.service.runs.get(id).status.state is State.RUNNING
    assert run.service.runs.is_live(id)


async def test_what_is_deleted_is_not_seen_again_while_it_ends(run: Running) -> None:
    ada = run.user("ada")
    id = (await ada.post("runs", json={"workflow": DIAMOND})).json()["id"]
    run.executor.lingers = True
    assert (await ada.delete(f"runs/{id}")).status_code == 204
    run.executor.step(id, "a", State.RUNNING)
    await run.service.runs.load(run.executor)
    assert (await ada.get("runs")).json() == []
    run.executor.finish(id)
    await run.settled(lambda: not run.service.runs._deleted)


async def test_logs_notebooks_and_the_record_of_a_run(run: Running) -> None:
    ada = run.user("ada")
    id = (await ada.post("runs", json={"workflow": DIAMOND})).json()["id"]
    early = await ada.get(f"runs/{id}/steps/a/log")
    assert (early.status_code, early.json()["detail"]) == (404, "Step a has not begun yet.")
    run.executor.step(id, "a", State.RUNNING)
    run.executor.step(id, "a", State.FAILED, message="It broke.")
    run.executor.step(id, "a", State.RUNNING)
    await run.settled(lambda: len(run.service.runs.get(id).status.steps[0].attempts) == 2)
    log = await ada.get(f"runs/{id}/steps/a/log?tail=1")
    assert (log.status_code, log.text) == (200, "a attempt 2 line 2\n")
    assert log.headers["content-type"].startswith("text/plain")
    assert (await ada.get(f"runs/{id}/steps/a/log?attempt=1&tail=1")).text.startswith("a attempt 1")
    for wrong in ("steps/a/log?attempt=3", "steps/z/log", "steps/a/notebook"):
        assert (await ada.get(f"runs/{id}/{wrong}")).status_code == 404
    run.executor.files[id, "a", 2, OUTPUT] = b'{"cells": []}'
    notebook = await ada.get(f"runs/{id}/steps/a/notebook")
    assert notebook.json() == {"cells": []}
    assert notebook.headers["content-type"] == "application/x-ipynb+json"
    crate = {
        "@context": "…",
        "@graph": [
            {"@id": CRATE, "@type": "CreativeWork"},
            {"@id": "./", "@type": "Dataset", "hasPart": [{"@id": "output.ipynb"}]},
            {"@id": "#kernel", "url": {"@id": "https://example.org/x"}},
        ],
    }
    run.executor.files[id, "a", 2, CRATE] = json.dumps(crate).encode()
    record = (await ada.get(f"runs/{id}/record")).json()
    entities = {entity["@id"]: entity for entity in record["@graph"]}
    assert entities["./"]["hasPart"] == [{"@id": "steps/a/"}]
    assert entities["steps/a/"]["hasPart"] == [{"@id": "steps/a/output.ipynb"}]
    assert entities["#steps/a/kernel"]["url"] == {"@id": "https://example.org/x"}
    assert entities["#step-a"]["object"] == {"@id": "steps/a/"}
    assert Workflow.model_validate_json(entities["#definition"]["text"]).name == "diamond"


def test_what_two_steps_have_to_do_with_is_one_entity_of_their_record() -> None:
    def crate(*files: dict[str, str]) -> dict[str, Any]:
        used = [{"@id": file["@id"]} for file in files]
        graph = [{"@id": "./", "hasPart": used}, {"@id": "#attempt", "object": used}, *files]
        return {"@graph": graph}

    data, model, far = "file:///data/a.npy", "file:///model.bin", "s3://bucket/b.npy"
    spec = RunSpec(
        id="r", owner="ada", workflow=Workflow(**DIAMOND), executor="local", created=now()
    )
    graph = merged(
        ObservedRun(spec, fresh(spec)),
        {
            "a": crate(
                {"@id": data, "name": "made", "sha256": "1"},
                {"@id": model, "name": "model", "sha256": "7"},
                {"@id": far, "name": "far"},
            ),
            "b": crate(
                {"@id": data, "name": "source", "sha256": "1"},
                {"@id": model, "name": "model", "sha256": "8"},
            ),
        },
    )["@graph"]
    entities = {entity["@id"]: entity for entity in graph}
    assert len(entities) == len(graph)
    assert entities[data] == {
        "@id": data,
        "name": "made",
        "sha256": "1",
        "alternateName": ["source"],
    }
    changed = f"#steps/b/{model}"
    assert (entities[model]["sha256"], entities[changed]["sha256"]) == ("7", "8")
    assert entities[changed]["url"] == model
    assert entities["#steps/a/attempt"]["object"] == [{"@id": one} for one in (data, model, far)]
    assert entities["#steps/b/attempt"]["object"] == [{"@id": data}, {"@id": changed}]


async def test_how_many_runs_a_user_may_have(catalogue_path: Any) -> None:
    async with running(catalogue_path, most_runs=3, most_live_runs=1) as run:
        ada = run.user("ada")
        first = (await ada.post("runs", json={"workflow": DIAMOND})).json()["id"]
        more = await ada.post("runs", json={"workflow": DIAMOND})
        assert (more.status_code, more.json()["title"]) == (403, "Quota exceeded")
        assert "cancel one" in more.json()["remedy"]
        assert (await run.user("bob").post("runs", json={"workflow": DIAMOND})).status_code == 202
        for _ in range(2):
            run.executor.become(first, State.FAILED)
            await run.settled(lambda: run.service.runs.get(first).status.state.final)
            assert (await ada.post("runs", json={"workflow": DIAMOND})).status_code == 202
            refused = await ada.post(f"runs/{first}/resume")
            assert refused.status_code == 403  # it would be the second live one
            for live in [o for o in run.service.runs.of("ada") if not o.status.state.final]:
                run.executor.become(live.spec.id, State.SUCCEEDED)
            await run.settled(lambda: all(o.status.state.final for o in run.service.runs.of("ada")))
        full = await ada.post("runs", json={"workflow": DIAMOND})
        assert (full.status_code, full.json()["remedy"]) == (403, "Delete some that have ended.")


async def test_a_workflow_may_have_up_to_a_mebibyte(run: Running) -> None:
    ada = run.user("ada")
    steps = [
        {"name": f"s{n}", "command": ["echo", "x" * 4000], "after": [f"s{n - 1}"] if n else []}
        for n in range(200)
    ]
    answer = await ada.post("runs", json={"workflow": {"name": "long", "steps": steps}})
    assert answer.status_code == 202
    much = {"workflow": {"name": "longer", "steps": steps + steps}}
    refused = await ada.post("runs", json=much)
    assert (refused.status_code, refused.json()["remedy"]) == (413, "Send at most 1024 KiB.")
    assert (await ada.post("backends", json=much)).json()["remedy"] == "Send at most 256 KiB."


async def test_without_an_executor_there_are_no_runs_and_a_sentence(catalogue_path: Any) -> None:
    async with running(catalogue_path, executors={}) as run:
        ada = run.user("ada")
        assert (await ada.get("runs")).json() == []
        answer = await ada.post("runs", json={"workflow": DIAMOND})
        assert (answer.status_code, answer.json()["title"]) == (503, "Unavailable")
        assert answer.json()["remedy"]
        assert (await ada.post("workflows/check", json=DIAMOND)).status_code == 200
        assert (await ada.post("backends", json={"kind": "dask"})).status_code == 202


async def test_what_the_executor_refuses_is_told(run: Running) -> None:
    run.executor.failures["submit"] = [Unavailable("No room.", "Make some.")]
    answer = await run.user("ada").post("runs", json={"workflow": DIAMOND})
    assert (answer.status_code, answer.json()["detail"]) == (503, "No room.")
    assert len(run.service.runs) == 0
    wrong = await run.user("ada").post("runs", json={"workflow": DIAMOND, "executor": "moon"})
    assert (wrong.status_code, wrong.json()["field"]) == (422, "executor")


async def test_a_service_that_begins_anew_knows_all_runs(catalogue_path: Any) -> None:
    executor = MemoryExecutor()
    async with running(catalogue_path, executor=executor) as run:
        answer = await run.user("ada").post(
            "runs", json={"workflow": DIAMOND}, headers={"Idempotency-Key": "k"}
        )
    async with running(catalogue_path, executor=executor) as run:
        ada = run.user("ada")
        assert [r["id"] for r in (await ada.get("runs")).json()] == [answer.json()["id"]]
        again = await ada.post("runs", json={"workflow": DIAMOND}, headers={"Idempotency-Key": "k"})
        assert again.json()["id"] == answer.json()["id"]
    assert len(executor.runs) == 1
    assert ("close", "") in executor.calls
    assert not [call for call in executor.calls if call[0] in ("cancel", "forget")]


@pytest.mark.parametrize(
    ("run", "gone", "why"),
    [
        (observed(State.RUNNING), False, ""),
        (observed(State.RUNNING, created=now() - timedelta(days=400)), False, ""),
        (observed(State.PAUSING), False, ""),
        (observed(State.SUCCEEDED, timedelta(days=29)), False, ""),
        (observed(State.SUCCEEDED, timedelta(days=31)), False, "it has been kept for long enough"),
        (observed(State.CANCELLED, timedelta(days=31)), False, "it has been kept for long enough"),
        (observed(State.FAILED, timedelta(minutes=1)), False, ""),
        (observed(State.RUNNING), True, "its owner is gone"),
        (observed(State.SUCCEEDED, timedelta(minutes=1)), True, "its owner is gone"),
    ],
)
def test_how_long_runs_are_kept(run: ObservedRun, gone: bool, why: str) -> None:
    kept = timedelta(days=30)
    assert superfluous(run, now(), kept, owner_gone=gone) == why


async def test_runs_are_forgotten_in_time_and_with_their_owner(run: Running) -> None:
    ada, bob = run.user("ada"), run.user("bob")
    old = (await ada.post("runs", json={"workflow": DIAMOND})).json()["id"]
    live = (await ada.post("runs", json={"workflow": DIAMOND})).json()["id"]
    orphan = (await bob.post("runs", json={"workflow": DIAMOND})).json()["id"]
    run.executor.become(old, State.SUCCEEDED)
    await run.settled(lambda: run.service.runs.get(old).status.state.final)
    del run.hub.users["bob"], run.hub.servers["bob"]
    for _ in range(2):
        await run.service.reaper.look()
    await run.service.run_desk.upkeep.look(now())
    assert set(run.executor.runs) == {old, live}
    assert orphan not in run.executor.runs
    await run.service.run_desk.upkeep.look(now() + timedelta(days=31))
    assert set(run.executor.runs) == {live}


async def test_a_run_that_can_not_be_forgotten_is_tried_again_later(run: Running) -> None:
    ada = run.user("ada")
    id = (await ada.post("runs", json={"workflow": DIAMOND})).json()["id"]
    run.executor.become(id, State.SUCCEEDED)
    await run.settled(lambda: run.service.runs.get(id).status.state.final)
    run.executor.failures["forget"] = [Unavailable("No.", "")]
    later = now() + timedelta(days=31)
    for moment in (later, later + timedelta(seconds=10)):
        await run.service.run_desk.upkeep.look(moment)
        assert (await ada.get(f"runs/{id}")).status_code == 200
    await run.service.run_desk.upkeep.look(later + timedelta(minutes=6))
    assert not run.executor.runs


async def test_a_watch_that_breaks_begins_anew_and_misses_nothing() -> None:
    executor = MemoryExecutor()
    runs = Runs({"local": executor})
    task = asyncio.create_task(runs.follow(executor))
    try:
        known = observed(State.RUNNING)
        executor.runs["r-x"] = known  # told by nobody
        executor.failures["observed"] = [OSError("no"), Unavailable("not yet", "")]
        async with asyncio.timeout(10):
            while runs.get("r-x") is None:
                await asyncio.sleep(0.01)
        executor.become("r-x", State.SUCCEEDED)
        async with asyncio.timeout(10):
            while not runs.get("r-x").status.state.final:
                await asyncio.sleep(0.01)
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
    assert not executor._watchers
