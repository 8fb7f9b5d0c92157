"""The environment variables of a step's kernel or command."""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Mapping
from pathlib import Path

from alongside.endpoint import API, OWN_TOKEN
from alongside.errors import InvalidRequest
from alongside.kinds import get_kind
from alongside_workflows.languages import PARAMETERS
from alongside_workflows.step.folder import Folder
from alongside_workflows.task import Task

ATTACHED = "ALONGSIDE_ATTACHED"
"""Id of the backend that `alongside.attach()` and `Client()` without arguments mean."""
RUN, STEP, ATTEMPT = "ALONGSIDE_RUN", "ALONGSIDE_STEP", "ALONGSIDE_ATTEMPT"
RESULTS = "ALONGSIDE_RESULTS"
"""File that a command writes its results into, lines `name=JSON`."""
RESULTS_FILE, PARAMETERS_FILE = "results.txt", "parameters.json"
"""What they are called in the folder of an attempt."""
INPUT = "WORKFLOW_INPUT_PATH"
"""Path of the first input."""


def own(
    task: Task, *, inputs: Mapping[str, Path], outputs: Mapping[str, Path], folder: Folder
) -> dict[str, str]:
    """Those that tell a step of itself; nothing secret is among them."""
    told = {
        RUN: task.run,
        STEP: task.step.name,
        ATTEMPT: str(task.attempt),
        RESULTS: str(folder / RESULTS_FILE),
        PARAMETERS: str(folder / PARAMETERS_FILE),
        **{name: str(path) for name, path in {**outputs, **inputs}.items()},
    }
    if inputs:
        told[INPUT] = str(next(iter(inputs.values())))
    return told


def environment(
    task: Task,
    ours: Mapping[str, str],
    *,
    token: str = "",
    backend: str = "",
    kind: str = "",
    inherited: Mapping[str, str] = os.environ,
) -> dict[str, str]:
    """All of them. What the step defines goes before what is inherited; our own are always ours."""
    ours = dict(ours)
    if task.api and token:
        ours |= {API: task.api, OWN_TOKEN: token}
    if backend:
        ours[ATTACHED] = backend
        with contextlib.suppress(InvalidRequest):  # a kind that is installed elsewhere
            ours |= get_kind(kind).environment
    # The programs of this interpreter's environment, also where nobody has activated it.
    path = inherited.get("PATH", os.defpath).split(os.pathsep)
    programs = str(Path(sys.executable).parent)
    found = {"PATH": os.pathsep.join([programs, *(place for place in path if place != programs)])}
    return {**inherited, **found, **task.step.environment, **ours}
