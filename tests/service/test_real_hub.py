"""The service as a real hub runs it: tokens, login, dashboard, faults. Dask is real too."""

from __future__ import annotations

import os
import re
import signal
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
import websockets.sync.client
from websockets.exceptions import InvalidStatus
from websockets.typing import Subprotocol

from alongside_service.scopes import may_enter
from tests.service.conftest import CATALOGUE
from tests.service.hub import RealHub, answers, hub_home, real_hub, service_pids
from tests.waiting import wait_until

pytestmark = pytest.mark.slow

ACCESS = "access:services!service=alongside"
ONE = {"kind": "dask", "options": {"workers": 1, "memory": "512 MiB"}}


@pytest.fixture(scope="module")
def home() -> Iterator[Path]:
    with hub_home(CATALOGUE) as path:
        yield path


@pytest.fixture(scope="module")
def hub(home: Path) -> Iterator[RealHub]:
    with real_hub(home, home / "catalogue.yaml") as it:
        yield it
        root = it.client(it.token_of("root"))
        for backend in root.get("backends").json():
            root.delete(f"backends/{backend['id']}")
        wait_until("the end of all backends", lambda: root.get("backends").json() == [])


def launched(client: httpx.Client, **body: Any) -> str:
    """The id of a new backend that runs."""
    answer = client.post("backends", json={**ONE, **body})
    assert answer.status_code == 202, answer.text
    id = answer.json()["id"]
    wait_until("running", lambda: client.get(f"backends/{id}").json()["phase"] == "running", 60)
    return str(id)


@pytest.mark.shows("K98")
def test_the_hubs_tokens_say_who_asks(hub: RealHub) -> None:
    me = hub.client(hub.token_of("eve")).get("me").json()
    assert (me["user"], me["groups"], me["admin"]) == ("eve", ["datf"], False)
    assert me["profiles"] == ["small", "course"]
    assert hub.client(hub.token_of("root")).get("me").json()["admin"]
    least = hub.client(hub.token_of("root", scopes=[ACCESS])).get("me")
    assert least.status_code == 200
    assert not least.json()["admin"]


@pytest.mark.shows("K98")
def test_tokens_without_the_scope_or_out_of_date_are_refused(hub: RealHub) -> None:
    other = hub.client(hub.token_of("ada", scopes=["read:users!user"])).get("me")
    assert (other.status_code, other.json()["title"]) == (403, "Not allowed")
    assert hub.client("0" * 32).get("me").status_code == 401
    brief = hub.token_of("ada", expires_in=1)
    wait_until("the token's end", lambda: not hub.knows(brief))  # the hub counts whole seconds
    assert hub.client(brief).get("me").status_code == 401


@pytest.mark.shows("K98")
def test_our_check_of_scopes_is_the_official_one() -> None:
    from jupyterhub.services.auth import check_scopes

    for held in (
        [],
        ["access:services"],
        [ACCESS],
        ["access:services!service=other"],
        ["access:services!server=alongside", "self"],
        ["access:servers", "admin:users", "access:services!user=ada"],
        [ACCESS, "access:services!service=other"],
    ):
        assert may_enter(held, "alongside") == bool(check_scopes({ACCESS}, held)), held


@pytest.mark.shows("K98")
def test_the_hub_itself_launches_for_a_user_with_the_users_groups(hub: RealHub) -> None:
    spawner = hub.client(hub.token)
    offered = spawner.get("catalogue", params={"owner": "eve"}).json()
    assert [p["name"] for p in offered["profiles"]] == ["small", "course"]
    answer = spawner.post("backends", json={**ONE, "owner": "nobody"})
    assert (answer.status_code, answer.json()["field"]) == (422, "owner")


def log_in(hub: RealHub, user: str) -> httpx.Client:
    """A browser of sorts that is logged in to the hub."""
    browser = hub.kept(
        httpx.Client(
            base_url=hub.public,
            follow_redirects=True,
            timeout=30,
            trust_env=False,
            headers={"Accept": "text/html"},
        )
    )
    page = browser.get("/hub/login")
    xsrf = re.search(r'name="_xsrf"\s+value="([^"]+)"', page.text)
    assert xsrf
    form = {"username": user, "password": "x", "_xsrf": xsrf[1]}
    browser.post("/hub/login?next=/hub/token", data=form)
    return browser


