"""What a user's options come to, as the service has checked them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from alongside.errors import Unavailable
from alongside.models import Pod
from alongside.units import parse_duration, parse_memory


@dataclass(frozen=True)
class Choice:
    """The session's size and environment, and the backend to launch, if any.

    cores, memory : limits of the session (CPU cores, bytes), None where there is none
    pod : what its container has besides, where there is one
    launch : body of ``POST backends`` without owner, session and place
    title : what people call such a backend
    required : whether the session is no use without its backend
    start_timeout : seconds to wait for a required one
    message : something the user ought to know
    """

    cores: int | None = None
    memory: int | None = None
    environment: Mapping[str, str] = field(default_factory=dict)
    pod: Pod = field(default_factory=Pod)
    launch: Mapping[str, Any] | None = None
    title: str = ""
    required: bool = False
    start_timeout: float = 300.0
    message: str = ""

    @classmethod
    def of(cls, answer: Mapping[str, Any]) -> Choice:
        """From the service's answer to ``POST spawn-options``. Raises Unavailable."""
        try:
            return cls._read(answer)
        except (AttributeError, KeyError, TypeError, ValueError):
            raise Unavailable(
                "The Alongside service gave an answer that isn't understood.",
                "Ask an administrator whether hub and service have the same version.",
            ) from None

    @classmethod
    def _read(cls, answer: Mapping[str, Any]) -> Choice:
        session, launch = answer["session"], answer.get("launch")
        memory = session.get("memory")
        return cls(
            cores=session.get("cores"),
            memory=None if memory is None else parse_memory(memory),
            environment=session.get("environment") or {},
            pod=Pod(**(session.get("pod") or {})),
            launch={k: v for k, v in launch.items() if v is not None} if launch else None,
            title=str(answer.get("title") or (launch or {}).get("kind", "")),
            required=bool(answer.get("required")),
            start_timeout=_seconds(answer.get("start_timeout")),
        )


def _seconds(span: Any) -> float:
    """Seconds of a length of time as the service writes it; less than a second reads as none."""
    try:
        return parse_duration(span).total_seconds() if span else 300.0
    except ValueError:
        return 1.0


def alone(error: Unavailable) -> Choice:
    """A session without anything, because the service does not answer."""
    return Choice(message=f"{error.message} The session starts without a backend.")


def wants_nothing(options: Any) -> bool:
    """Whether these options can be met without the service: no backend, no profile named."""
    if not options:
        return True
    return isinstance(options, Mapping) and set(options) == {"backend"} and not options["backend"]
