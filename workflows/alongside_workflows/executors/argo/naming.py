"""Names and labels of the objects of a run. Pure.

A name ends in what tells it from all others of its sort, so that no two runs ever meet: the run
``a`` resumed and the run ``a-2`` are ``run-a-2`` and ``run-a-2-1``.
"""

from __future__ import annotations

from alongside.errors import InvalidRequest
from alongside.names import is_backend_id, label_of
from alongside.platforms.kubernetes.objects import MANAGED, PREFIX, RUN
from alongside.platforms.kubernetes.resources import Object, Resource
from alongside_workflows.runs import RunSpec

WORKFLOWS = Resource("argoproj.io/v1alpha1", "workflows")
PART, STEP = f"{PREFIX}/part", f"{PREFIX}/step"
"""Labels: how many Workflows the run has had, this one included; the step's name."""
PARTS = f"{PREFIX}/parts"
"""Annotation of a record: how many Workflows have been handed to Argo, also if they are gone."""
RECORD_COMPONENT, RUN_COMPONENT, TASKS_COMPONENT = "run-record", "run", "run-tasks"


def record_name(id: str) -> str:
    """The name of the ConfigMap that is a run's truth. Other ConfigMaps' names have no dot, or
    begin with another sort. Raises InvalidRequest for what can't be part of a name."""
    if not is_backend_id(id):
        raise InvalidRequest(
            f"{id[:50]!r} can't be the id of a run on Kubernetes.",
            "Use at most 40 lower case letters, digits and dashes.",
            "id",
        )
    return f"alongside.run.{id}"


def verdict_name(id: str, part: int) -> str:
    """The name of the ConfigMap that says how a part has ended."""
    return f"{record_name(id)}.verdict-{part}"


def workflow_name(id: str, part: int) -> str:
    """The name of the run's Workflow, and of its Secret; the run's first part is number 1."""
    return f"run-{id}-{part}"


def tasks_name(id: str, part: int, number: int | str) -> str:
    """The name of one of the ConfigMaps with tasks."""
    return f"{workflow_name(id, part)}-tasks-{number}"


_WORDS = frozenset(
    ["and", "or", "not", "in", "matches", "contains", "let", "if", "else", "true", "false", "nil"]
)
"""What Argo, which evaluates `depends` as an expression, would take for something else."""


def task_name(step: str) -> str:
    """What Argo calls a step. Its names in `depends` begin with a letter; ours are lower case."""
    return f"S-{step}" if step[0].isdigit() or step in _WORDS else step


def step_name(task: str) -> str:
    """The step that Argo calls by this name."""
    return task.removeprefix("S-")


def labels_of(spec: RunSpec, component: str) -> dict[str, str]:
    """The labels of every object of a run."""
    return {
        **MANAGED,
        f"{PREFIX}/component": component,
        RUN: spec.id,
        f"{PREFIX}/owner": label_of(spec.owner),
    }


def metadata_of(name: str, spec: RunSpec, component: str, part: int = 0) -> Object:
    """The metadata of an object of a run, or of one of its parts."""
    labels = labels_of(spec, component)
    if part:
        labels[PART] = str(part)
    annotations = {f"{PREFIX}/owner": spec.owner, f"{PREFIX}/name": spec.workflow.name}
    return {"name": name, "labels": labels, "annotations": annotations}


def owned(manifest: Object, record: Object) -> Object:
    """The manifest, as one that goes when the record goes."""
    reference = {
        "apiVersion": record["apiVersion"],
        "kind": record["kind"],
        "name": record["metadata"]["name"],
        "uid": record["metadata"]["uid"],
    }
    metadata = {**manifest["metadata"], "ownerReferences": [reference]}
    return {**manifest, "metadata": metadata}
