"""The platforms that are installed, by name."""

from __future__ import annotations

from importlib.metadata import entry_points
from typing import TYPE_CHECKING, cast

from alongside.errors import CatalogueError

if TYPE_CHECKING:
    from alongside.platforms.base import Platform

GROUP = "alongside.platforms"


def platform_names() -> list[str]:
    """Names of all installed platforms."""
    return sorted(point.name for point in entry_points(group=GROUP))


def platform_class(name: str) -> type[Platform]:
    """The platform class of this name; CatalogueError names those that there are."""
    for point in entry_points(group=GROUP, name=name):
        return cast("type[Platform]", point.load())
    known = ", ".join(platform_names())
    raise CatalogueError(f"There is no platform called {name!r}.", f"Choose one of: {known}.")
