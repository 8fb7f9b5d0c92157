"""Composed objects of Arkouda as the arrays they are made of, and back.

For what a client can't write to a file by itself: old ones only write plain arrays and strings,
newer ones no Series. The names of classes and attributes have been the same since 2021.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

Parts = dict[str, Any]


@dataclass(frozen=True)
class Recipe:
    """How to take an object apart, and to make it of its parts and of what `about` says (JSON)."""

    take: Callable[[Any], Parts]
    make: Callable[[Any, Parts, Mapping[str, Any]], Any]
    about: Callable[[Any], dict[str, Any]] = lambda _: {}


def _values(name: str) -> Recipe:
    """One that is an array with another meaning."""
    return Recipe(
        lambda whole: {"values": whole.values},
        lambda client, parts, _: getattr(client, name)(parts["values"]),
    )


def _keys(group: Any) -> Parts:
    keys = group.keys if isinstance(group.keys, list | tuple) else [group.keys]
    return {f"key{n}": key for n, key in enumerate(keys)}


def _group(client: Any, parts: Parts, about: Mapping[str, Any]) -> Any:
    keys = list(parts.values())
    return client.GroupBy(keys if about["several"] else keys[0])


def _columns(frame: Any) -> Parts:
    columns = {f"column{n}": frame[name] for n, name in enumerate(_names(frame))}
    return columns | {"index": frame.index}


def _names(frame: Any) -> list[Any]:
    return list(getattr(frame.columns, "values", frame.columns))


def _frame(client: Any, parts: Parts, about: Mapping[str, Any]) -> Any:
    columns = {name: parts[f"column{n}"] for n, name in enumerate(about["columns"])}
    return client.DataFrame(columns, index=parts["index"])


_RECIPES: dict[str, Recipe] = {
    "Datetime": _values("Datetime"),
    "Timedelta": _values("Timedelta"),
    "Categorical": Recipe(
        lambda whole: {"codes": whole.codes, "categories": whole.categories},
        lambda client, parts, _: client.Categorical.from_codes(parts["codes"], parts["categories"]),
    ),
    "SegArray": Recipe(
        lambda whole: {"segments": whole.segments, "values": whole.values},
        lambda client, parts, _: client.SegArray(parts["segments"], parts["values"]),
    ),
    "GroupBy": Recipe(
        _keys, _group, lambda group: {"several": isinstance(group.keys, list | tuple)}
    ),
    "DataFrame": Recipe(_columns, _frame, lambda frame: {"columns": _names(frame)}),
    "Index": Recipe(
        lambda whole: {"values": whole.values},
        lambda client, parts, _: client.Index(parts["values"]),
    ),
    "MultiIndex": Recipe(
        lambda whole: {f"level{n}": level for n, level in enumerate(whole.levels)},
        lambda client, parts, _: client.MultiIndex(list(parts.values())),
    ),
    "Series": Recipe(
        lambda whole: {"values": whole.values, "index": whole.index},
        lambda client, parts, _: client.Series(data=parts["values"], index=parts["index"]),
    ),
}


def recipe_of(value: Any) -> Recipe | None:
    """How its class is taken apart; None when that isn't known."""
    return _RECIPES.get(type(value).__name__)


def recipe(name: str) -> Recipe:
    """How objects of the class `name` are made. Raises KeyError."""
    return _RECIPES[name]


_SNAPSHOT = {"pdarray", "Strings", "Categorical", "SegArray", "DataFrame", "GroupBy"}


def is_whole(client: Any, value: Any) -> bool:
    """Whether this client writes and reads it as what it is."""
    name = type(value).__name__
    if name in ("pdarray", "Strings"):
        return True
    plain = getattr(client, "pdarray", None)
    own = getattr(type(value), "to_hdf", None)
    if own is None or not hasattr(client, "snapshot"):
        return name == "Categorical" and own is not None
    if plain is not None and isinstance(value, plain):
        return own is not getattr(plain, "to_hdf", None)  # else its meaning would be lost
    return name in _SNAPSHOT
