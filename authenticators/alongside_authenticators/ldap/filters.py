"""Search filters (RFC 4515), read before anything is filled in.

What a user is called becomes a value of the parsed filter and is never part of its text, so that
`*)(uid=*` asks for exactly that name. The string form is only read from the configuration.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from alongside_authenticators.ldap.errors import Misconfigured
from alongside_authenticators.ldap.templates import fill

#: How deep filters may be nested; that of the message's definition.
DEPTH = 3


@dataclass(frozen=True)
class Equal:
    """The attribute has this value."""

    attribute: str
    value: bytes


@dataclass(frozen=True)
class Present:
    """The attribute has any value."""

    attribute: str


@dataclass(frozen=True)
class Group:
    """`and`, `or` or `not` of what is below."""

    how: str
    parts: tuple[Filter, ...]


Filter = Equal | Present | Group


def all_of(parts: Iterable[Filter]) -> Filter:
    """Every one of them."""
    found = tuple(parts)
    return found[0] if len(found) == 1 else Group("and", found)


def read(text: str, values: Mapping[str, str], within: int = 0) -> Filter:
    """The filter that `text` describes, its placeholders filled with `values`.

    Understands `&`, `|`, `!`, equality and presence. `within` is in how many groups it will be.
    Misconfigured where it can't be read.
    """
    found, rest = _read(text.strip(), values, within + 1)
    if rest:
        raise _unreadable(text)
    return found


_GROUPS = {"&": "and", "|": "or", "!": "not"}
_ITEM = re.compile(
    r"\((?P<name>[A-Za-z][A-Za-z0-9.;-]*)=(?P<value>[^()\\]*(?:\\[0-9A-Fa-f]{2}[^()\\]*)*)\)"
)


def _read(text: str, values: Mapping[str, str], depth: int) -> tuple[Filter, str]:
    if text[:1] == "(" and text[1:2] in _GROUPS:
        if depth >= DEPTH:
            raise Misconfigured(f"This filter is nested too deep: {text[:100]}.")
        how, rest = _GROUPS[text[1]], text[2:].lstrip()
        parts = []
        while rest[:1] == "(":
            part, rest = _read(rest, values, depth + 1)
            parts.append(part)
            rest = rest.lstrip()
        if rest[:1] != ")" or not parts or (how == "not" and len(parts) != 1):
            raise _unreadable(text)
        return Group(how, tuple(parts)), rest[1:]
    match = _ITEM.match(text)
    if match is None:
        raise _unreadable(text)
    name, value, rest = match["name"], match["value"], text[match.end() :]
    if value == "*":
        return Present(name), rest
    if "*" in value:
        raise Misconfigured(f"A filter may not look for parts of a value: {name}={value}.")
    return Equal(name, _unescaped(value, values)), rest


def _unescaped(value: str, values: Mapping[str, str]) -> bytes:
    pieces = re.split(r"\\([0-9A-Fa-f]{2})", value)
    return b"".join(
        bytes.fromhex(piece) if odd % 2 else fill(piece, values).encode()
        for odd, piece in enumerate(pieces)
    )


def _unreadable(text: str) -> Misconfigured:
    return Misconfigured(f"This is no filter that can be read: {text[:100]}.")
