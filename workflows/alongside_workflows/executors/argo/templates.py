"""The pods of steps, as templates of a Workflow. Pure: from what is asked for to plain dicts.

A template serves all steps that differ only in what they are told, so that thousands of steps fit
into one object. Two ways to run a step:

- Alongside's: the image has this package; `attempt` runs the step's process, with all it can do.
- bare: a command in an image of its own choice that asks for nothing but parameters. That image
  need not know of us.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from alongside.models import Pod
from alongside.platforms.kubernetes.objects import MANAGED
from alongside.platforms.kubernetes.processes import SCRATCH, scheduling
from alongside.platforms.kubernetes.resources import Object
from alongside_workflows.executors.argo import attempt
from alongside_workflows.executors.argo.naming import STEP, tasks_name, workflow_name
from alongside_workflows.executors.argo.nodes import NUMBER
from alongside_workflows.executors.argo.permitting import OURS
from alongside_workflows.executors.argo.settings import Settings
from alongside_workflows.model import Amounts, Retry, Step
from alongside_workflows.task import OUTCOME, TASK

FOLDERS = str(attempt.BASE / "run")
"""Where the folders of attempts are in the pods."""
_TASK, _ACCESS, _TOLD = (str(attempt.BASE / name) for name in ("task", "access", "told"))
_LATE = 60  # seconds that Kubernetes leaves to a step to end by its own timeout
_PROGRESS = "5s"  # between two looks of Argo at how far a step is
_ACCOUNT = Path("/var/run/secrets/kubernetes.io/serviceaccount")
_INPUT = "{{{{inputs.parameters.{}}}}}"


@dataclass(frozen=True)
class Plan:
    """What the template of a step follows from."""

    step: Step
    words: tuple[str, ...] | None
    """Of a bare command, complete; None: it runs in Alongside's way."""
    run: str
    """Id of the run."""
    part: int
    directory: str = ""
    """Where a bare command begins; '' is where its image says."""


def is_bare(step: Step) -> bool:
    """Whether it is a command for an image that need not know of us."""
    asks = (step.inputs, step.outputs, step.results, step.takes, step.backend, step.output)
    alone = not any(asks) and step.retry.command is None
    return step.command is not None and step.image is not None and alone


def template(plan: Plan, pod: Pod, settings: Settings) -> Object:
    """The template of a step, but for its name. `pod`: workflow's and operator's together."""
    step = plan.step
    found: Object = {"inputs": _inputs(plan), "metadata": {"labels": {STEP: _INPUT.format("step")}}}
    limit = step.timeout or settings.step_timeout
    if limit is not None:
        late = _LATE if plan.words is None else 0  # nobody else ends a bare command
        found["activeDeadlineSeconds"] = math.ceil(limit.total_seconds()) + late
    if step.retry.times:
        found["retryStrategy"] = retry_strategy(step.retry)
    if plan.words is None:
        found["volumes"] = _volumes(plan, settings)
        found["outputs"] = _outputs()
    else:
        found["volumes"] = [{"name": f"{OURS}tmp", "emptyDir": {}}]
    return found | {"container": _container(plan, pod, settings)}


def retry_strategy(retry: Retry) -> Object:
    """As Argo has it, whose factor is a whole number."""
    return {
        "limit": str(retry.times),
        "retryPolicy": "Always",
        "backoff": {
            "duration": f"{math.ceil(retry.pause.total_seconds())}s",
            "factor": str(round(retry.factor)),
            "cap": f"{math.ceil(retry.longest.total_seconds())}s",
        },
    }


def _inputs(plan: Plan) -> Object:
    listed: list[Object] = [{"name": "step"}, {"name": NUMBER, "value": "1"}]
    if plan.words is None:
        listed += [{"name": "tasks", "value": "0"}, {"name": "taken", "value": "{}"}]
    else:
        listed += [{"name": f"word-{number}"} for number in range(len(plan.words))]
    return {"parameters": listed}


def word_arguments(words: tuple[str, ...]) -> list[Object]:
    """The arguments that a bare command's template is given. Kubernetes reads `$$` as `$`."""
    return [
        {"name": f"word-{number}", "value": word.replace("$", "$$")}
        for number, word in enumerate(words)
    ]


def _outputs() -> Object:
    """What the step has told: for later steps, and for us. None: it did not come to that."""
    files = {"results": attempt.RESULTS, "outcome": OUTCOME}
    return {
        "parameters": [
            {"name": name, "valueFrom": {"path": f"{_TOLD}/{file}", "default": "{}"}}
            for name, file in files.items()
        ]
    }


def _volumes(plan: Plan, settings: Settings) -> list[Object]:
    task = {"key": _INPUT.format("step"), "path": TASK}
    tasks = tasks_name(plan.run, plan.part, _INPUT.format("tasks"))
    access = workflow_name(plan.run, plan.part)
    listed: list[Object] = [
        {
            "name": f"{OURS}task",
            "configMap": {"name": tasks, "items": [task], "defaultMode": 0o444},
        },
        {"name": f"{OURS}access", "secret": {"secretName": access, "defaultMode": 0o444}},
        {"name": f"{OURS}told", "emptyDir": {}},
        {"name": f"{OURS}tmp", "emptyDir": {}},
    ]
    if settings.shared is None:
        listed.append({"name": f"{OURS}run", "emptyDir": {}})
    return listed


