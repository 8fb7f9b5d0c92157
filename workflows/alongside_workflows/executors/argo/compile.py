"""A run as Kubernetes objects. Pure: from a specification to plain dicts.

Each part of a run has a Workflow, a Secret with the token, and ConfigMaps with what its steps are
told; its record (see `records`) owns them.

No task of the Workflow brings a backend up: the service does while the step's pod begins, for the
step's process to ask for it, and the service ends it, which needs no exit hook.
"""

from __future__ import annotations

import base64
import json
import math
from collections.abc import Iterator, Mapping

from alongside.errors import InvalidRequest
from alongside.platforms.kubernetes.objects import STEPS
from alongside.platforms.kubernetes.resources import SECRETS, Object
from alongside_workflows.executors.argo import homes, permitting, templates
from alongside_workflows.executors.argo.attempt import encoded
from alongside_workflows.executors.argo.fitting import fitting
from alongside_workflows.executors.argo.naming import (
    RUN_COMPONENT,
    WORKFLOWS,
    labels_of,
    metadata_of,
    task_name,
    workflow_name,
)
from alongside_workflows.executors.argo.nodes import NUMBER
from alongside_workflows.executors.argo.parts import FIRST, Part
from alongside_workflows.executors.argo.settings import Settings
from alongside_workflows.executors.argo.telling import task_maps
from alongside_workflows.executors.base import Credentials
from alongside_workflows.model import Step
from alongside_workflows.runs import RunSpec
from alongside_workflows.task import TOKEN
from alongside_workflows.words import filled

API = "api"
_ENTRY = "steps"


def secret(spec: RunSpec, credentials: Credentials, part: int = 1) -> Object:
    """By what the steps reach the service."""
    contents = {TOKEN: credentials.token, API: credentials.api}
    return {
        "apiVersion": SECRETS.version,
        "kind": "Secret",
        "type": "Opaque",
        "immutable": True,
        "metadata": metadata_of(workflow_name(spec.id, part), spec, RUN_COMPONENT, part),
        "data": {name: base64.b64encode(text.encode()).decode() for name, text in contents.items()},
    }


def manifests(spec: RunSpec, settings: Settings, api: str, part: Part = FIRST) -> list[Object]:
    """The ConfigMaps with tasks, then the Workflow. Raises InvalidRequest.

    `api` is the service's address, as the pods see it.
    """
    permitting.check(spec.workflow, spec.owner, settings)
    steps = [step for step in spec.workflow.steps if step.name not in part.done]
    plans = {step.name: _plan(step, spec, part) for step in steps}
    tasks, place = task_maps(spec, settings, api, part, plans)
    return [*tasks, _workflow(spec, settings, part, plans, place)]


def _plan(step: Step, spec: RunSpec, part: Part) -> templates.Plan:
    words = None
    if templates.is_bare(step):
        assert step.command is not None
        words = tuple(filled(step.command, *spec.workflow.values_of(step)))
        for place, texts in (("command", words), ("environment", step.environment)):
            if permitting.is_templated(texts):
                raise InvalidRequest(
                    f"The {place} of {step.name} has two opening braces in a row, which Argo takes "
                    "for a reference.",
                    "Write them apart; or leave `image` out, so that Alongside's own runs it.",
                    f"steps.{step.name}.{place}",
                )
    return templates.Plan(step, words, spec.id, part.number, spec.workflow.directory)


# -- the Workflow ------------------------------------------------------------------------------


def _workflow(
    spec: RunSpec,
    settings: Settings,
    part: Part,
    plans: Mapping[str, templates.Plan],
    place: Mapping[str, int],
) -> Object:
    flow = spec.workflow
    pod = flow.pod.over(homes.filled(settings.pod, spec.owner, spec.session))
    volumes = templates.volumes(pod, settings)
    permitting.check_claims(volumes)
    names: dict[str, str] = {}
    made: list[Object] = []
    tasks: list[Object] = []
    for plan in plans.values():
        body = templates.template(plan, pod, settings)
        shape = json.dumps(body, sort_keys=True)
        if shape not in names:
            names[shape] = _template_name(plan, len(made))
            made.append({"name": names[shape], **body})
        tasks.append(_task(plan, names[shape], plans, place, part))
    body = {
        "entrypoint": _ENTRY,
        "serviceAccountName": settings.service_account,
        "parallelism": flow.parallel,
        "podGC": {
            "strategy": "OnPodCompletion",
            "deleteDelayDuration": f"{math.ceil(settings.keep_pods.total_seconds())}s",
        },
        # each of the three: else those would count that Argo itself was set to
        "ttlStrategy": dict.fromkeys(
            ("secondsAfterCompletion", "secondsAfterSuccess", "secondsAfterFailure"),
            math.ceil(settings.keep_workflows.total_seconds()),
        ),
        "podMetadata": {
            "labels": templates.pod_labels(labels_of(spec, STEPS), pod),
            "annotations": {
                **pod.annotations,
                # it may be long at work
                "cluster-autoscaler.kubernetes.io/safe-to-evict": "false",
            },
        },
        "securityContext": templates.security(settings),
        "volumes": volumes,
        "podSpecPatch": templates.pod_patch(pod, settings),
        "templates": [
            # other branches go on to their end when a step has failed
            {"name": _ENTRY, "dag": {"failFast": False, "tasks": tasks}},
            *made,
        ],
    }
    if flow.timeout is not None:
        body["activeDeadlineSeconds"] = math.ceil(flow.timeout.total_seconds())
    return fitting(
        {
            "apiVersion": WORKFLOWS.version,
            "kind": "Workflow",
            "metadata": metadata_of(
                workflow_name(spec.id, part.number), spec, RUN_COMPONENT, part.number
            ),
            "spec": body,
        },
        "The workflow",
    )


def _template_name(plan: templates.Plan, number: int) -> str:
    sort = "notebook" if plan.step.notebook is not None else "command"
    return f"{sort}-{number + 1}"


def _task(
    plan: templates.Plan,
    template: str,
    plans: Mapping[str, templates.Plan],
    place: Mapping[str, int],
    part: Part,
) -> Object:
    step = plan.step
    arguments: list[Object] = [{"name": "step", "value": step.name}]
    if tried := part.tried.get(step.name):
        arguments.append({"name": NUMBER, "value": str(tried + 1)})
    if plan.words is not None:
        arguments += templates.word_arguments(plan.words)
    else:
        if place[step.name]:
            arguments.append({"name": "tasks", "value": str(place[step.name])})
        if sources := list(dict.fromkeys(_sources(step, plans))):
            arguments.append({"name": "taken", "value": _taken(sources)})
    task: Object = {
        "name": task_name(step.name),
        "template": template,
        "arguments": {"parameters": arguments},
    }
    if before := [task_name(other) for other in step.needs if other in plans]:
        task["depends"] = " && ".join(before)
    return task


def _sources(step: Step, plans: Mapping[str, templates.Plan]) -> Iterator[str]:
    return (source for source, _ in step.sources.values() if source in plans)


def _taken(sources: list[str]) -> str:
    """An object with all results of these steps, once Argo has put them in."""
    members = (
        encoded(source) + ":{{tasks." + task_name(source) + ".outputs.parameters.results}}"
        for source in sources
    )
    return "{" + ",".join(members) + "}"


__all__ = ["API", "manifests", "secret"]
