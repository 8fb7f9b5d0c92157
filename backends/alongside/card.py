"""How a backend shows itself: a card as static HTML, and in a running kernel a live one."""

from __future__ import annotations

from html import escape
from typing import Any

from alongside.endpoint import Endpoint
from alongside.frontend import in_kernel
from alongside.models import Backend
from alongside.phases import ENDED, USABLE, Phase
from alongside.units import format_duration

MIME = "application/vnd.alongside.backend+json"
"""Which backend an output shows: for a JupyterLab with this project's extension."""

_DOTS = {True: ("&#9679;", "#1a7f37"), False: ("&#9675;", "#6e7781")}


def card(backend: Backend) -> str:
    """One backend: name, phase in words, size, story, lifetimes. No address, no credential."""
    dot, colour = _DOTS[backend.phase in USABLE]
    if backend.phase is Phase.FAILED:
        dot, colour = "&#10005;", "#b42318"
    rows = [("Kind", backend.kind), ("Profile", backend.profile), ("Size", size(backend))]
    if backend.phase not in ENDED:
        rows += [
            (title, format_duration(span))
            for title, span in (
                ("Ends when idle for", backend.lifetime.idle),
                ("Ends at the latest after", backend.lifetime.maximum),
            )
            if span
        ]
    said = " ".join(text for text in (backend.message, backend.remedy) if text)
    table = "".join(
        f'<tr><th style="text-align:left;padding-right:1em">{escape(title)}</th>'
        f'<td style="text-align:left">{escape(text)}</td></tr>'
        for title, text in rows
    )
    return (
        '<div style="border:1px solid #8884;border-radius:6px;padding:.6em 1em;max-width:36em">'
        f'<div><span style="color:{colour}" aria-hidden="true">{dot}</span> '
        f"<strong>{escape(backend.name)}</strong> <span>{escape(backend.phase)}</span></div>"
        + (f"<p>{escape(said)}</p>" if said else "")
        + f"<table>{table}</table></div>"
    )


def size(backend: Backend) -> str:
    """What it is made of: ``"2 of 4 ready, 4 cores, 8 GiB"``."""
    amounts = backend.resources
    counted = f"{backend.ready} of {backend.wanted} ready"
    return f"{counted}, {amounts.cores} cores, {amounts.text('memory')}"


def live_card(endpoint: Endpoint, backend: Backend) -> dict[str, Any]:
    """What shows it live, as a MIME bundle; empty outside of a notebook's kernel.

    `MIME` for a front end that sees the session's backends itself, so also without this kernel;
    the widget for others, where anywidget is installed.
    """
    if not in_kernel():
        return {}
    named = {"id": backend.id, "name": backend.name, "kind": backend.kind}
    bundle = {MIME: named} if endpoint.session is not None else {}
    try:
        from alongside import widget
    except (ImportError, OSError):  # no anywidget; no bundle, in a checkout that wasn't built
        return bundle
    return bundle | widget.view(endpoint, backend)
