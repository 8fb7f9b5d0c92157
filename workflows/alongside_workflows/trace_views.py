"""A trace as people read it: in a terminal, in a notebook, as a page. Pure."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import datetime
from html import escape
from pathlib import PurePosixPath
from urllib.parse import unquote, urlsplit

from alongside.cli.text import table
from alongside.units import format_duration
from alongside_workflows.tracing import Act, File, Trace

HEADINGS = ("STEP", "RUN", "ENDED", "CODE", "PARAMETERS", "READ", "MADE", "WHERE")
_DIGITS = 8  # of a hash, where all of it would only be in the way
_LONGEST = 60  # characters of parameters


def text(trace: Trace) -> str:
    """A line for each step, in the order in which one asks."""
    head = f"{where(trace.file.place)}  sha256 {trace.file.sha256}"
    rows = [_row(act) for act in trace.acts]
    body = table([HEADINGS, *rows]) if rows else ""
    return "\n\n".join(part for part in (head, body, said(trace)) if part)


def said(trace: Trace) -> str:
    """What is to be said besides, as a sentence; '' for nothing."""
    looked = f"{trace.runs} run{'s' * (trace.runs != 1)}"
    more = f" There are {trace.more} earlier ones; look at more with --limit." if trace.more else ""
    if trace.others:
        more = f" {trace.others} other step{'s are' if trace.others > 1 else ' is'} left out.{more}"
    if not trace.acts and not trace.others:
        what = "was made of it" if trace.derived else "made it"
        return f"Nothing in {looked} is known that {what}.{more}"
    return more.strip()


def page(trace: Trace) -> str:
    """A page of its own: no scripts, nothing from elsewhere."""
    title = escape(where(trace.file.place))
    return (
        f'<!DOCTYPE html>\n<html lang="en"><head><meta charset="utf-8"><title>{title}</title>'
        "<style>body{font:14px system-ui,sans-serif;margin:2em}table{border-collapse:collapse}"
        "td,th{border-bottom:1px solid #8886;padding:.4em .8em;vertical-align:top;text-align:left}"
        "code{font-size:85%;overflow-wrap:anywhere}</style></head>"
        f"<body>{fragment(trace)}</body></html>\n"
    )


def fragment(trace: Trace) -> str:
    """The same to be put into a page or a notebook. All text is escaped."""
    what = "What was made of" if trace.derived else "What made"
    heads = ("Step", "When", "Code", "Parameters", "Read", "Made", "Where")
    head = "".join(f"<th>{escape(one)}</th>" for one in heads)
    rows = "".join(map(_html_row, trace.acts))
    noted = said(trace)
    return (
        f"<h3>{what} {escape(where(trace.file.place))}</h3>"
        f"<p><code>sha256 {escape(trace.file.sha256)}</code></p>"
        + (f"<table><tr>{head}</tr>{rows}</table>" if rows else "")
        + (f"<p>{escape(noted)}</p>" if noted else "")
    )


def where(place: str) -> str:
    """A path for what is a file here, else the URL."""
    if place.startswith("file://"):
        return unquote(urlsplit(place).path)
    return place


def _row(act: Act) -> tuple[str, ...]:
    values = ", ".join(f"{name}={_written(value)}" for name, value in act.values.items())
    return (
        act.step + (f" (attempt {act.attempt})" if act.attempt > 1 else ""),
        act.run,
        _moment(act.ended),
        _named(act.code) if act.code.sha256 else _cut(act.code.place),
        _cut(values),
        ", ".join(map(_named, act.read)),
        ", ".join(map(_named, act.made)),
        _place(act),
    )


def _html_row(act: Act) -> str:
    span = format_duration(act.ended - act.started)
    step = f"{act.workflow}: {act.step}, attempt {act.attempt}"
    cells = (
        f"{escape(step)}<br><code>{escape(act.run)}</code>",
        escape(_listed(_moment(act.ended), span, act.owner, act.origin)),
        _html_file(act.code) + _pairs(act.software, " "),
        _pairs(act.values, " = "),
        "".join(map(_html_file, act.read)),
        "".join(map(_html_file, act.made)) + _pairs(act.results, " = "),
        escape(_place(act)) + (f"<br><code>{escape(act.image)}</code>" if act.image else ""),
    )
    return "<tr>" + "".join(f"<td>{cell}</td>" for cell in cells) + "</tr>"


def _html_file(file: File) -> str:
    shown = f"<br><code>{escape(file.sha256)}</code>" if file.sha256 else ""
    return f"<div>{escape(where(file.place))}{shown}</div>"


def _pairs(values: Mapping[str, object], sign: str) -> str:
    return "".join(
        f"<div>{escape(name)}{sign}<code>{escape(_written(value))}</code></div>"
        for name, value in values.items()
    )


def _place(act: Act) -> str:
    backend = f"{act.backend} x {act.members}" if act.backend else ""
    return _listed(act.executor, act.host, backend)


def _listed(*parts: str) -> str:
    return ", ".join(filter(None, parts))


def _named(file: File) -> str:
    name = PurePosixPath(where(file.place)).name or file.place
    return f"{name} {file.sha256[:_DIGITS]}"


def _moment(time: datetime) -> str:
    return f"{time:%Y-%m-%d %H:%M:%S} UTC"


def _written(value: object) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _cut(text: str) -> str:
    return text if len(text) <= _LONGEST else f"{text[: _LONGEST - 1]}…"


__all__ = ["fragment", "page", "said", "text", "where"]
