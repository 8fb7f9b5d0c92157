"""Who gets in by headers with an HMAC, and who doesn't: on a real hub, through its real proxy."""

from __future__ import annotations

import json
import os
import re
import socket
import subprocess
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from alongside_authenticators.signing import assertion
from tests.authenticators.hubs import auth_state, got_in, hub_with, knock, sentence, who
from tests.authenticators.portal import Portal
from tests.spawners.live_hub import ROOT, LiveHub

pytestmark = pytest.mark.slow

KEY = b"k" * 32
OLD_KEY = b"o" * 40
HEADERS = ("MyAuthHeader", "MyCustomHeader", "X-Groups", "X-Mount")
NAME = "X-Portal-Assertion"
MOUNT = {
    "host": "store.example",
    "username": "u-1",
    "private_key": "-----BEGIN OPENSSH " + "PRIVATE KEY-----\nc2VjcmV0\n-----END OPENSSH "
    "PRIVATE KEY-----\n",
}
CONFIG = f"""
from alongside_authenticators.parsers import (
    JSONParser, ListParser, MountParser, RegexUsernameParser)
from pathlib import Path
Path("keys").write_bytes({KEY!r} + b"\\n" + {OLD_KEY!r} + b"\\n")
h = c.HeaderAuthenticator
h.signature = "hmac"
h.shared_keys_file = "keys"
h.replay_window = 600
h.allowed_headers = {{
    "auth": "MyAuthHeader", "auth_data": "MyCustomHeader",
    "groups": "X-Groups", "mount": "X-Mount"}}
h.header_parser_classes = {{
    "auth": RegexUsernameParser, "auth_data": "alongside_authenticators.parsers.JSONParser",
    "mount": MountParser, "data": JSONParser}}
RegexUsernameParser.username_extract_regex = r'([\\w.+-]+@[a-zA-Z0-9-]+\\.[a-zA-Z0-9-.]+)'
RegexUsernameParser.replace_extract_chars = {{"@": "_", ".": "_"}}
h.manage_groups = True
h.admin_groups = {{"staff"}}
h.blocked_users = {{"blocked_x_dk"}}
c.Authenticator.allow_all = False
h.allowed_groups = {{"staff", "guests"}}
h.spawner_shared_headers = ["MyCustomHeader"]
h.set_spawner_attributes = {{"environment": {{"DN": "{{data.User.CERT}}", "NONE": "{{nothing}}"}}}}
h.user_external_allow_attributes = ["data", "X-Mount"]
h.portal_logout_url = "https://portal.example/bye"
h.permanent_attributes = ["data"]
"""


@pytest.fixture(scope="module")
def hub() -> Iterator[LiveHub]:
    """A hub whose portal signs headers, as in the thesis's listings."""
    with hub_with(CONFIG) as running:
        yield running


def signed(
    user: str = "ada@x.dk",
    *,
    method: str = "GET",
    path: str = "/hub/login",
    body: bytes = b"",
    key: bytes = KEY,
    now: float | None = None,
    **more: str,
) -> dict[str, str]:
    """Headers as the portal sends them."""
    headers = {
        "MyAuthHeader": user,
        "X-Groups": "guests",
        **{k.replace("_", "-"): v for k, v in more.items()},
    }
    covered = dict.fromkeys(HEADERS, "") | headers
    return {**headers, NAME: assertion(key, method, path, covered, body, now=now)}


def post(hub: LiveHub, user: str, data: object, *, sign: bool = True) -> httpx.Response:
    """What the portal posts of a user."""
    body = json.dumps(data).encode()
    headers = signed(user, method="POST", path="/hub/user-data", body=body) if sign else {}
    return knock(hub, headers, method="POST", path="/hub/user-data", body=body)


@pytest.mark.shows("T1", "T5", "T169")
def test_whom_the_portal_names_is_signed_in(hub: LiveHub) -> None:
    """Under the name that was cut out of a longer identity, and goes where they wanted to."""
    identity = "/C=DK/O=NBI/CN=R M/emailAddress=rasmus.munk@nbi.ku.dk"
    answer = knock(hub, signed(identity), path="/hub/login?next=%2Fhub%2Fspawn")
    assert answer.status_code == 302, sentence(answer)
    assert answer.headers["location"] == "/hub/spawn"
    assert got_in(answer)
    assert who(hub, answer) == "rasmus_munk_nbi_ku_dk"


