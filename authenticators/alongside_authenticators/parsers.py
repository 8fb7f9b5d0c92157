"""What makes values of the texts that a portal sends: one parser, or a chain of them, a header.

A parser is a class with `parse`, given as class, as instance or by its dotted path. Whoever writes
one raises `ValueError` for what can't be read: that is a 400 for the browser, never half a login.
"""

from __future__ import annotations

import json
import re
import time
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

from cryptography import x509
from traitlets.utils.importstring import import_item

from alongside_authenticators.refusals import Misconfigured

MANY = 1000
"""Members of a list, or parts of a name."""


class Unreadable(ValueError):
    """What was sent is not what it should be."""


class NoName(ValueError):
    """What was sent has no user name in it."""


class Derived(str):
    """A text that was made of another one, `source`, of which others may make the same."""

    source: str

    def __new__(cls, made: str, source: str) -> Derived:
        self = super().__new__(cls, made)
        self.source = source
        return self


class Parser:
    """Returns the value as it came; the base of all others."""

    def parse(self, data: Any) -> Any:
        """The value of what was sent, or of what the parser before this one made of it.

        data : text of a header; of a token's claim whatever JSON has
        """
        return data


class RegexUsernameParser(Parser):
    """Cuts a name out of a longer identity, and replaces characters in it.

    Its settings are class attributes, or arguments for an instance.
    """

    username_extract_regex: ClassVar[str] = ""
    """What to cut out: the pattern's first group, or all that matches. "": everything."""

    replace_extract_chars: ClassVar[Mapping[str, str] | None] = None
    """Characters of what was cut out, and what they become."""

    def __init__(
        self,
        username_extract_regex: str | None = None,
        replace_extract_chars: Mapping[str, str] | None = None,
    ) -> None:
        pattern = (
            self.username_extract_regex
            if username_extract_regex is None
            else username_extract_regex
        )
        try:
            self._pattern = re.compile(pattern) if pattern else None
        except re.error as error:
            raise Misconfigured(
                f"username_extract_regex is no regular expression: {error}."
            ) from None
        self._replace = dict(replace_extract_chars or self.replace_extract_chars or {})

    def parse(self, data: Any) -> Derived:
        """The name. NoName if nothing matches, or several different things do."""
        if not isinstance(data, str):
            raise NoName
        found = {data}
        if self._pattern is not None:
            # several: a proxy may have joined what was sent twice, so none of them is believed
            found = {m[1 if m.re.groups else 0] or "" for m in self._pattern.finditer(data)}
        if len(found) != 1 or not (name := found.pop()):
            raise NoName
        made = name
        for old, new in self._replace.items():
            made = made.replace(old, new)
        return Derived(made, name)


class JSONParser(Parser):
    """Reads JSON. What a token's claim has as an object or list already stays as it is."""

    def parse(self, data: Any) -> Any:
        """The value; numbers that JSON doesn't have are refused."""
        if not isinstance(data, str):
            return data
        try:
            return json.loads(data, parse_constant=_no_number)
        except RecursionError:
            raise Unreadable("nested too deeply") from None


def _no_number(text: str) -> Any:
    raise Unreadable(f"{text} is no number")


class ListParser(Parser):
    """A list of words, from a JSON list or a text with commas or semicolons between them."""

    def parse(self, data: Any) -> list[str]:
        """The words, without blank ones and without doubles, in their order."""
        if isinstance(data, str):
            trimmed = data.strip()
            listed = (
                JSONParser().parse(trimmed) if trimmed[:1] == "[" else re.split("[,;]", trimmed)
            )
        else:
            listed = data
        if not isinstance(listed, Sequence) or not all(isinstance(one, str) for one in listed):
            raise Unreadable("no list of words")
        words = list(dict.fromkeys(word.strip() for word in listed if word.strip()))
        if len(words) > MANY:
            raise Unreadable("too many words")
        return words


class X509SubjectParser(Parser):
    """A distinguished name, as ``/C=DK/CN=R M`` or ``CN=R M,C=DK``: a mapping, or one part of it.

    attribute : the part that is wanted, such as ``emailAddress``; "": all of them
    """

    def __init__(self, attribute: str = "") -> None:
        self._attribute = attribute

    def parse(self, data: Any) -> Any:
        """Parts by type; several of one type are a list. NoName if the wanted one isn't there."""
        if not isinstance(data, str):
            raise Unreadable("no distinguished name")
        pairs = _slashed(data) if data.startswith("/") else _comma_separated(data)
        parts: dict[str, Any] = {}
        for type, value in pairs:
            if type in parts:
                before = parts[type]
                parts[type] = [*(before if isinstance(before, list) else [before]), value]
            else:
                parts[type] = value
        if not self._attribute:
            return parts
        found = parts.get(self._attribute)
        if not isinstance(found, str) or not found:
            raise NoName
        return found


