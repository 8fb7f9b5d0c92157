"""What a workflow may ask of Kubernetes. Pure.

Its author writes parts of pods that run beside everybody else's. So what would reach others'
secrets, or make the pod pass as something else, is the operator's to set.
"""

from __future__ import annotations

from collections.abc import Iterator
from fnmatch import fnmatchcase
from pathlib import PurePosixPath
from typing import Any

from alongside.errors import InvalidFields, InvalidRequest
from alongside.images import is_allowed
from alongside.models import Pod
from alongside.names import label_of
from alongside.platforms.kubernetes.processes import SCRATCH
from alongside_workflows.executors.argo.settings import Settings
from alongside_workflows.model import Workflow

OURS = "alongside-"
"""Begin of the names of our own volumes."""
_TAKEN = tuple(PurePosixPath(path) for path in ("/alongside", "/var/run", SCRATCH, "/argo"))
_OPERATORS = (
    "tolerations",
    "labels",
    "annotations",
    "image_pull_secrets",
    "priority_class",
    "runtime_class",
)
_ASK = "Ask an administrator to set it for all workflows."


def check(workflow: Workflow, owner: str, settings: Settings) -> None:
    """Raise InvalidRequest, with all that can't be had on this executor, each with its place."""
    problems = [*_of_pod(workflow.pod, owner, settings), *_of_steps(workflow, settings)]
    if workflow.throttle is not None:
        problems.append(
            InvalidRequest(
                "Argo begins steps as soon as it can, so they can't be throttled.",
                "Use `parallel`; or run it on the local executor.",
                "throttle",
            )
        )
    if is_templated(workflow.directory):
        problems.append(_templated("The directory", "directory"))
    if problems:
        raise problems[0] if len(problems) == 1 else InvalidFields(problems)


def _of_pod(pod: Pod, owner: str, settings: Settings) -> Iterator[InvalidRequest]:
    for name in _OPERATORS:
        if getattr(pod, name):
            yield InvalidRequest(f"A workflow can't set `{name}` of its pods.", _ASK, f"pod.{name}")
    for number, volume in enumerate(pod.volumes):
        if problem := _of_volume(volume, owner, settings):
            yield InvalidRequest(problem, _ASK, f"pod.volumes.{number}")
    own_volumes = {str(volume.get("name", "")) for volume in pod.volumes}
    for number, mount in enumerate(pod.volume_mounts):
        if mount.get("name") not in own_volumes:
            # The operator's are where they ought to be: elsewhere, more of them might be seen.
            yield InvalidRequest(
                f"The workflow has no volume {mount.get('name')!r}.",
                "Give it under `pod.volumes`.",
                f"pod.volume_mounts.{number}",
            )
        path = PurePosixPath(str(mount.get("mountPath", "")))
        if any(path.is_relative_to(own) or own.is_relative_to(path) for own in _TAKEN):
            yield InvalidRequest(
                f"Nothing can be mounted at {str(path)!r}.",
                "Choose another place, for example /shared.",
                f"pod.volume_mounts.{number}",
            )
    if is_templated(pod.model_dump()):
        yield _templated("The pod's settings", "pod")


def _of_volume(volume: dict[str, Any], owner: str, settings: Settings) -> str:
    name = str(volume.get("name", ""))
    sources = volume.keys() - {"name"}
    if not name or name.startswith(OURS):
        return f"A volume can't be called {name!r}."
    if any(name == other.get("name") for other in settings.pod.volumes):
        return f"There is a volume {name!r} already; choose another name."
    if sources == {"emptyDir"}:
        return ""
    if sources != {"persistentVolumeClaim"}:
        return f"The volume {name!r} is neither a persistentVolumeClaim nor an emptyDir."
    claim = str(volume["persistentVolumeClaim"].get("claimName", ""))
    if any(
        fnmatchcase(claim, each.replace("{owner}", label_of(owner))) for each in settings.claims
    ):
        return ""
    return f"Workflows may not mount the claim {claim!r}."


def _of_steps(workflow: Workflow, settings: Settings) -> Iterator[InvalidRequest]:
    for step in workflow.steps:
        if step.joined is not None:
            yield InvalidRequest(
                f"{step.name} can't go on in the kernel of {step.joined}: with Argo each step has "
                "a pod of its own.",
                "Use `after` and hand data on by files; or run it on the local executor.",
                f"steps.{step.name}.joined",
            )
        image = step.image or workflow.pod.image or settings.pod.image or settings.image
        if not image:
            yield InvalidRequest(
                f"No image is known for {step.name}.",
                "Name one under `image` or `pod.image`.",
                f"steps.{step.name}.image",
            )
        elif is_templated(image):
            yield _templated(f"The image of {step.name}", f"steps.{step.name}.image")
        elif (step.image or workflow.pod.image) and not is_allowed(image, settings.images):
            listed = ", ".join(settings.images)
            yield InvalidRequest(
                f"Workflows may not name the image {image[:200]!r}.",
                f"Choose one of: {listed}." if listed else "Leave it out.",
                f"steps.{step.name}.image",
            )


def check_claims(volumes: list[dict[str, Any]]) -> None:
    """Raise InvalidRequest where two of a pod's volumes are one claim.

    Kubernetes mounts the first of them and waits for the others, for ever and without a word.
    """
    known: dict[str, str] = {}
    for volume in volumes:
        claim = (volume.get("persistentVolumeClaim") or {}).get("claimName")
        if claim is None:
            continue
        if claim in known:
            raise InvalidRequest(
                f"The volumes {known[claim]!r} and {volume['name']!r} are the same claim, "
                f"{claim!r}, which a pod can have once.",
                "Leave one of them out; a volume may have several mounts.",
                "pod.volumes",
            )
        known[claim] = str(volume["name"])


def is_templated(value: Any) -> bool:
    """Whether Argo would take a part of it for a reference of its own."""
    if isinstance(value, dict):
        return any(is_templated(each) for pair in value.items() for each in pair)
    if isinstance(value, list | tuple):
        return any(is_templated(each) for each in value)
    return isinstance(value, str) and "{{" in value


def _templated(what: str, field: str) -> InvalidRequest:
    return InvalidRequest(
        f"{what} can't have two opening braces in a row: Argo takes them for a reference.",
        "Take them out.",
        field,
    )
