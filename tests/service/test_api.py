"""The manners of the API: problems, documents, bodies, methods, metrics."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import Iterable
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.errors import Unsatisfiable
from schemathesis import GenerationMode

from tests.doubles.memory_hub import ACCESS
from tests.service.conftest import API, OWN_TOKEN, Running, Served

pytestmark = pytest.mark.slow

PROBLEM = "application/problem+json"
SETTINGS = settings(
    max_examples=25, deadline=None, suppress_health_check=list(HealthCheck), database=None
)
schemathesis.serializer.alias("application/gzip", "application/octet-stream")


@pytest.mark.shows("T40")
@pytest.mark.parametrize(
    ("body", "field", "words"),
    [
        ({"kind": "spark"}, "kind", "no kind of backend called 'spark'"),
        ({"kind": "dask", "profile": "x"}, "profile", "no profile 'x'"),
        ({"kind": "dask", "profile": "x" * 5000}, "profile", ""),
        ({"kind": "dask", "colour": 1}, "colour", "not known"),
        ({"kind": "dask", "options": {"memory": "4 firkin"}}, "options.memory", "not an amount"),
        ({"kind": "dask", "options": {"workers": -1}}, "options.workers", "too small"),
        ({"kind": "dask", "options": {"workers": 10**20}}, "options.workers", "too large"),
        ({"kind": "dask", "name": "x" * 10_000}, "name", ""),
        ({"kind": "dask", "name": ""}, "name", "empty"),
        ({"kind": "dask", "name": "a\u0000b"}, "name", "control characters"),
        ({"kind": "dask", "owner": "bob"}, "owner", "for yourself"),
        ({"kind": "dask", "directory": "../x"}, "directory", "not an absolute path"),
        ({}, "kind", "missing"),
        ([], "", ""),
        ("dask", "", ""),
    ],
)
async def test_bad_input_gets_a_problem_naming_field_and_remedy(
    run: Running, body: Any, field: str, words: str
) -> None:
    answer = await run.user("ada").post("backends", json=body)
    assert 400 <= answer.status_code < 500
    assert answer.headers["content-type"] == PROBLEM
    problem = answer.json()
    assert problem.get("field", "") == field
    assert words in problem["detail"]
    assert problem["remedy"]
    assert not run.platform.backends


@pytest.mark.parametrize("name", ["Ünï/cöde", "../../etc/passwd", "<b>x</b>", "日本", "a'b\"c"])
async def test_odd_names_are_kept_as_they_are(run: Running, name: str) -> None:
    ada = run.user("ada")
    made = await ada.post("backends", json={"kind": "dask", "name": name})
    assert made.status_code == 202
    assert made.json()["name"] == name
    assert (await ada.get(f"backends/{made.json()['id']}")).json()["name"] == name


@pytest.mark.parametrize(
    "content",
    [
        b'{"kind": "dask", "options": {"workers": NaN}}',
        b'{"kind": "dask", "options": {"workers": Infinity}}',
        b'{"kind": "dask", "kind": "dask"}',
        b'{"kind": "\\ud800"}',
        b'{"kind": "dask", "name": "\xff"}',
        b'{"kind": "dask", "options": {"workers": ' + b"9" * 5000 + b"}}",
        b"[" * 50_000,
        b"",
        b"{",
        b"\x00",
    ],
)
async def test_what_is_not_quite_json_is_refused(run: Running, content: bytes) -> None:
    answer = await run.user("ada").post(
        "backends", content=content, headers={"Content-Type": "application/json"}
    )
    assert answer.status_code == 422
    assert answer.headers["content-type"] == PROBLEM


@pytest.mark.parametrize("chunked", [False, True])
async def test_a_body_of_more_than_256_kib_is_refused(run: Running, chunked: bool) -> None:
    body = b'{"kind": "' + b"x" * 300_000 + b'"}'

    async def chunks() -> Any:
        for start in range(0, len(body), 10_000):
            yield body[start : start + 10_000]

    answer = await run.user("ada").post(
        "backends",
        content=chunks() if chunked else body,
        headers={"Content-Type": "application/json"},
    )
    assert answer.status_code == 413
    assert answer.json()["remedy"] == "Send at most 256 KiB."


@pytest.mark.shows("K98")
async def test_tokens_that_do_not_count_are_refused(run: Running) -> None:
    assert (await run.client(None).get("me")).status_code == 401
    unknown = await run.client("expired").get("me")
    assert unknown.status_code == 401
    assert unknown.headers["www-authenticate"] == "Bearer"
    run.hub.add("eve", scopes=("access:services!service=other", "self"))
    foreign = await run.client("token-of-eve").get("me")
    assert foreign.status_code == 403
    assert ACCESS in foreign.json()["remedy"]
    assert (await run.client("ünïcode".encode().hex()).get("me")).status_code == 401


async def test_a_hub_that_is_down_is_said_to_be_and_known_tokens_go_on(run: Running) -> None:
    ada, bob = run.user("ada"), run.user("bob")
    assert (await ada.get("me")).status_code == 200
    run.hub.down = True
    assert (await ada.get("me")).status_code == 200
    answer = await bob.get("me")
    assert answer.status_code == 503
    assert answer.headers["retry-after"]


async def test_the_hub_is_asked_once_for_many_requests(run: Running) -> None:
    ada = run.user("ada")
    await asyncio.gather(*(ada.get("me") for _ in range(50)))
    assert run.hub.questions <= 2


async def test_methods_are_answered_sensibly(run: Running) -> None:
    ada = run.user("ada")
    await ada.post("backends", json={"kind": "dask"})
    head = await ada.head("backends")
    assert (head.status_code, head.content) == (200, b"")
    wrong = await ada.put("backends", json={})
    assert wrong.status_code == 405
    assert wrong.headers["content-type"] == PROBLEM
    assert "GET" in wrong.headers["allow"]
    assert (await ada.options("backends")).status_code in {204, 405}
    nothing = await ada.get("nothing")
    assert (nothing.status_code, nothing.headers["content-type"]) == (404, PROBLEM)


async def test_the_document_describes_every_operation_and_its_problems(run: Running) -> None:
    document = (await run.client(None).get("openapi.json")).json()
    assert document["openapi"].startswith("3.1")
    for path, methods in document["paths"].items():
        assert path.startswith(API)
        for method, operation in methods.items():
            assert operation["summary"], (method, path)
            assert operation["description"], (method, path)
            for parameter in operation.get("parameters", ()):
                assert parameter["description"], (method, path, parameter["name"])
            if "healthz" not in path:
                assert PROBLEM in operation["responses"]["401"]["content"], (method, path)
    launch = document["components"]["schemas"]["Launch"]["properties"]
    assert all("description" in field for field in launch.values())


async def test_metrics_name_no_user_and_are_for_those_who_may(run: Running) -> None:
    ada = run.user("ada")
    id = (await ada.post("backends", json={"kind": "dask"})).json()["id"]
    await ada.post("backends", json={"kind": "dask", "options": {"workers": 99}})
    await ada.get(f"backends/{id}")
    assert (await ada.get("metrics")).status_code == 403
    assert (await run.client(None).get("metrics")).status_code == 401
    for client in (
        run.spawner,
        run.user("root", admin=True),
        run.user("prometheus", scopes=(ACCESS, "read:metrics")),
    ):
        answer = await client.get("metrics")
        assert answer.status_code == 200
    text = answer.text
    assert 'alongside_backends{kind="dask",phase="running",platform="local"} 1.0' in text
    assert 'alongside_refused_total{code="invalid-fields"} 1.0' in text
    assert "alongside_launch_seconds_count" in text
    assert "ada" not in text
    assert id not in text


async def test_health_needs_no_token(run: Running) -> None:
    answer = await run.client(None).get("healthz")
    assert (answer.status_code, answer.json()) == (200, {"status": "ok", "leading": True})


async def test_logs_are_plain_text_by_role(run: Running) -> None:
    ada = run.user("ada")
    id = (await ada.post("backends", json={"kind": "dask"})).json()["id"]
    await run.settled(lambda: bool(run.service.registry.get(id).status.roles))
    answer = await ada.get(f"backends/{id}/logs?role=worker-0&lines=2")
    assert answer.headers["content-type"].startswith("text/plain")
    assert answer.text == "worker-0 line 0\nworker-0 line 1\n"
    assert (await ada.get(f"backends/{id}/logs")).text.startswith("scheduler line 0")
    wrong = await ada.get(f"backends/{id}/logs?role=../../secrets")
    assert wrong.status_code == 404
    assert "scheduler, worker-0" in wrong.json()["remedy"]


@pytest.mark.shows("T40")
@pytest.mark.parametrize("mode", list(GenerationMode))
def test_no_generated_request_makes_the_service_fail(served: Served, mode: GenerationMode) -> None:
    schema = schemathesis.openapi.from_url(f"{served.url}/openapi.json")
    found: Iterable[Any] = schema.exclude(path_regex="/events$").get_all_operations()
    operations = [one.ok() for one in found]
    assert len(operations) >= 12
    answered: set[int] = set()

    def exercise(case: schemathesis.Case, token: str) -> None:
        answer = case.call(headers={"Authorization": f"Bearer {token}"}, timeout=20)
        answered.add(answer.status_code)
        assert answer.status_code < 500, answer.text
        if answer.status_code >= 400:
            assert answer.headers["content-type"] == [PROBLEM]
            assert json.loads(answer.text)["detail"]

    for operation in operations:
        strategy = operation.as_strategy(generation_mode=mode)
        tokens = st.sampled_from([OWN_TOKEN, *served.tokens, "wrong"])
        with contextlib.suppress(Unsatisfiable):  # nothing of this operation can be wrong
            SETTINGS(given(strategy, tokens)(exercise))()
    assert {200, 401, 404, 422} <= answered
