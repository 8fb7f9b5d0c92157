"""Workflows of Argo and Hera as ours: what is written for them is submitted to either executor.

A graph of tasks, or lists of steps, whose templates are containers, scripts, or resources that make
a `DaskJob`. What has no counterpart is refused by name, never left out, save where only Argo's own
housekeeping is meant (accounts, removal of what has ended).
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any, Protocol, runtime_checkable

from alongside import strict_yaml
from alongside.errors import InvalidFields, InvalidRequest
from alongside.requests import parse
from alongside_workflows.executors.argo.foreign import (
    Fields,
    Pods,
    Texts,
    cant,
    check_keys,
    plain,
    step_of,
)
from alongside_workflows.model import Workflow

_HOUSEKEEPING = {
    "archiveLogs",
    "automountServiceAccountToken",
    "executor",
    "podGC",
    "podMetadata",
    "serviceAccountName",
    "ttlStrategy",
    "workflowMetadata",
}
_WORKFLOW = {"entrypoint", "templates", "arguments", "volumes", "parallelism"} | {
    "activeDeadlineSeconds"
}
_TASK = {"name", "template", "arguments", "depends", "dependencies"}
_DEPENDS = re.compile(r"\s*([A-Za-z0-9_-]+)(?:\.Succeeded)?\s*")


@runtime_checkable
class HeraWorkflow(Protocol):
    """What `hera.workflows.Workflow` has of interest here."""

    def to_dict(self) -> Any: ...


def read_hera(workflow: HeraWorkflow) -> Workflow:
    """The workflow that a `hera.workflows.Workflow` describes. Raises InvalidRequest."""
    return read_argo(workflow.to_dict())


def read_argo_yaml(text: str, name: str = "workflow") -> Workflow:
    """The workflow that a manifest in YAML describes. Raises InvalidRequest."""
    return read_argo(strict_yaml.load(text, name, InvalidRequest))


def is_argo(content: Any) -> bool:
    """Whether this is a manifest of Argo rather than a definition of ours."""
    return isinstance(content, Mapping) and str(content.get("apiVersion", "")).startswith(
        "argoproj.io/"
    )


def read_argo(manifest: Any) -> Workflow:
    """The workflow that a manifest describes.

    Raises InvalidRequest, with all that can't be taken over, each with its place.
    """
    if not is_argo(manifest) or manifest.get("kind") != "Workflow":
        raise InvalidRequest(
            "This is no Workflow of Argo.",
            "It has `apiVersion: argoproj.io/v1alpha1` and `kind: Workflow`.",
        )
    try:
        return _Reading(manifest).workflow()
    except (TypeError, ValueError, AttributeError, KeyError) as error:
        raise InvalidRequest(
            f"This is no Workflow of Argo ({type(error).__name__}: {error}).",
            "Check it with `argo lint`.",
        ) from None


class _Reading:
    """One manifest, and what is wrong with it."""

    def __init__(self, manifest: Mapping[str, Any]) -> None:
        self._metadata: Mapping[str, Any] = manifest.get("metadata") or {}
        self._spec: Mapping[str, Any] = manifest.get("spec") or {}
        self._templates = {item["name"]: item for item in self._spec.get("templates") or ()}
        self._constants = _parameters(self._spec.get("arguments"))
        self._pods = Pods()
        self._problems: list[InvalidRequest] = []

    def workflow(self) -> Workflow:
        self._guarded(check_keys, self._spec, _WORKFLOW | _HOUSEKEEPING, "spec")
        self._guarded(self._pods.add, self._spec.get("volumes"), (), "spec")
        entry = str(self._spec.get("entrypoint", ""))
        steps = list(self._steps(entry))
        if self._problems:
            raise self._problems[0] if len(self._problems) == 1 else InvalidFields(self._problems)
        name = self._metadata.get("name") or self._metadata.get("generateName") or entry
        fields: Fields = {"name": str(name).rstrip("-"), "steps": steps}
        if limit := self._spec.get("activeDeadlineSeconds"):
            fields["timeout"] = int(limit)
        if parallel := self._spec.get("parallelism"):
            fields["parallel"] = int(parallel)
        pod = {
            "volumes": list(self._pods.volumes.values()),
            "volume_mounts": list(self._pods.mounts.values()),
        }
        if any(pod.values()):
            fields["pod"] = pod
        return parse(Workflow, fields)

    def _guarded(self, check: Any, *arguments: Any) -> Any:
        """Call it; what it finds wrong is told with all the rest."""
        try:
            return check(*arguments)
        except InvalidRequest as error:
            if all(error.message != known.message for known in self._problems):
                self._problems.append(error)  # once, however many tasks share the template
            return None

    # -- order -----------------------------------------------------------------------------

    def _steps(self, entry: str) -> Iterator[Fields]:
        template, place = self._templates.get(entry), f"templates.{entry}"
        if template is None:
            self._problems.append(cant("spec.entrypoint", f"{entry!r}, which is no template,"))
            return
        if "dag" in template or "steps" in template:
            keys = {"name", "dag", "steps", "metadata", "inputs"}
            self._guarded(check_keys, template, keys, place)
        if "dag" in template:
            dag = template["dag"]
            self._guarded(check_keys, dag, {"tasks", "failFast"}, f"{place}.dag")
            yield from self._tasks(dag.get("tasks") or (), f"{place}.dag.tasks")
        elif "steps" in template:
            yield from self._lists(template["steps"], f"{place}.steps")
        else:  # a single container
            task = {"name": entry, "template": entry}
            if fields := self._guarded(self._step, task, place):
                yield {"name": _names([entry])[entry], **fields}

    def _tasks(self, tasks: Any, place: str) -> Iterator[Fields]:
        names = _names([task["name"] for task in tasks])
        for task in tasks:
            own = f"{place}.{task['name']}"
            before = self._guarded(_before, task, names, own)
            fields = self._guarded(self._step, task, own)
            if fields:
                yield {"name": names[task["name"]], "after": before or [], **fields}

    def _lists(self, lists: Any, place: str) -> Iterator[Fields]:
        """Lists of steps, each after all of the list before."""
        groups = [each if isinstance(each, list) else [each] for each in lists]
        names = _names([step["name"] for group in groups for step in group])
        before: list[str] = []
        for group in groups:
            for step in group:
                fields = self._guarded(self._step, step, f"{place}.{step['name']}")
                if fields:
                    yield {"name": names[step["name"]], "after": before, **fields}
            before = [names[step["name"]] for step in group]

    def _step(self, task: Mapping[str, Any], place: str) -> Fields:
        check_keys(task, _TASK, place)
        template = self._templates.get(task.get("template", ""))
        if template is None:
            raise cant(place, f"the template {task.get('template')!r}, which isn't there,")
        if "dag" in template or "steps" in template:
            raise cant(place, "a graph within a graph", "Put its tasks into the outer one.")
        inputs = template.get("inputs") or {}
        check_keys(inputs, {"parameters"}, f"templates.{template['name']}.inputs")
        given = {**_parameters(inputs), **_parameters(task.get("arguments"))}
        missing = [
            item["name"] for item in inputs.get("parameters") or () if item["name"] not in given
        ]
        if missing:
            raise InvalidRequest(
                f"{place}: no value for {', '.join(missing)}.",
                "Give it under `arguments.parameters`.",
                place,
            )
        unknown = _parameters(task.get("arguments")).keys() - {
            item["name"] for item in inputs.get("parameters") or ()
        }
        if unknown:
            raise InvalidRequest(
                f"{place}: {template['name']} takes no {', '.join(sorted(unknown))}.",
                "Name it under the template's `inputs.parameters`, or take it out.",
                place,
            )
        texts = Texts(given, self._constants, place)
        return step_of(template, texts, self._pods, f"templates.{template['name']}")


def _parameters(given: Any) -> dict[str, Any]:
    """The parameters that have a value."""
    check_keys(given or {}, {"parameters"}, "arguments")
    found = {}
    for item in (given or {}).get("parameters") or ():
        value = item.get("value", item.get("default"))
        if value is not None:
            found[item["name"]] = plain(value)
        elif item.get("valueFrom"):
            raise cant(f"arguments.parameters.{item['name']}", "`valueFrom`")
    return found


def _before(task: Mapping[str, Any], names: Mapping[str, str], place: str) -> list[str]:
    """The steps that a task comes after."""
    before = list(task.get("dependencies") or ())
    if depends := task.get("depends"):
        for term in str(depends).split("&&"):
            if not (match := _DEPENDS.fullmatch(term)):
                raise cant(
                    f"{place}.depends", repr(depends), "Name steps that succeed, joined by `&&`."
                )
            before.append(match[1])
    for name in before:
        if name not in names:
            raise InvalidRequest(f"{place}: there is no {name!r}.", "Name another task.", place)
    return [names[name] for name in before]


def _names(tasks: list[str]) -> dict[str, str]:
    """Names of steps for those of tasks, which may have capitals; no two become one."""
    found: dict[str, str] = {}
    for task in tasks:
        clean = re.sub(r"[^a-z0-9]+", "-", task.lower()).strip("-")[:50].strip("-") or "step"
        name, number = clean, 2
        while name in found.values():
            tail = f"-{number}"
            name, number = clean[: 50 - len(tail)] + tail, number + 1
        found[task] = name
    return found


__all__ = ["HeraWorkflow", "is_argo", "read_argo", "read_argo_yaml", "read_hera"]
