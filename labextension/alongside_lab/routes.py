"""The addresses below `alongside/`, and who answers there."""

from __future__ import annotations

from typing import Any

from alongside_lab.forward import Forward
from alongside_lab.news import News
from alongside_lab.notebooks import NotebookContent, NotebookParameters
from alongside_lab.requests import ID
from alongside_lab.state import State
from alongside_lab.surroundings import Surroundings
from alongside_lab.tracing import FileTrace
from alongside_lab.trust import Trust
from alongside_lab.upstream import Upstream


def routes(
    news: News, upstream: Upstream, surroundings: Surroundings
) -> list[tuple[str, type, dict[str, Any]]]:
    """Pattern, handler and arguments of each."""
    at_hand = {"news": news, "upstream": upstream, "surroundings": surroundings}
    return [
        (r"/alongside/state", State, at_hand),
        (r"/alongside/api/(.*)", Forward, at_hand),
        (r"/alongside/notebook-parameters", NotebookParameters, at_hand),
        (r"/alongside/notebook-content", NotebookContent, at_hand),
        (r"/alongside/trace", FileTrace, at_hand),
        (rf"/alongside/backends/({ID})/dashboard/(.*)", _dashboard(), at_hand),
        (rf"/alongside/backends/({ID})/trust", Trust, at_hand),
    ]


def _dashboard() -> type:
    try:
        from alongside_lab.dashboard import Dashboard
    except ImportError:
        from alongside_lab.no_dashboard import NoDashboard

        return NoDashboard
    return Dashboard