REFUSED = {
    "nothing": (dict, 401, "entered by its portal"),
    "no signature": (lambda: {"MyAuthHeader": "ada@x.dk"}, 401, "entered by its portal"),
    "another key": (lambda: signed(key=b"x" * 32), 401, "not signed by the portal"),
    "another user": (lambda: signed() | {"MyAuthHeader": "eve@x.dk"}, 401, "not signed"),
    "a header more": (lambda: signed() | {"MyCustomHeader": '{"a": 1}'}, 401, "not signed"),
    "a header less": (
        lambda: {k: v for k, v in signed().items() if k != "X-Groups"},
        401,
        "not signed",
    ),
    "another group": (lambda: signed() | {"X-Groups": "staff"}, 401, "not signed"),
    "another page": (lambda: signed(path="/user/ada/lab"), 401, "not signed"),
    "another method": (lambda: signed(method="POST"), 401, "not signed"),
    "an old one": (lambda: signed(now=time.time() - 3600), 401, "expired"),
    "one of the future": (lambda: signed(now=time.time() + 3600), 401, "expired"),
    "rubbish": (lambda: signed() | {NAME: "rubbish"}, 401, "not signed"),
    "a blank name": (lambda: signed(""), 401, "who you are"),
    "no address in it": (lambda: signed("/C=DK/CN=R M"), 401, "who you are"),
    "two addresses in it": (lambda: signed("ada@x.dk, eve@x.dk"), 401, "who you are"),
    "broken JSON": (lambda: signed(MyCustomHeader='{"a'), 400, "MyCustomHeader can't be read"),
    "a mount that is an option": (
        lambda: signed(
            X_Mount=json.dumps(MOUNT | {"host": "-oProxyCommand=x"}).replace("\\n", "\\n")
        ),
        400,
        "X-Mount can't be read",
    ),
    "an expired mount": (
        lambda: signed(X_Mount=json.dumps(MOUNT | {"expires": 1})),
        400,
        "X-Mount can't be read",
    ),
    "a blocked user": (lambda: signed("blocked@x.dk"), 403, "may not use this hub"),
    "a stranger's group": (lambda: signed(X_Groups="others"), 403, "may not use this hub"),
    "a long header": (lambda: signed(MyCustomHeader="1" * 20_000), 400, "longer than"),
}


@pytest.mark.shows("T1", "T4", "T5", "T7")
@pytest.mark.parametrize("what", REFUSED)
@pytest.mark.parametrize("direct", [False, True], ids=["by-proxy", "hub-port"])
def test_who_does_not_get_in(hub: LiveHub, what: str, direct: bool) -> None:
    """Through the proxy and at the hub's own port; the reason is a sentence on the page."""
    make, status, words = REFUSED[what]
    answer = knock(hub, make(), direct=direct)
    if what == "a long header" and not direct:  # which the hub's proxy refuses by itself
        status, words = 431, ""
    assert (answer.status_code, got_in(answer)) == (status, False), sentence(answer)
    assert words in sentence(answer)
    assert "eve" not in answer.text


@pytest.mark.shows("T7")
def test_what_was_used_once_is_no_good_again(hub: LiveHub) -> None:
    """Nor many times at once: one of them gets in."""
    headers = signed("twice@x.dk")
    with ThreadPoolExecutor(8) as many:
        answers = list(many.map(lambda _: knock(hub, headers), range(8)))
    assert sorted(a.status_code for a in answers) == [302] + [401] * 7
    assert "used before" in sentence(knock(hub, headers))


@pytest.mark.shows("T7")
@pytest.mark.parametrize("name", ["MyAuthHeader", NAME, "X-Groups"])
@pytest.mark.parametrize("direct", [False, True], ids=["by-proxy", "hub-port"])
def test_a_header_that_was_sent_twice_lets_nobody_in(hub: LiveHub, name: str, direct: bool) -> None:
    """The hub's proxy joins them, so the joined one isn't good either."""
    headers = signed()
    twice: list[tuple[str, str | bytes]] = [*headers.items(), (name, headers[name])]
    answer = knock(hub, twice, direct=direct)
    assert not got_in(answer)
    assert answer.status_code == (400 if direct or name == NAME else 401)
    if direct:
        assert f"{name} was sent more than once" in sentence(answer)


def test_an_older_key_is_good_while_it_is_in_the_file(hub: LiveHub) -> None:
    """So that portal and hub need not change it in the same moment; no restart is needed."""
    file = hub.place / "keys"
    before = file.read_bytes()
    assert got_in(knock(hub, signed(key=OLD_KEY)))
    try:
        file.write_bytes(KEY + b"\n")
        assert not got_in(knock(hub, signed(key=OLD_KEY)))
        assert got_in(knock(hub, signed(key=KEY)))
        file.unlink()
        answer = knock(hub, signed(key=KEY))
        assert (answer.status_code, got_in(answer)) == (503, False)
    finally:
        file.write_bytes(before)


