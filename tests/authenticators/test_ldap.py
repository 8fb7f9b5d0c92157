"""An entry before a session, on a real OpenLDAP: made, mended, refused, never made twice."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from traitlets.config import Config

from alongside_authenticators.ldap import LdapEntry, before_spawn
from alongside_authenticators.ldap.connection import Server, connected
from alongside_authenticators.ldap.errors import ResultError
from tests.authenticators.directory import people, refusal, spawn, spawner_of
from tests.authenticators.first_logins import FirstLogins
from tests.authenticators.slapd import (
    COUNTER,
    DATA,
    PASSWORD,
    PEOPLE,
    SUFFIX,
    Authority,
    Slapd,
    needs_slapd,
    serving,
    stalling,
)

pytestmark = [needs_slapd, pytest.mark.slow]


@pytest.fixture(scope="module")
def slapd(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Slapd]:
    running = Slapd(tmp_path_factory.mktemp("slapd")).start()
    yield running
    running.stop()


@pytest.mark.shows("T17")
async def test_who_is_new_gets_an_entry_and_keeps_it(slapd: Slapd) -> None:
    first = await spawn(slapd, "eve")
    entry = people(slapd)["eve"]
    assert entry["uidnumber"] == [first["NB_UID"]]
    assert entry["gidnumber"] == ["100"]
    assert entry["homedirectory"] == ["/home/eve"]
    assert set(entry["objectclass"]) == {"account", "posixAccount"}
    assert first == {"NB_UID": first["NB_UID"], "NB_USER": "eve", "HOME_THERE": "/home/eve"}
    assert await spawn(slapd, "eve") == first
    assert people(slapd)["eve"] == entry


async def test_an_entry_that_is_there_is_taken_as_it_is(slapd: Slapd) -> None:
    assert (await spawn(slapd, "ann"))["NB_UID"] == "4711"
    assert people(slapd)["ann"]["cn"] == ["Ann"]


async def test_start_tls_does_as_well(slapd: Slapd) -> None:
    assert (await spawn(slapd, "ann", url=slapd.plain))["NB_UID"] == "4711"


async def test_tls_is_only_left_out_where_that_is_said(slapd: Slapd) -> None:
    assert (await spawn(slapd, "ann", url=slapd.plain, unsafe_plain=True))["NB_UID"] == "4711"


async def test_named_attributes_are_brought_up_to_date(slapd: Slapd) -> None:
    more = {"attributes": LdapEntry().attributes | {"gecos": "{mail}"}, "update": ["gecos"]}
    more["auth_state"] = {"mail": "oauth_user.email"}
    for mail in ("ida@x.dk", "ida@y.dk"):
        await spawn(slapd, "ida", {"oauth_user": {"email": mail, "secret": "s"}}, **more)
        assert people(slapd)["ida"]["gecos"] == [mail]
    number = people(slapd)["ida"]["uidnumber"]
    await spawn(slapd, "ida", {"oauth_user": {"email": "ida@z.dk"}}, **more | {"update": []})
    assert people(slapd)["ida"]["gecos"] == ["ida@y.dk"]
    assert people(slapd)["ida"]["uidnumber"] == number


@pytest.mark.parametrize("state", [None, {}, {"oauth_user": {"email": ["a"]}}, {"oauth_user": "a"}])
async def test_what_the_portal_didn_t_tell_is_named(slapd: Slapd, state: Any) -> None:
    refused = await refusal(slapd, "tim", state, auth_state={"mail": "oauth_user.email"})
    assert refused.step == "know who you are"
    assert "mail" in refused.jupyterhub_message
    assert "tim" not in people(slapd)


@pytest.mark.shows("T15")
async def test_missing_values_are_looked_up(slapd: Slapd) -> None:
    team = "(&(objectClass=groupOfNames)(member=uid={name}," + PEOPLE + "))"
    lookups = {"team": {"filter": team, "attribute": "cn"}}
    environment = {"environment": {"TEAM": "{team}"}}
    found = await spawn(slapd, "ann", lookups=lookups, set_spawner_attributes=environment)
    assert found == {"TEAM": "physics"}
    refused = await refusal(slapd, "eva", lookups=lookups, set_spawner_attributes=environment)
    assert refused.step == "look up what is missing"
    assert "team" in refused.jupyterhub_message


@pytest.mark.shows("T17")
@pytest.mark.parametrize(
    "name", ["*)(uid=*", "roe, jane", "a+cn=b", "#1", 'q"<>;', "žofie å", "back\\slash", "(x)"]
)
async def test_names_are_names_whatever_is_in_them(slapd: Slapd, name: str) -> None:
    before = people(slapd)
    # A path is ASCII in a directory, a name isn't.
    paths = LdapEntry().attributes | {"homeDirectory": "/home/{uidNumber}"}
    first = await spawn(slapd, name, attributes=paths)
    now = people(slapd)
    assert set(now) - set(before) == {name}
    assert now[name]["uidnumber"] == [first["NB_UID"]]
    assert {uid: now[uid] for uid in before} == before
    assert await spawn(slapd, name, attributes=paths) == first


@pytest.mark.parametrize("name", ["a\0b", "../etc", "..", "a\nb"])
async def test_names_that_can_t_be_are_refused(slapd: Slapd, name: str) -> None:
    before = slapd.entries(PEOPLE)
    assert (await refusal(slapd, name)).status_code == 403
    assert slapd.entries(PEOPLE) == before


async def test_another_spelling_doesn_t_open_somebody_s_entry(slapd: Slapd) -> None:
    refused = await refusal(slapd, "ANN")
    assert refused.step == "check your entry"
    assert "somebody else's" in refused.jupyterhub_message


async def test_no_entry_makes_a_session_root(slapd: Slapd) -> None:
    refused = await refusal(slapd, "toor")
    assert "uidNumber is below 1000" in refused.jupyterhub_message


async def test_an_entry_without_what_is_needed_is_refused(slapd: Slapd) -> None:
    attributes = LdapEntry().attributes | {"loginShell": "/bin/sh"}
    refused = await refusal(slapd, "ann", attributes=attributes)
    assert "it has no loginShell" in refused.jupyterhub_message


async def test_who_has_none_is_refused_where_none_are_made(slapd: Slapd) -> None:
    refused = await refusal(slapd, "zoe", create=False)
    assert "You have no entry" in refused.jupyterhub_message


async def test_a_name_that_is_taken_is_told(slapd: Slapd) -> None:
    refused = await refusal(slapd, "bob", dn=f"cn=physics,{SUFFIX}")
    assert refused.step == "create your entry"
    assert "bob" not in people(slapd)


async def test_what_the_directory_refuses_is_told_in_words(slapd: Slapd) -> None:
    refused = await refusal(slapd, "bob", object_classes=["account"])
    assert refused.step == "create your entry"
    assert "object class violation" in refused.jupyterhub_message


@pytest.mark.shows("T16")
def test_two_hubs_at_once_never_give_a_number_twice(slapd: Slapd) -> None:
    """200 first logins in two processes, which share nothing but the directory."""
    before = int(slapd.entries()[COUNTER]["uidnumber"][0])
    with FirstLogins(slapd, "left", 100) as one, FirstLogins(slapd, "right", 100) as other:
        for hub in (one, other):
            hub.begin()
        numbers = one.numbers() + other.numbers()
    assert sorted(numbers) == list(range(before + 1, before + 201))
    assert slapd.entries()[COUNTER]["uidnumber"] == [str(before + 200)]
    assert set(numbers) <= {int(entry["uidnumber"][0]) for entry in people(slapd).values()}


async def test_two_sessions_of_one_new_user_get_one_entry(slapd: Slapd) -> None:
    first, second = await asyncio.gather(spawn(slapd, "kim"), spawn(slapd, "kim"))
    assert first == second


async def test_who_was_quicker_keeps_their_numbers(slapd: Slapd) -> None:
    """The number that the slower of two sessions had got is written nowhere."""
    more: dict[str, Any] = {"update": ["homeDirectory"]}
    more["attributes"] = LdapEntry().attributes | {"homeDirectory": "/home/{uidNumber}"}
    given = await asyncio.gather(*(spawn(slapd, "twice", **more) for _ in range(5)))
    entry = people(slapd)["twice"]
    assert all(one == given[0] for one in given)
    assert entry["homedirectory"] == [f"/home/{entry['uidnumber'][0]}"]


async def test_a_number_that_somebody_has_is_passed_over(slapd: Slapd) -> None:
    taken = int(slapd.entries()[COUNTER]["uidnumber"][0]) + 1
    await spawn(
        slapd,
        "old",
        attributes=LdapEntry().attributes | {"uidNumber": str(taken)},
    )
    assert (await spawn(slapd, "new"))["NB_UID"] == str(taken + 1)


async def test_a_missing_counter_is_told(slapd: Slapd) -> None:
    refused = await refusal(slapd, "bob", allocate={"uidNumber": f"cn=none,{SUFFIX}"})
    assert refused.step == "allocate a number"
    assert "counter" in refused.jupyterhub_message


async def test_several_steps_follow_each_other(slapd: Slapd) -> None:
    class OwnGroup(LdapEntry):
        """Everybody's own group."""

    ran: list[str] = []

    async def later(spawner: Any) -> None:
        ran.append(spawner.environment["GROUP"])

    spawner = spawner_of(slapd, "pia")
    spawner.config.OwnGroup = Config(
        dn=f"cn={{name}},{PEOPLE}",
        object_classes=["posixGroup"],
        attributes={"cn": "{name}", "gidNumber": "{uidNumber}"},
        identity=["cn"],
        set_spawner_attributes={"environment": {"GROUP": "{gidNumber}"}},
        search_filter="(objectClass=posixGroup)",
    )
    await before_spawn(LdapEntry, OwnGroup, lambda spawner: ran.append("plain"), later)(spawner)
    assert spawner.environment["GROUP"] == spawner.environment["NB_UID"]
    assert ran == ["plain", spawner.environment["NB_UID"]]


