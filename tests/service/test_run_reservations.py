"""Steps of several runs that name the same locale group: one after the other, as they have come."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import pytest

from alongside import reservations
from alongside.errors import Conflict, Unavailable
from alongside.models import Backend, Reservation
from alongside.phases import Phase
from alongside_service.run_reservations import is_over
from alongside_workflows.executors.base import ObservedRun
from alongside_workflows.model import Workflow
from alongside_workflows.runs import Attempt, RunSpec, RunStatus, State, StepRun
from tests.service.conftest import CATALOGUE, Running, running

T0 = datetime(2026, 11, 22, 12, tzinfo=UTC)
OFFER = """\
      arkouda:
        options: {locales: {default: 1, minimum: 1, maximum: 4}, cores: 1, memory: 1 GiB}
"""
FIT = {"name": "fit", "notebook": "fit.ipynb", "backend": "session"}


def reserved(step: str, *, together: bool = False, attempt: int = 1) -> Reservation:
    return Reservation(
        run="r", workflow="report", step=step, attempt=attempt, together=together, since=T0
    )


A, B, C = reserved("a"), reserved("b"), reserved("c")
BESIDE = [reserved(name, together=True) for name in "xyz"]


@pytest.mark.shows("K48")
@pytest.mark.parametrize(
    ("known", "mine"),
    [
        ([], []),
        ([A], [A]),
        ([A, B], [A]),
        ([A, *BESIDE], [A]),
        ([*BESIDE, A], BESIDE),
        ([BESIDE[0], A, BESIDE[1]], [BESIDE[0]]),  # nobody overtakes
    ],
)
def test_whose_turn_it_is(known: list[Reservation], mine: list[Reservation]) -> None:
    assert list(reservations.granted(known)) == mine


def test_places_in_the_queue() -> None:
    queue = reservations.added(reservations.added((A, B), C), B)
    assert queue == (A, B, C)
    assert [reservations.ahead(queue, one) for one in (B, C)] == [0, 1]
    assert reservations.in_words(queue, "g") == "Step a of report computes on g"
    assert reservations.in_words(BESIDE, "g") == "Step x of report and 2 others compute on g"
    full = tuple(reserved(f"s{n}") for n in range(reservations.MOST))
    assert reservations.added(full, A) == full
    assert reservations.ahead(full, A) == reservations.MOST - 1


CHAIN = Workflow.model_validate(
    {
        "name": "report",
        "steps": [
            FIT,
            {"name": "more", "notebook": "more.ipynb", "joined": "fit"},
        ],
    }
)


@pytest.mark.parametrize(
    ("fit", "more", "over"),
    [
        ([], [], False),
        ([State.RUNNING], [], False),
        ([State.FAILED], [], True),
        ([State.CANCELLED], [], True),
        ([State.SUCCEEDED], [], False),  # the next one in its kernel is about to begin
        ([State.SUCCEEDED], [State.RUNNING], False),
        ([State.SUCCEEDED], [State.SUCCEEDED], True),
        ([State.SUCCEEDED], [State.FAILED], True),
        ([State.FAILED, State.RUNNING], [State.FAILED], True),
    ],
)
def test_it_ends_with_its_attempt(fit: list[State], more: list[State], over: bool) -> None:
    spec = RunSpec(id="r", owner="ada", workflow=CHAIN, executor="local", created=T0)
    steps = tuple(
        StepRun(
            name=name,
            attempts=tuple(Attempt(number=n, state=s, started=T0) for n, s in enumerate(states, 1)),
        )
        for name, states in (("fit", fit), ("more", more))
    )
    run = ObservedRun(spec, RunStatus(state=State.RUNNING, steps=steps))
    assert is_over(reserved("fit"), run) is over


@pytest.fixture
def offered(catalogue_path: Path) -> Path:
    before, rest = CATALOGUE.split("  course:")
    catalogue_path.write_text(f"{before}{OFFER}  course:{rest}")
    return catalogue_path


async def group(run: Running, **more: Any) -> str:
    answer = await run.user("ada").post("backends", json={"kind": "arkouda", "session": "", **more})
    assert answer.status_code == 202, answer.text
    id = str(answer.json()["id"])
    await run.settled(lambda: run.service.registry.get(id).status.phase is Phase.RUNNING)
    return id


async def submitted(run: Running, name: str, **step: Any) -> tuple[str, httpx.AsyncClient]:
    """A run of one step on the session's group: its id, and a client with its token."""
    body = {"workflow": {"name": name, "steps": [FIT | step]}, "session": ""}
    answer = await run.user("ada").post("runs", json=body)
    assert answer.status_code == 202, answer.text
    id = answer.json()["id"]
    return id, run.client(run.executor.credentials[id].token)


async def asked(
    run: tuple[str, httpx.AsyncClient], attempt: int = 1, step: str = "fit"
) -> dict[str, Any]:
    id, client = run
    answer = await client.post(f"runs/{id}/steps/{step}/backend", params={"attempt": attempt})
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


