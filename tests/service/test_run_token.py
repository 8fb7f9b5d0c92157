"""A run's token opens what belongs to that run, and nothing else."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest

from alongside.errors import StorageFailed
from alongside_service.run_settings import reachable
from alongside_service.run_token import RunTokens
from alongside_workflows.runs import State
from tests.doubles.memory_executor import MemoryExecutor
from tests.service.conftest import API, Running, running
from tests.service.test_run_backends import asked, submitted


@pytest.mark.shows("K94", "K98")
async def test_a_runs_token_opens_its_own_backends(run: Running) -> None:
    id, step = await submitted(run)
    made = (await asked(step, id, "fit"))["id"]
    await run.settled(lambda: bool(run.service.registry.get(made).status.roles))
    assert [b["id"] for b in (await step.get("backends")).json()] == [made]
    for path in (f"backends/{made}", f"backends/{made}/connection", f"backends/{made}/logs"):
        assert (await step.get(path)).status_code == 200, path
    assert (await step.get(f"runs/{id}")).json()["id"] == id


@pytest.mark.shows("K94", "K98")
async def test_a_runs_token_opens_nothing_else(run: Running) -> None:
    id, step = await submitted(run)
    other, _ = await submitted(run)
    made = (await asked(step, id, "fit"))["id"]
    ada = run.user("ada")
    private = (await ada.post("backends", json={"kind": "dask", "session": "x"})).json()["id"]
    schedule = await ada.post(
        "schedules",
        json={"name": "s", "launch": {"kind": "dask"}, "start": "0 7 * * *", "zone": "UTC"},
    )
    assert schedule.status_code == 201
    for method, path, body in (
        ("GET", "me", None),
        ("GET", "catalogue", None),
        ("GET", "events", None),
        ("GET", "metrics", None),
        ("GET", "runs", None),
        ("GET", "schedules", None),
        ("GET", f"schedules/{schedule.json()['id']}", None),
        ("POST", "backends", {"kind": "dask"}),
        ("PATCH", f"backends/{made}", {"options": {"workers": 1}}),
        ("DELETE", f"backends/{made}", None),
        ("DELETE", "backends?owner=ada&session=", None),
        ("POST", "runs", {"workflow": {"name": "x", "steps": []}}),
        ("POST", "workflows/check", {"name": "x", "steps": []}),
        ("DELETE", f"runs/{id}", None),
        ("POST", f"runs/{id}/cancel", None),
        ("POST", f"runs/{id}/resume", None),
        ("GET", f"runs/{id}/record", None),
        ("GET", f"runs/{id}/steps/fit/log", None),
    ):
        answer = await step.request(method, path, json=body)
        assert answer.status_code in (403, 422), (method, path, answer.status_code)
        if answer.status_code == 422:  # a body is looked at first, by whoever it comes
            assert "errors" in answer.json()
    for method, path in (
        ("GET", f"backends/{private}"),
        ("GET", f"backends/{private}/connection"),
        ("GET", f"backends/{private}/logs"),
        ("GET", f"runs/{other}"),
        ("POST", f"runs/{other}/steps/fit/backend?attempt=1"),
    ):
        assert (await step.request(method, path)).status_code == 404, path
    dashboard = f"{API.removesuffix('/api/v1')}/backends/{made}/dashboard/"
    assert (await step.get(f"http://hub.test{dashboard}")).status_code == 401
    assert set(run.executor.runs) == {id, other}
    assert {private, made} == set(run.platform.backends)


async def test_a_token_is_good_for_as_long_as_its_run_or_its_backends_live(run: Running) -> None:
    id, step = await submitted(run)
    made = (await asked(step, id, "fit"))["id"]
    run.executor.become(id, State.FAILED)
    await run.settled(lambda: run.service.runs.get(id).status.state.final)
    assert (await step.get(f"backends/{made}")).status_code == 200
    await run.user("ada").delete(f"backends/{made}")
    await run.settled(lambda: run.service.registry.get(made) is None)
    answer = await step.get("backends")
    assert (answer.status_code, answer.json()["detail"]) == (401, "The run of this token is over.")


@pytest.mark.shows("K98")
async def test_forged_tokens_and_those_of_unknown_runs_are_refused(run: Running) -> None:
    id, _ = await submitted(run)
    token = run.executor.credentials[id].token
    forged = [
        token[:-1] + ("A" if token[-1] != "A" else "B"),
        token.rpartition(".")[0],
        f"alongside-run.{id}.",
        "alongside-run",
        "alongside-run..",
        run.service.run_tokens.token("other-abcdefghijklmnop"),
        RunTokens(seed="another secret").token(id),
    ]
    questions = run.hub.questions
    for wrong in forged[:-2]:
        assert (await run.client(wrong).get("backends")).status_code == 401, wrong
    for wrong in forged[-2:]:
        assert (await run.client(wrong).get("backends")).status_code == 401, wrong
    assert run.hub.questions <= questions + 1  # only what does not look like one is asked about


async def test_before_the_runs_are_known_a_token_is_waited_with(run: Running) -> None:
    run.service.runs.complete = False
    token = run.service.run_tokens.token("other-abcdefghijklmnop")
    assert (await run.client(token).get("backends")).status_code == 503


def test_the_secret_is_kept_and_ours_alone(tmp_path: Path) -> None:
    path = tmp_path / "home" / "runs.key"
    first, second = RunTokens(path), RunTokens(path)
    first.open()
    token = first.token("r-x")
    second.open()
    assert second.run(token) == "r-x"
    assert path.stat().st_mode & 0o777 == 0o600
    assert path.parent.stat().st_mode & 0o777 == 0o700
    assert [p.name for p in path.parent.iterdir()] == ["runs.key"]
    assert token.rpartition(".")[2] not in repr(first)


@pytest.mark.parametrize("spoil", ["short", "link", "folder"])
def test_a_secret_that_can_not_be_ours_is_told(tmp_path: Path, spoil: str) -> None:
    path = tmp_path / "runs.key"
    if spoil == "short":
        path.write_bytes(b"x")
    elif spoil == "link":
        (tmp_path / "other").write_bytes(os.urandom(32))
        path.symlink_to(tmp_path / "other")
    else:
        path.mkdir()
    with pytest.raises(StorageFailed, match=r"runs\.key"):
        RunTokens(path).open()


def test_without_a_file_the_secret_is_that_of_the_seed() -> None:
    one, same, other = RunTokens(seed="a"), RunTokens(seed="a"), RunTokens()
    for tokens in (one, same, other):
        tokens.open()
    assert same.run(one.token("r-x")) == "r-x"
    assert other.run(one.token("r-x")) == ""
    assert one.run("a-token-of-the-hub") is None


@pytest.mark.parametrize(
    ("url", "address"),
    [
        ("http://127.0.0.1:8790/services/alongside/", "http://127.0.0.1:8790"),
        ("http://0.0.0.0:80", "http://127.0.0.1:80"),
        ("http://[::]:8790", "http://[::1]:8790"),
        ("http://alongside:8790", "http://alongside:8790"),
    ],
)
def test_where_steps_find_the_service(url: str, address: Any) -> None:
    assert reachable(url) == address


class Keeping(MemoryExecutor):
    """Takes the files that attempts send."""

    def __init__(self) -> None:
        super().__init__()
        self.kept: dict[tuple[str, str, int, str], bytes] = {}

    async def keep(self, id: str, step: str, attempt: int, name: str, packed: bytes) -> None:
        self.kept[id, step, attempt, name] = packed


@pytest.mark.shows("K94")
async def test_a_step_sends_its_own_files_and_nobody_else_does(catalogue_path: Path) -> None:
    executor = Keeping()
    async with running(catalogue_path, executor=executor) as run:
        id, step = await submitted(run)
        other, _ = await submitted(run)
        place = f"runs/{id}/steps/fit/attempts/1/output.ipynb"
        assert (await step.put(place, content=b"early")).status_code == 503
        executor.step(id, "fit", State.RUNNING)
        await run.settled(lambda: bool(run.service.runs.get(id).status.step("fit").attempts))
        assert (await step.put(place, content=b"packed")).status_code == 204
        assert executor.kept == {(id, "fit", 1, "output.ipynb"): b"packed"}
        assert (await run.user("ada").put(place, content=b"x")).status_code == 403
        assert (await step.put(place.replace(id, other), content=b"x")).status_code == 404
        assert (await step.put(place.replace("fit", "no"), content=b"x")).status_code == 404
        assert (await step.put(place, content=bytes(2**21))).status_code == 413
    assert len(executor.kept) == 1
