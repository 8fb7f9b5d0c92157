"""What is shown in place of a dashboard that can't be had: a sentence, and what to do."""

from __future__ import annotations

from dataclasses import dataclass
from html import escape
from http import HTTPStatus
from typing import Any

from alongside.errors import AlongsideError, Conflict, NotAllowed, NotFound, NotReady, Unavailable
from alongside.phases import ENDED, USABLE
from alongside_lab.mirror import Backend

FRAMED = "frame-ancestors 'self'"
"""Dashboards are shown in tabs of Lab, and in nobody else's page."""
STATIC = f"default-src 'none'; style-src 'unsafe-inline'; {FRAMED}"
_PAGE = """\
<!doctype html>
<html lang="en">
<meta charset="utf-8">{again}
<title>{title}</title>
<style>
  :root {{ color-scheme: light dark; font: 14px/1.5 system-ui, sans-serif }}
  main {{ max-width: 32em; margin: 20vh auto 0; padding: 0 1em }}
  h1 {{ font-size: 1.1em }}
</style>
<main role="alert">
<h1>{title}</h1>
<p>{remedy}</p>
</main>
</html>
"""


_AGAIN = '\n<meta http-equiv="refresh" content="3">'
"""For what passes: nobody has to reload."""


@dataclass(frozen=True)
class Page:
    """A page and the status that it is sent with."""

    status: int
    text: str


def page_of(error: AlongsideError) -> Page:
    """The page of an error."""
    return _page(error.status, error.message, error.remedy)


def page_of_answer(status: int, document: Any) -> Page:
    """The page for a problem document of the service, or for what is there in its place."""
    if isinstance(document, dict) and document.get("detail"):
        detail, remedy = str(document["detail"]), str(document.get("remedy", ""))
    elif status == HTTPStatus.NOT_FOUND:
        detail, remedy = "This dashboard has no such page.", "Open another of its pages."
    else:
        detail, remedy = f"The dashboard answered {status}.", "Close this tab and open it again."
    return _page(status, detail, remedy)


def _page(status: int, detail: str, remedy: str) -> Page:
    again = _AGAIN if status >= HTTPStatus.INTERNAL_SERVER_ERROR else ""
    text = _PAGE.format(title=escape(detail), remedy=escape(remedy), again=again)
    return Page(status, text)


def foreign(backend: Backend | None, user: str) -> AlongsideError | None:
    """Why somebody else's pages aren't shown without a question; None for the user's own."""
    if backend is None or (owner := backend.get("owner")) == user:
        return None
    return NotAllowed(
        f"{backend.get('name')} belongs to {owner}, whose pages could act in your name here.",
        "Open them from the panel in JupyterLab, which asks you first.",
    )


def refusal(backend: Backend | None, *, connected: bool) -> AlongsideError | None:
    """Why a backend has no dashboard now; None when it may have one."""
    if backend is None and not connected:
        return Unavailable("It is not known whether this backend runs.", "Reload in a moment.")
    if backend is None:
        return NotFound("This backend has ended.", "Close this tab.")
    phase, name = backend.get("phase"), backend.get("name")
    if phase in ENDED:
        return Conflict(f"{name} has ended.", "Close this tab, or launch it again.")
    if phase not in USABLE:
        return NotReady(f"{name} is {phase}.", "Its dashboard is there once it is running.")
    return None