@pytest.mark.shows("K48")
async def test_the_second_waits_for_its_turn_and_is_told_its_place(offered: Path) -> None:
    async with running(offered) as run:
        id = await group(run)
        first, second, third = [await submitted(run, name) for name in ("one", "two", "three")]
        assert (await asked(first))["id"] == id
        waiting = await asked(second)
        assert (waiting["id"], waiting["ready"], waiting["failed"]) == ("", False, False)
        assert waiting["message"] == "Step fit of one computes on arkouda; this step is next."
        assert "1 step waits before this one." in (await asked(third))["message"]
        shown = (await run.user("ada").get(f"backends/{id}")).json()["reservations"]
        assert [one["workflow"] for one in shown] == ["one", "two", "three"]
        assert (await asked(first))["ready"]  # it asks again: the same place
        run.executor.step(first[0], "fit", State.RUNNING)
        run.executor.step(first[0], "fit", State.FAILED)
        await run.settled(lambda: len(run.platform.backends[id].spec.reservations) == 2)
        assert (await asked(second))["id"] == id
        assert not (await asked(third))["ready"]
        late = await first[1].post(f"runs/{first[0]}/steps/fit/backend?attempt=1")
        assert (late.status_code, late.json()["detail"]) == (409, "Attempt 1 of step fit is over.")
        assert "1 step waits before" in (await asked(first, attempt=2))["message"]
        await run.user("ada").post(f"runs/{second[0]}/cancel")
        await run.user("ada").delete(f"runs/{first[0]}")
        await run.settled(lambda: len(run.platform.backends[id].spec.reservations) == 1)
        assert (await asked(third))["id"] == id


async def test_a_service_that_begins_anew_knows_whose_turn_it_is(offered: Path) -> None:
    async with running(offered) as run:
        id = await group(run)
        first, second = [await submitted(run, name) for name in ("one", "two")]
        assert (await asked(first))["id"] == id
        await asked(second)
        run.platform.calls.clear()
        for _ in range(3):
            assert not (await asked(second))["ready"]
        assert ("update", id) not in run.platform.calls
        platform, executor = run.platform, run.executor
    executor.become(first[0], State.CANCELLED)  # while nobody looks
    async with running(offered, platform, executor) as run:
        await run.settled(lambda: len(platform.backends[id].spec.reservations) == 1)
        client = run.client(run.service.run_desk.credentials(second[0]).token)
        assert (await asked((second[0], client)))["id"] == id


@pytest.mark.shows("K48")
async def test_steps_that_say_so_compute_together(offered: Path) -> None:
    async with running(offered) as run:
        id = await group(run)
        beside = [await submitted(run, name, together=True) for name in ("one", "two")]
        alone = await submitted(run, "three")
        late = await submitted(run, "four", together=True)
        assert [(await asked(one))["id"] for one in (*beside, alone, late)] == [id, id, "", ""]
        assert (await asked(alone))["message"].startswith("Step fit of one and 1 other compute on")


async def test_parallel_steps_on_a_group_that_they_share_in_a_run(offered: Path) -> None:
    async with running(offered) as run:
        workflow = {
            "name": "both",
            "backends": {"pool": {"kind": "arkouda"}, "dask": {"options": {"workers": 1}}},
            "steps": [
                *({"name": name, "command": ["true"], "backend": "pool"} for name in "ab"),
                *({"name": name, "command": ["true"], "backend": "dask"} for name in "cd"),
            ],
        }
        id = (await run.user("ada").post("runs", json={"workflow": workflow})).json()["id"]
        pair = id, run.client(run.executor.credentials[id].token)
        assert [bool((await asked(pair, step=name))["id"]) for name in "abcd"] == [
            *(True, False),
            *(True, True),  # a Dask cluster keeps its clients apart
        ]


async def test_a_group_is_not_started_anew_while_a_step_computes_on_it(offered: Path) -> None:
    async with running(offered) as run:
        id = await group(run)
        first = await submitted(run, "one")
        await asked(first)
        ada = run.user("ada")
        refused = await ada.patch(f"backends/{id}", json={"options": {"locales": 2}})
        assert (refused.status_code, refused.json()["detail"]) == (
            409,
            "Step fit of one computes on arkouda: another size would end that.",
        )
        assert (await ada.patch(f"backends/{id}", json={"keep": True})).status_code == 200
        await ada.post(f"runs/{first[0]}/cancel")
        await run.settled(lambda: not run.platform.backends[id].spec.reservations)
        more = await ada.patch(f"backends/{id}", json={"options": {"locales": 2}})
        assert more.status_code == 200


async def test_a_silent_platform_is_waited_for_and_an_ended_group_is_told(offered: Path) -> None:
    async with running(offered) as run:
        id = await group(run)
        first = await submitted(run, "one")
        run.platform.fail("update", Unavailable("Busy.", "Wait."))
        assert (await asked(first))["message"] == "Busy."
        assert (await asked(first))["id"] == id
        await run.user("ada").delete(f"backends/{id}")
        assert (await asked(first))["failed"]


def test_a_notebook_is_told_that_a_step_computes_there() -> None:
    fields: dict[str, Any] = dict.fromkeys(Backend.model_fields, "") | {"name": "group"}
    reservations.check_free(Backend.model_construct(**fields | {"reservations": ()}))
    with pytest.raises(Conflict, match="Step a of report computes on group") as refused:
        reservations.check_free(Backend.model_construct(**fields | {"reservations": (A, B)}))
    assert "together=True" in refused.value.remedy
