"""The kinds of backends that are installed, by name."""

from __future__ import annotations

from functools import cache
from importlib.metadata import entry_points

from alongside.errors import InvalidRequest
from alongside.kinds.base import Kind

GROUP = "alongside.kinds"


@cache
def kinds() -> dict[str, Kind]:
    """Every installed kind, from the entry points of group ``alongside.kinds``."""
    return {point.name: point.load()() for point in entry_points(group=GROUP)}


def get_kind(name: str, field: str = "kind") -> Kind:
    """The kind of this name; InvalidRequest names those that there are."""
    try:
        return kinds()[name]
    except KeyError:
        known = ", ".join(sorted(kinds()))
        raise InvalidRequest(
            f"There is no kind of backend called {name[:63]!r}.", f"Choose one of: {known}.", field
        ) from None