def _slashed(text: str) -> list[tuple[str, str]]:
    # a slash within a value is one that no `TYPE=` follows
    pairs = re.findall(r"/([A-Za-z][\w.-]*)=((?:[^/]|/(?![A-Za-z][\w.-]*=))*)", text, re.ASCII)
    if not pairs or len(pairs) > MANY or "".join(f"/{t}={v}" for t, v in pairs) != text:
        raise Unreadable("no distinguished name")
    return pairs


_NAMES = {"emailAddress": x509.NameOID.EMAIL_ADDRESS, "E": x509.NameOID.EMAIL_ADDRESS}


def _comma_separated(text: str) -> list[tuple[str, str]]:
    name = x509.Name.from_rfc4514_string(text, _NAMES)
    known = {x509.NameOID.EMAIL_ADDRESS: "emailAddress"}
    # written from the most special part to the most general; a certificate has it the other way
    return [(known.get(part.oid, part.rfc4514_attribute_name), str(part.value)) for part in name]


class MountParser(Parser):
    """Credentials by which a user's storage is mounted: a JSON object, checked.

    Keys: `host`, `username`, `path` (default ``/``), `port` (default 22), `private_key` (PEM or
    OpenSSH), `expires` (seconds since 1970, may be absent). Others are refused, and so is what
    could be taken for an option of a command, or has expired.
    """

    _TEXTS: ClassVar[Mapping[str, str]] = {
        "host": r"[A-Za-z0-9]([A-Za-z0-9.:-]{0,252})",
        "username": r"[A-Za-z0-9_][A-Za-z0-9_.@+-]{0,127}",
        "path": r"/[^\x00-\x1f\x7f]{0,1023}",
        "private_key": r"-----BEGIN [A-Z ]*PRIVATE KEY-----[\w\s+/=:,.-]{1,16000}",
    }

    def parse(self, data: Any) -> dict[str, Any]:
        """The credentials, with all keys but `expires`, which is there if it was sent."""
        given = JSONParser().parse(data)
        if not isinstance(given, dict):
            raise Unreadable("no object")
        found = {"path": "/", "port": 22, **given}
        if set(found) - {*self._TEXTS, "port", "expires"}:
            raise Unreadable("keys that mean nothing")
        for key, pattern in self._TEXTS.items():
            value = found.get(key)
            if not isinstance(value, str) or not re.fullmatch(pattern, value, re.ASCII):
                raise Unreadable(f"{key} can't be that")
        port, expires = found["port"], found.get("expires", float("inf"))
        if type(port) is not int or not 1 <= port <= 65535:
            raise Unreadable("port can't be that")
        if isinstance(expires, bool) or not isinstance(expires, int | float):
            raise Unreadable("expires can't be that")
        if not expires > time.time():  # nor what is no number at all
            raise Unreadable("they have expired")
        return found


class Chain:
    """Parsers, one after the other."""

    def __init__(self, given: Any) -> None:
        """`given`: a parser, or several in their order. Misconfigured if one of them is none."""
        several = isinstance(given, list | tuple)
        self._parsers = [_parser(one) for one in (given if several else [given])]

    def __call__(self, data: Any) -> Any:
        """What they make of it. ValueError if one of them can't read it."""
        source = None
        for parser in self._parsers:
            data = parser.parse(data)
            source = getattr(data, "source", source)
        # what a later parser made of a name that was derived is derived as well
        if source is not None and isinstance(data, str) and not isinstance(data, Derived):
            return Derived(data, source)
        return data


def _parser(given: Any) -> Parser:
    if isinstance(given, str):
        try:
            given = import_item(given)
        except ImportError as error:
            raise Misconfigured(
                f"header_parser_classes names a parser that can't be imported: {error}."
            ) from None
    if isinstance(given, type):
        given = given()
    if not callable(getattr(given, "parse", None)):
        raise Misconfigured(
            f"header_parser_classes has something that is no parser: {type(given).__name__}. "
            "A parser has a method `parse`."
        )
    parser: Parser = given
    return parser
