"""The plain hub of `hub.enabled`: for trying out, with one password for everybody.

What differs from one installation to the next is in `hub.json`, which the chart writes; secrets
come by environment variables.
"""

import json
import os
from pathlib import Path

from alongside_spawners import configure

c = get_config()  # noqa: F821 - JupyterHub's loader defines it and load_subconfig

folder = Path(__file__).parent
told = json.loads((folder / "hub.json").read_text(encoding="utf-8"))

c.JupyterHub.base_url = told["base_url"]
c.JupyterHub.hub_bind_url = "http://:8081"
c.JupyterHub.hub_connect_url = told["hub_url"]
c.JupyterHub.db_url = "sqlite:////srv/jupyterhub/hub.sqlite"
c.JupyterHub.cleanup_servers = False  # sessions and backends outlive a hub that restarts
c.JupyterHub.allow_named_servers = True
c.ConfigurableHTTPProxy.should_start = False
c.ConfigurableHTTPProxy.api_url = told["proxy_api_url"]

c.JupyterHub.authenticator_class = "shared-password"
c.Authenticator.allow_all = True
c.Authenticator.admin_users = set(told["admins"])
c.SharedPasswordAuthenticator.user_password = os.environ.pop("ALONGSIDE_USER_PASSWORD")
c.SharedPasswordAuthenticator.admin_password = os.environ.pop("ALONGSIDE_ADMIN_PASSWORD")

configure(
    c,
    spawner="alongside-kubernetes",
    managed=False,
    token=os.environ.pop("ALONGSIDE_TOKEN"),
    service_url=told["service_url"],
)

c.Spawner.default_url = "/lab"
c.Spawner.environment = told["environment"]
for name, settings in told["settings"].items():
    c[name].update(settings)

if (folder / "extra.py").stat().st_size:
    load_subconfig(str(folder / "extra.py"))  # noqa: F821 - likewise