@pytest.mark.shows("T5")
def test_two_people_never_share_a_name(hub: LiveHub) -> None:
    """Whose name comes out as somebody else's is refused, at once and after both have been here."""
    assert got_in(knock(hub, signed("a.b@c.dk")))
    answer = knock(hub, signed("a_b@c.dk"))
    assert (answer.status_code, got_in(answer)) == (403, False)
    assert "Somebody else has the user name" in sentence(answer)
    assert got_in(knock(hub, signed("A.B@c.dk")))


@pytest.mark.shows("T12")
def test_groups_come_from_the_portal_and_go_with_it(hub: LiveHub) -> None:
    """And so does the right to administer."""
    knock(hub, signed("boss@x.dk", X_Groups="staff, guests"))
    user = hub.api("GET", "users/boss_x_dk").json()
    assert (set(user["groups"]), user["admin"]) == ({"staff", "guests"}, True)
    knock(hub, signed("boss@x.dk", X_Groups="guests"))
    user = hub.api("GET", "users/boss_x_dk").json()
    assert (user["groups"], user["admin"]) == (["guests"], False)


@pytest.mark.shows("T2", "T4", "T6")
def test_what_is_listed_is_kept_encrypted_and_nothing_else(hub: LiveHub) -> None:
    """No key of a mount is in the database's file, nor in the log."""
    sent = signed("kim@x.dk", MyCustomHeader='{"uid": 7}', X_Mount=json.dumps(MOUNT))
    assert got_in(knock(hub, sent | {"X-Unlisted": "never-kept"}))
    state = auth_state(hub, "kim_x_dk")
    assert state.pop("X-Mount") == {**MOUNT, "port": 22, "path": "/"}
    assert state == {"MyCustomHeader": {"uid": 7}, "identity": "kim@x.dk"}
    stored = b"".join(f.read_bytes() for f in hub.place.glob("hub.sqlite*"))
    assert b"kim_x_dk" in stored
    for secret in ("c2VjcmV0", "store.example", "never-kept"):
        assert secret.encode() not in stored
        assert secret not in hub.text()


@pytest.mark.shows("T3")
def test_the_portal_changes_what_is_listed_of_whoever_is_signed_in(hub: LiveHub) -> None:
    """By a signed request of its own; a session that starts then has it, one that runs goes on."""
    knock(hub, signed("pat@x.dk"))
    before = hub.api("GET", "users/pat_x_dk").json()
    dn = {"data": {"User": {"CERT": "/C=DK/CN=Pat"}}}
    assert post(hub, "pat@x.dk", dn).status_code == 204
    assert auth_state(hub, "pat_x_dk")["data"] == dn["data"]
    renewed = {"X-Mount": MOUNT | {"username": "u-2"}}
    assert post(hub, "pat@x.dk", renewed).status_code == 204
    assert auth_state(hub, "pat_x_dk")["X-Mount"]["username"] == "u-2"
    after = hub.api("GET", "users/pat_x_dk").json()
    same = ("admin", "groups", "name", "roles")
    assert [before[k] for k in same] == [after[k] for k in same]


@pytest.mark.shows("T3")
def test_others_change_nothing(hub: LiveHub) -> None:
    """Nobody without a signature, not other attributes, not of strangers, not in other words."""
    knock(hub, signed("quinn@x.dk"))
    before = auth_state(hub, "quinn_x_dk")
    good = {"data": {"a": 1}}
    cases = {
        "anonymous": (post(hub, "quinn@x.dk", good, sign=False), 403),
        "not listed": (post(hub, "quinn@x.dk", {"admin": True}), 403),
        "one of them not listed": (post(hub, "quinn@x.dk", {**good, "identity": "x"}), 403),
        "nothing": (post(hub, "quinn@x.dk", {}), 403),
        "never been here": (post(hub, "nobody@x.dk", good), 403),
        "blocked": (post(hub, "blocked@x.dk", good), 403),
        "no object": (post(hub, "quinn@x.dk", [1]), 400),
        "a mount that can't be": (post(hub, "quinn@x.dk", {"X-Mount": {"host": "-x"}}), 400),
        "too much": (post(hub, "quinn@x.dk", {"data": "x" * 100_000}), 413),
    }
    headers = signed("quinn@x.dk", method="POST", path="/hub/user-data", body=b'{"data": 1}')
    other = knock(hub, headers, method="POST", path="/hub/user-data", body=b'{"data": 2}')
    cases["another body"] = (other, 401)
    cookies = dict(knock(hub, signed("quinn@x.dk")).cookies)
    body = json.dumps(good).encode()
    cookie = knock(hub, method="POST", path="/hub/user-data", body=body, cookies=cookies)
    cases["by cookie"] = (cookie, 403)
    assert {what: a.status_code for what, (a, _) in cases.items()} == {
        what: status for what, (_, status) in cases.items()
    }
    assert all(a.json()["message"] for a, _ in cases.values())
    assert auth_state(hub, "quinn_x_dk") == before


