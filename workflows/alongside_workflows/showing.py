"""A run displayed in a notebook: its card, which changes as the run does."""

from __future__ import annotations

import threading
from contextlib import suppress
from importlib import import_module
from typing import Any

from alongside.endpoint import Endpoint
from alongside_workflows.card import card
from alongside_workflows.handle import WAIT
from alongside_workflows.runs import Run
from alongside_workflows.watching import Watcher

SPACING = 0.25
"""Seconds between two changes of a card at least."""


class Card:
    """One state of a run, as it is displayed."""

    def __init__(self, run: Run, text: str) -> None:
        self._run, self._text = run, text

    def __repr__(self) -> str:
        return self._text

    def _repr_html_(self) -> str:
        return card(self._run)


def show(run: Run, text: str, endpoint: Endpoint) -> None:
    """Display it, and keep that up to date until it has ended.

    Raises NotImplementedError where an output can't be changed afterwards, or needn't be: IPython
    then displays what it is given in its usual way.
    """
    ipython: Any = import_module("IPython")
    if run.state.final or getattr(ipython.get_ipython(), "kernel", None) is None:
        raise NotImplementedError
    shown = ipython.display.display(Card(run, text), display_id=True)
    threading.Thread(
        target=_follow, args=(shown, run, text, endpoint), name="alongside-showing", daemon=True
    ).start()


def _follow(shown: Any, run: Run, text: str, endpoint: Endpoint) -> None:
    pause = threading.Event()
    with suppress(Exception), Watcher(endpoint, run.id) as watcher:  # it shows the last one still
        while not run.state.final and (told := watcher.next(WAIT)) is not None:
            run = told
            while (newer := watcher.next(0)) is not None:
                run = newer
            shown.update(Card(run, text))
            pause.wait(SPACING)
