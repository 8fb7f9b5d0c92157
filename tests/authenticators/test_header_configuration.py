"""Settings with which a hub must not start, and those that it starts with."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from alongside_authenticators.header import HeaderAuthenticator
from alongside_authenticators.parsers import JSONParser
from alongside_authenticators.refusals import Misconfigured

KEYS = {"signature": "hmac", "shared_keys_file": "keys"}
TOKENS = {"audience": "hub", "issuer": "https://p.example", "jwks_url": "https://p.example/keys"}

GOOD: dict[str, dict[str, Any]] = {
    "keys by URL": TOKENS,
    "shared key": {"audience": "hub", "shared_keys_file": "keys"},
    "headers": KEYS,
    "bare": {"unsafe_plain_headers": True, "proxy_addresses": ["10.0.0.1", "fd00::/8"]},
    "headers from an address": {**KEYS, "proxy_addresses": ["10.0.0.1"]},
    "nothing kept": {**KEYS, "enable_auth_state": False},
}
BAD: dict[str, tuple[dict[str, Any], str]] = {
    "nothing": ({}, "Tokens need an audience"),
    "no keys": ({"audience": "hub"}, "jwks_url or shared_keys_file"),
    "no issuer": ({**TOKENS, "issuer": ""}, "Set issuer"),
    "keys by HTTP": ({**TOKENS, "jwks_url": "http://p.example/keys"}, "https://"),
    "unsigned": ({**TOKENS, "algorithms": ["none"]}, "algorithms must be"),
    "both sorts": ({**TOKENS, "algorithms": ["RS256", "HS256"]}, "algorithms must be"),
    "no algorithm": ({**TOKENS, "algorithms": []}, "algorithms must be"),
    "public for shared": (
        {"audience": "hub", "shared_keys_file": "keys", "algorithms": ["RS256"]},
        "algorithms must be",
    ),
    "no file": ({**KEYS, "shared_keys_file": "none"}, "can't be read"),
    "an empty file": ({**KEYS, "shared_keys_file": "empty"}, "one key a line"),
    "a short key": ({**KEYS, "shared_keys_file": "short"}, "32 bytes or more"),
    "bare from anywhere": ({"unsafe_plain_headers": True}, "needs proxy_addresses"),
    "bare with posts": (
        {
            "unsafe_plain_headers": True,
            "proxy_addresses": ["::1"],
            "user_external_allow_attributes": ["data"],
        },
        "has to be signed",
    ),
    "no address": ({**KEYS, "proxy_addresses": ["portal"]}, "no address or network"),
    "no auth": ({**KEYS, "allowed_headers": {"data": "X-Data"}}, "lacks the key 'auth'"),
    "one header twice": (
        {**KEYS, "allowed_headers": {"auth": "A", "b": "X-B", "c": "x-b"}},
        "names a header twice",
    ),
    "kept of nobody": (
        {**KEYS, "session_readable_attributes": ["X-Mount"]},
        "session_readable_attributes has X-Mount",
    ),
    "the hub's own word": (
        {**KEYS, "allowed_headers": {"auth": "A", "b": "Identity"}},
        "own word",
    ),
    "parser of nothing": ({**KEYS, "header_parser_classes": {"x": JSONParser}}, "has x, which"),
    "groups from nowhere": ({**KEYS, "manage_groups": True}, "key 'groups'"),
    "kept without encryption": (
        {**KEYS, "enable_auth_state": False, "allowed_headers": {"auth": "A", "b": "B"}},
        "JUPYTERHUB_CRYPT_KEY",
    ),
}


@pytest.fixture(autouse=True)
def files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Files with keys, in the hub's directory."""
    monkeypatch.chdir(tmp_path)
    Path("keys").write_text("k" * 32 + "\n")
    Path("empty").write_text("\n")
    Path("short").write_text("k" * 32 + "\nsecret\n")


@pytest.mark.parametrize("what", GOOD)
def test_what_is_enough(what: str) -> None:
    """Each way of being told who somebody is."""
    assert HeaderAuthenticator(**GOOD[what]).check


@pytest.mark.shows("T1", "T6", "T7")
@pytest.mark.parametrize("what", BAD)
def test_what_is_not(what: str) -> None:
    """With what to do, and no key in the sentence."""
    settings, words = BAD[what]
    with pytest.raises(Misconfigured, match=words) as problem:
        assert HeaderAuthenticator(**settings).check
    assert "secret" not in str(problem.value)


@pytest.mark.shows("T7")
def test_nobody_is_let_in_because_a_header_is_allowed() -> None:
    """`allowed_headers` is no rule about people; without one, nobody may use the hub."""
    plain = HeaderAuthenticator(**KEYS)
    assert not plain.any_allow_config
    assert not plain.check_allowed("ada", {"groups": ["staff"]})
    grouped = HeaderAuthenticator(**KEYS, allowed_groups={"staff"})
    assert grouped.any_allow_config
    assert grouped.check_allowed("ada", {"groups": ["staff"]})
    assert not grouped.check_allowed("ada", {"groups": []})


HMAC = 'c.HeaderAuthenticator.signature = "hmac"'
FILE = 'c.HeaderAuthenticator.shared_keys_file = "keys"'
STRANGE = 'c.HeaderAuthenticator.set_spawner_attributes = {"volums": []}'


@pytest.mark.slow
@pytest.mark.shows("T1", "T6")
@pytest.mark.parametrize(
    ("settings", "crypt_key", "words"),
    [
        ([HMAC], "0" * 64, "shared_keys_file"),
        ([HMAC, FILE], "", "JUPYTERHUB_CRYPT_KEY"),
        ([HMAC, FILE, STRANGE], "0" * 64, "no setting of LocalProcessSpawner"),
    ],
    ids=["no keys", "no crypt key", "no such setting"],
)
def test_a_hub_with_such_settings_ends_and_says_why(
    tmp_path: Path, settings: list[str], crypt_key: str, words: str
) -> None:
    """The real one, at its start."""
    config = tmp_path / "config.py"
    config.write_text(
        "\n".join(['c.JupyterHub.authenticator_class = "alongside-header"', *settings])
    )
    done = subprocess.run(
        [sys.executable, "-m", "jupyterhub", "-f", str(config)],
        env={"PATH": os.environ["PATH"], "LANG": "C", "JUPYTERHUB_CRYPT_KEY": crypt_key},
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert done.returncode != 0
    assert words in done.stderr
    assert "Traceback" not in done.stderr