@pytest.mark.shows("T3")
def test_news_from_the_portal_and_a_login_at_once_lose_nothing(hub: LiveHub) -> None:
    """Whatever comes first."""
    knock(hub, signed("zoe@x.dk"))

    def news(number: int) -> int:
        if number % 3 == 0:
            return knock(hub, signed("zoe@x.dk")).status_code
        data = {"data": {"a": 1}} if number % 3 == 1 else {"X-Mount": MOUNT}
        return post(hub, "zoe@x.dk", data).status_code

    with ThreadPoolExecutor(6) as many:
        assert set(many.map(news, range(18))) == {204, 302}
    state = auth_state(hub, "zoe_x_dk")
    assert set(state) == {"data", "X-Mount", "identity"}


@pytest.mark.shows("T2")
def test_signing_out_forgets_the_login_and_goes_to_the_portal(hub: LiveHub) -> None:
    """What is permanent stays, also when the portal doesn't send it the next time."""
    cookies = dict(knock(hub, signed("lee@x.dk", MyCustomHeader='{"uid": 9}')).cookies)
    post(hub, "lee@x.dk", {"data": {"User": {"CERT": "lee"}}})
    answer = knock(hub, path="/hub/logout?next=https://evil.example", cookies=cookies)
    assert answer.headers["location"] == "https://portal.example/bye"
    kept = {"data": {"User": {"CERT": "lee"}}, "identity": "lee@x.dk"}
    assert auth_state(hub, "lee_x_dk") == kept
    knock(hub, signed("lee@x.dk"))
    assert auth_state(hub, "lee_x_dk") == kept


@pytest.mark.shows("T11")
def test_a_session_gets_what_is_listed_and_nothing_else(hub: LiveHub) -> None:
    """As environment, from headers and from what was posted."""
    sent = signed("sam@x.dk", MyCustomHeader='{"uid": 5}', X_Mount=json.dumps(MOUNT))
    assert got_in(knock(hub, sent))
    post(hub, "sam@x.dk", {"data": {"User": {"CERT": "/CN=Sam"}}})
    hub.session("sam_x_dk")
    try:
        environment = knock(hub, path="/user/sam_x_dk/").json()
    finally:
        hub.stop("sam_x_dk")
    assert environment["MYCUSTOMHEADER"] == '{"uid": 5}'
    assert environment["DN"] == "/CN=Sam"
    assert "NONE" not in environment
    assert "c2VjcmV0" not in json.dumps(environment)
    assert not {"X_MOUNT", "X_GROUPS", "MYAUTHHEADER"} & set(environment)


@pytest.mark.shows("T1", "T7")
@pytest.mark.parametrize("next", ["https://evil.example", "//evil.example", "/\\evil.example"])
def test_nobody_is_sent_elsewhere(hub: LiveHub, next: str) -> None:
    """However the address is written."""
    answer = knock(hub, signed(), path=f"/hub/login?next={next}")
    assert answer.status_code == 302
    assert "evil" not in httpx.URL(answer.headers["location"]).host


@pytest.mark.shows("T1", "T7")
def test_through_a_portal_people_come_and_go(hub: LiveHub) -> None:
    """It takes out what a browser forges; another user at the same browser is another user."""

    def says(user: str, method: str, path: str) -> dict[str, str]:
        return signed(user, method=method, path=path)

    with (
        Portal(hub.port, says, (*HEADERS, NAME)) as portal,
        httpx.Client(base_url=portal.url, trust_env=False, timeout=60) as browser,
    ):
        assert browser.get("/hub/login").status_code == 401
        portal.user = "ann@x.dk"
        forged = {"MyAuthHeader": "boss@x.dk", "X-Groups": "staff"}
        home = browser.get("/hub/home", headers=forged, follow_redirects=True)
        assert home.status_code == 200, sentence(home)
        assert "ann_x_dk" in home.text
        portal.user = "ben@x.dk"
        assert "ben_x_dk" in browser.get("/hub/login", follow_redirects=True).text
        portal.user = ""
        assert "ben_x_dk" in browser.get("/hub/home").text
        assert not hub.api("GET", "users/ann_x_dk").json()["admin"]


