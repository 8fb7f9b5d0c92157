"""How somebody is refused: a status, a sentence with its remedy, one word for the log.

The same sentence is on the page and in the log. It never quotes what came in, so it has no secret
in it and nothing that somebody else wrote.
"""

from __future__ import annotations

from html import escape
from http.client import responses
from typing import TYPE_CHECKING, Any

from jupyterhub import spawner as hub
from tornado import web

if TYPE_CHECKING:
    _Base: Any = web.HTTPError
else:
    _Base = getattr(hub, "SpawnException", web.HTTPError)  # JupyterHub 5 has none


class Refused(web.HTTPError):
    """A request that isn't let in.

    Attributes
    ----------
    code : one CamelCase word that says why, for logs and tests
    message : a sentence and what to do, for the page
    link : address of a page where it is done, "" if there is none
    """

    def __init__(self, status: int, code: str, message: str, link: str = "") -> None:
        # without a reason of its own, the page's heading would be what is logged
        super().__init__(status, "%s: %s", code, message, reason=responses[status])
        self.code = code
        self.message = message
        self.link = link
        self.jupyterhub_message = message


class SpawnRefused(_Base):  # type: ignore[misc]  # one of two
    """A session that isn't started. The hub counts it as a refusal, not as a fault of its own.

    link : address of a page where what the message advises is done, as `words` say
    """

    def __init__(
        self, message: str, reason: str, status: int = 403, link: str = "", words: str = ""
    ) -> None:
        html = ""
        if link:
            button = f'<a class="btn btn-jupyter" href="{escape(link)}">{escape(words)}</a>'
            html = f"{escape(message)} {button}"
        if _Base is web.HTTPError:
            super().__init__(status, message.replace("%", "%%"))
        else:
            super().__init__(message, reason=reason, status_code=status, message_html=html)
        self.jupyterhub_message = message
        if html:
            self.jupyterhub_html_message = html


class Misconfigured(Exception):
    """Settings with which the hub must not start, in a sentence with its remedy."""
