"""Why a step's pod waits or has failed, as a person would say it. Pure.

What the step itself has told goes before all of this; here is what only Argo and Kubernetes know.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from alongside.platforms.kubernetes.trouble import trouble_of

_MADE = "Its pod is being made."
LOOK = "Look at the step's log."
_SMALLER = "Ask for more memory under `resources`, or make the step need less."
_AGAIN = "Resume the run; to have it tried again by itself, set `retry`."


@dataclass(frozen=True)
class Ending:
    """A sentence, and what to do."""

    message: str
    remedy: str = ""


_EXIT = re.compile(r"(?:main: )?\w* ?\(exit code (\d+)\)(?:: (.*))?", re.DOTALL)
_BEFORE = re.compile(r"Pod failed before (\S+) container starts due to (\w+):? ?(.*)", re.DOTALL)
_REASON = re.compile(r"(\w+)(?:: (.*))?", re.DOTALL)
REMOVED = Ending("Its pod was removed, for instance because its node was shut down.", _AGAIN)
_FIXED: tuple[tuple[str, Ending], ...] = (
    (
        r"main: OOMKilled",
        Ending("It used more memory than it may, so Kubernetes ended it.", _SMALLER),
    ),
    (
        r"The node was low on resource|.*[Ee]victed",
        Ending("Kubernetes moved its pod off a node that was short of resources.", _AGAIN),
    ),
    (
        r"Pod was active on the node longer|Step exceeded its deadline|.*DeadlineExceeded",
        Ending("It took longer than it may.", "Give the step a longer `timeout`."),
    ),
    (r"pod deleted|.*[Pp]od was deleted|.*node shutdown|.*[Nn]ode.*(lost|terminat)", REMOVED),
    (
        r".*exceeded quota",
        Ending(
            "The namespace's quota has no room for its pod.",
            "Ask for less, wait until others have ended, or set `retry`.",
        ),
    ),
    (
        r".*workflowtaskresults",
        Ending(
            "Argo could not report what came of it.",
            "An administrator has to let the service account of steps create and patch "
            "workflowtaskresults.",
        ),
    ),
)


def is_stop(message: str) -> bool:
    """Whether it says that the Workflow was stopped, or had had its time."""
    return (
        re.match(r"Stopped with strategy|.*shutdown with strategy|Step exceeded", message)
        is not None
    )


def waiting(message: str, step: str) -> Ending:
    """Why a pod that is there has not begun, from its node's message."""
    match = _REASON.fullmatch(message)
    if match is None:
        return Ending(message or _MADE)
    reason, said = match[1], match[2] or ""
    if reason in ("PodInitializing", "ContainerCreating"):
        return Ending(_MADE)
    if (found := _known(reason, said, step)) is not None:
        return found
    return Ending(f"Its pod waits: {message}")


def failed(message: str, step: str) -> Ending:
    """Why a pod has failed that told nothing itself, from its node's message."""
    if match := _BEFORE.fullmatch(message):
        if (found := _known(match[2], match[3], step)) is not None:
            return found
        return Ending(f"Its pod failed before it began: {match[2]} {match[3]}".strip() + ".", LOOK)
    for pattern, ending in _FIXED:
        if re.match(pattern, message):
            return ending
    if match := _EXIT.fullmatch(message):
        if match[2]:
            return Ending(match[2].strip(), LOOK)
        return Ending(f"It ended with exit status {match[1]}.", LOOK)
    return Ending(f"Its pod failed: {message}" if message else "Its pod failed.", LOOK)


def _known(reason: str, said: str, step: str) -> Ending | None:
    """In the words for all pods of ours. Argo tells a pod's trouble in one line; it is undone."""
    if reason == "Unschedulable":
        condition = {"type": "PodScheduled", "status": "False", "message": said}
        status: dict[str, object] = {"conditions": [condition]}
    else:
        state = {"waiting": {"reason": reason, "message": said}}
        status = {"containerStatuses": [{"name": "main", "image": "", "state": state}]}
    pod = {"metadata": {"name": step}, "spec": {}, "status": status}
    trouble = trouble_of(pod, f"step {step}")
    return None if trouble is None else Ending(trouble.message, trouble.remedy)


__all__ = ["LOOK", "REMOVED", "Ending", "failed", "is_stop", "waiting"]
