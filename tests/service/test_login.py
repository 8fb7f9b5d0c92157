"""How a browser logs in."""

from __future__ import annotations

from collections.abc import Callable
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest

from alongside_service.oauth import Endpoints
from tests.service.conftest import Running

ROOT = "http://hub.test/services/alongside"


@pytest.fixture
def grants(run: Running, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    """Has the hub give this token for any code from now on."""

    def grant(token: str) -> None:
        async def exchange(url: str, form: dict[str, str]) -> str:
            return token

        monkeypatch.setattr(run.hub, "exchange", exchange, raising=False)

    return grant


async def opened(browser: httpx.AsyncClient, page: str) -> str:
    """The state with which a browser that opens this page is sent to the hub."""
    answer = await browser.get(
        f"{ROOT}/backends/{page}/dashboard/", headers={"Accept": "text/html"}
    )
    assert answer.status_code == 302
    return parse_qs(urlsplit(answer.headers["location"]).query)["state"][0]


async def test_pages_that_are_opened_together_all_log_in(
    run: Running, grants: Callable[[str], None]
) -> None:
    """As JupyterLab does when it restores several of a dashboard's panes."""
    grants(run.hub.add("ada"))
    browser = run.client(None)
    states = {page: await opened(browser, page) for page in ("one", "two", "three")}
    for page, state in states.items():
        answer = await browser.get(f"{ROOT}/oauth_callback", params={"state": state, "code": "x"})
        assert answer.status_code == 302, answer.text
        assert answer.headers["location"].endswith(f"/{page}/dashboard/")


async def test_a_login_that_another_browser_began_is_refused(
    run: Running, grants: Callable[[str], None]
) -> None:
    grants(run.hub.add("eve"))
    state = await opened(run.client(None), "one")
    victim = run.client(None)
    await opened(victim, "one")
    answer = await victim.get(f"{ROOT}/oauth_callback", params={"state": state, "code": "x"})
    assert answer.status_code == 422
    assert "set-cookie" not in answer.headers


async def test_the_cookies_are_for_the_service_alone_and_out_of_reach_of_scripts(
    run: Running, grants: Callable[[str], None]
) -> None:
    grants(run.hub.add("ada"))
    browser = run.client(None)
    browser.headers["X-Forwarded-Proto"] = "https"
    state = await opened(browser, "one")
    browser.base_url = httpx.URL("https://hub.test")
    answer = await browser.get(
        f"{ROOT.replace('http', 'https')}/oauth_callback", params={"state": state, "code": "x"}
    )
    assert answer.status_code == 302
    token = next(c for c in answer.headers.get_list("set-cookie") if "Max-Age=0" not in c)
    for part in ("HttpOnly", "Path=/services/alongside/", "SameSite=lax", "Secure"):
        assert part in token


def test_what_the_hub_knows_us_by_is_in_no_representation(run: Running) -> None:
    assert run.service.token
    assert run.service.token not in repr(run.service)
    assert "s3cret" not in repr(Endpoints.of({"JUPYTERHUB_API_TOKEN": "s3cret"}))
