"""Who gets in by a portal's token, and who doesn't: on a real hub, with a real key set."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import time
import unicodedata
from collections.abc import Callable, Iterator
from typing import Any

import httpx
import jwt
import pytest
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from alongside_authenticators.keys import PAUSE
from tests.authenticators.hubs import auth_state, got_in, hub_with, knock, sentence, who
from tests.authenticators.key_sets import AUDIENCE, ISSUER, KeySet, payload
from tests.spawners.live_hub import LiveHub

pytestmark = pytest.mark.slow

NAME = "X-Portal-Assertion"
CONFIG = f"""
from alongside_authenticators.parsers import X509SubjectParser
h = c.HeaderAuthenticator
h.jwks_url = "URL"
h.issuer = {ISSUER!r}
h.audience = {AUDIENCE!r}
h.leeway = 30
h.allowed_headers = {{
    "auth": "preferred_username", "groups": "realm.roles", "subject": "dn", "quota": "quota"}}
h.header_parser_classes = {{"subject": X509SubjectParser}}
h.manage_groups = True
h.user_external_allow_attributes = ["note"]
h.user_data_paths = ["/user-data", "/portal/news"]
h.portal_login_url = "https://portal.example/in?back={{next}}"
"""


@pytest.fixture(scope="module")
def keys() -> Iterator[KeySet]:
    """The portal's keys."""
    with KeySet() as running:
        yield running


@pytest.fixture(scope="module")
def hub(keys: KeySet) -> Iterator[LiveHub]:
    """A hub that fetches them."""
    with hub_with(CONFIG.replace("URL", keys.url)) as running:
        yield running


def token(keys: KeySet, user: str = "ada", **claims: Any) -> str:
    """A token as this portal makes it: the name is not in `sub`."""
    return keys.token("f3a9", **{"preferred_username": user, **claims})


def bring(hub: LiveHub, token: str, path: str = "/hub/login") -> httpx.Response:
    """Somebody whom the proxy lets through with this token."""
    return knock(hub, {NAME: token}, path=path)


@pytest.mark.shows("T1", "T2", "T12")
def test_a_token_says_who_it_is_and_what_is_known_of_them(hub: LiveHub, keys: KeySet) -> None:
    """Claims that aren't listed are kept nowhere."""
    said = token(
        keys, "Ada", realm={"roles": ["staff", "guests"]}, dn="/C=DK/O=NBI/CN=Ada L", secret="x"
    )
    answer = bring(hub, f"Bearer {said}", "/hub/login?next=/hub/home")
    assert answer.headers["location"] == "/hub/home"
    assert who(hub, answer) == "ada"
    assert set(hub.api("GET", "users/ada").json()["groups"]) == {"staff", "guests"}
    assert auth_state(hub, "ada") == {
        "dn": {"C": "DK", "O": "NBI", "CN": "Ada L"},
        "identity": "ada",
    }


def without_signature(keys: KeySet) -> str:
    """A token that says of itself that it needs none."""
    return jwt.encode(payload("eve", preferred_username="eve"), "", "none")


def signed_with_the_public_key(keys: KeySet) -> str:
    """A token whose HMAC is made with what everybody knows."""
    public = keys.keys["key-0"].public_key()
    pem = public.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    head = {"alg": "HS256", "typ": "JWT", "kid": "key-0"}
    parts = [json.dumps(part).encode() for part in (head, payload("x", preferred_username="eve"))]
    signed = b".".join(base64.urlsafe_b64encode(part).rstrip(b"=") for part in parts)
    signature = hmac.new(pem, signed, hashlib.sha256).digest()
    return f"{signed.decode()}.{base64.urlsafe_b64encode(signature).decode().rstrip('=')}"


def with_another_name(keys: KeySet) -> str:
    """A good token whose claims were changed."""
    head, body, signature = token(keys).split(".")
    claims = json.loads(base64.urlsafe_b64decode(body + "=="))
    changed = json.dumps({**claims, "preferred_username": "eve"}).encode()
    return ".".join([head, base64.urlsafe_b64encode(changed).decode().rstrip("="), signature])


def of_a_stranger(keys: KeySet) -> str:
    """A token by somebody else's key, that says it is the portal's."""
    other = KeySet()
    other._server.server_close()
    return other.token("x", preferred_username="eve")


REFUSED: dict[str, tuple[Callable[[KeySet], str], int, str]] = {
    "rubbish": (lambda _: "rubbish", 401, "not signed"),
    "three parts of rubbish": (lambda _: "a.b.c", 401, "not signed"),
    "unsigned": (without_signature, 401, "not signed"),
    "public key as secret": (signed_with_the_public_key, 401, "not signed"),
    "changed": (with_another_name, 401, "not signed"),
    "a stranger's key": (of_a_stranger, 401, "not signed"),
    "an unknown key": (lambda k: token(k, head={"kid": "nobody's"}), 401, "doesn't know"),
    "a key by address": (
        lambda k: token(k, head={"jku": "https://evil.example", "kid": "x"}),
        401,
        "doesn't know",
    ),
    "expired": (lambda k: token(k, exp=time.time() - 90), 401, "expired"),
    "not yet good": (lambda k: token(k, nbf=time.time() + 600), 401, "only good later"),
    "made in the future": (lambda k: token(k, iat=time.time() + 600), 401, "only good later"),
    "for ever": (lambda k: token(k, exp=None), 401, "not signed"),
    "for another service": (lambda k: token(k, aud="mail"), 401, "another service"),
    "for nobody": (lambda k: token(k, aud=None), 401, "not signed"),
    "of another portal": (lambda k: token(k, iss="https://evil.example"), 401, "another portal"),
    "of no portal": (lambda k: token(k, iss=None), 401, "not signed"),
    "of nobody": (lambda k: token(k, preferred_username=None), 401, "who you are"),
    "of a number": (lambda k: token(k, preferred_username=7), 401, "who you are"),
    "of several": (lambda k: token(k, preferred_username=["ada"]), 401, "who you are"),
    "of a path": (lambda k: token(k, "../ada"), 401, "who you are"),
    "of a blank": (lambda k: token(k, "ada l"), 401, "who you are"),
    "of what can't be seen": (lambda k: token(k, "ada\u200b"), 401, "who you are"),
    "of a very long name": (lambda k: token(k, "a" * 300), 401, "who you are"),
    "groups of numbers": (lambda k: token(k, realm={"roles": [1]}), 400, "realm.roles can't"),
    "no distinguished name": (lambda k: token(k, dn="C=DK/"), 400, "dn can't be read"),
    "with a body's digest": (lambda k: token(k, body_sha256="0" * 64), 401, "not signed"),
    "two of them": (lambda k: f"{token(k)}, {token(k)}", 400, "more than once"),
}


