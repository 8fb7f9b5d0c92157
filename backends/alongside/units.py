"""Amounts of memory and spans of time, written the way people write them.

Memory is a whole number of bytes and reads as ``"1 GiB"``; a duration is a `timedelta` and reads
as ``"30 min"``. Both go into JSON in that form, so that forms, files and logs need no conversion.
"""

from __future__ import annotations

import re
from datetime import timedelta
from decimal import Decimal
from typing import Annotated, Any

from pydantic import BeforeValidator, PlainSerializer, WithJsonSchema
from pytimeparse2 import parse as _parse_time

_AMOUNT = re.compile(r"\s*(\d+(?:\.\d+)?)\s*(?:([kmgtp]?)(i?)b|([kmgtp])i?)\s*", re.IGNORECASE)
_BARE = re.compile(r"\s*[\d.]+\s*")  # a number in quotes is a forgotten unit
_LONGEST = 40  # characters; nothing sensible is longer, and it bounds the work on hostile input
_LARGEST = 2**60


def parse_memory(value: Any) -> int:
    """Bytes from ``"1 GiB"``, ``"512 MB"``, ``"4 G"`` (GiB) or a whole number of bytes.

    Raises ValueError for anything else: negative, zero, NaN, infinite, an unknown unit.
    """
    remedy = 'write an amount with a unit, for example "4 GiB" or "512 MiB"'
    if not _is_sensible(value):
        raise ValueError(f"not an amount of memory; {remedy}")
    if isinstance(value, str):
        match = _AMOUNT.fullmatch(value)
        if match is None:
            raise ValueError(f"{value!r} is not an amount of memory; {remedy}")
        number, decimal, binary, bare = match.groups()
        # "4 G" and "4 Gi" are what Kubernetes and people write, and mean GiB to them
        unit = (bare or decimal or "").lower()
        base = 1024 if binary or bare else 1000
        size: int = round(Decimal(number) * base ** " kmgtp".index(unit or " "))
    else:
        size = int(value)
    if not 0 < size <= _LARGEST:
        raise ValueError(f"{value!r} is not between 1 byte and 1 EiB; {remedy}")
    return size


def _is_sensible(value: Any) -> bool:
    """Whether it is text of sensible length, or a whole number."""
    if isinstance(value, str):
        return len(value) <= _LONGEST and value.isascii()
    if isinstance(value, float):
        return value.is_integer()
    return isinstance(value, int) and not isinstance(value, bool)


def format_memory(size: int) -> str:
    """``"1 GiB"``: the largest binary unit of which there is at least one, two decimals at most.

    >>> format_memory(1536 * 2**20)
    '1.5 GiB'
    """
    for exponent, unit in ((50, "PiB"), (40, "TiB"), (30, "GiB"), (20, "MiB"), (10, "KiB")):
        if size >= 2**exponent:
            return f"{size / 2**exponent:.2f}".rstrip("0").rstrip(".") + f" {unit}"
    return f"{size} B"


def parse_duration(value: Any) -> timedelta:
    """A timedelta from ``"30 min"``, ``"8 h"``, ``"1 h 30 min"`` or a number of seconds.

    Raises ValueError for anything that isn't a positive span of at most 366 days.
    """
    remedy = 'write a time with a unit, for example "30 min" or "8 h"'
    if isinstance(value, timedelta):
        seconds: float | None = value.total_seconds()
    elif isinstance(value, bool) or not isinstance(value, str | int | float):
        seconds = None
    elif isinstance(value, str):
        seconds = _parse_text(value)
    else:
        seconds = float(value)
    if seconds is None or not 0 < seconds <= 366 * 86400:
        raise ValueError(f"not a length of time; {remedy}")
    return timedelta(seconds=seconds)


def _parse_text(text: str) -> float | None:
    if len(text) > _LONGEST or not text.isascii() or _BARE.fullmatch(text):
        return None
    seconds = _parse_time(text)
    assert not isinstance(seconds, timedelta)  # only if it were asked for one
    return seconds


def format_duration(span: timedelta) -> str:
    """``"1 h 30 min"``: whole seconds, the units that are not zero.

    >>> format_duration(timedelta(minutes=90))
    '1 h 30 min'
    """
    rest = round(span.total_seconds())
    parts = []
    for size, unit in ((86400, "d"), (3600, "h"), (60, "min"), (1, "s")):
        count, rest = divmod(rest, size)
        if count:
            parts.append(f"{count} {unit}")
    return " ".join(parts) or "0 s"


def _write_duration(span: timedelta) -> str:
    """As text that reads as the same span again, fractions of a second included."""
    whole = not span % timedelta(seconds=1)
    return format_duration(span) if whole else f"{span.total_seconds():.6f}".rstrip("0") + " s"


Memory = Annotated[
    int,
    BeforeValidator(parse_memory),
    PlainSerializer(format_memory, return_type=str, when_used="json"),
    WithJsonSchema({"type": "string", "format": "memory", "examples": ["1 GiB"]}),
]
"""Bytes in Python, ``"1 GiB"`` in JSON."""

Duration = Annotated[
    timedelta,
    BeforeValidator(parse_duration),
    PlainSerializer(_write_duration, return_type=str, when_used="json"),
    WithJsonSchema({"type": "string", "format": "duration-text", "examples": ["30 min"]}),
]
"""A timedelta in Python, ``"30 min"`` in JSON."""
