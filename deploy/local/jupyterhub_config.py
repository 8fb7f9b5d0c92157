"""The hub of `make run`: on loopback, for one person, without root.

`run.py` starts it and says by environment variables where it listens and keeps its state. For a
hub of your own, `docs/how-to/add-to-my-hub.md` shows the one line that matters.
"""

from __future__ import annotations

import os
import shutil
import sys
from hmac import compare_digest
from pathlib import Path
from typing import Any

from jupyterhub.auth import DummyAuthenticator

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent.parent / "tools")]

import proxy  # noqa: E402 - beside this file and in tools/, which are no packages
from alongside_spawners import configure  # noqa: E402 - likewise
from home import Home  # noqa: E402 - likewise

c: Any = get_config()  # type: ignore[name-defined] # noqa: F821 - JupyterHub's loader defines it

home = Home(Path(os.environ["ALONGSIDE_HOME"]))
password = os.environ.pop("ALONGSIDE_PASSWORD")  # so that no process that the hub starts sees it


def address(name: str) -> str:
    """An address on loopback; the port is the launcher's choice."""
    port = os.environ[f"ALONGSIDE_{name}PORT"]
    return f"http://127.0.0.1:{port}"


class AnyName(DummyAuthenticator):
    """Any user name, one password: whoever has it owns this machine's account anyway."""

    async def authenticate(self, handler: Any, data: dict[str, str]) -> str | None:
        """The name, if the password is right."""
        right = compare_digest(data["password"].encode(), password.encode())
        return data["username"] if right else None


def lay_out_examples(spawner: Any) -> None:
    """Put the example notebooks into a user's home, but never over what is there."""
    folder = Path(spawner.account.home) / "examples"
    folder.mkdir(parents=True, exist_ok=True)
    for example in (HERE.parent.parent / "examples").glob("*.*"):
        if example.is_file() and not (folder / example.name).exists():
            shutil.copyfile(example, folder / example.name)


c.JupyterHub.authenticator_class = AnyName
c.Authenticator.allow_all = True
c.Authenticator.admin_users = {"admin"}
c.JupyterHub.allow_named_servers = True

c.JupyterHub.bind_url = address("")
c.JupyterHub.hub_bind_url = address("HUB_")
c.ConfigurableHTTPProxy.api_url = address("PROXY_")
c.ConfigurableHTTPProxy.command = proxy.command()
c.ConfigurableHTTPProxy.auth_token = home.secret("proxy-token")
c.ConfigurableHTTPProxy.pid_file = str(home.folder / "proxy.pid")

c.JupyterHub.db_url = f"sqlite:///{home.folder / 'hub.sqlite'}"
c.JupyterHub.cookie_secret = bytes.fromhex(home.secret("cookie-secret"))
c.CryptKeeper.keys = [bytes.fromhex(home.secret("crypt-key"))]

# Everything that a run has started ends with it.
c.JupyterHub.cleanup_servers = True
c.JupyterHub.cleanup_proxy = True

configure(
    c,
    catalogue=os.environ.get("ALONGSIDE_CATALOGUE") or str(HERE / "catalogue.yaml"),
    home=str(home.folder),
    service_url=address("SERVICE_"),
    unix_users=False,
)
c.Spawner.default_url = "/lab"
# No questions about news: see labconfig/page_config.json there.
c.Spawner.environment = {"JUPYTER_CONFIG_PATH": str(HERE / "jupyter")}
c.Spawner.pre_spawn_hook = lay_out_examples
c.Spawner.args = [
    # Nothing here looks anything up elsewhere.
    "--LabApp.news_url=None",
    "--LabApp.check_for_updates_class=jupyterlab.NeverCheckForUpdate",
    "--LabApp.extension_manager=readonly",
    *(["--allow-root"] if os.geteuid() == 0 else []),
]