@pytest.mark.shows("K14")
def test_the_dashboard_opens_with_the_hubs_login_for_its_owner_only(hub: RealHub) -> None:
    ada = hub.client(hub.token_of("ada"))
    id = launched(ada)
    path = ada.get(f"backends/{id}/connection").json()["dashboard"]

    browser = log_in(hub, "ada")
    page = browser.get(path)
    assert page.status_code == 200
    assert page.url.path == f"{path}status"
    assert "Dask" in page.text
    static = re.findall(r'src="(static/js/bokeh[^"]+)"', page.text)
    assert static
    assert browser.get(f"{path}{static[0]}").status_code == 200
    assert browser.post(f"{path}api/v1/retire_workers", json={}).status_code == 405

    cookie = "; ".join(f"{c.name}={c.value}" for c in browser.cookies.jar if "alongside" in c.name)
    token = re.search(r'"token":"([^"]+)"', page.text)
    assert token
    url = f"{hub.public.replace('http', 'ws')}{path}status/ws"
    protocols = [Subprotocol("bokeh"), Subprotocol(token[1])]

    def socket(**headers: str) -> Any:
        return websockets.sync.client.connect(
            url,
            subprotocols=protocols,
            additional_headers={"Cookie": cookie, **headers},
            proxy=None,
        )

    with socket(Origin=hub.public) as bokeh:
        assert bokeh.subprotocol == "bokeh"
        assert "ACK" in str(bokeh.recv(timeout=10))
    with pytest.raises(InvalidStatus):
        socket(Origin="https://evil.example")
    with pytest.raises(InvalidStatus):
        websockets.sync.client.connect(url, subprotocols=protocols, proxy=None)

    stranger = log_in(hub, "bob").get(path)
    assert stranger.status_code in {403, 404}
    shares = [{"user": "bob", "access": "read"}]
    ada.patch(f"backends/{id}", json={"shares": shares})
    assert log_in(hub, "bob").get(path).status_code == 403
    assert httpx.get(f"{hub.public}{path}status", trust_env=False).status_code == 401
    ada.delete(f"backends/{id}")


def test_a_login_that_was_not_begun_here_is_refused(hub: RealHub) -> None:
    url = f"{hub.public}/services/alongside/oauth_callback?state=x&code=y"
    assert httpx.get(url, trust_env=False).status_code == 422


@pytest.mark.shows("K3")
def test_events_come_through_the_hubs_proxy_and_are_resumed(hub: RealHub) -> None:
    ada = hub.client(hub.token_of("ada"))
    with ada.stream("GET", "events") as stream:
        lines = stream.iter_lines()
        assert next(lines).startswith("id: ") or True
        first = next(line for line in lines if line.startswith("event:"))
        assert first == "event: snapshot"
        id = launched(ada, name="seen")
        following = next(line for line in lines if line.startswith("event:"))
        assert following == "event: changed"
    ada.delete(f"backends/{id}")


def test_the_logs_of_a_backend_can_be_read_and_followed(hub: RealHub) -> None:
    ada = hub.client(hub.token_of("ada"))
    id = launched(ada, name="logs")
    assert "cheduler" in ada.get(f"backends/{id}/logs?role=scheduler").text
    with ada.stream("GET", f"backends/{id}/logs?role=scheduler&follow=true") as stream:
        ada.delete(f"backends/{id}")
        for _ in stream.iter_lines():
            pass  # ends by itself, because the backend does


@pytest.mark.shows("K5")
def test_a_session_that_the_hub_has_no_more_takes_its_backend_with_it(hub: RealHub) -> None:
    ada = hub.client(hub.token_of("ada"))
    hub.ask("POST", "users/ada/servers/gone")
    wait_until(
        "Lab", lambda: hub.ask("GET", "users/ada")["servers"].get("gone", {}).get("ready"), 60
    )
    id = launched(ada, name="tied", session="gone")
    before = hub.looks()
    wait_until("looks that see the session", lambda: hub.looks() > before + 1)
    assert ada.get(f"backends/{id}").status_code == 200
    hub.ask("DELETE", "users/ada/servers/gone")
    wait_until("the end", lambda: ada.get(f"backends/{id}").status_code == 404, 60)


def test_the_service_is_back_at_once_after_kill_9_and_backends_still_serve(hub: RealHub) -> None:
    from distributed import Client
    from distributed.security import Security

    ada = hub.client(hub.token_of("ada"))
    id = launched(ada, name="survivor")
    connection = ada.get(f"backends/{id}/connection").json()
    credentials = connection["credentials"]
    security = Security(
        tls_ca_file=credentials["ca"],
        tls_client_cert=credentials["cert"],
        tls_client_key=credentials["key"],
        require_encryption=True,
    )
    direct = f"{hub.service}/services/alongside/api/v1/healthz"
    with Client(connection["address"], security=security, timeout=20) as client:
        assert client.submit(sum, [1, 2]).result(20) == 3
        old = hub.server()
        begin = time.monotonic()
        os.kill(old, signal.SIGKILL)
        wait_until("the service", lambda: answers(direct))
        assert time.monotonic() - begin < 20, "the hub itself looks only every half a minute"
        assert ada.get(f"backends/{id}").json()["phase"] == "running"
        os.kill(hub.keeper(), signal.SIGKILL)
        assert answers(direct)
        assert client.submit(sum, [1, 2, 3]).result(20) == 6
    ada.delete(f"backends/{id}")


def test_the_service_ends_with_a_hub_that_is_killed(home: Path) -> None:
    place = home / "second"
    place.mkdir()
    with real_hub(place, home / "catalogue.yaml") as second:
        mine = {second.keeper(), second.server()}
        proxy = int((place / "proxy.pid").read_text())
        os.kill(second.process.pid, signal.SIGKILL)
        second.process.wait(5)
        wait_until("its end", lambda: not any(Path(f"/proc/{p}").exists() for p in mine), 15)
        os.kill(proxy, signal.SIGTERM)
    assert not service_pids(1) & mine
