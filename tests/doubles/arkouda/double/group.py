"""The locales as locale 0 sees them: orders to all of them at once, and their memory."""

from __future__ import annotations

import itertools
import os
from collections.abc import Sequence
from multiprocessing.connection import Connection
from typing import Any

from .ages import Age
from .blocks import Blocks
from .messages import Refused
from .options import Options

BASE = 8_039_985
"""Bytes in use on a locale without any array, as seen on a real server."""


class Group:
    """Locale 0's own blocks and the lines to the other locales."""

    def __init__(self, others: Sequence[Connection] = ()) -> None:
        self.own = Blocks()
        self.others = tuple(others)

    def __len__(self) -> int:
        return 1 + len(self.others)

    def bounds(self, size: int) -> list[tuple[int, int]]:
        """From where to where each locale has the values of an array."""
        edges = [size * number // len(self) for number in range(len(self) + 1)]
        return list(itertools.pairwise(edges))

    def each(self, order: str, arguments: Sequence[tuple[Any, ...]]) -> list[Any]:
        """Give each locale the order with its own arguments; raises what any of them raised."""
        for line, args in zip(self.others, arguments[1:], strict=True):
            line.send((order, args))
        outcomes: list[Any] = []
        try:
            outcomes.append((True, self.own.obey(order, *arguments[0])))
        except Exception as error:
            outcomes.append((False, error))
        outcomes += [line.recv() for line in self.others]
        for good, value in outcomes:
            if not good:
                raise value
        return [value for _, value in outcomes]

    def all(self, order: str, *args: Any) -> list[Any]:
        """Give all locales the same order."""
        return self.each(order, [args] * len(self))

    def one(self, number: int, order: str, *args: Any) -> Any:
        """Give one locale an order."""
        if not number:
            return self.own.obey(order, *args)
        line = self.others[number - 1]
        line.send((order, args))
        good, value = line.recv()
        if not good:
            raise value
        return value


def obey(line: Connection) -> None:
    """The life of a further locale: do as told until the line is cut."""
    blocks = Blocks()
    while True:
        try:
            order, args = line.recv()
        except (EOFError, OSError):
            return
        try:
            answer: Any = (True, blocks.obey(order, *args))
        except Exception as error:
            answer = (False, error)
        line.send(answer)


class Memory:
    """Bytes in use and allowed, on each locale."""

    def __init__(self, options: Options, age: Age, locales: int) -> None:
        self.age = age
        self.locales = locales
        self.physical = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
        self.limit = options.memory or self.physical * options.percent // 100
        self.arrays: dict[str, int] = {}

    @property
    def used(self) -> int:
        """Bytes per locale."""
        return BASE + sum(self.arrays.values()) // self.locales

    def reserve(self, amount: int) -> None:
        """Raise Refused when `amount` more bytes, over all locales, are too many."""
        total = self.used + amount // self.locales
        if total <= self.limit:
            return
        if self.age.name == "2021":
            raise Refused(f"Error: Operation would exceed memory limit ({total},{self.limit})")
        percent = round(total / self.limit * 100)
        raise Refused(
            f"cmd requiring {total * self.locales} bytes of memory exceeds "
            f"{self.limit * self.locales} limit with projected pct memory used of {percent}%"
        )
