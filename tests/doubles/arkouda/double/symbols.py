"""The one symbol table, shared by all clients."""

from __future__ import annotations

import itertools
import secrets
from dataclasses import dataclass
from typing import Any

from .group import Group, Memory
from .messages import Refused

SIZES = {"int64": 8, "uint64": 8, "float64": 8, "bool": 1, "uint8": 1}


@dataclass(frozen=True)
class Symbol:
    """One array: its parts are in the locales under the same name."""

    name: str
    dtype: str
    size: int

    @property
    def text(self) -> str:
        """As replies describe it: name, type, size, dimensions, shape, bytes per value."""
        return f"{self.name} {self.dtype} {self.size} 1 [{self.size}] {SIZES[self.dtype]}"


class Symbols:
    """Arrays by name, and the names under which users registered them."""

    def __init__(self, group: Group, memory: Memory) -> None:
        self.group = group
        self.memory = memory
        self.arrays: dict[str, Symbol] = {}
        self.registered: dict[str, str] = {}
        self.numbers = itertools.count(1)
        # Names of the older age come again after a new start, those of the newer one don't.
        self.prefix = "id_" if memory.age.name == "2021" else f"id_{secrets.token_hex(4)[1:]}_"

    def new(self, dtype: str, size: int) -> Symbol:
        """A name for an array, and the right to its memory; raises Refused."""
        if dtype not in SIZES:
            raise Refused(f"Error: create: unrecognized type: {dtype}")
        if size < 0:
            raise Refused(f"Error: create: invalid size {size}")
        self.memory.reserve(size * SIZES[dtype])
        return Symbol(f"{self.prefix}{next(self.numbers)}", dtype, size)

    def keep(self, symbol: Symbol) -> str:
        """The array is there now; the reply that says so."""
        self.arrays[symbol.name] = symbol
        self.memory.arrays[symbol.name] = symbol.size * SIZES[symbol.dtype]
        return f"created {symbol.text}"

    def get(self, name: str) -> Symbol:
        try:
            return self.arrays[name]
        except KeyError:
            raise Refused(f"Error: lookup: undefined name: {name}") from None

    def drop(self, name: str) -> None:
        symbol = self.get(name)
        self.group.all("drop", symbol.name)
        del self.arrays[name], self.memory.arrays[name]

    def value(self, dtype: str, text: str) -> Any:
        """A scalar from the wire."""
        try:
            if dtype == "bool":
                return text.lower() == "true"
            return float(text) if dtype == "float64" else int(text)
        except ValueError:
            raise Refused(f"Error: {text} is not a value of type {dtype}") from None


def written(value: Any) -> str:
    """A scalar as a reply has it: its type and the value."""
    if isinstance(value, bool):
        return f"bool {value}"
    if isinstance(value, int):
        return f"int64 {value}"
    return f"float64 {value:.17g}"
