"""What a step before a session must never do to other people's entries, or give to a session."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from typing import Any

import pytest
from pyasn1.codec.ber import encoder
from pyasn1_modules import rfc2251

from alongside_authenticators.ldap import LdapEntry
from alongside_authenticators.ldap_hooks import LDAP
from tests.authenticators.directory import people, refusal, spawn, spawner_of
from tests.authenticators.slapd import COUNTER, DATA, PEOPLE, SUFFIX, Slapd, needs_slapd, serving

pytestmark = [needs_slapd, pytest.mark.slow]

NEAR_NOBODY = f"cn=nearNobody,{SUFFIX}"
MORE = f"""

dn: {NEAR_NOBODY}
objectClass: x-nextUserIdentifier
cn: nearNobody
uidNumber: 65533

""" + "\n".join(
    f"""dn: uid={name},{PEOPLE}
objectClass: account
objectClass: posixAccount
uid: {name}
cn: {name}
uidNumber: {number}
gidNumber: 100
homeDirectory: /home/{name}
"""
    for name, number in (("minusone", 4294967295), ("nobody", 65534), ("negative", -1))
)


@pytest.fixture(scope="module")
def slapd(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Slapd]:
    running = Slapd(tmp_path_factory.mktemp("slapd"), data=DATA + MORE).start()
    yield running
    running.stop()


@pytest.mark.parametrize("name", ["ANN", " ann", "ann ", "\uff41nn"])
async def test_nobody_changes_the_entry_of_who_is_called_almost_the_same(
    slapd: Slapd, name: str
) -> None:
    """The directory takes these names for one, so the check comes before the change."""
    before = people(slapd)["ann"]
    more: dict[str, Any] = {
        "attributes": LdapEntry().attributes | {"gecos": "{mail}", "homeDirectory": "/home/x"},
        "auth_state": {"mail": "mail"},
        "update": ["gecos"],
    }
    refused = await refusal(slapd, name, {"mail": "eve@x.dk"}, **more)
    assert "somebody else's" in refused.jupyterhub_message
    assert people(slapd)["ann"] == before


@pytest.mark.parametrize("name", ["minusone", "nobody", "negative"])
async def test_numbers_that_can_be_no_user_s_are_refused(slapd: Slapd, name: str) -> None:
    """With -1, say, a process that should become the user stays root."""
    refused = await refusal(slapd, name)
    assert refused.step == "check your entry"
    assert "can be no user's" in refused.jupyterhub_message


async def test_such_numbers_are_never_allocated(slapd: Slapd) -> None:
    """The counter goes past them."""
    assert (await spawn(slapd, "far", allocate={"uidNumber": NEAR_NOBODY}))["NB_UID"] == "65536"


async def test_no_number_that_was_looked_up_makes_a_session_root(slapd: Slapd) -> None:
    """Nor one that the portal has told."""
    environment = {"environment": {"NB_UID": "{uidNumber}"}}
    more: dict[str, Any] = {
        "attributes": {"uid": "{name}"},
        "object_classes": ["account"],
        "allocate": {},
        "set_spawner_attributes": environment,
    }
    root = {"uidNumber": {"filter": "(uid=toor)", "attribute": "uidNumber"}}
    for settings in ({"lookups": root}, {"auth_state": {"uidNumber": "uid"}}):
        refused = await refusal(slapd, "ann", {"uid": 0}, **more | settings)
        assert refused.step == "prepare the session"
        assert "below 1000" in refused.jupyterhub_message


async def test_a_counter_is_known_however_its_name_is_spelt(slapd: Slapd) -> None:
    """It holds the number itself, which doesn't make it somebody's."""
    spelt = COUNTER.replace(",", " , ").upper()
    before = int(slapd.entries()[COUNTER]["uidnumber"][0])
    given = await spawn(slapd, "spelt", allocate={"uidNumber": spelt})
    assert given["NB_UID"] == str(before + 1)
    assert slapd.entries()[COUNTER]["uidnumber"] == [given["NB_UID"]]


@pytest.mark.parametrize(
    "subject", ["/CN=eve/userPassword=secret", "/CN=eve/uidNumber=0", "/CN=eve/UID=ann"]
)
async def test_a_subject_can_t_name_attributes_of_accounts(slapd: Slapd, subject: str) -> None:
    """Whoever writes it: only the parts that people's names have."""
    before = slapd.entries()
    spawner = spawner_of(slapd, "eve", {"data": subject})
    spawner.config.LDAP = spawner.config.LdapEntry.copy()
    spawner.config.LDAP.update({"object_attributes": {"uid": "{name}"}})
    spawner.config.LDAP.update({"unique_object_attributes": ["uid"]})
    with pytest.raises(Exception, match="which can't be used"):
        await LDAP.for_session(spawner).run({"name": "eve"})
    assert slapd.entries() == before


async def test_a_directory_that_answers_without_end_is_left(slapd: Slapd) -> None:
    """More entries than were asked for are an error, not memory of the hub."""
    message = rfc2251.LDAPMessage()
    message["messageID"] = 2
    message["protocolOp"]["searchResEntry"]["objectName"] = b"cn=x"
    message["protocolOp"]["searchResEntry"]["attributes"].clear()
    entry = encoder.encode(message)
    bound = bytes.fromhex("300c02010161070a010004000400")

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(1000)
        writer.write(bound)
        await reader.read(1000)
        while True:
            writer.write(entry)
            await writer.drain()

    async with serving(answer) as port:
        refused = await refusal(slapd, "ann", url=f"ldap://127.0.0.1:{port}", unsafe_plain=True)
    assert "what wasn't asked" in refused.jupyterhub_message
