"""Who the portal says it is: from values to a user's name, groups, and what is kept of them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from alongside_authenticators.names import group_names, normal
from alongside_authenticators.parsers import Chain, ListParser, NoName
from alongside_authenticators.refusals import Misconfigured, Refused

AUTH = "auth"
GROUPS = "groups"
IDENTITY = "identity"


@dataclass(frozen=True)
class Identity:
    """Somebody, as the portal says.

    name : the user's name, not yet normalised by the hub
    person : what tells people apart whose names come out the same
    groups : names of groups
    attributes : everything else that is kept, by the name it came under
    """

    name: str
    person: str
    groups: list[str]
    attributes: dict[str, Any] = field(repr=False)

    @property
    def state(self) -> dict[str, Any]:
        """What is stored of them, encrypted."""
        return {**self.attributes, IDENTITY: self.person}


class Reading:
    """Which values are used, and what becomes of them.

    allowed : names of headers, or of a token's claims, by key
    parsers : parser or parsers by key
    """

    def __init__(self, allowed: Mapping[str, str], parsers: Mapping[str, Any]) -> None:
        if not allowed.get(AUTH):
            raise Misconfigured(
                "allowed_headers lacks the key 'auth', which names the header that says who it is. "
                "Add it, for example {'auth': 'Remote-User'}."
            )
        kept = [name.lower() for key, name in allowed.items() if key not in {AUTH, GROUPS}]
        if len(set(kept)) != len(kept) or IDENTITY in kept or not all(kept):
            raise Misconfigured(
                f"allowed_headers names a header twice, none at all, or '{IDENTITY}', which is "
                "the hub's own word. Give each key a header of its own."
            )
        unknown = sorted(set(parsers) - set(allowed))
        self.extra_parsers = frozenset(unknown)
        self._allowed = dict(allowed)
        self._chains = {key: Chain(given) for key, given in parsers.items()}
        if GROUPS in allowed:
            self._chains.setdefault(GROUPS, Chain(ListParser))

    @property
    def names(self) -> list[str]:
        """Headers or claims that are read."""
        return list(dict.fromkeys(self._allowed.values()))

    @property
    def kept(self) -> list[str]:
        """Those that are kept of a user."""
        return [name for key, name in self._allowed.items() if key not in {AUTH, GROUPS}]

    def identity(self, said: Mapping[str, Any]) -> Identity:
        """Who it is. Refused if that can't be told, or one of the values can't be read."""
        values = {key: self._value(key, said[name]) for key, name in self._allowed.items()}
        name = values.pop(AUTH)
        if not isinstance(name, str) or not name.strip():
            raise nobody()
        groups = values.pop(GROUPS, None) or []
        if not isinstance(groups, list):
            raise unreadable(self._allowed[GROUPS])
        try:
            groups = group_names(groups)
        except (TypeError, ValueError):
            raise unreadable(self._allowed[GROUPS]) from None
        attributes = {self._allowed[key]: v for key, v in values.items() if v not in (None, "")}
        person = getattr(name, "source", name)
        return Identity(str(name), normal(person), groups, attributes)

    def posted(self, name: str, value: Any) -> Any:
        """A value that the portal posted, as its parsers read it. Refused if they can't."""
        if value is None:
            return None
        keys = (key for key, header in self._allowed.items() if header == name)
        return self._value(next(keys, name), value, name)

    def _value(self, key: str, value: Any, name: str = "") -> Any:
        chain = self._chains.get(key)
        if chain is None or value is None or (isinstance(value, str) and not value.strip()):
            return value
        try:
            return chain(value)
        except NoName:
            if key == AUTH:
                raise nobody() from None
            return None
        except (ValueError, TypeError, LookupError, AttributeError):  # of operators' parsers too
            raise unreadable(name or self._allowed[key]) from None


def nobody() -> Refused:
    """The refusal of somebody without a name."""
    return Refused(
        401,
        "NoName",
        "The portal doesn't say who you are, or by a name that this hub can't use. Sign in at the "
        "portal; if that doesn't help, tell the hub's operator.",
    )


def unreadable(name: str) -> Refused:
    """The refusal of a value that can't be read; which is said, what is in it isn't."""
    return Refused(
        400,
        "Unreadable",
        f"What the portal sends as {name} can't be read. Tell the portal's operator.",
    )
