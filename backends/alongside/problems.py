"""Problem details (RFC 9457) back into the error that they were made from."""

from __future__ import annotations

import json
from typing import Any

from alongside import errors
from alongside.errors import AlongsideError, InvalidFields, InvalidRequest

_URN = "urn:alongside:problem:"


def _tree(base: type[AlongsideError]) -> list[type[AlongsideError]]:
    return [base, *(sub for child in base.__subclasses__() for sub in _tree(child))]


def error_of(status: int, content: bytes, type: str = "") -> AlongsideError:
    """The error that an answer stands for; `status` 0: no answer, `content` says why."""
    if status == 0:
        reason = content.decode(errors="replace")
        return errors.Unavailable(
            f"Alongside's service can't be reached ({reason}).",
            "Check the network and that the hub is running, then try again.",
        )
    try:
        problem = json.loads(content)
    except ValueError:
        problem = None
    if isinstance(problem, dict) and str(problem.get("type", "")).startswith(_URN):
        return _from_problem(problem)
    return _from_status(status, problem if isinstance(problem, dict) else {})


def _from_problem(problem: dict[str, Any]) -> AlongsideError:
    code = problem["type"].removeprefix(_URN)
    message, remedy, field = (str(problem.get(key, "")) for key in ("detail", "remedy", "field"))
    listed = problem.get("errors")
    if code == InvalidFields.code and isinstance(listed, list) and listed:
        return InvalidFields(
            [
                InvalidRequest(*(str(item.get(key, "")) for key in ("message", "remedy", "field")))
                for item in listed
            ]
        )
    if code == errors.Conflict.code:
        return errors.Conflict(message, remedy, field, str(problem.get("backend", "")))
    for error in _tree(AlongsideError):
        if error.code == code and error is not InvalidFields:
            return error(message, remedy, field)
    return AlongsideError(message, remedy, field)


def _from_status(status: int, body: dict[str, Any]) -> AlongsideError:
    """For answers of the hub or its proxy rather than of the service."""
    detail = body.get("detail") or body.get("message")
    said = f" ({str(detail)[:200]})" if detail else ""
    if status in (401, 403) or 300 <= status < 400:
        return errors.NotAllowed(
            f"The hub does not accept the token for Alongside{said}.",
            "Restart the session, or make a new token that may access the service alongside.",
        )
    if status == 404:
        return errors.NotFound(
            "The hub has no service called Alongside there.", "Check the address of the hub."
        )
    if status in (502, 503, 504):
        return errors.Unavailable(
            f"Alongside's service does not answer at the moment{said}.", "Try again in a minute."
        )
    return AlongsideError(
        f"Alongside's service answered {status}{said}.", "Tell an administrator if it persists."
    )
