"""What is done with an open connection so that a user has one valid entry, in its order."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from alongside_authenticators.ldap import messages
from alongside_authenticators.ldap.connection import Connection
from alongside_authenticators.ldap.counters import next_number
from alongside_authenticators.ldap.entries import Shape
from alongside_authenticators.ldap.errors import LdapError, Misconfigured, ResultError, Unusable
from alongside_authenticators.ldap.filters import Group, read
from alongside_authenticators.ldap.messages import Entry
from alongside_authenticators.ldap.templates import checked, escape_rdn, fill

if TYPE_CHECKING:
    from alongside_authenticators.ldap.step import LdapEntry


class Ensuring:
    """One user's entry; `entering` is told of each step in words."""

    def __init__(
        self,
        settings: LdapEntry,
        shape: Shape,
        connection: Connection,
        entering: Callable[[str], None],
    ) -> None:
        self._settings, self._shape = settings, shape
        self._connection, self._enter = connection, entering

    async def ensured(self, values: dict[str, str]) -> dict[str, str]:
        """The values with those of the entry, which is there and valid afterwards."""
        self._enter("look up what is missing")
        for name, lookup in self._settings.lookups.items():
            values[name] = await self._looked_up(name, lookup, values)
        self._enter("search your entry")
        entry = await self._found(values)
        made = await self._created(dict(values)) if entry is None else None
        if made is not None:
            dn, values = made
        else:
            if entry is None:  # somebody was quicker: another session of the same user
                entry = await self._found(values)
            if entry is None:
                raise LdapError(
                    "Another entry has the name that yours would have.",
                    "The hub's administrator has to look at it.",
                )
            dn = entry.dn
        self._enter("check your entry")
        now = await self._read(dn)
        if made is None and self._shape.update:
            now = await self._updated(now, values)
        known = self._shape.known(now)
        self._shape.check(now, known | values, whole=made is not None)
        return values | known | {"name": values["name"]}

    async def _updated(self, entry: Entry, values: Mapping[str, str]) -> Entry:
        """The user's own entry, which was there before, brought up to date."""
        values = {**self._shape.known(entry), **values}
        self._shape.refuse_somebody_else_s(entry, values)
        if changes := self._shape.changes(entry, values):
            self._enter("update your entry")
            await self._connection.modify(entry.dn, changes)
            self._enter("check your entry")
            entry = await self._read(entry.dn)
        return entry

    async def _created(self, values: dict[str, str]) -> tuple[str, dict[str, str]] | None:
        """The new entry's name and values with its numbers; None if one of that name is there."""
        if not self._settings.create:
            raise Unusable("You have no entry in the user directory.", "Ask for one first.")
        if not self._settings.dn:
            raise Misconfigured("dn isn't set.")
        self._enter("allocate a number")
        for name, counter in self._settings.allocate.items():
            if self._shape.needs(name) and name not in values:
                base = self._settings.base_dn
                values[name] = str(await next_number(self._connection, counter, name, base))
        self._enter("create your entry")
        dn = fill(self._settings.dn, values, escape_rdn)
        try:
            await self._connection.add(dn, self._shape.entry(values))
        except ResultError as error:
            if error.code == messages.ALREADY_EXISTS:
                return None
            raise
        self._settings.log.info("LDAP: created %s", dn)
        return dn, values

    async def _found(self, values: Mapping[str, str]) -> Entry | None:
        settings = self._settings
        filter = self._shape.search(values)
        if settings.search_filter:
            filter = Group("and", (filter, read(settings.search_filter, values, 1)))
        wanted = ["objectClass", *self._shape.attributes]
        found = await self._connection.search(settings.base_dn, filter, wanted)
        if len(found) > 1:
            raise LdapError(
                f"The directory has several entries of your {' and '.join(settings.identity)}.",
                "The hub's administrator has to remove all but one.",
            )
        return found[0] if found else None

    async def _read(self, dn: str) -> Entry:
        """All of the entry that counts, by the names that the settings use."""
        entry = await self._connection.read(dn, ["objectClass", *self._shape.attributes])
        if entry is None:
            raise LdapError("Your entry isn't there.", "Tell the hub's administrator.")
        for name in self._shape.attributes:
            # It may answer by another name of the same attribute: email for emailAddress.
            if not entry.values(name) and (alone := await self._connection.read(dn, [name])):
                for values in alone.attributes.values():
                    entry.attributes[name.lower()] = values
        return entry

    async def _looked_up(
        self, name: str, lookup: Mapping[str, str], values: Mapping[str, str]
    ) -> str:
        base = fill(lookup.get("base", self._settings.base_dn), values, escape_rdn)
        attribute = lookup["attribute"]
        filter = read(lookup["filter"], values)
        for entry in await self._connection.search(base, filter, [attribute]):
            for value in entry.values(attribute):
                return checked(name, value)
        raise Unusable(f"The directory knows no {name} of yours.")