def test_no_refusal_says_what_came_in(hub: LiveHub) -> None:
    """In the log there is the reason, and no assertion, name or value of anybody refused."""
    headers = signed("private.person@x.dk", key=b"x" * 32, MyCustomHeader='"a-private-value"')
    knock(hub, headers)
    log = hub.text()
    assert "NotSigned" in log
    for secret in ("private.person", "a-private-value", headers[NAME].split(".")[2], KEY.decode()):
        assert secret not in log


LINE = st.binary(max_size=60).filter(lambda value: not set(value) & set(b"\r\n"))
FIELD = st.tuples(
    st.sampled_from([*HEADERS, NAME, NAME.lower(), "X-Forwarded-For", "Remote-User", "Cookie"]),
    LINE | st.text(st.characters(exclude_categories=["C"]), max_size=20).map(str.encode),
)


@pytest.mark.shows("T7")
@settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck))
@given(fields=st.lists(FIELD, max_size=8), real=st.booleans(), data=st.data())
def test_nothing_that_is_made_up_lets_anybody_in_or_breaks_the_hub(
    hub: LiveHub, fields: list[tuple[str, bytes]], real: bool, data: st.DataObject
) -> None:
    """Bytes of all sorts, alone or mixed with what the portal has really signed."""
    lines = [(name.encode(), value) for name, value in fields]
    if real:
        genuine = [(n.encode(), v.encode()) for n, v in signed().items()]
        # something of it is missing, and there may be more than it had
        dropped = data.draw(st.integers(0, len(genuine) - 1))
        lines = data.draw(st.permutations([*lines, *genuine[:dropped], *genuine[dropped + 1 :]]))
    answer = raw(hub.hub_port, lines)
    status = int(answer.split(b" ", 2)[1])
    assert 400 <= status < 500
    assert b"jupyterhub-hub-login=" not in answer.replace(b'jupyterhub-hub-login="";', b"")
    assert raw(hub.hub_port, []).split(b" ", 2)[1] == b"401"


def raw(port: int, headers: list[tuple[bytes, bytes]]) -> bytes:
    """The head of the answer to a request with exactly these headers."""
    lines = [b"GET /hub/login HTTP/1.1", b"Host: 127.0.0.1", b"Connection: close"]
    lines += [name + b": " + value for name, value in headers]
    with socket.create_connection(("127.0.0.1", port), timeout=60) as connection:
        connection.sendall(b"\r\n".join(lines) + b"\r\n\r\n")
        answer = b""
        while b"\r\n\r\n" not in answer and (part := connection.recv(65536)):
            answer += part
    return answer.partition(b"\r\n\r\n")[0]


@pytest.mark.shows("T7")
def test_a_killed_hub_takes_nothing_again(hub: LiveHub) -> None:
    """It has forgotten what was used, so the next one takes nothing that is older than itself."""
    headers = signed("killed@x.dk")
    assert got_in(knock(hub, headers))
    hub.kill()
    hub.start()
    answer = knock(hub, headers)
    assert (answer.status_code, got_in(answer)) == (401, False)
    assert "older than this hub" in sentence(answer)
    assert got_in(knock(hub, signed("killed@x.dk")))


def test_a_shell_can_sign_as_the_guide_shows(tmp_path: Path) -> None:
    """The guide's own lines, run."""
    guide = (ROOT / "docs/how-to/sign-in-by-header.md").read_text()
    (script,) = (b for b in re.findall(r"```sh\n(.*?)```", guide, re.DOTALL) if "openssl" in b)
    (lines,) = (b for b in re.findall(r"```text\n(.*?)```", guide, re.DOTALL) if "ada" in b)
    (tmp_path / "headers.txt").write_text(lines)
    environment = {"PATH": os.environ["PATH"], "KEY": KEY.decode()}
    done = subprocess.run(
        ["sh", "-eu", "-c", script], cwd=tmp_path, env=environment, capture_output=True, check=True
    )
    value = done.stdout.decode().partition(": ")[2].strip()
    moment, nonce, _ = value.split(".")
    headers = {"Remote-User": "ada", "X-Groups": "physics"}
    ours = assertion(KEY, "GET", "/hub/login", headers, now=float(moment), nonce=nonce)
    assert value == ours
