"""Ports by the conventions that other tools for Dask on Kubernetes rely on.

They count where each process has a network address of its own; on one machine ports are any.
"""

from __future__ import annotations

COMM = "tcp-comm"
"""Name of the port of Dask's own protocol, over TLS."""
PAGES = "http-dashboard"
"""Name of the port of web pages, over HTTPS."""
SCHEDULER = {COMM: 8786, PAGES: 8787}
WORKER = {PAGES: 8788, COMM: 8789}
HEALTH = "/health"
"""The one page that is open to everybody."""
PAGES_PORT = "ALONGSIDE_DASK_PAGES_PORT"
"""Variable of a process that tells where its pages are on the network; without it they aren't."""
PAGES_SECRETS = "ALONGSIDE_DASK_PAGES_SECRETS"
"""Variable of a process with the directory of certificate and token for its pages."""


def at(host: str, port: int) -> str:
    """``host:port``, with brackets where they are due."""
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
