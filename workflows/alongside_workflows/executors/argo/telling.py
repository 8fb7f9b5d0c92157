"""What steps are told: the ConfigMaps that `attempt` reads in their pods. Pure.

What people have written (parameters, commands, environment) is in these, where Argo looks for no
references of its own.
"""

from __future__ import annotations

import json
from collections.abc import Mapping

from alongside.platforms.kubernetes.resources import CONFIG_MAPS, Object
from alongside_workflows.executors.argo import kept
from alongside_workflows.executors.argo.fitting import too_large
from alongside_workflows.executors.argo.naming import TASKS_COMPONENT, metadata_of, tasks_name
from alongside_workflows.executors.argo.parts import Part
from alongside_workflows.executors.argo.settings import Settings
from alongside_workflows.executors.argo.templates import Plan
from alongside_workflows.model import Step
from alongside_workflows.runs import RunSpec
from alongside_workflows.task import Task

_FULL = 900_000  # bytes of tasks in one ConfigMap, which may have 1 MiB


def task_maps(
    spec: RunSpec,
    settings: Settings,
    api: str,
    part: Part,
    plans: Mapping[str, Plan],
) -> tuple[list[Object], dict[str, int]]:
    """The ConfigMaps, and for each step the number of its own."""
    listed: list[Object] = []
    place: dict[str, int] = {}
    size = _FULL
    for name, plan in plans.items():
        if plan.words is not None:
            continue
        told = _told(plan.step, spec, settings, api, part)
        text = json.dumps(told, ensure_ascii=False, separators=(",", ":"))
        bytes_ = len(text.encode()) + len(name)
        if bytes_ > _FULL:
            raise too_large(f"What step {name!r} is told", bytes_)
        if size + bytes_ > _FULL:
            size = 0
            called = tasks_name(spec.id, part.number, len(listed))
            listed.append(
                {
                    "apiVersion": CONFIG_MAPS.version,
                    "kind": "ConfigMap",
                    "immutable": True,
                    "metadata": metadata_of(called, spec, TASKS_COMPONENT, part.number),
                    "data": {},
                }
            )
        size += bytes_
        listed[-1]["data"][name] = text
        place[name] = len(listed) - 1
    return listed, place


def _told(step: Step, spec: RunSpec, settings: Settings, api: str, part: Part) -> Object:
    """What `attempt` reads: the task, and which of its values come from other steps."""
    known = {
        name: part.done[source].get(result)
        for name, (source, result) in step.sources.items()
        if source in part.done
    }
    values, optional = spec.workflow.values_of(step)
    task = Task(
        run=spec.id,
        workflow=spec.workflow.name,
        owner=spec.owner,
        step=step,
        attempt=part.tried.get(step.name, 0) + 1,
        notebook=spec.workflow.notebooks.get(step.notebook or ""),
        instead=spec.workflow.notebooks.get(step.retry.notebook or ""),
        values={**values, **known},
        optional=optional,
        directory=spec.workflow.directory,
        wait=spec.workflow.wait_of(step),
        api=api,
        image=step.image or spec.workflow.pod.over(settings.pod).image or settings.image,
    )
    takes = {name: list(source) for name, source in step.sources.items() if name not in known}
    told = {"task": task.model_dump(mode="json", exclude_defaults=True), "takes": takes}
    # Where we can't see the attempt's files, it sends them when it has ended.
    return told if settings.shared is not None or not api else {**told, "sends": kept.LARGEST}


__all__ = ["task_maps"]