def _container(plan: Plan, pod: Pod, settings: Settings) -> Object:
    step = plan.step
    mounts: list[Object] = [{"name": f"{OURS}tmp", "mountPath": SCRATCH}]
    environment = {"HOME": SCRATCH, **pod.environment}
    if plan.words is None:
        command = ["python", "-m", attempt.__name__, FOLDERS]
        environment[attempt.TAKEN] = _INPUT.format("taken")
        if step.retry.times:
            environment[attempt.RETRY] = "{{retries}}"
        mounts += [
            {"name": f"{OURS}task", "mountPath": _TASK, "readOnly": True},
            {"name": f"{OURS}access", "mountPath": _ACCESS, "readOnly": True},
            {"name": f"{OURS}told", "mountPath": _TOLD},
            _folders(plan, settings),
        ]
    else:
        command = [_INPUT.format(f"word-{number}") for number in range(len(plan.words))]
        environment |= {name: text.replace("$", "$$") for name, text in step.environment.items()}
    where = {"workingDir": plan.directory} if plan.words is not None and plan.directory else {}
    return {
        **where,
        "image": step.image or pod.image or settings.image,
        "imagePullPolicy": settings.pull_policy,
        "command": command,
        "env": [{"name": name, "value": value} for name, value in environment.items()],
        "resources": resources(step.resources, settings),
        "volumeMounts": [*mounts, *(dict(mount) for mount in pod.volume_mounts)],
        "securityContext": _locked(read_only=settings.read_only_root and plan.words is None),
    }


def _folders(plan: Plan, settings: Settings) -> Object:
    mount: Object = {"name": f"{OURS}run", "mountPath": FOLDERS}
    if settings.shared is not None:  # others' runs are out of reach
        mount["subPath"] = plan.run
    return mount


def resources(amounts: Amounts, settings: Settings) -> Object:
    """What the main container gets: exactly what is asked for, so that it can be relied on."""
    asked: dict[str, str] = {}
    if amounts.cores is not None:
        asked["cpu"] = f"{max(1, round(1000 * amounts.cores))}m"
    if amounts.memory is not None:
        asked["memory"] = str(amounts.memory)
    if amounts.gpus:
        asked[settings.gpu_resource] = str(amounts.gpus)
    return {
        side: found
        for side in ("requests", "limits")
        if (found := {**settings.unbounded.get(side, {}), **asked})
    }


def _locked(*, read_only: bool) -> Object:
    return {
        "allowPrivilegeEscalation": False,
        "capabilities": {"drop": ["ALL"]},
        "readOnlyRootFilesystem": read_only,
    }


# -- for all pods of a Workflow ----------------------------------------------------------------


def pod_labels(labels: Mapping[str, str], pod: Pod) -> dict[str, str]:
    """Ours go before the operator's."""
    return {**pod.labels, **MANAGED, **labels}


def security(settings: Settings) -> Object:
    """The pods' security context: the restricted Pod Security Standard."""
    context: Object = {
        "runAsNonRoot": True,
        "runAsUser": settings.user_id,
        "seccompProfile": {"type": "RuntimeDefault"},
    }
    if settings.shared is None and not settings.pod.volumes:
        return context
    # not each time for all files of a home
    return {**context, "fsGroup": settings.user_id, "fsGroupChangePolicy": "OnRootMismatch"}


def volumes(pod: Pod, settings: Settings) -> list[Object]:
    """Those of all pods."""
    listed = [dict(volume) for volume in pod.volumes]
    if settings.shared is not None:
        listed.append({"name": f"{OURS}run", **settings.shared.volume})
    return listed


def pod_patch(pod: Pod, settings: Settings) -> str:
    """What Argo can't be told otherwise, as a strategic merge patch of each pod.

    Argo's own containers `init` and `wait` say nothing of privileges, which the restricted standard
    wants. They need the account's token, to report results; the step's container must not have it,
    so it is mounted there by hand.
    """
    token = {"name": f"{OURS}account", "mountPath": str(_ACCOUNT), "readOnly": True}
    beside = {
        "securityContext": {"allowPrivilegeEscalation": False, "capabilities": {"drop": ["ALL"]}},
        "resources": dict(settings.beside),
        "volumeMounts": [token],
    }
    often = [{"name": "ARGO_PROGRESS_PATCH_TICK_DURATION", "value": _PROGRESS}]
    patch = {
        "automountServiceAccountToken": False,
        "enableServiceLinks": False,
        **scheduling(pod),
        "initContainers": [{"name": "init", **beside}],
        "containers": [{"name": "wait", "env": often, **beside}],
        "volumes": [{"name": f"{OURS}account", "projected": {"sources": _account()}}],
    }
    return json.dumps(patch)


def _account() -> list[Object]:
    """What Kubernetes itself would mount for an account."""
    namespace = {"path": "namespace", "fieldRef": {"fieldPath": "metadata.namespace"}}
    return [
        {"serviceAccountToken": {"path": "token", "expirationSeconds": 3607}},
        {
            "configMap": {
                "name": "kube-root-ca.crt",
                "items": [{"key": "ca.crt", "path": "ca.crt"}],
            }
        },
        {"downwardAPI": {"items": [namespace]}},
    ]


__all__ = [
    "FOLDERS",
    "Plan",
    "is_bare",
    "pod_labels",
    "pod_patch",
    "resources",
    "retry_strategy",
    "security",
    "template",
    "volumes",
    "word_arguments",
]