async def test_settings_of_the_spawner_can_be_filled(slapd: Slapd) -> None:
    spawner = spawner_of(slapd, "ann", set_spawner_attributes={"start_timeout": "{uidNumber}"})
    await before_spawn(LdapEntry)(spawner)
    assert spawner.start_timeout == 4711
    for wrong in ({"user": "{uid}"}, {"cmd": "{mail}"}, {"start_timeout": "{uid}"}):
        refused = await refusal(slapd, "ann", set_spawner_attributes=wrong)
        assert refused.step == "prepare the session"


async def test_a_certificate_s_subject_is_taken_apart(slapd: Slapd) -> None:
    more: dict[str, Any] = {
        "auth_state": {"subject": "data.User.CERT"},
        "subject": "subject",
        "attributes": {
            "cn": "{subject_CN}",
            "o": "{subject_O}",
            "uid": "{name}",
            "uidNumber": "{uidNumber}",
            "gidNumber": "100",
            "homeDirectory": "/home/{name}",
        },
        "object_classes": ["x-certsDistinguishedName", "posixAccount"],
        "dn": f"cn={{subject_CN}}+o={{subject_O}},{PEOPLE}",
    }
    state = {"data": {"User": {"CERT": "/C=DK/O=NBI, Copenhagen/CN=*)(uid=*"}}}
    first = await spawn(slapd, "cert", state, **more)
    assert people(slapd)["cert"]["cn"] == ["*)(uid=*"]
    assert await spawn(slapd, "cert", state, **more) == first
    state["data"]["User"]["CERT"] = "nothing of the kind"
    assert "can't be read" in (await refusal(slapd, "cert2", state, **more)).jupyterhub_message


