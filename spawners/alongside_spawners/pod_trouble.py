"""Why the pod of a session does not start, in words. Pure.

`trouble_of` reads a pod as the cluster describes it, `refused` what the cluster answered when a
pod was asked for.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from alongside.errors import AlongsideError, NotAllowed, QuotaExceeded, Unavailable
from alongside_spawners.session_start import SessionFailed

_ADMIN = "Ask an administrator."
_QUOTA = re.compile(r"exceeded quota: ([^,]*), requested: (\S+), used: (\S+), limited: (\S+)")
_BACK_OFF = re.compile(r'^Back-off pulling image "[^"]*"(: \w+: )?')
_LONGEST = 300  # characters of other programs' messages


@dataclass(frozen=True)
class Trouble:
    """Something that keeps a pod from starting.

    patience : seconds for which it may pass by itself, None: as long as the start may take
    """

    message: str
    remedy: str = ""
    patience: float | None = None


def trouble_of(pod: Mapping[str, Any]) -> Trouble | None:
    """What keeps this pod from running, None when nothing does."""
    status = pod.get("status") or {}
    if (pod.get("metadata") or {}).get("deletionTimestamp"):
        return Trouble("The session's pod was deleted while it started.", "Try again.", 0.0)
    if status.get("phase") == "Failed":
        said = status.get("message") or status.get("reason") or "no reason is given"
        return Trouble(f"The session's pod has failed: {shorten(said)}.", "Try again.", 0.0)
    for container in _containers(status):
        if found := _container_trouble(container):
            return found
    for condition in status.get("conditions") or ():
        if condition.get("type") == "PodScheduled" and condition.get("status") == "False":
            return unscheduled(condition.get("message") or condition.get("reason") or "")
    return None


def _containers(status: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    yield from status.get("initContainerStatuses") or ()
    yield from status.get("containerStatuses") or ()


def unscheduled(message: str) -> Trouble:
    """What the scheduler's message comes to, without what it says about preemption."""
    if missing := re.search(r'persistentvolumeclaim "([^"]*)" not found', message):
        return Trouble(
            f"The volume claim {missing[1]} that this session mounts is not there.",
            "Ask an administrator to create it, or choose another profile.",
            10.0,
        )
    reason = shorten(re.split(r"\s(?:preemption:|no new claims to deallocate)", message)[0])
    return Trouble(
        "Waiting for a node with room" + (f": {reason}." if reason else "."),
        "Choose a smaller profile, or try again later.",
    )


def _container_trouble(container: Mapping[str, Any]) -> Trouble | None:
    state = container.get("state") or {}
    ended = state.get("terminated") or (container.get("lastState") or {}).get("terminated")
    if ended and ended.get("exitCode"):
        return _ended(container.get("name", ""), ended)
    waiting = state.get("waiting") or {}
    reason = waiting.get("reason") or ""
    said = shorten(_BACK_OFF.sub("", waiting.get("message") or ""))
    image = container.get("image") or "of this session"
    match reason:
        case "ErrImagePull" | "ImagePullBackOff" | "ErrImageNeverPull" | "RegistryUnavailable":
            wrong = re.search("not found|denied|unauthorized|does not exist|manifest unknown", said)
            return Trouble(
                f"The image {image} can't be fetched" + (f": {said}." if said else "."),
                "Choose another profile, or ask an administrator whether the image exists and may "
                "be fetched.",
                3.0 if wrong or reason == "ErrImageNeverPull" else 15.0,
            )
        case "InvalidImageName":
            return Trouble(f"{image} is not the name of an image.", _ADMIN, 0.0)
        case "CreateContainerConfigError" | "CreateContainerError" | "RunContainerError":
            return Trouble(
                "The session's container can't be made" + (f": {said}." if said else "."),
                _ADMIN,
                10.0,
            )
        case _:
            return None


def _ended(name: str, ended: Mapping[str, Any]) -> Trouble:
    if ended.get("reason") == "OOMKilled":
        return Trouble(
            "The notebook server needed more memory than it has.",
            "Choose a profile with more memory.",
            0.0,
        )
    what = "The notebook server" if name == "notebook" else f"The container {name}"
    lines = [line.strip() for line in (ended.get("message") or "").splitlines() if line.strip()]
    words = f" Its last words: {shorten(' '.join(lines[-2:]))}" if lines else ""
    return Trouble(
        f"{what} ended with status {ended['exitCode']} before it was ready.{words}",
        "Choose another profile, or show this to an administrator.",
        0.0,
    )


def refused(status: int, body: Any) -> AlongsideError:
    """The cluster's answer to a request for a pod or a volume claim, as an error of ours."""
    said = _said(body)
    if quota := _QUOTA.search(said):
        name, asked, used, limit = (part.rstrip(",.") for part in quota.groups())
        return QuotaExceeded(
            f"The cluster's quota {name} has no room for this session: it needs {asked}, in use "
            f"are {used} of {limit}.",
            "Stop sessions or backends that are no longer needed, or choose a smaller profile.",
        )
    if "violates PodSecurity" in said:
        return SessionFailed(
            f"The cluster does not admit this session's pod: {shorten(said)}.",
            "An administrator can adapt the profile, or the namespace's security policy.",
        )
    match status:
        case 401 | 403 if " cannot " in said:
            return NotAllowed(
                f"The hub may not do this in the cluster: {shorten(said)}.",
                "An administrator can give the hub's service account the right to.",
            )
        case 404:
            return SessionFailed(
                f"The cluster has no place for this session: {shorten(said)}.",
                "An administrator can create the namespace, or correct KubeSpawner.namespace.",
            )
        case 429 | 500 | 502 | 503 | 504:
            return Unavailable(
                f"The cluster can't take requests at the moment: {shorten(said)}.",
                "Try again in a moment.",
            )
        case _:
            return SessionFailed(
                f"The cluster refuses this session's pod: {shorten(said)}.",
                "Choose another profile, or show this to an administrator.",
            )


def _said(body: Any) -> str:
    """The sentence in an answer of the cluster's API."""
    if isinstance(body, bytes):
        body = body.decode(errors="replace")
    try:
        found = json.loads(body)["message"]
    except (TypeError, ValueError, KeyError):
        found = body
    return str(found or "no reason is given")


def shorten(text: Any) -> str:
    """Printable, on one line, not too long, without a full stop at the end."""
    line = " ".join("".join(c if c.isprintable() else " " for c in str(text)).split())
    if len(line) > _LONGEST:
        line = f"{line[:_LONGEST]}..."
    return line.rstrip(". ") if not line.endswith("...") else line
