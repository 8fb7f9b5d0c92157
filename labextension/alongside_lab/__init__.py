"""The JupyterLab extension: what the Jupyter server does for it, and where its bundle lies.

The browser only ever talks to the Jupyter server. This forwards to Alongside's service with the
session's token, follows what happens there, and tells the browser by Jupyter Events.
"""

from __future__ import annotations

from typing import Any


def _jupyter_labextension_paths() -> list[dict[str, str]]:
    return [{"src": "labextension", "dest": "jupyterhub-alongside"}]


def _jupyter_server_extension_points() -> list[dict[str, Any]]:
    from alongside_lab.application import AlongsideLab

    return [{"module": "alongside_lab", "app": AlongsideLab}]