async def test_the_password_is_read_anew_from_its_file(slapd: Slapd, tmp_path: Path) -> None:
    file = tmp_path / "password"
    file.write_text("wrong\n")
    refused = await refusal(slapd, "ann", password="", password_file=str(file))
    assert refused.step == "log in"
    assert "invalid credentials" in refused.jupyterhub_message
    file.write_text(f"{PASSWORD}\n")
    assert await spawn(slapd, "ann", password="", password_file=str(file))


async def test_an_empty_password_isn_t_sent(slapd: Slapd) -> None:
    assert "empty" in (await refusal(slapd, "ann", password="")).jupyterhub_message


async def test_the_password_is_in_no_log(slapd: Slapd, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    await spawn(slapd, "ann")
    await refusal(slapd, "zoe", create=False)
    await refusal(slapd, "ann", password=f"{PASSWORD}-wrong")
    assert "LDAP: failed at “log in” for 'ann'" in caplog.text
    assert PASSWORD not in caplog.text


# Certificates


async def test_a_certificate_of_somebody_else_is_refused(slapd: Slapd, tmp_path: Path) -> None:
    other = Authority("Another authority").write(tmp_path / "other.pem")
    for url in (slapd.url, slapd.plain):
        refused = await refusal(slapd, "ann", url=url, ca_file=str(other))
        assert refused.step in ("connect", "start TLS")
        assert "certificate isn't trusted" in refused.jupyterhub_message


async def test_a_certificate_of_another_name_is_refused(slapd: Slapd) -> None:
    refused = await refusal(slapd, "ann", url=f"ldaps://localhost:{slapd.tls_port}")
    assert "certificate isn't trusted" in refused.jupyterhub_message


@pytest.mark.shows("T20")
async def test_the_hub_logs_in_by_a_certificate_that_may_be_renewed(tmp_path: Path) -> None:
    slapd = Slapd(tmp_path, rules="disallow bind_simple\nsecurity ssf=128").start()
    try:
        file = slapd.authority.vouch(tmp_path / "hub.pem", "somebody")
        mine = {"bind_dn": "", "password": "", "certificate_file": str(file)}
        # Whoever it is may log in, but only the hub's name may write.
        assert (await refusal(slapd, "eve", **mine)).step == "allocate a number"
        slapd.authority.vouch(file, "the hub")
        assert (await spawn(slapd, "eve", **mine))["NB_USER"] == "eve"
        assert (await refusal(slapd, "eve")).step == "log in"
        async with connected(Server.at(slapd.plain, plain=True), print) as without_tls:
            with pytest.raises(ResultError, match="confidentiality required"):
                await without_tls.read(PEOPLE)
    finally:
        slapd.stop()


async def test_without_name_and_certificate_nobody_is_asked(slapd: Slapd) -> None:
    refused = await refusal(slapd, "ann", bind_dn="", password="")
    assert "log in with" in refused.jupyterhub_message


# Trouble


@pytest.mark.shows("T18")
async def test_a_directory_that_is_down_refuses_the_session(tmp_path: Path) -> None:
    slapd = Slapd(tmp_path)  # never started
    refused = await refusal(slapd, "ann")
    assert refused.step == "connect"
    assert "can't be reached" in refused.jupyterhub_message
    assert refused.status_code == 503


@pytest.mark.shows("T18")
@pytest.mark.parametrize("after", [0, 1, 900, 1400])
@pytest.mark.parametrize("plain", [False, True])
async def test_a_silent_directory_holds_up_nobody(slapd: Slapd, after: int, plain: bool) -> None:
    """Silent at once, within the handshake or later: refused in time, and the hub goes on."""
    turns = 0

    async def others() -> None:
        nonlocal turns
        while True:
            await asyncio.sleep(0.01)
            turns += 1

    working = asyncio.create_task(others())
    async with stalling(slapd.port if plain else slapd.tls_port, after) as port:
        url = f"{'ldap' if plain else 'ldaps'}://127.0.0.1:{port}"
        used = time.process_time()
        began = time.monotonic()
        refused = await refusal(slapd, f"slow{after}{plain}", url=url, timeout=1.0)
        took = time.monotonic() - began
        used = time.process_time() - used
    working.cancel()
    assert "took longer than 1 seconds" in refused.jupyterhub_message
    assert refused.step != "know who you are"
    assert turns >= 10
    assert used < took / 2, "it waits without work"


async def test_what_is_no_directory_is_told(slapd: Slapd) -> None:
    async def answer(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"220 mail.example.org ready\r\n")
        writer.close()

    async with serving(answer) as port:
        refused = await refusal(slapd, "ann", url=f"ldap://127.0.0.1:{port}", unsafe_plain=True)
    assert "is no directory" in refused.jupyterhub_message


async def test_an_answer_slipped_in_before_tls_isn_t_believed(slapd: Slapd) -> None:
    """Somebody on the way adds an answer in plain text to the one that TLS may begin."""

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(100)
        begin = bytes.fromhex("300c0201017807000a010004000400")
        begin = bytes.fromhex("300c02010178070a010004000400")
        bound = bytes.fromhex("300c02010261070a010004000400")
        writer.write(begin + bound)
        await reader.read()
        writer.close()

    async with serving(answer) as port:
        refused = await refusal(slapd, "ann", url=f"ldap://127.0.0.1:{port}", timeout=2.0)
    assert refused.step == "start TLS"


async def test_what_was_written_is_read_again(tmp_path: Path) -> None:
    """A hub that may write a home directory and not read it can't vouch for the entry."""
    writer = f"uid=writer,{PEOPLE}"
    access = f"""access to attrs=homeDirectory by dn.base="{writer}" =w
access to * by dn.base="{writer}" write by * auth
"""
    data = f"""

dn: {writer}
objectClass: account
objectClass: simpleSecurityObject
uid: writer
userPassword: {PASSWORD}
"""
    slapd = Slapd(tmp_path, access=access, data=DATA + data).start()
    try:
        refused = await refusal(slapd, "eve", bind_dn=writer)
        assert refused.step == "check your entry"
        assert "it has no homeDirectory" in refused.jupyterhub_message
    finally:
        slapd.stop()


async def test_a_number_that_must_be_unique_is_a_conflict(tmp_path: Path) -> None:
    """The directory's own rule (slapo-unique) is told as what it is."""
    slapd = Slapd(tmp_path, access="overlay unique\nunique_uri ldap:///?gecos?sub").start()
    try:
        more = {"attributes": LdapEntry().attributes | {"gecos": "the only one"}}
        await spawn(slapd, "eve", **more)
        refused = await refusal(slapd, "eva", **more)
        assert refused.step == "create your entry"
        assert "constraint violation" in refused.jupyterhub_message
    finally:
        slapd.stop()
