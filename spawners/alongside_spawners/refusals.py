"""Our errors as the exceptions that the hub shows to people, the same on JupyterHub 5 and 6.

JupyterHub 6 counts a `SpawnException` as a refusal; on 5 a 4xx `web.HTTPError` is the nearest.
Any other exception counts as a fault of the hub, and several of them in a row may end it.
"""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING, Any

from jupyterhub import spawner as hub
from tornado import web

from alongside.errors import AlongsideError, InvalidFields

if TYPE_CHECKING:
    _Base = web.HTTPError
else:
    _Base = getattr(hub, "SpawnException", web.HTTPError)


class Refusal(_Base):
    """A session that isn't started, with the reason and what to do."""

    def __init__(self, error: AlongsideError) -> None:
        self.error = error
        text, status = sentences(error), status_of(error)
        said: dict[str, Any] = {"status_code": status, "reason": error.code.replace("-", "_")}
        if _Base is web.HTTPError:
            super().__init__(**said, log_message=text)
        else:
            super().__init__(**said, message=text, message_html=html(error))
        self.jupyterhub_message = text
        self.jupyterhub_html_message = html(error)


def sentences(error: AlongsideError) -> str:
    """What is wrong and what to do, as plain text; every wrong field has its own sentences."""
    listed = error.errors if isinstance(error, InvalidFields) else [error]
    return " ".join(str(one) for one in listed[:10])


def html(error: AlongsideError) -> str:
    """The same for a page; names that users chose can't become markup."""
    remedy = f" {escape(error.remedy)}" if error.remedy else ""
    if isinstance(error, InvalidFields) and len(error.errors) > 1:
        items = "".join(f"<li>{escape(str(one))}</li>" for one in error.errors[:10])
        return f"<ul>{items}</ul>"
    return f"<strong>{escape(error.message)}</strong>{remedy}"


def status_of(error: AlongsideError) -> int:
    """The HTTP status; an error that says 500 is still ours, not the hub's, so it is a 503."""
    return error.status if 400 <= error.status < 600 and error.status != 500 else 503
