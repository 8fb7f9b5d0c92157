"""Settings of steps with which no session could start: the hub says so when it starts."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from jupyterhub.spawner import SimpleLocalProcessSpawner
from traitlets.config import Config

from alongside_authenticators import ldap_hooks
from alongside_authenticators.ldap import LdapEntry
from alongside_authenticators.ldap.errors import Misconfigured
from alongside_authenticators.ldap.faults import ANY, Values, rehearse
from alongside_authenticators.ldap.identity import NAME
from tests.authenticators.slapd import Authority

GOOD: dict[str, Any] = {
    "url": "ldaps://127.0.0.1",
    "ca_file": "ca.pem",
    "bind_dn": "cn=hub,dc=example",
    "password_file": "password",
    "base_dn": "dc=example",
    "dn": "uid={name},dc=example",
    "allocate": {"uidNumber": "cn=uidNext,dc=example"},
    "set_spawner_attributes": {"environment": {"NB_USER": "{uid}", "NB_UID": "{uidNumber}"}},
}
ALSO_GOOD: dict[str, dict[str, Any]] = {
    "as in the guide": {},
    "by certificate": {"bind_dn": "", "certificate_file": "hub.pem"},
    "without TLS": {"url": "ldap://127.0.0.1", "unsafe_plain": True, "ca_file": "none"},
    "nothing is made": {"create": False, "dn": "", "allocate": {}},
    "a subject": {
        "auth_state": {"dn": "data.User.CERT"},
        "subject": "dn",
        "dn": "cn={subject_CN}+o={subject_O},dc=example",
    },
    "looked up": {
        "lookups": {
            "team": {"filter": "(member=uid={name},dc=example)", "attribute": "cn"},
            "room": {"filter": "(team={team})", "attribute": "cn", "base": "o={team}"},
        },
        "update": ["gecos"],
        "attributes": LdapEntry().attributes | {"gecos": "{room}"},
        "search_filter": "(|(ou={team})(ou=*))",
    },
}
BAD: dict[str, tuple[dict[str, Any], str]] = {
    "no address": ({"url": ""}, "ldaps://host"),
    "an address with a path": ({"url": "ldaps://x/dc=example"}, "ldaps://host"),
    "an address with a question": ({"url": "ldaps://x?uid"}, "ldaps://host"),
    "no base": ({"base_dn": ""}, "base_dn isn't set"),
    "no name": ({"dn": ""}, "dn isn't set"),
    "no login": ({"bind_dn": ""}, "neither bind_dn nor a certificate"),
    "no file of the password": ({"password_file": "none"}, "password can't be read"),
    "an empty password": ({"password_file": "empty"}, "password of bind_dn is empty"),
    "no authorities": ({"ca_file": "none"}, "authorities can't be read"),
    "no key": ({"certificate_file": "ca.pem"}, "certificate or key can't be read"),
    "no time": ({"timeout": 0.0}, "timeout"),
    "for ever": ({"timeout": float("inf")}, "timeout"),
    "half a template": ({"dn": "uid={name,dc=example"}, "can't be read"),
    "more than a name": ({"dn": "uid={name.x},dc=example"}, "no plain name"),
    "an unknown name": ({"dn": "uid={nmae},dc=example"}, "asks for {nmae}"),
    "a number from nowhere": ({"allocate": {}}, "asks for {uidNumber}"),
    "a part of no subject": ({"dn": "cn={subject_CN}"}, "asks for {subject_CN}"),
    "no such subject": ({"subject": "dn"}, "doesn't name dn"),
    "no filter": ({"search_filter": "objectClass=account"}, "no filter"),
    "half a look-up": ({"lookups": {"team": {"filter": "(cn=x)"}}}, "filter and attribute"),
    "a look-up that can't be read": (
        {"lookups": {"team": {"filter": "(cn=x", "attribute": "cn"}}},
        "no filter",
    ),
    "another name of the user": ({"auth_state": {"name": "nick"}}, "called “name”"),
    "another subject": ({"allocate": {"subject_CN": "cn=x"}}, "called “subject_CN”"),
    "no identity": ({"identity": []}, "identify it"),
    "an identity without attribute": ({"identity": ["mail"]}, "mail is named"),
    "no such setting": ({"set_spawner_attributes": {"enviroment": {}}}, "no setting enviroment"),
    "no such value": ({"set_spawner_attributes": {"args": ["{gecos}"]}}, "asks for {gecos}"),
}


@pytest.fixture(autouse=True)
def files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What settings name, in the hub's directory."""
    monkeypatch.chdir(tmp_path)
    authority = Authority("Test authority")
    authority.write(Path("ca.pem"))
    authority.vouch(Path("hub.pem"), "the hub")
    Path("password").write_text("not-to-be-seen\n")
    Path("empty").write_text("\n")


def look(*steps: tuple[type[LdapEntry], dict[str, Any]]) -> None:
    """As a hub does at its start."""
    config = Config({step.__name__: settings for step, settings in steps})
    values = Values({NAME: ANY})
    for step, _ in steps:
        rehearse(step(config=config), values, SimpleLocalProcessSpawner)


@pytest.mark.parametrize("what", ALSO_GOOD)
def test_what_is_enough(what: str) -> None:
    """Each kind of settings that the guide names."""
    look((LdapEntry, GOOD | ALSO_GOOD[what]))


@pytest.mark.shows("T18")
@pytest.mark.parametrize("what", BAD)
def test_what_is_not(what: str) -> None:
    """With what is wrong, and no password in the sentence."""
    settings, words = BAD[what]
    with pytest.raises(Misconfigured) as problem:
        look((LdapEntry, GOOD | settings))
    assert words in str(problem.value)
    assert "not-to-be-seen" not in str(problem.value)


