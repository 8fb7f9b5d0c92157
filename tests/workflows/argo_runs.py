"""Runs as the Argo executor gets them."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from alongside_workflows import Step, Workflow
from alongside_workflows.executors.argo.settings import Settings, Shared
from alongside_workflows.runs import RunSpec

CREATED = datetime(2026, 11, 22, 1, 0, tzinfo=UTC)
API = "http://alongside:8080/services/alongside/api/v1"
SETTINGS = Settings(namespace="runs", image="example/session:1")
CLAIM = {"persistentVolumeClaim": {"claimName": "runs"}}
SHARING = Settings(
    namespace="runs",
    image="example/session:1",
    shared=Shared(CLAIM, Path("/var/lib/alongside/runs")),
    claims=("many-nfs-pvc", "claim-{owner}"),
)


def run_of(*steps: Step, id: str = "weather-abc", **more: Any) -> RunSpec:
    """A run of a workflow of these steps."""
    flow = Workflow(**{"name": "weather", "steps": steps, **more})
    return RunSpec(id=id, owner="ada", workflow=flow, executor="argo", created=CREATED)


def command(name: str, *words: str, **more: Any) -> Step:
    """A step that runs a command."""
    return Step(name=name, command=words or ("true",), **more)


def notebook(name: str, **more: Any) -> Step:
    """A step that runs the notebook of its name."""
    return Step(name=name, notebook=f"{name}.ipynb", **more)
