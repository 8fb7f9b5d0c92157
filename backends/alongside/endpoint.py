"""Where the service is and who is asking: from the environment of a session, or as told."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from ipaddress import ip_address
from urllib.parse import urlsplit

from alongside.errors import InvalidRequest

API = "ALONGSIDE_API"
"""URL of the service, with or without ``/services/alongside/api/v1``."""
TOKEN = "JUPYTERHUB_API_TOKEN"  # noqa: S105  (the name of a variable)
OWN_TOKEN = "ALONGSIDE_TOKEN"  # noqa: S105  (likewise)
"""The token for the service of ``ALONGSIDE_API``, where it is none of a hub's."""
SESSION = "ALONGSIDE_SESSION"
"""Name of the session: empty for the default one, absent outside of a session."""
USER = "JUPYTERHUB_USER"
ATTACHED = "ALONGSIDE_ATTACHED"
"""Id of the backend that the step of a workflow computes on, absent outside of a step."""

_PREFIX = "/services/alongside"
_API = "/api/v1"
_TOKEN = re.compile(r"[\x21-\x7e]{1,4096}")


@dataclass(frozen=True)
class Endpoint:
    """The API of one service and the credentials of one user.

    `session` is the name of the session that calls come from, None outside of one. `user` is the
    name of whoever asks, empty when only the service knows. `attached` is the id of the backend
    that calls mean which name none, empty outside of a workflow's step.
    """

    url: str
    token: str = field(repr=False)
    session: str | None = None
    user: str = ""
    attached: str = ""

    @classmethod
    def find(
        cls,
        url: str | None = None,
        token: str | None = None,
        environ: Mapping[str, str] | None = None,
    ) -> Endpoint:
        """The endpoint that arguments and environment variables name; arguments win.

        Outside of a hub: the hub's address as `url` and a token from its page "Token" as `token`.
        Raises InvalidRequest when either is missing or can't be.
        """
        environ = os.environ if environ is None else environ
        own = url is None
        address = environ.get(API, "") if url is None else url
        paired = environ.get(OWN_TOKEN, "") if own else ""
        secret = paired or environ.get(TOKEN, "") if token is None else token
        if not address:
            raise InvalidRequest(
                f"It is not known where Alongside is: {API} is not set.",
                "In JupyterHub, start the session with Alongside's spawner; elsewhere, give the "
                "hub's address and a token: alongside.Client(url=..., token=...).",
                "url",
            )
        if not secret:
            raise InvalidRequest(
                f"There is no token to ask Alongside with: {TOKEN} is not set.",
                'Make one on the hub\'s page "Token" and pass it as token=... or in that variable.',
                "token",
            )
        if not _TOKEN.fullmatch(secret):
            raise InvalidRequest(
                "The token has characters that no token has.", "Copy it again.", "token"
            )
        return cls(
            complete(address),
            secret,
            environ.get(SESSION) if own else None,
            environ.get(USER, "") if own and token is None and not paired else "",
            environ.get(ATTACHED, "") if own else "",
        )


def complete(url: str) -> str:
    """The URL of the API, from that of the hub, the service or the API itself.

    >>> complete("https://hub.example.org/")
    'https://hub.example.org/services/alongside/api/v1'
    """
    try:
        parts = urlsplit(url)
        valid = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        valid = False
    if not valid or parts.username is not None:
        raise InvalidRequest(
            f"{url[:100]!r} is not the address of a hub.",
            'Write it like "https://hub.example.org".',
            "url",
        )
    path = re.sub(r"/hub(/home|/token)?/?$", "", parts.path).rstrip("/")
    if path.endswith(_API):
        pass
    elif path.endswith(_PREFIX):
        path += _API
    else:
        path += _PREFIX + _API
    return f"{parts.scheme}://{parts.netloc}{path}"


def is_loopback(url: str) -> bool:
    """Whether this is an address of this machine, to which no proxy leads."""
    host = urlsplit(url).hostname or ""
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


_OF_BACKEND: dict[str, Endpoint] = {}


def remember(id: str, endpoint: Endpoint) -> None:
    """Note which service a backend was found at, for connections that only know its id."""
    _OF_BACKEND[id] = endpoint


def endpoint_of(id: str) -> Endpoint | None:
    """The service that a backend was found at by this process, if it was."""
    return _OF_BACKEND.get(id)
