"""The options of an Arkouda locale group: one field, one input of the form."""

from __future__ import annotations

import math
from typing import Annotated

from annotated_types import Le
from pydantic import Field

from alongside.kinds.base import Options
from alongside.units import Memory, format_memory

_WIDTH = 8  # bytes of a value
_SORTING = 4  # a sort needs this many times its column besides
_RESERVE, _SHARE = 64 * 2**20, 0.1  # of a locale's memory, what isn't for arrays


class ArkoudaOptions(Options):
    """Locales of equal size. Their number is all there is, the server's own included."""

    locales: Annotated[int, Le(10_000)] = Field(
        1, ge=1, title="Locales", description="Number of locales, the server's own included."
    )
    cores: Annotated[int, Le(1024)] = Field(
        1, ge=1, title="Cores each", description="Cores, and threads, of each locale."
    )
    memory: Memory = Field(
        2 * 2**30,
        title="Memory each",
        description="Memory of each locale; an operation that needs more is refused.",
        json_schema_extra={"format": "memory"},
    )
    rows: Annotated[int, Le(10**15)] = Field(
        0,
        ge=0,
        title="Rows of the largest column",
        description="Optional: for a suggestion how many locales to choose. 0: not known.",
        # what `advice` reckons with, for a form that can't ask it
        json_schema_extra={
            "x-needs": {
                "bytes": _WIDTH * (1 + _SORTING),
                "of": "memory",
                "reserve": _RESERVE,
                "share": _SHARE,
            }
        },
    )


def limit(memory: int) -> int:
    """How many of a locale's bytes its arrays may take, so that the locale stays alive."""
    return max(memory // 2, memory - max(_RESERVE, int(memory * _SHARE)))


def advice(options: ArkoudaOptions) -> str:
    """Whether the largest column fits, a sentence; empty when its rows aren't known.

    Source: an argsort of 64-bit integers needs about four times the column besides.
    """
    if not options.rows:
        return ""
    column = options.rows * _WIDTH
    enough = math.ceil(column * (1 + _SORTING) / limit(options.memory))
    each = format_memory(options.memory)
    need = (
        f"A column of {options.rows:,} rows takes {format_memory(column)}, and "
        f"{format_memory(column * _SORTING)} more while it is sorted: "
    )
    if enough <= options.locales:
        return need + f"{_locales(options.locales)} of {each} will do."
    return need + f"choose at least {_locales(enough)} of {each}."


def _locales(number: int) -> str:
    return f"{number:,} locale{'' if number == 1 else 's'}"
