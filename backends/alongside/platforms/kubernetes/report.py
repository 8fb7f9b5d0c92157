"""What an operator of ours reports of a backend, in the status of its custom resource. Pure."""

from __future__ import annotations

from dataclasses import dataclass

from alongside.platforms.kubernetes.resources import Object

_REMEDY = "See the log of its server, then launch it again."
_WAIT = "Put that right, or wait: it goes on by itself."


@dataclass(frozen=True)
class Report:
    """One look at a custom resource.

    `heeded`: whether the operator has seen what is wanted; `runs`: whether that is what runs;
    `stuck`: whether it can't be made to for the time being; `ready`: how many members can be used.
    """

    phase: str = ""
    heeded: bool = False
    runs: bool = False
    stuck: bool = False
    ready: int = 0
    address: str = ""
    reason: str = ""
    message: str = ""
    remedy: str = ""

    @classmethod
    def of(cls, custom: Object, size: Object) -> Report:
        """From the resource, of which `size` is the part of its ``spec`` that is wanted now."""
        status = custom.get("status") or {}
        phase, reason = str(status.get("phase", "")), str(status.get("reason", ""))
        heeded = int(status.get("observedGeneration", 0)) >= custom["metadata"]["generation"]
        as_wanted = all(custom["spec"].get(name) == value for name, value in size.items())
        failed, stuck = phase == "Failed", phase == "Pending" and bool(reason)
        return cls(
            phase=phase,
            heeded=heeded,
            runs=phase == "Running" and heeded and as_wanted,
            stuck=stuck,
            ready=int(status.get("localesReady", 0)),
            address=str(status.get("address", "")),
            reason=reason or ("Failed" if failed else ""),
            message=str(status.get("message", "")) or ("It failed." if failed else ""),
            remedy=_REMEDY if failed else _WAIT if stuck else "",
        )
