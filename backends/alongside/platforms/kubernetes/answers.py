"""What the answers of a Kubernetes API server mean: its refusals in our words."""

from __future__ import annotations

from collections.abc import Mapping
from http import HTTPStatus
from typing import Any, cast

import httpx

from alongside.errors import (
    AlongsideError,
    CapacityExceeded,
    Conflict,
    InvalidRequest,
    NotFound,
    Unavailable,
)
from alongside.platforms.kubernetes.resources import Object, Resource


class Refused(Unavailable):
    """The cluster is there and does not let us: rights, or definitions, that are missing."""


class Undefined(Refused):
    """The cluster knows no such objects."""


class Expired(Exception):
    """The server no longer knows where a watch was to go on: list anew."""


def silent(error: Exception) -> Unavailable:
    """There is no answer, for this reason."""
    return Unavailable(
        f"The Kubernetes API server does not answer ({type(error).__name__}).",
        "Try again in a moment.",
    )


def _status(answer: httpx.Response) -> Object:
    try:
        status = answer.json()
    except ValueError:
        status = {}
    return status if isinstance(status, dict) else {}


def reason(answer: httpx.Response) -> str:
    """The word by which Kubernetes tells refusals of the same status apart."""
    return str(_status(answer).get("reason", ""))


def is_missing(answer: httpx.Response, name: str) -> bool:
    """Whether this object is missing; not, whether the cluster knows no such objects at all."""
    if answer.status_code != HTTPStatus.NOT_FOUND:
        return False
    return str((_status(answer).get("details") or {}).get("name", "")) == name


def content(answer: httpx.Response, resource: Resource) -> Object:
    """The object that was asked for. Raises what its refusal means."""
    if answer.is_success:
        return cast("Object", answer.json())
    raise refusal(answer.status_code, _status(answer), resource)


def refusal(code: int, status: Mapping[str, Any], resource: Resource) -> AlongsideError:
    """What the API server's refusal means to people. `status` is its ``Status`` object."""
    said = str(status.get("message", "")).strip()[:400]
    if code == HTTPStatus.FORBIDDEN and "exceeded quota" in said:
        return CapacityExceeded(
            f"The namespace has no room: {said}.",
            "Ask for less, or end another backend.",
        )
    if code in (HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN):
        return Refused(
            f"Kubernetes does not let the service work with {resource.plural}: {said}.",
            "An administrator has to widen its Role, or admit such pods to the namespace.",
        )
    if code == HTTPStatus.NOT_FOUND and "name" not in (status.get("details") or {}):
        return Undefined(
            f"This Kubernetes has no {resource.plural} ({resource.version}).",
            "An administrator has to install its custom resource definitions.",
        )
    match code:
        case HTTPStatus.NOT_FOUND:
            return NotFound(said or "There is no such object.", "It may have ended.")
        case HTTPStatus.CONFLICT:
            return Conflict(said or "It has been changed meanwhile.", "Try again.")
        case HTTPStatus.BAD_REQUEST | HTTPStatus.UNPROCESSABLE_ENTITY:
            return InvalidRequest(
                f"Kubernetes does not accept this: {said}.",
                "An administrator has to correct the profile or the platform's settings.",
            )
    return Unavailable(
        f"The Kubernetes API server answered {code}. {said}".strip(), "Try again in a moment."
    )
