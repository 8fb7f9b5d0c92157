"""What the handlers share: who may ask, and errors as problem documents (RFC 9457)."""

from __future__ import annotations

import json
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

from jupyter_server.base.handlers import APIHandler

from alongside.errors import AlongsideError

if TYPE_CHECKING:
    from alongside_lab.news import News
    from alongside_lab.surroundings import Surroundings
    from alongside_lab.upstream import Upstream

PROBLEM = "application/problem+json"
RESOURCE = "alongside"
"""What an authorizer of the Jupyter server is asked about."""


class Handler(APIHandler):
    """A handler of `alongside/…`; each of its methods is authenticated and authorized."""

    auth_resource = RESOURCE

    def initialize(self, news: News, upstream: Upstream, surroundings: Surroundings) -> None:
        """Take what this extension has at hand."""
        self.news = news
        self.upstream = upstream
        self.surroundings = surroundings

    def answer(self, document: dict[str, Any], status: int = 200, type: str = PROBLEM) -> None:
        """Answer with a JSON document."""
        self.set_status(status)
        self.set_header("Cache-Control", "no-store")
        self.finish(json.dumps(document), set_content_type=type)

    def refuse(self, error: AlongsideError) -> None:
        """Answer with one of our errors."""
        self.answer(error.problem(), error.status)

    def refuse_plainly(self, status: HTTPStatus, detail: str, remedy: str) -> None:
        """Answer with a problem that is none of our errors."""
        code = status.phrase.lower().replace(" ", "-")
        document = {
            "type": f"urn:alongside:problem:{code}",
            "title": status.phrase.capitalize(),
            "status": int(status),
            "detail": detail,
            "remedy": remedy,
        }
        self.answer(document, status)
