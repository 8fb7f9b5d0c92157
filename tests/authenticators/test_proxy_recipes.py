"""The guide's reverse proxies, run for real: who gets in by them, and what comes through."""

from __future__ import annotations

import html
import http.client
import re
import time
from collections.abc import Iterator

import httpx
import pytest
from websockets.exceptions import InvalidStatus
from websockets.sync.client import ClientConnection, connect
from websockets.typing import Origin

from tests.authenticators.hubs import COOKIE, got_in, knock, sentence
from tests.authenticators.portal_fronts import FRONTS, Front
from tests.authenticators.portal_recipes import ADDRESS, missing
from tests.spawners.live_hub import until

pytestmark = pytest.mark.slow


SESSION = """\
import asyncio, json, os, urllib.parse
from tornado import web, websocket
class Told(web.RequestHandler):
    def get(self):
        self.write({"path": self.request.uri, "headers": list(self.request.headers.get_all())})
    def post(self):
        self.write({"length": len(self.request.body)})
class Echo(websocket.WebSocketHandler):
    def on_message(self, message):
        self.write_message(message, isinstance(message, bytes))
url = urllib.parse.urlsplit(os.environ["JUPYTERHUB_SERVICE_URL"])
async def serve():
    web.Application([(".*/echo", Echo), (".*", Told)]).listen(url.port, url.hostname)
    await asyncio.Event().wait()
asyncio.run(serve())
"""
"""A session that tells what comes to it. It refuses WebSockets of other sites' pages, as Jupyter's
servers do."""


@pytest.fixture(scope="module", params=FRONTS)
def front(request: pytest.FixtureRequest) -> Iterator[Front]:
    """A hub behind each of them. Skips where the program isn't there."""
    opened, programs = FRONTS[request.param]
    if why := missing(*programs):
        pytest.skip(why)
    with opened(f"c.Spawner.cmd = [sys.executable, '-c', {SESSION!r}]\n") as running:
        yield running


def user_of(browser: httpx.Client) -> str:
    """Whom the hub knows this browser as; "" for nobody."""
    page = browser.get("/hub/home", follow_redirects=False)
    found = re.search(r'id="login_widget".*?>\s*([^<\s]+)\s*</', page.text, re.DOTALL)
    return html.unescape(found[1]) if found and page.status_code == 200 else ""


def cookies_of(browser: httpx.Client) -> set[str]:
    """The names of the cookies that it has."""
    return {cookie.name for cookie in browser.cookies.jar}


def raw(front: Front, path: str, *headers: tuple[str, str]) -> tuple[int, str]:
    """Status and cookies of a request that is sent as it is written."""
    connection = http.client.HTTPSConnection(
        ADDRESS, front.site.port, timeout=60, context=front.trust
    )
    try:
        connection.putrequest("GET", path)
        for name, value in headers:
            connection.putheader(name, value)
        connection.endheaders()
        answer = connection.getresponse()
        answer.read()
        return answer.status, " ".join(answer.headers.get_all("set-cookie") or ())
    finally:
        connection.close()


@pytest.mark.shows("T1", "T7")
def test_who_signs_in_at_the_portal_gets_in_as_that_user(front: Front) -> None:
    """And to the page that they had asked for."""
    with front.browser() as browser:
        page = front.enter(browser, "Ada", "/hub/home?page=2")
        assert (page.status_code, str(page.url)) == (200, f"{front.url}/hub/home?page=2")
        assert user_of(browser) == "ada"


def test_who_is_signed_in_at_the_portal_is_not_asked_again(front: Front) -> None:
    """Also when the hub has forgotten them."""
    with front.browser() as browser:
        front.enter(browser, "bea")
        asked = front.provider.asked
        browser.cookies.delete(COOKIE, path="/hub/")
        assert user_of(browser) == ""
        assert browser.get("/hub/home").status_code == 200
        assert (user_of(browser), front.provider.asked) == ("bea", asked)


@pytest.mark.shows("T7")
@pytest.mark.parametrize("path", ["/hub/login", "/hub/login?next=/hub/home", "/", "/hub/spawn"])
def test_without_signing_in_nobody_gets_in(front: Front, path: str) -> None:
    """Whatever page is asked for, it ends with the provider's question."""
    with front.browser() as browser:
        assert front.asks_for_a_name(browser.get(path))
        assert COOKIE not in cookies_of(browser)


PATHS = ["/hub/login", "/hub/login?next=/hub/home", "/hub/home", "/hub/%6cogin", "/hub//login"]
PATHS += ["/hub/login/", "/hub/./login", "/user/../hub/login", "/hub/LOGIN", "/hub/login;x=y"]


