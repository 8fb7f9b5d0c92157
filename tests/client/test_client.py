"""The client, against a service that answers as the real one does."""

from __future__ import annotations

import itertools
from typing import Any

import pytest

import alongside
from alongside.errors import (
    Conflict,
    InvalidFields,
    InvalidRequest,
    NotAllowed,
    NotFound,
    NotReady,
    Unavailable,
)
from alongside.phases import Phase
from tests.client.fake_service import TOKEN, FakeService


@pytest.mark.shows("K8", "K16")
def test_a_script_outside_of_the_hub_launches_scales_adapts_and_ends(
    client: alongside.Client, service: FakeService
) -> None:
    with client.launch("dask", name="etl", workers=3, memory="1 GiB") as backend:
        assert (backend.name, backend.phase, backend.state.ready) == ("etl", Phase.RUNNING, 3)
        assert backend.state.session is None
        assert backend.scale(5).state.wanted == 5
        assert backend.adapt(1, 4).state.options["adaptive"] == {"minimum": 1, "maximum": 4}
    assert client.backend(backend).phase is Phase.STOPPED


async def test_the_async_client_does_the_same(url: str) -> None:
    async with (
        alongside.AsyncClient(url, TOKEN) as client,
        await client.launch("dask", name="etl", workers=3) as backend,
    ):
        assert (await backend.scale(5, wait=True)).state.ready == 5
        assert [found.id for found in await client.backends()] == [backend.id]
        assert [line async for line in backend.logs(lines=1)] == ["scheduler: second line"]
        assert (await backend.adapt(1, 2)).state.wanted == 1
    assert backend.phase is Phase.STOPPING


def test_a_launch_whose_answer_was_lost_is_repeated_and_is_still_one_backend(
    client: alongside.Client, service: FakeService
) -> None:
    service.drop = 1
    client.launch("dask", name="etl", wait=False)
    assert service.requests == [("POST", "backends")] * 2
    assert [backend.name for backend in client.backends()] == ["etl"]


def test_a_service_that_is_gone_is_an_error_with_a_remedy_after_few_tries(
    service: FakeService, client: alongside.Client
) -> None:
    service.drop = 1_000
    with pytest.raises(Unavailable, match="can't be reached") as error:
        client.backends()
    assert error.value.remedy
    assert len(service.requests) == 5


@pytest.mark.parametrize(
    ("options", "field"),
    [({"workers": -1}, "options.workers"), ({"wrokers": 2}, "options.wrokers")],
)
def test_the_services_error_arrives_as_the_same_error(
    client: alongside.Client, options: dict[str, Any], field: str
) -> None:
    with pytest.raises(InvalidFields) as error:
        client.launch("dask", **options)
    assert error.value.field == field
    assert error.value.remedy
    assert [one.field for one in error.value.errors] == [field]


def test_a_name_in_use_is_a_conflict(client: alongside.Client) -> None:
    client.launch("dask", name="etl")
    with pytest.raises(Conflict, match="already"):
        client.launch("dask", name="etl")


def test_a_token_that_is_not_known_is_not_allowed(url: str) -> None:
    with alongside.Client(url, "stolen") as client, pytest.raises(NotAllowed, match="token"):
        client.me()


def test_a_backend_is_found_by_name_and_by_id(
    client: alongside.Client, service: FakeService
) -> None:
    service.add("etl", phase=Phase.STOPPED)
    id = service.add("etl")
    assert client.backend("etl").id == client.backend(id).id == id


def test_a_name_that_is_not_there_names_those_that_are(
    client: alongside.Client, service: FakeService
) -> None:
    service.add("etl")
    with pytest.raises(NotFound, match="Backends that run: etl"):
        client.backend("elt")


def test_a_name_that_two_backends_have_is_an_error_that_lists_both(
    client: alongside.Client, service: FakeService
) -> None:
    ids = [service.add("etl", owner=owner) for owner in ("bob", "eve")]
    with pytest.raises(InvalidRequest) as error:
        client.stop("etl")
    assert all(id in error.value.remedy for id in ids)


def test_the_users_own_backend_goes_before_others_of_that_name(
    client: alongside.Client, service: FakeService
) -> None:
    service.add("etl", owner="bob")
    own = service.add("etl", owner="ada")
    assert client.backend("etl").id == own


def test_waiting_ends_with_the_reason_when_the_backend_fails(
    client: alongside.Client, service: FakeService
) -> None:
    id = service.add(phase=Phase.FAILED, message="The disk is full.", remedy="Delete something.")
    with pytest.raises(Conflict, match=r"dask has failed: The disk is full\. Delete something\."):
        client.wait(id)


def test_waiting_is_bounded_and_says_what_for(
    client: alongside.Client, service: FakeService
) -> None:
    id = service.add(phase=Phase.STARTING, message="The scheduler starts", ready=0)
    with pytest.raises(NotReady, match="still starting after 0 s, 0 of 2 ready: The scheduler"):
        client.wait(id, timeout=0.2)


def test_a_service_that_is_away_for_a_while_does_not_end_the_waiting(
    client: alongside.Client, service: FakeService
) -> None:
    service.add()
    backend = client.backend("dask")
    service.drop = 6
    assert backend.wait().phase is Phase.RUNNING


def test_stopping_twice_is_no_error(client: alongside.Client, service: FakeService) -> None:
    service.add("etl")
    backend = client.backend("etl")
    backend.stop(wait=True)
    client.stop(backend.id)
    service.backends.clear()
    backend.stop()


def test_events_go_on_where_a_connection_broke(
    client: alongside.Client, service: FakeService
) -> None:
    ids = [service.add(name) for name in ("one", "two", "three")]
    events = list(itertools.islice(client.events(), 3))
    assert [event.data["id"] for event in events] == ids
    assert [event.id for event in events] == ["1", "2", "3"]


def test_events_that_keep_breaking_end_with_an_error(
    client: alongside.Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("alongside.streams.FIRST_PAUSE", 0.001)
    with pytest.raises(Unavailable, match="ended"):
        next(client.events())


def test_logs_name_the_roles_that_there_are(client: alongside.Client, service: FakeService) -> None:
    service.add("etl")
    assert list(client.logs("etl", "worker-0", lines=1)) == ["worker-0: second line"]
    with pytest.raises(NotFound, match="scheduler, worker-0"):
        client.logs("etl", "worker-9")


def test_without_an_environment_the_error_says_what_to_give(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delenv("ALONGSIDE_API", raising=False)
    with pytest.raises(InvalidRequest, match=r"alongside\.Client\(url=..., token=...\)"):
        alongside.backends()
