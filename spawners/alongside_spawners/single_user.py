"""The notebook server inside a process that was forked from a warm one.

What a new interpreter would have read at its start from environment and files is read here
again, because the warm process has an environment of its own.
"""

from __future__ import annotations

import contextlib
import locale
import os
import site
import sys
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path

PRELOAD = (
    "jupyterhub.singleuser",
    "jupyterhub.singleuser.extension",
    "jupyterlab.labapp",
    "jupyter_lsp.serverextension",
    "jupyter_server.gateway.managers",
    "jupyter_server.services.api.handlers",
    "jupyter_server.services.config.handlers",
    "jupyter_server.services.contents.handlers",
    "jupyter_server.services.events.handlers",
    "jupyter_server.services.kernels.handlers",
    "jupyter_server.services.kernels.websocket",
    "jupyter_server.services.kernelspecs.handlers",
    "jupyter_server.services.nbconvert.handlers",
    "jupyter_server.services.security.handlers",
    "jupyter_server.services.sessions.handlers",
    "jupyter_server.services.shutdown",
    "jupyter_server.nbconvert.handlers",
    "jupyter_server.view.handlers",
    "jupyter_server_terminals",
    "jupyter_server_terminals.app",
    "notebook_shim.nbserver",
    "jupyter_server_proxy.handlers",
    "alongside_lab.application",
    "alongside_lab.dashboard",
    "alongside.event_stream",
    __name__,
)
"""What a notebook server imports anyway. None of them starts a thread or opens a connection."""

COMMAND = "jupyterhub-singleuser"
"""The command that `main` stands for."""

_AT_IMPORT = ("JUPYTERHUB_SINGLEUSER_", "PYTHON", "LD_", "MALLOC_")
_HARMLESS = frozenset({"PYTHONPATH", "LD_LIBRARY_PATH", "PYTHONUNBUFFERED"})


def needs_own_interpreter(env: dict[str, str]) -> str:
    """Why a session with this environment can't come from a warm process, "" when it can.

    Some variables are read when an interpreter starts or a module is imported.
    """
    for name, value in sorted(env.items()):
        if name in _HARMLESS and value == os.environ.get(name, ""):
            continue
        if value and name != "PYTHONUNBUFFERED" and name.startswith(_AT_IMPORT):
            return name
    return ""


def main() -> int | None:
    """Run the notebook server that JupyterHub runs for its users, until it ends."""
    _use_own_site()
    _use_own_lab_folders()
    with contextlib.suppress(locale.Error):
        locale.setlocale(locale.LC_CTYPE, "")
    os.umask(0o022)
    status: int | None = import_module("jupyterhub.singleuser").main()
    return status


def _use_own_site() -> None:
    """Look for packages in this account's own site directory, not in the hub's."""
    if not site.ENABLE_USER_SITE:
        return
    if site.USER_SITE in sys.path:
        sys.path.remove(str(site.USER_SITE))
    site.USER_SITE = site.USER_BASE = None
    own = site.getusersitepackages()
    if Path(own).is_dir():
        site.addsitedir(own)


def _use_own_lab_folders() -> None:
    """Keep settings and layouts in this account's home: JupyterLab names the folders on import."""
    if find_spec("jupyterlab") is None:
        return
    app = import_module("jupyterlab.labapp").LabApp
    folders = import_module("jupyterlab.commands")
    app.user_settings_dir.default_value = folders.get_user_settings_dir()
    app.workspaces_dir.default_value = folders.get_workspaces_dir()
    app.setup_class(dict(vars(app)))  # traits keep their defaults from when a class was made
