"""What the server does on request."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

from . import files, sorting
from .messages import Refused, Reply, Request
from .symbols import SIZES, Symbol, Symbols, written

Command = Callable[[Symbols, Request], Reply]
COMPARISONS = ("<", "<=", ">", ">=", "==", "!=")


def text(function: Callable[..., str]) -> Command:
    """A command of so many words that answers with a text."""

    def run(symbols: Symbols, request: Request) -> Reply:
        try:
            return Reply(function(symbols, *request.args))
        except TypeError as error:
            raise Refused(f"Error: {request.cmd}: wrong arguments") from error

    return run


def create(symbols: Symbols, dtype: str, size: str) -> str:
    symbol = symbols.new(dtype, int(symbols.value("int64", size)))
    fill(symbols, symbol, 0)
    return symbols.keep(symbol)


def set_all(symbols: Symbols, name: str, dtype: str, value: str) -> str:
    symbol = symbols.get(name)
    fill(symbols, symbol, symbols.value(dtype, value))
    return f"set {name} to {value}"


def fill(symbols: Symbols, symbol: Symbol, value: Any) -> None:
    symbols.group.each(
        "fill",
        [
            (symbol.name, symbol.dtype, high - low, value)
            for low, high in symbols.group.bounds(symbol.size)
        ],
    )


def arange(symbols: Symbols, start: str, stop: str, stride: str) -> str:
    first, last, step = (int(symbols.value("int64", word)) for word in (start, stop, stride))
    if not step:
        raise Refused("Error: arange: stride is 0")
    symbol = symbols.new("int64", len(range(first, last, step)))
    symbols.group.each(
        "count_up",
        [
            (symbol.name, symbol.dtype, high - low, first + low * step, step)
            for low, high in symbols.group.bounds(symbol.size)
        ],
    )
    return symbols.keep(symbol)


def array(symbols: Symbols, request: Request) -> Reply:
    dtype, size = request.args[:2]
    symbol = symbols.new(dtype, int(symbols.value("int64", size)))
    width = SIZES[dtype]
    if len(request.payload) != symbol.size * width:
        raise Refused(f"Error: array: payload of {len(request.payload)} bytes for {size} values")
    symbols.group.each(
        "put",
        [
            (symbol.name, dtype, request.payload[low * width : high * width])
            for low, high in symbols.group.bounds(symbol.size)
        ],
    )
    return Reply(symbols.keep(symbol))


def tondarray(symbols: Symbols, request: Request) -> Reply:
    symbol = symbols.get(request.args[0] if request.args else "")
    return Reply(payload=b"".join(symbols.group.all("take", symbol.name)))


def combine(symbols: Symbols, sign: str, size: int, dtype: str, left: Any, right: Any) -> str:
    """A new array out of two operands, of which at least one is an array."""
    guess = "bool" if sign in COMPARISONS else dtype
    symbol = symbols.new(guess, size)
    try:
        found = symbols.group.all("combine", symbol.name, sign, left, right)
    except (TypeError, ValueError, ZeroDivisionError, KeyError) as error:
        raise Refused(f"Error: binop: {sign} not implemented") from error
    return symbols.keep(Symbol(symbol.name, found[0], size))


def binopvv(symbols: Symbols, sign: str, left: str, right: str) -> str:
    one, two = symbols.get(left), symbols.get(right)
    if one.size != two.size:
        raise Refused(f"Error: binopvv: size mismatch {one.size} {two.size}")
    return combine(symbols, sign, one.size, one.dtype, left, right)


def binopvs(symbols: Symbols, sign: str, left: str, dtype: str, value: str) -> str:
    one = symbols.get(left)
    return combine(symbols, sign, one.size, one.dtype, left, (symbols.value(dtype, value),))


def binopsv(symbols: Symbols, sign: str, right: str, dtype: str, value: str) -> str:
    one = symbols.get(right)
    return combine(symbols, sign, one.size, one.dtype, (symbols.value(dtype, value),), right)


def reduction(symbols: Symbols, how: str, name: str) -> str:
    symbol = symbols.get(name)
    if how not in ("sum", "min", "max"):
        raise Refused(f"Error: reductionMsg: {how} {symbol.dtype} not implemented")
    values = [value for value in symbols.group.all("reduce", how, name) if value is not None]
    if not values:
        if how != "sum":
            raise Refused(f"Error: reductionMsg: {how} of an empty array")
        values = [0]
    if how == "sum":
        return written(sum(values))
    return written(min(values) if how == "min" else max(values))


def delete(symbols: Symbols, name: str) -> str:
    symbols.drop(name)
    return f"deleted {name}"


def info(symbols: Symbols, name: str) -> str:
    return symbols.get(name).text


def show(symbols: Symbols, name: str, threshold: str = "100") -> str:
    """The values; the first and last three where there are more than `threshold`."""
    symbol = symbols.get(name)
    whole = symbol.size <= int(threshold)
    ends = symbols.group.all("ends", name, symbol.size if whole else 3)
    first = [value for begin, _ in ends for value in begin]
    last = [value for _, end in ends for value in end]
    if whole:
        return f"array([{' '.join(map(str, first))}])"
    return f"array([{' '.join(map(str, first[:3]))} ... {' '.join(map(str, last[-3:]))}])"


def register(symbols: Symbols, name: str, wanted: str) -> str:
    symbols.get(name)
    if wanted in symbols.registered:
        raise Refused(f"Error: register: name {wanted} is in use")
    symbols.registered[wanted] = name
    return f"Registered entry {wanted}"


def attach(symbols: Symbols, wanted: str) -> str:
    if wanted not in symbols.registered:
        raise Refused(f"Error: attach: {wanted} is not a registered name")
    return f"created {symbols.get(symbols.registered[wanted]).text}"


def unregister(symbols: Symbols, wanted: str) -> str:
    if wanted not in symbols.registered:
        raise Refused(f"Error: unregister: {wanted} is not a registered name")
    del symbols.registered[wanted]
    return f"Unregistered {wanted}"


def clear(symbols: Symbols) -> str:
    for name in list(symbols.arrays):
        symbols.drop(name)
    return "success"


def sleep(_: Symbols, seconds: str) -> str:
    time.sleep(float(seconds))
    return "slept"


COMMANDS: dict[str, Command] = {
    "array": array,
    "tondarray": tondarray,
    "create": text(create),
    "set": text(set_all),
    "arange": text(arange),
    "binopvv": text(binopvv),
    "binopvs": text(binopvs),
    "binopsv": text(binopsv),
    "reduction": text(reduction),
    "sort": text(sorting.sort),
    "delete": text(delete),
    "info": text(info),
    "str": text(show),
    "repr": text(show),
    "register": text(register),
    "attach": text(attach),
    "unregister": text(unregister),
    "clear": text(clear),
    "sleep": text(sleep),
    "tofile": text(files.save),
    "readfile": text(files.load),
    "lsfile": text(files.describe),
}