@pytest.mark.shows("T7")
@pytest.mark.parametrize("what", REFUSED)
def test_who_does_not_get_in(hub: LiveHub, keys: KeySet, what: str) -> None:
    """With the reason on the page."""
    make, status, words = REFUSED[what]
    answer = bring(hub, make(keys))
    assert (answer.status_code, got_in(answer)) == (status, False), sentence(answer)
    assert words in sentence(answer)


@pytest.mark.parametrize("name", ["jürgen", "ÅSA", "Å" + "sa", "山田", "o_neil", "a.b-c@d.dk"])
def test_names_of_all_scripts_are_one_name_however_they_are_written(
    hub: LiveHub, keys: KeySet, name: str
) -> None:
    """Letters with their marks in one piece or in two, capital or small."""
    assert got_in(bring(hub, token(keys, name)))
    known = unicodedata.normalize("NFC", name.lower())
    assert hub.api("GET", f"users/{known}").status_code == 200
    assert got_in(bring(hub, token(keys, unicodedata.normalize("NFD", name))))


def test_clocks_may_differ_a_little(hub: LiveHub, keys: KeySet) -> None:
    """By `leeway`, here 30 s."""
    now = time.time()
    assert got_in(bring(hub, token(keys, exp=now - 1)))
    assert got_in(bring(hub, token(keys, iat=now + 2, nbf=now + 2)))


@pytest.mark.shows("T7")
def test_without_a_token_people_are_sent_to_the_portal(hub: LiveHub) -> None:
    """With the way back within this hub, and no other."""
    answer = knock(hub, path="/hub/login?next=/hub/spawn%3Fprofile%3Dx")
    back = "https://portal.example/in?back=%2Fhub%2Fspawn%3Fprofile%3Dx"
    assert answer.headers["location"] == back
    answer = knock(hub, path="/hub/login?next=https://evil.example")
    assert answer.headers["location"] == "https://portal.example/in?back="
    assert not got_in(answer)


def test_there_is_no_form(hub: LiveHub) -> None:
    """Nobody signs in by one, with or without the hub's cookie against forged forms."""
    cookies = dict(knock(hub, path="/hub/home").cookies) | {"_xsrf": "x"}
    for path in ("/hub/login", "/hub/login?_xsrf=x"):
        answer = knock(hub, path=path, method="POST", body=b"username=eve", cookies=cookies)
        assert (answer.status_code in {403, 405}, got_in(answer)) == (True, False)


@pytest.mark.shows("T3")
def test_what_is_posted_is_covered_by_the_token_and_good_once(hub: LiveHub, keys: KeySet) -> None:
    """At each of the paths that the operator has named."""
    bring(hub, token(keys, "rob"))
    body = b'{"note": {"room": 4}}'
    digest = hashlib.sha256(body).hexdigest()

    def post(said: str, sent: bytes = body, path: str = "/hub/user-data") -> int:
        return knock(hub, {NAME: said}, path=path, method="POST", body=sent).status_code

    good = token(keys, "rob", body_sha256=digest)
    assert post(good) == 204
    assert auth_state(hub, "rob")["note"] == {"room": 4}
    assert post(good) == 401
    assert post(token(keys, "rob")) == 401
    assert post(token(keys, "rob", body_sha256=digest), b'{"note": 5}') == 401
    assert post(token(keys, "rob", body_sha256=digest, jti=None)) == 401
    assert post(token(keys, "rob", body_sha256=digest), path="/hub/portal/news") == 204
    assert auth_state(hub, "rob")["note"] == {"room": 4}


@pytest.mark.shows("T7")
def test_keys_change_without_a_restart_and_unknown_ones_are_not_asked_for_all_the_time(
    hub: LiveHub, keys: KeySet
) -> None:
    """A new key is fetched when a token names it, at most every few seconds."""
    assert got_in(bring(hub, token(keys)))
    asked, began = keys.asked, time.monotonic()
    for _ in range(20):
        assert not got_in(bring(hub, token(keys, head={"kid": "nobody's"})))
    assert keys.asked - asked <= 2 + (time.monotonic() - began) / PAUSE
    keys.rotate()
    deadline = time.monotonic() + 60
    while not got_in(bring(hub, token(keys))):
        assert time.monotonic() < deadline, "the new key is never fetched"
    assert got_in(bring(hub, token(keys, key="key-0")))
