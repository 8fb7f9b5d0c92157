"""Templates of names and values: `uid={name},ou=people`, filled with what is known of a user.

A placeholder is a plain name; nothing can be reached through it. What is filled in never changes
the meaning of what surrounds it: in a distinguished name it is escaped by RFC 4514, in a filter it
takes its place after the filter has been read (`filters`), in a path it can't step out.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from string import Formatter

from alongside_authenticators.ldap.errors import Misconfigured, Unusable

SPECIAL = frozenset('"+,;<>\\=')


def escape_rdn(value: str) -> str:
    """A value as it is written in a distinguished name (RFC 4514, 2.4)."""
    escaped = [f"\\{c}" if c in SPECIAL else "\\00" if c == "\0" else c for c in value]
    for place in {0, len(value) - 1}:
        if value and (value[place] == " " or (place == 0 and value[0] == "#")):
            escaped[place] = f"\\{value[place]}"
    return "".join(escaped)


def path_part(value: str) -> str:
    """A value that is one part of a path, or `Unusable`."""
    if "/" in value or value in {"", ".", ".."}:
        raise Unusable(f"“{value}” can't be the name of a directory.")
    return value


def as_it_is(value: str) -> str:
    """The value itself, where nothing has a special meaning."""
    return value


def placeholders(template: str) -> Iterator[str]:
    """The names that a template asks for."""
    return (name for _, name in _parts(template) if name is not None)


def fill(template: str, values: Mapping[str, str], escape: Callable[[str], str] = as_it_is) -> str:
    """The template with values in place of its placeholders, each escaped."""
    filled = []
    for literal, name in _parts(template):
        filled.append(literal)
        if name is not None:
            if name not in values:
                raise Misconfigured(f"“{template}” asks for {{{name}}}, which isn't known.")
            filled.append(escape(values[name]))
    return "".join(filled)


def checked(name: str, value: object) -> str:
    """A value of a user as text that an entry can hold, or `Unusable`."""
    if value is None:
        raise Unusable(f"Nothing is known of you as “{name}”.")
    if isinstance(value, bool) or not isinstance(value, str | int):
        raise Unusable(f"What is known of you as “{name}” is no text.")
    text = str(value)
    if not text.strip():
        raise Unusable(f"Nothing is known of you as “{name}”.")
    if any(c < " " or c == "\x7f" for c in text):
        raise Unusable(f"What is known of you as “{name}” has control characters in it.")
    try:
        text.encode()
    except UnicodeEncodeError:
        raise Unusable(f"What is known of you as “{name}” is no valid text.") from None
    return text


def _parts(template: str) -> Iterator[tuple[str, str | None]]:
    try:
        parsed = list(Formatter().parse(template))
    except ValueError as error:
        raise Misconfigured(f"“{template}” can't be read: {error}.") from None
    for literal, name, spec, conversion in parsed:
        if name is not None and (not name.isidentifier() or spec or conversion):
            raise Misconfigured(f"“{template}” has a placeholder that is no plain name: {name!r}.")
        yield literal, name