def test_a_later_step_knows_what_an_earlier_one_has_learnt() -> None:
    """And nothing that none has."""

    class OwnGroup(LdapEntry):
        """Everybody's own group."""

    group: dict[str, Any] = {
        "dn": "cn={name},dc=example",
        "attributes": {"cn": "{name}", "gidNumber": "{uidNumber}"},
        "identity": ["cn"],
        "allocate": {},
        "set_spawner_attributes": {"environment": {"GROUP": "{gidNumber}"}},
    }
    look((LdapEntry, GOOD), (OwnGroup, group))
    with pytest.raises(Misconfigured, match="uidNumber"):
        look((OwnGroup, GOOD | group))


LISTED: dict[str, Any] = {
    "url": "127.0.0.1",
    "ca_file": "ca.pem",
    "user": "cn=hub,dc=example",
    "password": "not-to-be-seen",
    "base_dn": "dc=example",
    "submit_spawner_attribute_keys": ("User", "CERT"),
    "unique_object_attributes": ["uid"],
    "object_attributes": {"uid": "{uid}", "uidNumber": "{uidNumber}", "gecos": "{subject_CN}"},
    "dynamic_attributes": {
        "uid": ldap_hooks.LDAP_FIRST_SEARCH_ATTRIBUTE_QUERY,
        "uidNumber": ldap_hooks.LDAP_SEARCH_ATTRIBUTE_QUERY,
        "emailAddress": ldap_hooks.SPAWNER_SUBMIT_DATA,
    },
    "search_attribute_queries": [
        {"search_filter": "(objectclass=X-nextUserIdentifier)", "attributes": ["uidNumber"]}
    ],
    "search_result_operations": {
        "uidNumber": {"action": ldap_hooks.INCREMENT_ATTRIBUTE, "modify_dn": "cn=uidNext"}
    },
}


def test_settings_of_ldap_hooks_that_are_enough() -> None:
    """Before there is anybody's subject."""
    look((ldap_hooks.LDAP, LISTED))


@pytest.mark.shows("T14")
@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"url": ""}, "ldaps://host"),
        ({"submit_spawner_attribute": "spawner.data"}, "has to be user."),
        ({"replace_object_with": {"/": ","}}, "replace_object_with"),
        ({"dynamic_attributes": {"uid": "guess"}}, "no method of uid"),
        ({"search_attribute_queries": []}, "names uidNumber"),
        ({"search_result_operations": {"uidNumber": {"action": "decrement"}}}, "no action"),
        ({"search_result_operations": {"uidNumber": 1}}, "no action"),
        ({"object_attributes": {"uid": 7}}, "attributes"),
        ({"object_attributes": {"uid": "{uuid}"}}, "asks for {uuid}"),
    ],
)
def test_settings_of_ldap_hooks_that_are_not(settings: dict[str, Any], words: str) -> None:
    """In the words of the settings that were made."""
    with pytest.raises(Misconfigured) as problem:
        look((ldap_hooks.LDAP, LISTED | settings))
    assert words in str(problem.value)


HOOK = """
from alongside_authenticators.ldap import LdapEntry, before_spawn
c.JupyterHub.authenticator_class = "dummy"
c.JupyterHub.spawner_class = "simple"
c.LocalProcessSpawner.pre_spawn_hook = before_spawn(LdapEntry)
c.SimpleLocalProcessSpawner.LdapEntry.base_dn = "dc=example"
c.LdapEntry.url = "ldaps://127.0.0.1"
c.LdapEntry.bind_dn = "cn=hub"
c.LdapEntry.password_file = "password"
c.LdapEntry.allocate = {"uidNumber": "cn=uidNext"}
"""
OLD_HOOK = """
from alongside_authenticators.ldap_hooks import LDAP, setup_ldap_entry_hook
c.Spawner.pre_spawn_hook = setup_ldap_entry_hook
LDAP.password = "not-to-be-seen"
"""


@pytest.mark.slow
@pytest.mark.shows("T18")
@pytest.mark.parametrize(
    ("settings", "words"),
    [
        (HOOK, "LdapEntry: dn isn't set."),
        (HOOK + "c.LdapEntry.timeout = 'long'", "The 'timeout' trait of a LdapEntry instance"),
        (OLD_HOOK, "LDAP: The directory's address has to be ldaps://host or ldap://host."),
    ],
)
def test_a_hub_with_such_settings_ends_and_says_why(
    tmp_path: Path, settings: str, words: str
) -> None:
    """The real one, which nobody has signed in to."""
    done = hub(tmp_path, settings)
    assert done.returncode == 1, done.stderr
    assert words in done.stderr
    assert "Traceback" not in done.stderr
    assert "not-to-be-seen" not in done.stderr
    assert "Starting" not in done.stderr


@pytest.mark.slow
@pytest.mark.parametrize(
    "settings",
    [
        OLD_HOOK + "c.Spawner.pre_spawn_hook = print",
        HOOK + "c.LocalProcessSpawner.pre_spawn_hook = print",
    ],
    ids=["of ldap_hooks", "of ours"],
)
def test_steps_that_nobody_takes_keep_no_hub_from_starting(tmp_path: Path, settings: str) -> None:
    """They have no settings, and need none."""
    done = hub(tmp_path, settings, "--show-config")
    assert done.returncode == 0, done.stderr
    assert "isn't set" not in done.stderr


def hub(folder: Path, settings: str, *more: str) -> subprocess.CompletedProcess[str]:
    """A hub with these settings, which ends by itself."""
    (folder / "config.py").write_text(settings)
    return subprocess.run(
        [sys.executable, "-m", "jupyterhub", "-f", "config.py", *more],
        env={"PATH": os.environ["PATH"], "LANG": "C"},
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
