"""What parsers make of what a portal sends."""

from __future__ import annotations

import contextlib
import json
import time
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alongside_authenticators.names import is_user_name, normal
from alongside_authenticators.parsers import (
    Chain,
    Derived,
    JSONParser,
    ListParser,
    MountParser,
    NoName,
    Parser,
    RegexUsernameParser,
    X509SubjectParser,
)
from alongside_authenticators.refusals import Misconfigured

LISTING = r"([a-zA-Z0-9_.+-]+@[a-zA-Z0-9-]+\.[a-zA-Z0-9-.]+)"


class Shout(Parser):
    """An operator's own."""

    def parse(self, data: Any) -> Any:
        """In capitals."""
        return data.upper()


@pytest.mark.shows("T4", "T5", "T169")
def test_the_listing_of_parsers_runs_with_its_import_changed() -> None:
    """Both halves: a JSON header becomes a mapping; an address is cut out and made a name."""

    class Listed(RegexUsernameParser):
        username_extract_regex = LISTING
        replace_extract_chars = {"@": "_", ".": "_"}

    assert Chain(JSONParser)('{"a": [1]}') == {"a": [1]}
    name = Chain(Listed)("/C=DK/O=NBI/CN=R M/emailAddress=rasmus.munk@nbi.ku.dk")
    assert name == "rasmus_munk_nbi_ku_dk"
    assert name.source == "rasmus.munk@nbi.ku.dk"
    with pytest.raises(NoName):
        Chain(Listed)("/C=DK/CN=R M")


@pytest.mark.shows("T4")
def test_parsers_are_classes_instances_or_paths_and_make_chains() -> None:
    """Each gets what the one before it made; what a name was made of stays known."""
    own = f"{__name__}.Shout"
    assert Chain(own)("a") == Chain(Shout)("a") == Chain(Shout())("a") == "A"
    cut = RegexUsernameParser(r"(\w+)@", {"_": "-"})
    made = Chain([JSONParser, X(), cut, own])('{"mail": "a_b@c"}')
    assert (made, made.source) == ("A-B", "a_b")
    assert Chain(Parser)("as it is") == "as it is"


class X(Parser):
    """Takes a part."""

    def parse(self, data: Any) -> Any:
        """The address."""
        return data["mail"]


@pytest.mark.parametrize("given", ["no.such.module.Parser", "nowhere", 7, object, [JSONParser, 3]])
def test_what_is_no_parser_is_refused_at_once(given: Any) -> None:
    """In words, when the hub starts."""
    with pytest.raises(Misconfigured):
        Chain(given)


def test_a_pattern_that_is_none_is_refused_at_once() -> None:
    """As above."""
    with pytest.raises(Misconfigured, match="no regular expression"):
        Chain(RegexUsernameParser("("))


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("a, b;c ,a", ["a", "b", "c"]),
        ('["a", "b c"]', ["a", "b c"]),
        ("", []),
        (["a"], ["a"]),
        ("[1]", None),
        ('{"a": 1}', ['{"a": 1}']),
        (7, None),
        ("[", None),
    ],
)
def test_lists(text: Any, words: list[str] | None) -> None:
    """From words with commas, or JSON."""
    if words is None:
        with pytest.raises(ValueError):  # noqa: PT011 - any of them
            Chain(ListParser)(text)
    else:
        assert Chain(ListParser)(text) == words


@pytest.mark.parametrize(
    "name",
    [
        "/C=DK/ST=NA/O=NBI/OU=A/OU=B/CN=Jane Roe/emailAddress=j@x.dk",
        "emailAddress=j@x.dk,CN=Jane Roe,OU=B,OU=A,O=NBI,ST=NA,C=DK",
    ],
)
def test_distinguished_names_in_both_ways_of_writing(name: str) -> None:
    """The same mapping; several parts of a type are a list."""
    assert X509SubjectParser().parse(name) == {
        "C": "DK",
        "ST": "NA",
        "O": "NBI",
        "OU": ["A", "B"],
        "CN": "Jane Roe",
        "emailAddress": "j@x.dk",
    }
    assert X509SubjectParser("emailAddress").parse(name) == "j@x.dk"
    for missing in ("L", "OU"):
        with pytest.raises(NoName):
            X509SubjectParser(missing).parse(name)


def test_a_slash_within_a_part_stays_within_it() -> None:
    """Only one that a type follows begins another part."""
    assert X509SubjectParser().parse("/CN=a/b c/O=x") == {"CN": "a/b c", "O": "x"}


MOUNT = {
    "host": "store.example",
    "username": "u",
    "private_key": "-----BEGIN OPENSSH " + "PRIVATE KEY-----\nQQ==\n-----END OPENSSH "
    "PRIVATE KEY-----\n",
}


@pytest.mark.shows("T10")
def test_credentials_of_a_mount() -> None:
    """Complete, and for a time."""
    soon = time.time() + 60
    found = MountParser().parse(json.dumps({**MOUNT, "expires": soon, "path": "/home"}))
    assert found == {**MOUNT, "expires": soon, "path": "/home", "port": 22}


@pytest.mark.parametrize(
    "wrong",
    [
        {"host": "-oProxyCommand=id"},
        {"host": "a b"},
        {"host": None},
        {"username": "-l"},
        {"username": "a\nb"},
        {"path": "relative"},
        {"path": "/a\n"},
        {"private_key": "none"},
        {"port": 0},
        {"port": True},
        {"port": "22"},
        {"expires": 1},
        {"expires": "never"},
        {"expires": float("nan")},
        {"options": "allow_other"},
    ],
)
def test_credentials_that_cannot_be(wrong: dict[str, Any]) -> None:
    """Options of commands, other keys, what is over."""
    with pytest.raises(ValueError):  # noqa: PT011 - any of them
        MountParser().parse({**MOUNT, **wrong})


@given(st.text() | st.recursive(st.none() | st.text() | st.integers(), st.lists))
def test_nothing_makes_a_parser_fail_otherwise(data: Any) -> None:
    """It reads, or says that it can't."""
    for parser in (
        JSONParser(),
        ListParser(),
        X509SubjectParser(),
        X509SubjectParser("CN"),
        MountParser(),
        RegexUsernameParser(LISTING, {"@": "_"}),
    ):
        with contextlib.suppress(ValueError):
            Chain(parser)(data)


@given(st.text(max_size=300))
def test_a_name_that_is_taken_stays_what_it_is(text: str) -> None:
    """However often it is normalised; it means nothing in a path, an address or a command."""
    name = normal(text)
    assert normal(name) == name or not is_user_name(name)
    if is_user_name(name):
        assert not set(name) & set("/\\ \t\r\n\0%?#&;:,|<>\"'`$(){}[]*!~^=")
        assert name[0] not in ".-+"


def test_a_derived_name_is_a_text() -> None:
    """For whoever stores it."""
    assert json.dumps(Derived("a", "b")) == '"a"'
