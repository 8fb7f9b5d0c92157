"""Requests through the Jupyter server: who may, which, and what comes back."""

from __future__ import annotations

import json
import threading
from typing import Any

import httpx
import pytest

from alongside_lab.requests import methods_of, outgoing
from alongside_lab.routes import routes
from tests.client.real import RealService
from tests.lab.jupyter import TOKEN, Jupyter, wait_for

ID = "etl-aaaaaaaaaaaaaaaa"
ADDRESSES = {
    r"/alongside/state": "alongside/state",
    r"/alongside/notebook-parameters": "alongside/notebook-parameters?path=a.ipynb",
    r"/alongside/notebook-content": "alongside/notebook-content?path=a.ipynb",
    r"/alongside/trace": "alongside/trace?path=a.csv",
    r"/alongside/api/(.*)": "alongside/api/backends",
    r"/alongside/backends/([a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?)/trust": (
        f"alongside/backends/{ID}/trust"
    ),
    r"/alongside/backends/([a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?)/dashboard/(.*)": (
        f"alongside/backends/{ID}/dashboard/status"
    ),
}
"""An address of every handler that there is."""


def every_handler() -> list[str]:
    anything: Any = None
    return [pattern for pattern, *_ in routes(anything, anything, anything)]


@pytest.mark.parametrize("pattern", every_handler())
@pytest.mark.parametrize("method", ["GET", "POST", "PUT", "PATCH", "DELETE", "HEAD"])
def test_nobody_is_let_in_without_a_token(jupyter: Jupyter, pattern: str, method: str) -> None:
    with jupyter.client(token=None) as stranger:
        answer = stranger.request(method, ADDRESSES[pattern])
    assert answer.status_code in {302, 403, 405}, answer.text
    if answer.status_code == 302:
        assert "/login" in answer.headers["location"]


@pytest.mark.parametrize("pattern", every_handler())
def test_a_page_of_another_site_can_do_nothing(jupyter: Jupyter, pattern: str) -> None:
    with jupyter.client(token=None) as browser:
        browser.get(f"?token={TOKEN}")
        assert browser.cookies
        answer = browser.post(
            ADDRESSES[pattern], json={}, headers={"Origin": "https://evil.example"}
        )
    assert answer.status_code in {403, 404, 405}


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", f"backends/{ID}/connection"),
        ("GET", "events"),
        ("GET", "metrics"),
        ("GET", "openapi.json"),
        ("GET", "../../../hub/api/user"),
        ("GET", f"backends/{ID}/../../events"),
        ("GET", "backends/"),
        ("GET", "BACKENDS"),
        ("DELETE", "backends"),
        ("PATCH", f"backends/{ID}/logs"),
        ("PUT", f"backends/{ID}"),
        ("POST", "me"),
    ],
)
def test_nothing_else_is_passed_on(method: str, path: str) -> None:
    assert method not in methods_of(path)


def test_credentials_can_not_be_had(browser: httpx.Client) -> None:
    for path in (f"backends/{ID}/connection", "events", "backends/%2e%2e/events"):
        answer = browser.get(f"alongside/api/{path}")
        assert answer.status_code == 404
        assert answer.headers["content-type"] == "application/problem+json"


def test_methods_are_told(browser: httpx.Client) -> None:
    answer = browser.patch("alongside/api/backends", json={})
    assert answer.status_code == 405
    assert answer.headers["allow"] == "GET, POST"
    assert answer.json()["remedy"]


@pytest.mark.parametrize(
    ("body", "sent"),
    [
        (b'{"kind": "dask"}', b'{"kind": "dask", "session": "lab"}'),
        (b'{"kind": "dask", "session": null}', b'{"kind": "dask", "session": null}'),
        (b'{"kind": "dask", "session": ""}', b'{"kind": "dask", "session": ""}'),
        (b"[1]", b"[1]"),
        (b"{", b"{"),
        (b"[" * 100_000, b"[" * 100_000),
        (b"\xff", b"\xff"),
    ],
)
def test_a_launch_belongs_to_the_session_unless_it_says_otherwise(body: bytes, sent: bytes) -> None:
    request = outgoing("POST", "backends", "", {"Content-Type": "application/json"}, body, "lab")
    assert request.body == sent
    assert request.headers["Idempotency-Key"]


def test_what_a_schedule_launches_belongs_to_no_session() -> None:
    body = b'{"name": "day", "launch": {"kind": "dask"}}'
    request = outgoing("POST", "schedules", "", {"Content-Type": "application/json"}, body, "lab")
    assert request.body == body
    assert request.headers["Idempotency-Key"]
    assert methods_of("schedules/day-1") == {"PATCH", "DELETE"}


def test_only_what_the_service_needs_of_the_headers_goes_on() -> None:
    given = {
        "Cookie": "secret",
        "Authorization": "token secret",
        "X-XSRFToken": "secret",
        "Idempotency-Key": "once",
        "Content-Type": "application/json",
    }
    request = outgoing("POST", "backends", "", given, b"{}", None)
    assert request.headers == {"Idempotency-Key": "once", "Content-Type": "application/json"}


