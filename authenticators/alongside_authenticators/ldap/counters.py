"""Numbers that nobody else gets: a counter entry that is advanced by one atomic change.

The counter holds the number that was given last. It is advanced by a modify that deletes the old
value and adds the next: the directory does both or neither, so of two hubs that read the same
value one is refused and reads again. A number is never given twice; one that its taker lost
(the hub was killed, the entry was refused) isn't given again.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import MutableMapping
from weakref import WeakKeyDictionary, WeakValueDictionary

from alongside_authenticators.ldap import messages
from alongside_authenticators.ldap.connection import Connection
from alongside_authenticators.ldap.errors import LdapError, Misconfigured, ResultError
from alongside_authenticators.ldap.filters import Equal
from alongside_authenticators.ldap.user_ids import LARGEST, NOBODY, number_of

_Locks = MutableMapping[tuple[str, str], asyncio.Lock]
_locks: MutableMapping[asyncio.AbstractEventLoop, _Locks] = WeakKeyDictionary()


def turn(dn: str, attribute: str) -> asyncio.Lock:
    """Sessions of one hub advance a counter in turn, so that only hubs ever meet at it."""
    locks = _locks.setdefault(asyncio.get_running_loop(), WeakValueDictionary())
    return locks.setdefault((dn.lower(), attribute.lower()), asyncio.Lock())


async def next_number(connection: Connection, dn: str, attribute: str, base: str) -> int:
    """The next number of the counter `attribute` in `dn` that no entry below `base` holds."""
    async with turn(dn, attribute):
        while True:
            number, counter = await _advanced(connection, dn, attribute)
            if number in NOBODY:
                continue
            holders = await connection.search(base, Equal(attribute, b"%d" % number), ["1.1"])
            if all(entry.dn == counter for entry in holders):
                return number


async def _advanced(connection: Connection, dn: str, attribute: str) -> tuple[int, str]:
    """Advance the counter; asks again, ever more rarely, while others are quicker.

    Gives its new number, and its name as the directory spells it.
    """
    pause = 0.005
    while True:
        now, spelt = await _value(connection, dn, attribute)
        if now >= LARGEST:
            raise LdapError("The directory has no numbers left to give.")
        change = [("delete", attribute, [str(now)]), ("add", attribute, [str(now + 1)])]
        try:
            await connection.modify(dn, change)
        except ResultError as error:
            if error.code != messages.NO_SUCH_ATTRIBUTE:
                raise
            await asyncio.sleep(random.uniform(0, pause))  # noqa: S311 - to be spread, not secret
            pause = min(0.2, pause * 1.5)
        else:
            return now + 1, spelt


async def _value(connection: Connection, dn: str, attribute: str) -> tuple[int, str]:
    entry = await connection.read(dn, [attribute])
    values = entry.values(attribute) if entry is not None else []
    number = number_of(values[0]) if len(values) == 1 else None
    if entry is None or number is None:
        raise Misconfigured(f"The counter of {attribute} isn't in the directory, or is no number.")
    return number, entry.dn
