"""Results as people read them in a terminal. Pure."""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from alongside.models import Backend
from alongside.phases import ENDED
from alongside.reservations import granted, in_words
from alongside.schedules import Outcome, Schedule
from alongside.units import format_duration

HEADINGS = ("NAME", "KIND", "PHASE", "READY", "SIZE", "SESSION", "AGE", "ID")

SCHEDULE_HEADINGS = ("NAME", "KIND", "START", "STOP", "ZONE", "NEXT", "LAST", "RUNNING")


def table(rows: Sequence[Sequence[str]]) -> str:
    """Columns, as wide as their widest cell."""
    cells = [[_printable(cell) for cell in row] for row in rows]
    widths = [max(map(_width, column)) for column in zip(*cells, strict=True)]
    lines = (
        "  ".join(
            cell + " " * (width - _width(cell)) for cell, width in zip(row, widths, strict=True)
        )
        for row in cells
    )
    return "\n".join(line.rstrip() for line in lines)


def backends(found: Sequence[Backend], now: datetime) -> str:
    """A line for each backend."""
    return table([HEADINGS, *(_row(backend, now) for backend in found)])


def _row(backend: Backend, now: datetime) -> tuple[str, ...]:
    amounts = backend.resources
    return (
        backend.name,
        backend.kind,
        str(backend.phase),
        f"{backend.ready}/{backend.wanted}",
        f"{amounts.cores} cores, {amounts.text('memory')}",
        session(backend),
        age(now - backend.created),
        backend.id,
    )


def session(backend: Backend) -> str:
    """The session that it belongs to, in a word."""
    return "-" if backend.session is None else backend.session or "(default)"


def age(span: timedelta) -> str:
    """The largest unit: ``"3 h"``."""
    seconds = max(0, int(span.total_seconds()))
    for size, unit in ((86400, "d"), (3600, "h"), (60, "min")):
        if seconds >= size:
            return f"{seconds // size} {unit}"
    return f"{seconds} s"


def backend(found: Backend, now: datetime) -> str:
    """All of one backend."""
    lifetime = [
        f"{word} {format_duration(span)}"
        for word, span in (("idle", found.lifetime.idle), ("at most", found.lifetime.maximum))
        if span
    ]
    rows = [
        ("Name", found.name),
        ("Id", found.id),
        ("Kind", f"{found.kind} on {found.platform}, profile {found.profile}"),
        ("Owner", f"{found.owner}, session {session(found)}{', kept' if found.keep else ''}"),
        ("Phase", f"{found.phase} ({age(now - found.created)} since its launch)"),
        ("Ready", f"{found.ready} of {found.wanted}"),
        *(("", text) for text in (found.message, found.remedy) if text),
        *((name.capitalize(), _value(value)) for name, value in found.options.items() if value),
        *found.facts.items(),
        ("Uses", f"{found.usage.cpu:.1f} cores, {found.usage.memory / 2**30:.2f} GiB"),
        ("Lifetime", ", ".join(lifetime) or "unlimited"),
    ]
    if found.reservations:
        waiting = len(found.reservations) - len(granted(found.reservations))
        queue = f"; {waiting} in the queue" if waiting else ""
        rows.append(("Reserved", in_words(found.reservations, "it") + queue))
    if found.expires and found.phase not in ENDED:
        rows.append(("Ends", f"in {age(found.expires - now)} at the earliest"))
    rows += [("Logs", ", ".join(found.roles))] if found.roles else []
    story = [
        (stage.time.astimezone().strftime("%H:%M:%S"), stage.message) for stage in found.stages
    ]
    return table(rows) + (f"\n\n{table(story)}" if story else "")


def schedules(found: Sequence[Schedule]) -> str:
    """A line for each schedule; times are those of its zone."""
    return table([SCHEDULE_HEADINGS, *map(_schedule, found)])


def _schedule(one: Schedule) -> tuple[str, ...]:
    last = one.history[-1] if one.history else None
    following = one.next_start.astimezone(ZoneInfo(one.zone)) if one.next_start else None
    return (
        one.name,
        one.launch.kind if one.launch else "workflow",
        f"{one.once:%Y-%m-%d %H:%M}" if one.once else one.start,
        one.stop or "-",
        one.zone,
        "suspended" if one.suspended else f"{following:%a %d %b %H:%M}" if following else "never",
        _last(last) if last else "-",
        one.running or "-",
    )


def _last(last: Outcome) -> str:
    told = last.message or last.state
    return f"{last.outcome}: {told}" if told else last.outcome


def _value(value: object) -> str:
    if isinstance(value, dict):
        return ", ".join(f"{key} {part}" for key, part in value.items())
    return str(value)


def _printable(text: str) -> str:
    """Without control characters, which could command the terminal."""
    return "".join(c if c.isprintable() else " " for c in text)


def _width(text: str) -> int:
    wide = sum(unicodedata.east_asian_width(c) in "WF" for c in text)
    return len(text) + wide - sum(unicodedata.combining(c) != 0 for c in text)
