"""Dashboards of a real Dask cluster through the Jupyter server: pages and websockets."""

from __future__ import annotations

import re
from collections.abc import Iterator

import httpx
import pytest
from websockets.exceptions import InvalidStatus
from websockets.sync.client import ClientConnection, connect
from websockets.typing import Subprotocol

import alongside
from tests.client.real import RealService
from tests.lab.jupyter import TOKEN, Jupyter, wait_for

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def backend(jupyter: Jupyter) -> Iterator[str]:
    """The id of a running cluster."""
    with jupyter.client() as browser:
        wish = {"name": "seen", "kind": "dask", "options": {"workers": 1}}
        answer = browser.post("alongside/api/backends", json=wish)
        id: str = answer.json()["id"]
        wait_for(lambda: phase(browser, id) == "running", "the cluster", 60)
        yield id
        browser.delete(f"alongside/api/backends/{id}")


def phase(browser: httpx.Client, id: str) -> str:
    backends = browser.get("alongside/state").json()["backends"]
    return next((str(b["phase"]) for b in backends if b["id"] == id), "gone")


def socket_of(jupyter: Jupyter, id: str, page: str, headers: dict[str, str]) -> ClientConnection:
    """The websocket that a page of bokeh opens."""
    token = re.search(r'"token":"([^"]+)"', page)
    protocols = [Subprotocol(name) for name in (["bokeh", token[1]] if token else ["bokeh"])]
    address = f"{jupyter.url.replace('http', 'ws', 1)}alongside/backends/{id}/dashboard/status/ws"
    return connect(address, additional_headers=headers, subprotocols=protocols, proxy=None)


def test_pages_work_on_the_sessions_own_address(
    jupyter: Jupyter, browser: httpx.Client, backend: str, service: RealService
) -> None:
    root = f"alongside/backends/{backend}/dashboard/"
    first = browser.get(root)
    assert first.status_code in {301, 302}, first.text
    status = browser.get(f"{root}status")
    assert status.status_code == 200, status.text
    assert status.headers["content-security-policy"] == "frame-ancestors 'self'"
    assert "x-frame-options" not in status.headers
    assert "set-cookie" not in status.headers
    links = re.findall(r'(?:src|href)="([^"]+)"', status.text)
    assert links
    assert not [link for link in links if link.startswith("/")], links
    script = next(link for link in links if ".js" in link)
    assert browser.get(f"{root}{script}").status_code == 200
    assert service.token not in status.text
    assert browser.get(f"{root}individual-plots.json").json()


def test_redirects_stay_below_the_dashboard(browser: httpx.Client, backend: str) -> None:
    root = f"alongside/backends/{backend}/dashboard/"
    answer = browser.get(root)
    assert answer.headers["location"].startswith(f"/user/ada/{root}")
    assert browser.get(answer.headers["location"].removeprefix("/user/ada/")).status_code == 200


@pytest.mark.shows("K14")
def test_somebody_elses_pages_are_shown_only_when_the_user_has_been_asked(
    browser: httpx.Client, service: RealService
) -> None:
    """They run on the session's address; a link alone must not bring them there."""
    with (
        alongside.Client(service.url, service.bob) as bob,
        bob.launch("dask", name="bobs", workers=1) as shared,
    ):
        bob.change(shared, shares=[{"user": "ada", "access": "attach"}])
        wait_for(lambda: phase(browser, shared.id) == "running", "ada sees it", 60)
        page = f"alongside/backends/{shared.id}/dashboard/status"
        refused = browser.get(page)
        assert refused.status_code == 403
        assert "belongs to bob" in refused.text
        assert "<script" not in refused.text
        assert browser.post(f"alongside/backends/{shared.id}/trust").status_code == 204
        assert "Bokeh" in browser.get(page).text


def test_the_page_is_live(jupyter: Jupyter, browser: httpx.Client, backend: str) -> None:
    page = browser.get(f"alongside/backends/{backend}/dashboard/status").text
    headers = {"Authorization": f"token {TOKEN}", "Origin": f"http://127.0.0.1:{jupyter.port}"}
    with socket_of(jupyter, backend, page, headers) as socket:
        assert "ACK" in str(socket.recv(timeout=10))


@pytest.mark.parametrize(
    "headers",
    [{}, {"Authorization": f"token {TOKEN}", "Origin": "https://evil.example"}],
    ids=["nobody", "another site"],
)
def test_no_websocket_for(
    jupyter: Jupyter, browser: httpx.Client, backend: str, headers: dict[str, str]
) -> None:
    page = browser.get(f"alongside/backends/{backend}/dashboard/status").text
    if "Origin" in headers:  # a browser of another site has a cookie at most, never the token
        login = browser.get(f"lab?token={TOKEN}")
        cookies = "; ".join(f"{c.name}={c.value}" for c in browser.cookies.jar)
        headers = {"Origin": headers["Origin"], "Cookie": cookies}
        assert cookies, login
    with pytest.raises(InvalidStatus) as refused, socket_of(jupyter, backend, page, headers):
        pass
    assert refused.value.response.status_code == 403


@pytest.mark.parametrize(
    "path", ["../../../api/v1/backends", "%2e%2e/%2e%2e/x", "status/..%2f..%2f..%2f..%2fhub/api"]
)
def test_no_way_leads_out_of_the_dashboard(
    jupyter: Jupyter, browser: httpx.Client, backend: str, path: str
) -> None:
    url = httpx.URL(f"{jupyter.url}alongside/backends/{backend}/dashboard/")
    raw = url.copy_with(raw_path=url.raw_path + path.encode())
    assert browser.get(raw).status_code == 404


def test_only_looking(browser: httpx.Client, backend: str) -> None:
    path = f"alongside/backends/{backend}/dashboard/api/v1/retire_workers"
    assert browser.post(path, json={}).status_code in {403, 405}


def test_a_backend_that_is_gone_has_a_page_that_says_so_and_no_websocket(
    jupyter: Jupyter, browser: httpx.Client
) -> None:
    headers = {"Authorization": f"token {TOKEN}"}
    answer = browser.get("alongside/backends/gone-aaaaaaaaaaaaaaaa/dashboard/status")
    assert answer.status_code == 404
    assert "This backend has ended." in answer.text
    assert answer.headers["content-type"].startswith("text/html")
    with (
        pytest.raises(InvalidStatus) as refused,
        socket_of(jupyter, "gone-aaaaaaaaaaaaaaaa", "", headers),
    ):
        pass
    assert refused.value.response.status_code == 404


def test_when_the_cluster_ends_the_websocket_is_closed_for_good(
    jupyter: Jupyter, browser: httpx.Client
) -> None:
    wish = {"name": "short", "kind": "dask", "options": {"workers": 1}}
    id = browser.post("alongside/api/backends", json=wish).json()["id"]
    early = browser.get(f"alongside/backends/{id}/dashboard/status")
    assert early.status_code in {200, 404, 409}
    wait_for(lambda: phase(browser, id) == "running", "the cluster", 60)
    page = browser.get(f"alongside/backends/{id}/dashboard/status").text
    headers = {"Authorization": f"token {TOKEN}"}
    with socket_of(jupyter, id, page, headers) as socket:
        assert browser.delete(f"alongside/api/backends/{id}").status_code == 202
        for _ in socket:  # until it is closed
            pass
    wait_for(lambda: phase(browser, id) == "gone", "the end")
    assert browser.get(f"alongside/backends/{id}/dashboard/status").status_code == 404
    assert "Traceback" not in jupyter.log