@pytest.mark.shows("T7")
@pytest.mark.parametrize("path", PATHS)
def test_what_browsers_send_of_the_header_is_removed(front: Front, path: str) -> None:
    """Here it is good, as if somebody had stolen it: by the proxy it lets nobody in."""
    good = front.assertion("eve")
    names = {front.header, front.header.lower(), front.header.upper()}
    for headers in (*([(name, good)] for name in names), [(front.header, good)] * 2):
        status, cookies = raw(front, path, *headers)
        assert COOKIE not in cookies
        assert status < 500
    assert front.hub.api("GET", "users/eve").status_code == 404


@pytest.mark.shows("T7")
def test_what_browsers_send_of_the_header_changes_nobody(front: Front) -> None:
    """Who is signed in stays who they are."""
    with front.browser() as browser:
        front.enter(browser, "carol")
        browser.get("/hub/login", headers={front.header: front.assertion("eve")})
        assert user_of(browser) == "carol"
        browser.get("/hub/home", headers={front.header: front.assertion("eve")})
        assert user_of(browser) == "carol"


@pytest.mark.shows("T7")
def test_the_hubs_own_ports_let_nobody_in_who_is_not_signed_for(front: Front) -> None:
    """Without the proxy a name is no more than a name."""
    for direct in (False, True):
        for value in ("ada", "Bearer ada", front.assertion("ada")[:-8] + "AAAAAAAA"):
            answer = knock(front.hub, {front.header: value, "Remote-User": "ada"}, direct=direct)
            assert (answer.status_code, got_in(answer)) == (401, False), sentence(answer)
    # these are good, so that above it isn't something else that keeps people out
    assert got_in(knock(front.hub, {front.header: front.assertion("mallory")}))


@pytest.fixture(scope="module")
def session(front: Front) -> Iterator[httpx.Client]:
    """The browser of somebody whose session runs."""
    with front.browser() as browser:
        front.enter(browser, "dora")
        front.hub.session("dora")
        yield browser


@pytest.mark.shows("T7")
def test_sessions_see_neither_header_nor_cookie_of_the_portal(
    front: Front, session: httpx.Client
) -> None:
    """Programs in them could enter the hub by these."""
    kept = {name for name in cookies_of(session) if name.startswith(front.cookie)}
    assert kept, "the browser has none that could be seen"
    # programs send Authorization with tokens of their own, so that one goes through
    sent = {} if front.header == "Authorization" else {front.header: front.assertion("dora")}
    seen = session.get("/user/dora/told", headers=sent).json()["headers"]
    assert front.header.lower() not in {name.lower() for name, _ in seen}
    told = " ".join(value for name, value in seen if name.lower() == "cookie")
    assert not [name for name in kept if name in told]


def test_sessions_get_requests_as_they_were_sent(front: Front, session: httpx.Client) -> None:
    """Paths with their encoding, the name of the host, that it was TLS, and large bodies."""
    path = "/user/dora/files/a%2Fb%20c%25.ipynb?x=%2F"
    told = session.get(path).json()
    headers = {name.lower(): value for name, value in told["headers"]}
    assert told["path"] == path
    assert headers["host"] == front.site.address
    assert headers["x-forwarded-proto"].split(",")[0] == "https"
    large = session.post("/user/dora/upload", content=b"x" * 3_000_000)
    assert large.json() == {"length": 3_000_000}


def test_websockets_come_through(front: Front, session: httpx.Client) -> None:
    """From pages of this hub, and from no others."""
    cookies = "; ".join(f"{c.name}={c.value}" for c in session.cookies.jar if c.path == "/")

    def socket(origin: str) -> ClientConnection:
        return connect(
            f"wss://{front.site.address}/user/dora/echo",
            ssl=front.trust,
            origin=Origin(origin),
            additional_headers={"Cookie": cookies},
            open_timeout=60,
        )

    with socket(front.url) as here:
        for message in ("here", "x" * 100_000, b"\0\1"):
            here.send(message)
            assert here.recv(60) == message
    with pytest.raises(InvalidStatus) as refused:
        socket("https://evil.example")
    assert refused.value.response.status_code == 403


def test_a_token_that_gets_old_keeps_nobody_out(front: Front) -> None:
    """Apache keeps the one that it was given, and gets another in time; the others ask anew."""
    if not front.cookie.startswith("mod_auth_openidc"):
        pytest.skip("only Apache keeps tokens for longer than a minute")
    before, front.provider.life = front.provider.life, 5
    try:
        with front.browser() as browser:
            front.enter(browser, "fay")
            # until what the proxy was given first is no good, by any clock
            over = time.monotonic() + front.provider.life + 12

            def comes() -> bool:
                browser.cookies.delete(COOKIE, path="/hub/")
                page = browser.get("/hub/home")
                assert (page.status_code, user_of(browser)) == (200, "fay"), sentence(page)
                return time.monotonic() > over

            until(comes, "the first token is old", 120, 0.5)
    finally:
        front.provider.life = before
