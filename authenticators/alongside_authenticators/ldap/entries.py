"""What an entry should be, and whether one is: pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from alongside_authenticators.ldap.errors import LdapError, Misconfigured, Unusable
from alongside_authenticators.ldap.filters import Equal, Filter, all_of
from alongside_authenticators.ldap.messages import Entry
from alongside_authenticators.ldap.templates import as_it_is, fill, path_part, placeholders
from alongside_authenticators.ldap.user_ids import can_be_a_user

Templates = Mapping[str, str | Sequence[str]]
Changes = list[tuple[str, str, list[str]]]
#: Attributes whose values are paths, which a name may be a part of and never more.
PATHS = frozenset({"homedirectory"})


@dataclass(frozen=True)
class Shape:
    """The settings that describe entries."""

    object_classes: Sequence[str]
    attributes: Templates
    identity: Sequence[str]
    update: Sequence[str]
    lowest_uid: int

    def __post_init__(self) -> None:
        for name in [*self.identity, *self.update]:
            if name not in self.attributes:
                raise Misconfigured(f"{name} is named, but is no attribute of the entry.")
        if not self.identity or not self.object_classes:
            raise Misconfigured("An entry needs object classes and attributes that identify it.")

    def wanted(self, name: str, values: Mapping[str, str]) -> list[str]:
        """The values of one attribute."""
        escape = path_part if name.lower() in PATHS else as_it_is
        return [fill(one, values, escape) for one in _listed(self.attributes[name])]

    def entry(self, values: Mapping[str, str]) -> dict[str, list[str]]:
        """All attributes of an entry that is created."""
        rest = {name: self.wanted(name, values) for name in self.attributes}
        return {"objectClass": list(self.object_classes), **rest}

    def search(self, values: Mapping[str, str]) -> Filter:
        """What finds the user's entry."""
        return all_of(
            Equal(name, value.encode())
            for name in self.identity
            for value in self.wanted(name, values)
        )

    def needs(self, name: str) -> bool:
        """Whether an attribute is made of the value `name`."""
        return any(
            name in placeholders(one)
            for templates in self.attributes.values()
            for one in _listed(templates)
        )

    def known(self, entry: Entry) -> dict[str, str]:
        """The values that an entry gives, by the names of its attributes."""
        return {name: entry.values(name)[0] for name in self.attributes if entry.values(name)}

    def changes(self, entry: Entry, values: Mapping[str, str]) -> Changes:
        """What brings an entry up to date."""
        wanted = {name: self.wanted(name, values) for name in self.update}
        return [
            ("replace", name, new)
            for name, new in wanted.items()
            if sorted(new) != sorted(entry.values(name))
        ]

    def refuse_somebody_else_s(self, entry: Entry, values: Mapping[str, str]) -> None:
        """Unusable for an entry that the directory calls equal and that isn't the user's.

        It compares without case, spaces and marks that can't be seen; a session needs the very
        same name.
        """
        for name in self.identity:
            if sorted(entry.values(name)) != sorted(self.wanted(name, values)):
                raise Unusable(
                    f"The directory has an entry of almost your {name}, which is somebody else's."
                )

    def check(self, entry: Entry, values: Mapping[str, str], *, whole: bool) -> None:
        """Nothing, or what is wrong with an entry; `whole` where we have just made all of it."""
        classes = {one.lower() for one in entry.values("objectClass")}
        for one in self.object_classes:
            if one.lower() not in classes:
                raise _wrong(f"it is no {one}")
        for name in self.attributes:
            if not entry.values(name):
                raise _wrong(f"it has no {name}")
        self.refuse_somebody_else_s(entry, values)
        for name in self.attributes if whole else self.update:
            if sorted(entry.values(name)) != sorted(self.wanted(name, values)):
                raise _wrong(f"its {name} isn't what was written")
        for number in entry.values("uidNumber"):
            if not can_be_a_user(number, self.lowest_uid):
                raise _wrong(f"its uidNumber is below {self.lowest_uid}, or can be no user's")


def _listed(templates: str | Sequence[str]) -> Sequence[str]:
    return [templates] if isinstance(templates, str) else templates


def _wrong(what: str) -> LdapError:
    return LdapError(f"Your entry isn't as it should be: {what}.", "Tell the hub's administrator.")
