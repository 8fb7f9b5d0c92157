"""Ends that nobody asked for: a locale or the server is lost, or never came. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from alongside.platforms.kubernetes.trouble import Trouble
from alongside_operator.group import Group
from alongside_operator.plan import is_current
from alongside_operator.seen import Seen, is_ending
from alongside_operator.up import PATIENCE

_LOST = "What it had in memory is lost, except for what was saved."


@dataclass(frozen=True)
class Ending:
    """Why a group can't go on. `again`: whether the policy may launch it again."""

    reason: str
    message: str
    remedy: str = "Launch it again."
    again: bool = True


def ending_of(group: Group, seen: Seen, now: datetime) -> Ending | None:
    """Why the present launch is over, None while it isn't."""
    if lost := seen.lost(now):
        # first: when a locale goes, the server goes with it
        return Ending("LocaleLost", f"The group has lost {lost}. {_LOST}")
    running = group.status.get("phase") == "Running" and is_current(group)
    if (ended := seen.ended) is not None:
        return _server_ended(ended, running)
    if running and (seen.server is None or is_ending(seen.server)):
        return Ending("ServerLost", f"The server's pod has been removed. {_LOST}")
    return None


def too_late(group: Group, problem: Trouble | None) -> Ending:
    """When a launch has taken longer than it may."""
    seconds = group.spec.get("startSeconds", PATIENCE)
    message = f"The group was not running after {seconds} s."
    if problem:
        message += f" {problem.message}"
    remedy = problem.remedy if problem else ""
    return Ending("StartTimeout", message, remedy or "Launch it again.", again=False)


def _server_ended(ended: Mapping[str, Any], running: bool) -> Ending:
    code = ended.get("exitCode")
    said = str(ended.get("message") or "").strip() or f"Its exit code is {code}."
    if ended.get("reason") == "OOMKilled":
        return Ending(
            "OutOfMemory",
            f"The server used more memory than it may. {_LOST}",
            "Launch it again with more memory or more locales.",
        )
    if code == 0:
        return Ending("ShutDown", "The server was shut down by a client.", again=False)
    if not running:
        return Ending("ServerNotStarted", f"The server did not start. {said}")
    return Ending("ServerEnded", f"The server has ended. {said} {_LOST}")
