"""What keeps a group from starting, as a person would say it. Pure: from its objects."""

from __future__ import annotations

import re

from alongside.platforms.kubernetes.resources import Object
from alongside.platforms.kubernetes.trouble import Trouble, trouble_of
from alongside_operator.group import Group
from alongside_operator.seen import Seen, container_of, is_ready

_MISSING = re.compile(r'secrets? "([^"]+)" not found|references non-existent secret key: (\S+)')


def problem_of(group: Group, seen: Seen) -> Trouble | None:
    """The first thing that is wrong, None when nothing is seen to be."""
    named = [(pod, f"locale {number}") for number, pod in enumerate(seen.pods, 1)]
    if seen.server is not None:
        named.append((seen.server, "the server"))
    waiting = [(pod, name) for pod, name in named if not is_ready(pod)]
    for pod, name in waiting:
        found = _said(pod, name) or trouble_of(pod, name) or _mounts(group, seen, pod, name)
        if found:
            return found
    if seen.locales is not None and len(seen.pods) < group.others:
        return _refused(seen)
    return None


def _said(pod: Object, name: str) -> Trouble | None:
    """What a locale's own script has complained about; an exporter that has ended."""
    if (ended := container_of(pod, "exporter").get("terminated")) is not None:
        return Trouble(
            "ExporterEnded",
            f"What watches the server has ended (exit code {ended.get('exitCode')}).",
            "An administrator has to correct the exporter's image.",
        )
    for container in (pod.get("status") or {}).get("containerStatuses") or ():
        last = (container.get("lastState") or {}).get("terminated") or {}
        now = container_of(pod, container["name"]).get("terminated") or {}
        if container["name"] == "locale" and (last.get("message") or now.get("message")):
            said = str(now.get("message") or last.get("message"))
            return Trouble("LocaleNotStarted", f"{_upper(name)} can't start: {said}", "")
    return None


def _mounts(group: Group, seen: Seen, pod: Object, name: str) -> Trouble | None:
    """A Secret that isn't there: the pod waits without a word, but for an event."""
    if (pod.get("status") or {}).get("podIP"):
        return None
    for note in reversed(seen.notes):
        if note["involvedObject"].get("uid") != pod["metadata"]["uid"]:
            continue
        found = _MISSING.search(str(note.get("message", "")))
        if note.get("reason") != "FailedMount" or not found:
            continue
        what = found[1] or str(group.spec["secretName"])
        if what == group.keys_name:
            return Trouble(
                "KeysMissing",
                f"The Secret {what} with the group's SSH keys has been removed.",
                "It is launched again with new ones.",
            )
        return Trouble(
            "TokenMissing",
            f"There is no Secret {what} with the key token, which {name} waits for.",
            "Make it; the start goes on by itself.",
        )
    return None


def _refused(seen: Seen) -> Trouble | None:
    """Why a locale's pod can't even be made: a quota, an admission rule."""
    for note in reversed(seen.notes):
        if note.get("reason") == "FailedCreate":
            return refusal(str(note.get("message", "")))
    return None


def refusal(said: str) -> Trouble:
    """What Kubernetes says when it won't have a pod."""
    said = " ".join(said.split())[:300]
    if "exceeded quota" in said:
        return Trouble(
            "QuotaExceeded",
            f"The namespace has no room for all locales: {said}",
            "Ask for less, or end another backend.",
        )
    return Trouble(
        "PodRefused",
        f"Kubernetes refuses a pod of the group: {said}",
        "An administrator has to admit such pods to the namespace.",
    )


def _upper(name: str) -> str:
    return name[:1].upper() + name[1:]