def test_answers_and_problems_come_back_as_they_are(
    browser: httpx.Client, service: RealService
) -> None:
    direct = httpx.Client(
        base_url=f"{service.url}/services/alongside/api/v1/",
        headers={"Authorization": f"token {service.token}"},
        trust_env=False,
    )
    wrong = {"kind": "dask", "options": {"workers": 1000}}
    with direct:
        for method, path, body in (
            ("GET", "me", None),
            ("GET", "catalogue", None),
            ("GET", f"backends/{ID}", None),
            ("POST", "backends", wrong),
            ("POST", "spawn-options", {"profile": "small"}),
            ("POST", "spawn-options", {"profile": "unknown"}),
        ):
            ours = browser.request(method, f"alongside/api/{path}", json=body)
            theirs = direct.request(method, path, json=body)
            assert ours.status_code == theirs.status_code, path
            assert ours.headers["content-type"] == theirs.headers["content-type"]
            if path != "me":  # which has capacities of this moment
                assert ours.json() == theirs.json()


@pytest.mark.parametrize(("path", "most"), [("backends", 256), ("runs", 1024)])
def test_too_large_a_body(browser: httpx.Client, path: str, most: int) -> None:
    answer = browser.post(f"alongside/api/{path}", json={"name": "x" * most * 1024})
    assert answer.status_code == 413
    assert answer.json()["remedy"] == f"Send at most {most} KiB."


def test_a_workflow_may_bring_its_notebooks(browser: httpx.Client) -> None:
    cell = {"cell_type": "code", "source": "ü" * 200_000, "metadata": {}}
    workflow = {"name": "w", "steps": [], "notebooks": {"a.ipynb": {"cells": [cell]}}}
    answer = browser.post("alongside/api/runs", json={"workflow": workflow})
    assert answer.status_code == 422  # that it has no steps is what the service has against it


def test_the_same_key_is_one_backend_and_its_log_is_followed(browser: httpx.Client) -> None:
    wish = {"name": "once", "kind": "dask", "options": {"workers": 1}}
    headers = {"Idempotency-Key": "one"}
    ids = {
        browser.post("alongside/api/backends", json=wish, headers=headers).json()["id"]
        for _ in range(3)
    }
    assert len(ids) == 1
    id = ids.pop()
    path = f"alongside/api/backends/{id}"
    wait_for(lambda: browser.get(path).json()["phase"] == "running", "the cluster", 60)
    lines: list[str] = []
    began = threading.Event()

    def read() -> None:
        query = {"role": "scheduler", "follow": "true"}
        with browser.stream("GET", f"{path}/logs", params=query) as answer:
            assert answer.headers["content-type"].startswith("text/plain")
            for line in answer.iter_lines():
                lines.append(line)
                began.set()

    reader = threading.Thread(target=read)
    reader.start()
    try:
        assert began.wait(20)
        whole = browser.get(f"{path}/logs", params={"role": "scheduler", "lines": 3}).text
        assert len(whole.splitlines()) == 3
        grown = browser.patch(path, json={"options": {"workers": 2}})
        assert grown.status_code == 200, grown.text
        wait_for(lambda: sum("Register worker" in line for line in lines) >= 2, "news", 60)
    finally:
        browser.delete(path)
        reader.join(30)
    assert not reader.is_alive(), "the log does not end with its backend"


@pytest.mark.shows("K70")
def test_a_report_comes_as_a_file_that_can_do_nothing_here(
    browser: httpx.Client, jupyter: Jupyter
) -> None:
    cell: dict[str, Any] = {
        "cell_type": "code",
        "metadata": {},
        "source": "print('Depths <script>bad()</script>')",
        "outputs": [],
        "execution_count": None,
    }
    kernel = {"name": "python3", "display_name": "Python 3", "language": "python"}
    content = {"nbformat": 4, "nbformat_minor": 4, "metadata": {"kernelspec": kernel}}
    (jupyter.folder / "report.ipynb").write_text(json.dumps({**content, "cells": [cell]}))
    step = {"name": "report", "notebook": "report.ipynb"}
    workflow = {"name": "report", "steps": [step], "directory": str(jupyter.folder)}
    run = browser.post("alongside/api/runs", json={"workflow": workflow}).json()
    path = f"alongside/api/runs/{run['id']}"
    wait_for(lambda: browser.get(path).json()["state"] == "succeeded", "the run", 60)
    answer = browser.get(f"{path}/steps/report/report")
    assert answer.status_code == 200, answer.text
    assert "Depths" in answer.text
    assert answer.headers["content-type"].startswith("text/html")
    assert answer.headers["content-security-policy"] == "sandbox"
    assert answer.headers["content-disposition"] == "attachment"
    assert answer.headers["x-content-type-options"] == "nosniff"
    unknown = browser.get(f"{path}/steps/report/report", params={"attempt": 7})
    assert unknown.status_code == 404
    assert unknown.headers["content-type"] == "application/problem+json"
    assert browser.delete(path).status_code == 204
