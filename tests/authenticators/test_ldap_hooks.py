"""The listings of `ldap_hooks`, with one line changed, on a real OpenLDAP."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import pytest
from jupyterhub.spawner import SimpleLocalProcessSpawner
from traitlets.config import Config

from alongside_authenticators.ldap import Refusal, before_spawn
from tests.authenticators.slapd import COUNTER, HUB, PASSWORD, PEOPLE, SUFFIX, Slapd, needs_slapd

pytestmark = [needs_slapd, pytest.mark.slow]

# Listing 7, but for where the directory is, and the marks that were lost in print.
LISTING = """
from alongside_authenticators.ldap_hooks import setup_ldap_entry_hook
from alongside_authenticators.ldap_hooks import (
    LDAP,
    LDAP_SEARCH_ATTRIBUTE_QUERY,
    SPAWNER_SUBMIT_DATA,
    INCREMENT_ATTRIBUTE,
    LDAP_FIRST_SEARCH_ATTRIBUTE_QUERY,
)

c.SimpleLocalProcessSpawner.pre_spawn_hook = setup_ldap_entry_hook
{LDAP}.url = "{slapd.plain}"
{LDAP}.ca_file = "{slapd.ca_file}"
{LDAP}.user = "{HUB}"
{LDAP}.password = "{PASSWORD}"
{LDAP}.base_dn = "{SUFFIX}"
{LDAP}.submit_spawner_attribute = "user.data"
{LDAP}.submit_spawner_attribute_keys = ("User", "CERT")
{LDAP}.replace_object_with = {{"/": "+"}}
{LDAP}.dynamic_attributes = {{
    "uid": LDAP_FIRST_SEARCH_ATTRIBUTE_QUERY,
    "emailAddress": SPAWNER_SUBMIT_DATA,
    "uidNumber": LDAP_SEARCH_ATTRIBUTE_QUERY,
}}
{LDAP}.set_spawner_attributes = {{
    "environment": {{"NB_USER": "{{uid}}", "NB_UID": "{{uidNumber}}"}},
}}
{LDAP}.unique_object_attributes = ["uid"]
{LDAP}.search_attribute_queries = [
    {{
        "search_base": "{SUFFIX}",
        "search_filter": "(objectclass=X-nextUserIdentifier)",
        "attributes": ["uidNumber"],
    }}
]
{LDAP}.search_result_operations = {{
    "uidNumber": {{"action": INCREMENT_ATTRIBUTE, "modify_dn": "{COUNTER}"}}
}}
{LDAP}.object_classes = ["X-certsDistinguishedName", "PosixAccount"]
{LDAP}.object_attributes = {{
    "uid": "{{uid}}",
    "uidNumber": "{{uidNumber}}",
    "gidNumber": "100",
    "homeDirectory": "/home/{{uid}}",
}}
"""
JANE = "/C=DK/ST=NA/L=NA/O=NBI/OU=NA/CN=Jane Roe/emailAddress=j@x.dk"


@pytest.fixture(scope="module")
def slapd(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Slapd]:
    running = Slapd(tmp_path_factory.mktemp("slapd")).start()
    yield running
    running.stop()


@pytest.fixture(params=["LDAP", "c.LDAP"])
def config(request: pytest.FixtureRequest, slapd: Slapd, monkeypatch: pytest.MonkeyPatch) -> Config:
    """The listing, run as a hub would run it, with settings on the class or in `c`."""
    from alongside_authenticators import ldap_hooks

    class Fresh(ldap_hooks.LDAP):
        """Settings on the class would outlive the test."""

    Fresh.__name__ = "LDAP"
    monkeypatch.setattr(ldap_hooks, "LDAP", Fresh)
    hook = before_spawn(Fresh)
    monkeypatch.setattr(ldap_hooks, "setup_ldap_entry_hook", hook)
    c = Config()
    names = {"HUB": HUB, "PASSWORD": PASSWORD, "SUFFIX": SUFFIX, "COUNTER": COUNTER}
    exec(LISTING.format(LDAP=request.param, slapd=slapd, **names), {"c": c})
    return c


async def spawn(config: Config, name: str, subject: str) -> dict[str, str]:
    async def get_auth_state() -> dict[str, Any]:
        return {"data": {"User": {"CERT": subject}}}

    spawner = SimpleLocalProcessSpawner(config=config)
    spawner.user = SimpleNamespace(name=name, get_auth_state=get_auth_state)
    await spawner.run_pre_spawn_hook()
    return dict(spawner.environment)


@pytest.mark.shows("T13", "T14", "T170")
async def test_the_listing_makes_an_entry_once(
    config: Config, slapd: Slapd, request: pytest.FixtureRequest
) -> None:
    name = f"jane{len(slapd.entries(PEOPLE))}-{len(slapd.entries())}"
    subject = JANE.replace("Jane Roe", name)
    first = await spawn(config, name, subject)
    (entry,) = (one for one in slapd.entries().values() if one.get("uid") == [name])
    assert first == {"NB_USER": name, "NB_UID": entry["uidnumber"][0]}
    assert entry["uidnumber"] == slapd.entries()[COUNTER]["uidnumber"]
    assert entry["gidnumber"] == ["100"]
    assert entry["homedirectory"] == [f"/home/{name}"]
    assert entry["cn"] == [name]
    assert entry["o"] == ["NBI"]
    assert await spawn(config, name, subject) == first


@pytest.mark.shows("T17")
async def test_a_subject_is_stored_as_it_is(config: Config, slapd: Slapd) -> None:
    name = f"star{len(slapd.entries())}"
    before = len(slapd.entries())
    await spawn(config, name, f"/C=DK/O=a, {name}/CN=*)(uid=*/emailAddress=a@b.dk")
    assert len(slapd.entries()) == before + 1
    (entry,) = (one for one in slapd.entries().values() if one.get("uid") == [name])
    assert entry["cn"] == ["*)(uid=*"]


@pytest.mark.shows("T15")
@pytest.mark.parametrize(
    ("name", "method", "value"),
    [
        ("ou", "LDAP_FIRST_SEARCH_ATTRIBUTE_QUERY", "people"),
        ("ou", "LDAP_SEARCH_ATTRIBUTE_QUERY", "people"),
        ("description", "LDAP_SEARCH_ATTRIBUTE_QUERY", None),
        ("cn", "SPAWNER_SUBMIT_DATA", "Ann"),
        ("ip", "SPAWNER_ATTRIBUTE", "127.0.0.1"),
        ("name", "SPAWNER_USER_ATTRIBUTE", "ann"),
        ("shoe_size", "SPAWNER_USER_ATTRIBUTE", None),
    ],
)
async def test_values_come_from_where_it_is_said(
    slapd: Slapd, name: str, method: str, value: str | None
) -> None:
    """One small configuration for each method; what is found nowhere is named."""
    from alongside_authenticators import ldap_hooks

    query = {"search_filter": "(objectClass=organizationalUnit)", "attributes": [name]}
    settings = {
        "url": slapd.plain,
        "ca_file": str(slapd.ca_file),
        "user": HUB,
        "password": PASSWORD,
        "base_dn": SUFFIX,
        "submit_spawner_attribute_keys": ("User", "CERT"),
        "object_classes": ["account", "posixAccount"],
        "object_attributes": {"uid": "ann"},
        "unique_object_attributes": ["uid"],
        "dynamic_attributes": {name: getattr(ldap_hooks, method)},
        "search_attribute_queries": [query],
        "set_spawner_attributes": {"environment": {"FOUND": f"{{{name}}}"}},
    }
    listed = {"pre_spawn_hook": ldap_hooks.setup_ldap_entry_hook, "ip": "127.0.0.1"}
    config = Config(LDAP=settings, SimpleLocalProcessSpawner=listed)
    subject = "/CN=Ann"
    if value is None:
        with pytest.raises(Refusal, match=name):
            await spawn(config, "ann", subject)
    else:
        assert await spawn(config, "ann", subject) == {"FOUND": value}


async def test_without_a_subject_there_is_no_session(config: Config) -> None:
    with pytest.raises(Refusal, match="certificate"):
        await spawn(config, "nobody", "not a subject")


@pytest.mark.shows("T13")
def test_hello(caplog: pytest.LogCaptureFixture) -> None:
    from alongside_authenticators.ldap_hooks import hello_hook

    caplog.set_level(logging.INFO)
    config = Config(SimpleLocalProcessSpawner={"pre_spawn_hook": hello_hook})
    SimpleLocalProcessSpawner(config=config).run_pre_spawn_hook()
    assert "Hello World" in caplog.text
