"""What is wrong with a pod, as a person would say it. Pure: from the objects' status."""

from __future__ import annotations

import re
from dataclasses import dataclass

from alongside.platforms.kubernetes.growth import Growth
from alongside.platforms.kubernetes.objects import main_container
from alongside.platforms.kubernetes.resources import Object

_IMAGE = {
    "ErrImagePull",
    "ImagePullBackOff",
    "ErrImageNeverPull",
    "InvalidImageName",
    "ImageInspectError",
    "RegistryUnavailable",
    "SignatureValidationFailed",
}
_SETUP = {"CreateContainerConfigError", "CreateContainerError", "RunContainerError"}
_NEVER_RAN = {"StartError", "ContainerCannotRun"}
# The scheduler's words, until Kubernetes 1.33 and since.
_ELSEWHERE = re.compile("volume node affinity conflict|PersistentVolume's node affinity")
_NOT_PULLED = (
    "Check the image's name and the node's access to its registry (secrets, certificate "
    "authority), or choose another profile."
)
_UNTRUSTED = (
    "The nodes don't trust the registry's certificate: an administrator has to give them its "
    "authority. Or choose another profile."
)


@dataclass(frozen=True)
class Trouble:
    """Why a process isn't there. `final`: waiting won't help, so there is little patience."""

    reason: str
    message: str
    remedy: str
    final: bool = False


def trouble_of(pod: Object, process: str, growth: Growth | None = None) -> Trouble | None:
    """What keeps this pod from working, None when nothing is seen to.

    Whether a node is added for it can be told where `growth` is known.
    """
    status = pod.get("status") or {}
    for condition in status.get("conditions") or ():
        if condition["type"] == "PodScheduled" and condition["status"] == "False":
            said = str(condition.get("message", ""))
            return _without_volume(said, process) or _unscheduled(pod, said, process, growth)
    for container in status.get("containerStatuses") or ():
        waiting = (container.get("state") or {}).get("waiting") or {}
        reason, whole = str(waiting.get("reason", "")), str(waiting.get("message", ""))
        said = _short(whole)
        if reason in _IMAGE:
            return Trouble(
                "ImageNotPulled",
                f"The image {container.get('image', '')} can't be had ({reason}). {said}".strip(),
                _UNTRUSTED if "x509: " in whole else _NOT_PULLED,
                final=True,
            )
        ended = (container.get("lastState") or {}).get("terminated") or {}
        if reason and ended.get("reason") in _NEVER_RAN:
            reason, said = "RunContainerError", _short(str(ended.get("message", "")))
        if reason in _SETUP:
            return Trouble(
                "ContainerNotStarted",
                f"The container of {process} can't be set up: {said or reason}",
                "An administrator has to correct the profile, or its image.",
                final=True,
            )
    if status.get("phase") == "Failed":
        said = _short(str(status.get("message", "")))
        return Trouble(
            str(status.get("reason") or "PodFailed"),
            f"The pod of {process} failed. {said}".strip(),
            "It is made again; if it keeps failing, ask for more memory for each.",
        )
    return None


def _without_volume(message: str, process: str) -> Trouble | None:
    said = _short(message)
    if "persistentvolumeclaim" in said and "not found" in said:
        return Trouble(
            "VolumeMissing",
            f"No node can take {process}: {said}",
            "An administrator has to create the claim, or take it out of the profile.",
            final=True,
        )
    if "unbound immediate PersistentVolumeClaims" in message:
        return Trouble(
            "VolumeNotReady",
            f"{process} waits for a volume that has not been made: {said}",
            "Wait a moment. If it stays so, an administrator has to see whether the claim's "
            "storage class exists and can make such volumes.",
        )
    if _ELSEWHERE.search(message):
        return Trouble(
            "VolumeElsewhere",
            f"{process} mounts a volume that only some nodes have, and none of these has room "
            f"for it: {said}",
            "Ask for less, or wait. An administrator can give the profile a volume that all nodes "
            "can mount, of a storage class for ReadWriteMany.",
        )
    return None


def _unscheduled(pod: Object, message: str, process: str, growth: Growth | None) -> Trouble:
    said = _short(message)
    if growth is not None and growth.is_coming(pod):
        return Trouble(
            "WaitingForNode",
            f"Waiting for a node: none has room for {process}, and the cluster is adding one. "
            f"{said}",
            "It goes on by itself; a new node can take a few minutes.",
        )
    if growth is not None and (why := _short(growth.refusal(pod)).rstrip(".")):
        return Trouble(
            "Unschedulable",
            f"No node has room for {process}, and none can be added: {why}. {said}",
            "Ask for less, end something else, or choose another profile.",
        )
    return Trouble(
        "Unschedulable",
        f"No node has room for {process} yet: {said}",
        "Ask for less, end something else, or wait until a node is added.",
    )


def trouble_of_deployment(deployment: Object) -> Trouble | None:
    """Why no pod could even be made: a quota, a limit range, an admission rule."""
    for condition in (deployment.get("status") or {}).get("conditions") or ():
        if condition["type"] == "ReplicaFailure" and condition["status"] == "True":
            said = _short(str(condition.get("message", "")))
            quota = "exceeded quota" in said
            return Trouble(
                "QuotaExceeded" if quota else "PodRefused",
                f"Kubernetes refuses the pod: {said}",
                "Ask for less, or end another backend."
                if quota
                else "An administrator has to admit such pods to the namespace.",
                final=not quota,
            )
    return None


def restarts_of(pod: Object) -> tuple[int, str]:
    """How often its container was started again, and how it ended last."""
    for container in _main(pod):
        ended = (container.get("lastState") or {}).get("terminated") or {}
        if ended.get("reason") == "OOMKilled":
            how = "it used more memory than it may"
        else:
            how = f"exit status {ended.get('exitCode', '?')}"
        return int(container.get("restartCount", 0)), how
    return 0, ""


def address_of(pod: Object) -> str:
    """The address of a pod that is there to stay, empty when it has none (yet)."""
    if pod["metadata"].get("deletionTimestamp"):
        return ""
    return str((pod.get("status") or {}).get("podIP") or "")


def stage_of(pod: Object, process: str) -> str:
    """How far a start has come, in a few words; empty when there is nothing to tell."""
    for container in _main(pod):
        if (container.get("state") or {}).get("running"):
            return f"{process} started"
        if (container.get("state") or {}).get("waiting", {}).get("reason") == "ContainerCreating":
            return f"{process} has a node; its container is being made"
    return ""


def _main(pod: Object) -> list[Object]:
    """The status of the container that is the process, not of those beside it."""
    name = main_container(pod)
    found = (pod.get("status") or {}).get("containerStatuses") or ()
    return [one for one in found if not name or one["name"] == name]


def _short(said: str) -> str:
    text = " ".join(said.split())
    return text if len(text) <= 300 else f"{text[:297]}..."
