"""Errors as problem details (RFC 9457). Never a trace, never a secret."""

from __future__ import annotations

import json
import logging
from http import HTTPStatus
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from pydantic import Field
from starlette.exceptions import HTTPException
from starlette.responses import Response
from starlette.routing import Match

from alongside.errors import AlongsideError
from alongside.models import Model
from alongside.requests import invalid

MEDIA_TYPE = "application/problem+json"
_log = logging.getLogger("alongside.service")


class FieldProblem(Model):
    """One of several wrong values."""

    field: str = Field(description="Dotted path of the value.")
    message: str
    remedy: str


class Problem(Model):
    """Problem details (RFC 9457)."""

    type: str = Field(description="`urn:alongside:problem:<code>`, stable over releases.")
    title: str
    status: int
    detail: str = Field(description="A sentence that says what is wrong.")
    remedy: str = Field("", description="What to do about it.")
    field: str = Field("", description="Dotted path of the input that is to blame.")
    errors: tuple[FieldProblem, ...] = Field((), description="One entry for each wrong value.")
    backend: str = Field("", description="Id of the backend that is in the way, if one is.")


def problem(document: dict[str, object], headers: dict[str, str] | None = None) -> Response:
    """The answer for a problem document."""
    status = document["status"]
    # ASCII: what a user sent may hold half a surrogate pair, which no encoding can carry
    body = json.dumps(document, ensure_ascii=True).encode()
    return Response(body, int(str(status)), headers, MEDIA_TYPE)


def answer(error: AlongsideError) -> Response:
    """The answer for one of our errors."""
    headers = {"WWW-Authenticate": "Bearer"} if error.status == 401 else None
    if error.status == 503:
        headers = {"Retry-After": "5"}
    return problem(error.problem(), headers)


def plain(status: int, detail: str, remedy: str = "") -> dict[str, object]:
    """A problem document for what is not one of our errors."""
    phrase = HTTPStatus(status).phrase
    document: dict[str, object] = {
        "type": f"urn:alongside:problem:{phrase.lower().replace(' ', '-')}",
        "title": phrase.capitalize(),
        "status": status,
        "detail": detail,
    }
    return document | ({"remedy": remedy} if remedy else {})


def install(app: FastAPI) -> None:
    """Let every error of this application be a problem document."""

    @app.exception_handler(AlongsideError)
    async def ours(_: Request, error: AlongsideError) -> Response:
        if error.status >= 500:
            _log.warning("%s: %s", error.code, error)
        return answer(error)

    @app.exception_handler(RequestValidationError)
    async def validation(_: Request, error: RequestValidationError) -> Response:
        return answer(invalid(error.errors()))

    @app.exception_handler(HTTPException)
    async def http(request: Request, error: HTTPException) -> Response:
        if error.status_code == 405:
            return _wrong_method(request)
        details: dict[int, tuple[str, str]] = {
            404: ("There is nothing at this address.", "See api/v1/openapi.json."),
        }
        detail, remedy = details.get(error.status_code, (str(error.detail), ""))
        headers = dict(error.headers) if error.headers else None
        return problem(plain(error.status_code, detail, remedy), headers)

    @app.exception_handler(Exception)
    async def bug(request: Request, error: Exception) -> Response:
        _log.error("%s %s failed", request.method, request.url.path, exc_info=error)
        return problem(
            plain(500, "The service failed at this request.", "It has been logged; try again.")
        )


def _wrong_method(request: Request) -> Response:
    """405 with all methods of the address; for OPTIONS that is what was asked for."""
    known = {"OPTIONS"}
    for method in ("GET", "POST", "PATCH", "DELETE"):
        scope = {**request.scope, "method": method}
        if any(route.matches(scope)[0] is Match.FULL for route in request.app.routes):
            known |= {method} if method != "GET" else {"GET", "HEAD"}
    headers = {"Allow": ", ".join(sorted(known))}
    if request.method == "OPTIONS":
        return Response(status_code=204, headers=headers)
    detail = "This address does not know that method."
    return problem(plain(405, detail, f"Use one of: {headers['Allow']}."), headers)


def documented(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """The error answers of an operation for the OpenAPI document."""
    return {
        status: {
            "description": HTTPStatus(status).phrase,
            "model": Problem,
            "content": {MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}},
        }
        for status in statuses
    }
