"""Public keys that are fetched, remembered for a while, and fetched again."""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import SimpleNamespace
from typing import Any

import jwt
import pytest

from alongside_authenticators import keys as module
from alongside_authenticators import replay
from alongside_authenticators.keys import PublicKeys
from alongside_authenticators.refusals import Refused
from alongside_authenticators.replay import Used
from tests.authenticators.key_sets import KeySet


@pytest.fixture
def portal() -> Iterator[KeySet]:
    """A portal with one key."""
    with KeySet() as running:
        yield running


async def found(keys: PublicKeys, name: str | None) -> str:
    """The name of the key that is found, or why there is none."""
    try:
        return str((await keys.find(name, "ES256")).key_id)
    except Refused as refusal:
        return refusal.code


async def test_keys_are_fetched_once_however_many_ask(portal: KeySet) -> None:
    """At the same time, and later."""
    keys = PublicKeys(portal.url, 60)
    assert set(await asyncio.gather(*(found(keys, "key-0") for _ in range(20)))) == {"key-0"}
    assert await found(keys, "key-0") == "key-0"
    assert portal.asked == 1


@pytest.mark.shows("T7")
async def test_a_key_that_is_withdrawn_is_no_good_once_that_is_known(
    portal: KeySet, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Here because another one is asked for; else after `age`."""
    monkeypatch.setattr(module, "PAUSE", 0.0)
    keys = PublicKeys(portal.url, 60)
    assert await found(keys, "key-0") == "key-0"
    portal.rotate()
    portal.hidden.add("key-0")
    assert await found(keys, "key-1") == "key-1"
    assert await found(keys, "key-0") == "UnknownKey"


async def test_without_a_name_there_must_be_only_one(portal: KeySet) -> None:
    """Nobody tries one after the other."""
    assert await found(PublicKeys(portal.url, 60), None) == "key-0"
    portal.rotate()
    assert await found(PublicKeys(portal.url, 60), None) == "UnknownKey"


@pytest.mark.shows("T7")
async def test_while_keys_cannot_be_had_the_last_ones_are_good_for_a_while(
    portal: KeySet, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And then nobody gets in: it fails closed."""
    clock = [1000.0]
    monkeypatch.setattr(module, "time", SimpleNamespace(monotonic=lambda: clock[0]))
    keys = PublicKeys(portal.url, 60)
    assert await found(keys, "key-0") == "key-0"
    portal.broken = True
    clock[0] += 90
    assert await found(keys, "key-0") == "key-0"
    clock[0] += 90
    assert await found(keys, "key-0") == "KeysUnreachable"
    portal.broken = False
    assert await found(keys, "key-0") == "KeysUnreachable"  # not asked again so soon
    clock[0] += 6
    assert await found(keys, "key-0") == "key-0"


SECRET = {"kty": "oct", "kid": "key-0", "k": "a2V5a2V5a2V5a2V5a2V5a2V5a2V5a2V5", "alg": "HS256"}


@pytest.mark.parametrize(
    "document",
    [
        b"",
        b"[]",
        b"{}",
        b'{"keys": 7}',
        b'{"keys": []}',
        b'{"keys": [7, {}]}',
        b"[" * 100_000,
        b'{"keys": [' + b" " * (2 << 20) + b"]}",
        json.dumps({"keys": [SECRET]}).encode(),
    ],
    ids=["nothing", "list", "no keys", "number", "empty", "rubbish", "deep", "huge", "secret"],
)
async def test_what_is_no_key_set_lets_nobody_in(document: bytes) -> None:
    """Nor does it break anything."""

    class Answer(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.end_headers()
            try:
                self.wfile.write(document)
            except OSError:
                return  # who reads has had enough

        def log_message(self, *_: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Answer)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        keys = PublicKeys(f"http://127.0.0.1:{server.server_address[1]}/", 60)
        assert await found(keys, "key-0") == "KeysUnreachable"
    finally:
        server.shutdown()
        server.server_close()


def test_keys_have_the_algorithm_that_they_are_for(portal: KeySet) -> None:
    """The library holds a token to it."""
    (key,) = jwt.PyJWKSet(portal.published()["keys"]).keys
    assert key.algorithm_name == "ES256"


def test_what_was_used_is_remembered_as_long_as_it_is_good_and_no_longer(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """So memory is bounded, and nothing is taken that an earlier hub may have taken."""
    clock = [1000.0]
    monkeypatch.setattr(replay, "time", SimpleNamespace(time=lambda: clock[0]))
    used = Used()
    used.once("a", 1000, 1060)
    with pytest.raises(Refused, match="Replayed"):
        used.once("a", 1000, 1060)
    with pytest.raises(Refused, match="SignedBeforeStart"):
        used.once("b", 999, 1060)
    clock[0] = 1061.0
    used.once("c", 1061, 1120)
    assert used._words == {"c"}
    monkeypatch.setattr(replay, "LIMIT", 1)
    with pytest.raises(Refused, match="TooMany"):
        used.once("d", 1061, 1120)
