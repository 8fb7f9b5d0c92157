"""Where a browser finds the pages of a backend. Pure."""

from __future__ import annotations

import os
from collections.abc import Mapping
from urllib.parse import quote, urlsplit

from alongside.endpoint import API


def dashboard_link(id: str, environ: Mapping[str, str] | None = None) -> str:
    """The dashboard of a backend behind the hub's login.

    A URL where the environment says how browsers reach the hub (``JUPYTERHUB_PUBLIC_URL`` or
    ``JUPYTERHUB_PUBLIC_HUB_URL``), else a path that is right in pages of the hub.
    """
    environ = os.environ if environ is None else environ
    public = environ.get("JUPYTERHUB_PUBLIC_HUB_URL") or environ.get("JUPYTERHUB_PUBLIC_URL") or ""
    parts = urlsplit(public)
    origin = f"{parts.scheme}://{parts.netloc}" if parts.netloc else ""
    api = urlsplit(environ.get(API, "")).path
    prefix, _, _ = api.partition("/services/alongside")
    return f"{origin}{prefix}/services/alongside/backends/{quote(id, safe='')}/dashboard/status"
