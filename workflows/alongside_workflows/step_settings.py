"""What can be said of a step besides what it is, where workflows are written in Python."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping, Sequence
from datetime import timedelta
from typing import TypedDict

from alongside_workflows.draft_steps import DraftStep
from alongside_workflows.needs import BackendWish, Retry


class Needs(TypedDict, total=False):
    """What can be said of a notebook and of a command alike. Paths may be URLs (``s3://…``)."""

    after: Iterable[DraftStep] | DraftStep
    """Steps that must have succeeded before; the same as ``>>``."""
    results: Sequence[str]
    """Values that it leaves; those that another step takes needn't be listed."""
    inputs: Mapping[str, str | os.PathLike[str]]
    """Files and directories that it reads: name to where they are."""
    outputs: Mapping[str, str | os.PathLike[str]]
    """Files and directories that it writes: name to where they belong."""
    cores: float
    memory: str | int
    gpus: int
    image: str
    environment: Mapping[str, str]
    retries: int | Retry
    """How often it is tried again."""
    timeout: str | timedelta
    """An attempt that takes longer has failed: ``"1 h"``."""
    cache: bool
    """Whether it is skipped when nothing has changed since it last succeeded."""


class NotebookNeeds(Needs, total=False):
    """What can be said of a notebook besides."""

    output: str | os.PathLike[str]
    """Where the executed notebook is put besides; ``{run}`` is the run's id."""
    kernel: str
    """Name of another kernel."""
    cells: Sequence[str]
    """Tags: cells that have none of them are not executed."""
    functions: Sequence[str]
    """Functions that are called with the values that they have arguments for; see `Step`."""
    joined: DraftStep
    """An earlier step whose kernel it goes on in, so that data stays in memory."""


class StepSettings(Needs, total=False):
    """All that can be said of a command."""

    backend: BackendWish | str
    """One of its own (`backend`), a shared one (`Draft.shared`), or ``"session"``."""
    together: bool
    """Whether it computes on a shared locale group beside others that say so."""
    wait: str | timedelta
    """How long it waits for a backend that is not its own: ``"2 h"``."""


class NotebookSettings(NotebookNeeds, total=False):
    """All that can be said of a notebook."""

    backend: BackendWish | str
    """As for a command."""
    together: bool
    """Whether it computes on a shared locale group beside others that say so."""
    wait: str | timedelta
    """How long it waits for a backend that is not its own: ``"2 h"``."""
