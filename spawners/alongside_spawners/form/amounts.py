"""Cores, memory and the like as plain numbers, and as a line on a card. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from alongside.units import format_memory, parse_memory

AMOUNTS = ("cores", "memory", "gpus", "workers", "backends")


def plain_numbers(me: Mapping[str, Any]) -> dict[str, Any]:
    """Limits, use and capacity as plain numbers."""
    limits = dict(me["limits"])
    if limits.get("memory") is not None:
        limits["memory"] = bytes_of(limits["memory"])
    free = {name: dict(c["free"]) for name, c in me["capacity"].items()}
    total = {name: dict(c["total"]) for name, c in me["capacity"].items()}
    largest = {a: max((t.get(a, 0) for t in total.values()), default=0) for a in AMOUNTS}
    return {
        "limits": {name: limit for name, limit in limits.items() if limit is not None},
        "used": dict(me["used"]),
        "free": free,
        "total": total,
        "whole": largest,
    }


def bytes_of(value: Any, default: int = 0) -> int:
    """Memory in bytes, whatever it is written as."""
    try:
        return parse_memory(value)
    except ValueError:
        return default


def session_amounts(session: Mapping[str, Any]) -> str:
    """``2 cores · 4 GiB``."""
    cores, memory = session.get("cores"), bytes_of(session.get("memory"))
    parts = [f"{cores} core{'s' if cores != 1 else ''}"] if cores else []
    return " · ".join(parts + ([format_memory(memory)] if memory else []))
