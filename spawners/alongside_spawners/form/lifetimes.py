"""When sessions and backends end, in words. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from alongside.units import format_duration, parse_duration


def backend_ends(lifetime: Mapping[str, Any]) -> str:
    """When a backend ends anyway."""
    idle, most = lifetime.get("idle"), lifetime.get("maximum")
    parts = [f"after {_span(idle)} without work"] if idle else []
    parts += [f"at the latest after {_span(most)}"] if most else []
    return f"or {', '.join(parts)}" if parts else ""


def session_ends(lifetime: Mapping[str, Any]) -> str:
    """When the session ends anyway."""
    idle, most = lifetime.get("idle"), lifetime.get("maximum")
    parts = [f"after {_span(idle)} without use"] if idle else []
    parts += [f"{'at the latest ' if idle else ''}after {_span(most)}"] if most else []
    return f"Session ends {', '.join(parts)}." if parts else ""


def at_most(span: Any) -> str:
    """How long a person may let it be."""
    return f"At most {_span(span)}." if span else "For example 30 min or 8 h; empty: never."


def _span(span: Any) -> str:
    return format_duration(parse_duration(span))
