"""Objects in a kernel whose server has gone: they must not be taken for those of another one.

An object knows its server's array by a name that every server gives out anew: ``id_1``. When the
kernel is connected to another server, an old object would read and, when it is let go, delete
whatever has that name there.
"""

from __future__ import annotations

import contextlib
import gc
import itertools
from typing import Any, Final

_LOST: Final = "lost_with_its_server"
_numbers = itertools.count(1)


def arrays(client: Any) -> list[Any]:
    """All of the client's objects in this process that stand for an array in a server."""
    kinds = tuple(
        kind
        for name in ("pdarray", "Strings", "sparray")
        if isinstance(kind := getattr(client, name, None), type)
    )
    return [
        found
        for found in gc.get_objects()
        if isinstance(found, kinds) and isinstance(getattr(found, "name", None), str)
    ]


def disown(client: Any, before: list[Any], *, elsewhere: bool) -> int:
    """Mark those of `before` that the server in use doesn't have; how many.

    elsewhere : whether they are known to be of another server
    A marked object raises the server's error for an unknown name when it is used.
    """
    there: set[str] = set()
    if before and not elsewhere:
        with contextlib.suppress(Exception):
            there = {str(name) for name in client.list_symbol_table()}
    gone = [found for found in before if found.name not in there]
    for found in gone:
        with contextlib.suppress(AttributeError):
            found.name = f"{_LOST}_{next(_numbers)}"
    return len(gone)


def strangers(client: Any) -> int:
    """How many arrays the server has that no object of this kernel stands for: those of another
    notebook, for instance. 0 where the client can't tell."""
    there: set[str] = set()
    with contextlib.suppress(Exception):
        there = {str(name) for name in client.list_symbol_table()}
    return len(there - {found.name for found in arrays(client)})
