"""Sorting an array that no locale could hold alone: in slices, never all of it in one place."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from .group import Group
from .messages import Refused
from .symbols import Symbol, Symbols

SLICE = 2**19  # values that travel at once
_LOW, _HIGH = -(2**63), 2**63 - 1


def sort(symbols: Symbols, name: str) -> str:
    """A new array with the values in order."""
    given, group = symbols.get(name), symbols.group
    if given.dtype != "int64":
        raise Refused(f"Error: sort: {given.dtype} not implemented")
    made = symbols.new(given.dtype, given.size)
    bounds = group.bounds(given.size)
    edges = [_ranked(group, name, low) for low, _ in bounds[1:]]
    group.each("fill", [(made.name, made.dtype, high - low, 0) for low, high in bounds])
    for number, (low, high) in enumerate(bounds):
        first = edges[number - 1] if number else _LOW
        last = edges[number] if number < len(edges) else None
        _gather(group, given, made, number, (low, high), first, last)
    group.all("order", made.name)
    return symbols.keep(made)


def _gather(
    group: Group,
    given: Symbol,
    made: Symbol,
    number: int,
    bounds: tuple[int, int],
    first: int,
    last: int | None,
) -> None:
    """Fill one locale's block with the values whose ranks are its own, in any order.

    Values that are equal to an edge are on both sides of it, as many on each as there is room for.
    """
    low, high = bounds
    size, place = high - low, 0
    if last == first:
        group.one(number, "put_at", made.name, 0, [first] * size)
        return
    if number:
        equal = sum(group.all("below", given.name, first + 1)) - low
        group.one(number, "put_at", made.name, 0, [first] * min(size, equal))
        place = min(size, equal)
    begin = first + 1 if number else _LOW
    for values in _between(group, given, begin, last):
        group.one(number, "put_at", made.name, place, values)
        place += len(values)
    if last is not None:
        group.one(number, "put_at", made.name, place, [last] * (size - place))


def _between(group: Group, given: Symbol, low: int, high: int | None) -> Iterator[Any]:
    """The values from `low` on and below `high`, piece by piece."""
    for locale, (begin, end) in enumerate(group.bounds(given.size)):
        for start in range(0, end - begin, SLICE):
            yield group.one(locale, "between", given.name, start, start + SLICE, low, high)


def _ranked(group: Group, name: str, rank: int) -> int:
    """The value that has so many before it in order."""
    low, high = _LOW, _HIGH
    while low < high:  # the smallest one of which more than `rank` are no larger
        middle = (low + high) // 2
        if sum(group.all("below", name, middle + 1)) > rank:
            high = middle
        else:
            low = middle + 1
    return low
