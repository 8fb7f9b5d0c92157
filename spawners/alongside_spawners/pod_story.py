"""The cluster's events about a session's pod as sentences for whoever waits. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from alongside_spawners.pod_trouble import shorten, unscheduled


def sentence(event: Mapping[str, Any]) -> str:
    """What a Kubernetes event says, in plain language and with the reason it gives."""
    said, warning = shorten(event.get("message") or ""), event.get("type") == "Warning"
    match event.get("reason"):
        case "FailedScheduling":
            return unscheduled(event.get("message") or "").message
        case "TriggeredScaleUp":
            return "The cluster is adding a node; that can take a few minutes."
        case "NotTriggerScaleUp":
            return f"The cluster can't add a node that would do: {said}."
        case "Scheduled":
            node = re.search(r" to (\S+)$", said)
            return f"There is room on node {node[1]}." if node else "There is room on a node."
        case "Pulling":
            return f"Fetching the image{_quoted(said)}."
        case "Pulled":
            return f"The image{_quoted(said)} is there."
        case "Created":
            return "The session's container is made."
        case "Started":
            return "The notebook server is starting."
        case "FailedMount" | "FailedAttachVolume":
            return f"Waiting for a volume: {said}."
        case "Killing":
            return "The session's container is ending."
        case "Failed" | "BackOff" | "ErrImagePull" if "image" in said.lower():
            return "The image can't be fetched yet."
        case "Preempted" | "Evicted":
            return f"The pod had to leave its node: {said}."
        case _:
            return f"The cluster warns: {said}." if warning else f"{said}."


def _quoted(message: str) -> str:
    found = re.search(r'"([^"]*)"', message)
    return f" {found[1]}" if found else ""
