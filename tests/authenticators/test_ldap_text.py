"""Names, templates, filters and answers of directories, without a directory."""

from __future__ import annotations

import contextlib

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pyasn1.codec.ber import encoder
from pyasn1_modules import rfc2251

from alongside_authenticators.ldap import messages
from alongside_authenticators.ldap.connection import Server
from alongside_authenticators.ldap.entries import Shape
from alongside_authenticators.ldap.errors import LdapError, Misconfigured, Unusable
from alongside_authenticators.ldap.filters import Equal, Group, Present, read
from alongside_authenticators.ldap.messages import Entry
from alongside_authenticators.ldap.templates import (
    checked,
    escape_rdn,
    fill,
    path_part,
)


@pytest.mark.parametrize(
    ("value", "written"),
    [
        ("ann", "ann"),
        ("Roe, Jane", "Roe\\, Jane"),
        ("#1 ", "\\#1\\ "),
        (" a", "\\ a"),
        (" ", "\\ "),
        ("a+b=c", "a\\+b\\=c"),
        ('x"<y>;\\', 'x\\"\\<y\\>\\;\\\\'),
        ("a\0b", "a\\00b"),
        ("Žofie Å", "Žofie Å"),
        ("*)(uid=*", "*)(uid\\=*"),
    ],
)
def test_values_in_names_are_escaped(value: str, written: str) -> None:
    assert escape_rdn(value) == written


@settings(deadline=None)
@given(st.text(min_size=1))
def test_no_value_ends_its_part_of_a_name(value: str) -> None:
    written = fill("uid={name},ou=people", {"name": value}, escape_rdn)
    inner = written.removeprefix("uid=").removesuffix(",ou=people")
    bare = inner.replace("\\\\", "").split("\\")
    assert not {",", "+", "=", ";"} & set("".join([bare[0], *(part[1:] for part in bare[1:])]))


@pytest.mark.parametrize("template", ["{name.x}", "{name[0]}", "{name!r}", "{name:>9}", "{", "{}"])
def test_a_placeholder_is_a_plain_name(template: str) -> None:
    with pytest.raises(Misconfigured):
        fill(template, {"name": "ann"})


@pytest.mark.parametrize("name", ["..", ".", "a/b", "/etc"])
def test_a_name_can_t_step_out_of_a_path(name: str) -> None:
    with pytest.raises(Unusable):
        fill("/home/{name}", {"name": name}, path_part)


@pytest.mark.parametrize("value", ["", " ", "a\0b", "a\nb", "\ud800", True, None, 1.5, ["a"]])
def test_a_value_that_no_entry_can_hold_is_refused(value: object) -> None:
    with pytest.raises(Unusable):
        checked("mail", value)


def test_filters_are_read_before_they_are_filled() -> None:
    read_it = read("(&(objectClass=posixAccount)(!(uid={name}))(mail=*))", {"name": "*)(uid=*"})
    assert read_it == Group(
        "and",
        (
            Equal("objectClass", b"posixAccount"),
            Group("not", (Equal("uid", b"*)(uid=*"),)),
            Present("mail"),
        ),
    )
    assert read("(cn=a\\2ab)", {}) == Equal("cn", b"a*b")


@settings(deadline=None)
@given(st.text())
def test_whatever_a_name_is_the_filter_stays_the_same(name: str) -> None:
    try:
        wanted = name.encode()
    except UnicodeEncodeError:
        return
    assert read("(uid={name})", {"name": name}) == Equal("uid", wanted)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "uid=a",
        "(uid=a",
        "(uid=a))",
        "(&)",
        "(!(a=1)(b=2))",
        "(uid=a*)",
        "((a=1))",
        "(&(!(&(a=1))))",
    ],
)
def test_a_filter_that_can_t_be_read_is_refused(text: str) -> None:
    with pytest.raises(Misconfigured):
        read(text, {})


@settings(deadline=None)
@given(st.binary(max_size=200))
def test_whatever_the_server_says_is_an_answer_or_an_error(data: bytes) -> None:
    with contextlib.suppress(LdapError):
        messages.decode(data)


def entry() -> bytes:
    """A directory's answer with an entry, as it is sent."""
    message = rfc2251.LDAPMessage()
    message["messageID"] = 2
    found = message["protocolOp"]["searchResEntry"]
    found["objectName"] = b"uid=ann"
    for place, (name, value) in enumerate({b"uid": b"ann", b"uidNumber": b"1000"}.items()):
        found["attributes"][place]["type"] = name
        found["attributes"][place]["vals"][0] = value
    data: bytes = encoder.encode(message)
    return data


DONE = bytes.fromhex("302202010265060a010004000400") + b"\x30" * 25
ENTRY = entry()


def test_an_entry_is_read() -> None:
    """So that what is damaged below was whole."""
    answer = messages.decode(ENTRY)
    assert answer.entry == Entry("uid=ann", {"uid": ["ann"], "uidnumber": ["1000"]})


@settings(deadline=None, max_examples=300)
@given(st.sampled_from([DONE, ENTRY]), st.integers(0, 60), st.binary(max_size=4))
def test_a_damaged_answer_is_an_answer_or_an_error(whole: bytes, place: int, noise: bytes) -> None:
    damaged = whole[:place] + noise + whole[place + 1 :]
    with contextlib.suppress(LdapError):
        messages.decode(damaged)


@pytest.mark.parametrize(
    "url",
    ["", "ldap.example.org", "http://x", "ldap://", "ldap://x:y", "ldap://u@x", "ldap://x/dc"],
)
def test_an_address_that_isn_t_one_is_refused(url: str) -> None:
    with pytest.raises(Misconfigured):
        Server.at(url)


def test_tls_is_what_is_spoken_unless_said_otherwise() -> None:
    assert Server.at("ldaps://x") == Server("x", 636, "ldaps")
    assert Server.at("ldap://x") == Server("x", 389, "starttls")
    assert Server.at("ldap://[::1]:3389", plain=True) == Server("::1", 3389, "none")


def test_an_entry_that_differs_only_by_case_is_somebody_else_s() -> None:
    shape = Shape(["account"], {"uid": "{name}"}, ["uid"], [], 1000)
    entry = Entry("uid=Ann", {"objectclass": ["ACCOUNT"], "uid": ["Ann"]})
    shape.check(entry, {"name": "Ann"}, whole=True)
    with pytest.raises(Unusable, match="almost your uid"):
        shape.check(entry, {"name": "ann"}, whole=True)


def test_settings_that_don_t_fit_each_other_are_told() -> None:
    with pytest.raises(Misconfigured, match="mail"):
        Shape(["account"], {"uid": "{name}"}, ["uid"], ["mail"], 1000)
    with pytest.raises(Misconfigured):
        Shape([], {"uid": "{name}"}, ["uid"], [], 1000)
