"""Notebooks as workflow steps: one definition, on one machine and on Kubernetes.

`workflow` begins to write one in Python, `read_workflow` reads one from a file; `submit` begins a
run of it, or of a single notebook, that outlives whoever has submitted it; `schedule` has that done
by the clock.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from alongside_workflows.building import backend as backend
    from alongside_workflows.building import workflow as workflow
    from alongside_workflows.client import check as check
    from alongside_workflows.client import find_run as find_run
    from alongside_workflows.client import list_runs as list_runs
    from alongside_workflows.client import submit as submit
    from alongside_workflows.client import trace as trace
    from alongside_workflows.files import read_workflow as read_workflow
    from alongside_workflows.files import to_yaml as to_yaml
    from alongside_workflows.files import with_notebooks as with_notebooks
    from alongside_workflows.files import write_workflow as write_workflow
    from alongside_workflows.handle import RunHandle as RunHandle
    from alongside_workflows.model import Amounts as Amounts
    from alongside_workflows.model import BackendWish as BackendWish
    from alongside_workflows.model import Retry as Retry
    from alongside_workflows.model import Step as Step
    from alongside_workflows.model import Throttle as Throttle
    from alongside_workflows.model import Workflow as Workflow
    from alongside_workflows.running import RunFailed as RunFailed
    from alongside_workflows.runs import Run as Run
    from alongside_workflows.runs import State as State
    from alongside_workflows.scheduled import schedule as schedule

# imported when first used: each command and each step's process imports this package too
_PLACES = {
    "Amounts": "model",
    "BackendWish": "model",
    "Retry": "model",
    "Run": "runs",
    "RunFailed": "running",
    "RunHandle": "handle",
    "State": "runs",
    "Step": "model",
    "Throttle": "model",
    "Workflow": "model",
    "backend": "building",
    "check": "client",
    "find_run": "client",
    "list_runs": "client",
    "read_workflow": "files",
    "schedule": "scheduled",
    "submit": "client",
    "to_yaml": "files",
    "trace": "client",
    "with_notebooks": "files",
    "workflow": "building",
    "write_workflow": "files",
}
__all__ = sorted(_PLACES)


def __getattr__(name: str) -> Any:
    if name not in _PLACES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"alongside_workflows.{_PLACES[name]}"), name)


def __dir__() -> list[str]:
    return sorted([*globals(), *_PLACES])
