"""The operator's one line: spawner, service and permissions in the hub's configuration."""

from __future__ import annotations

import asyncio
import logging
import os
import secrets
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

SERVICE_SCOPES = (
    "list:users",
    "read:users:name",
    "read:users:groups",
    "read:servers",
    "delete:servers",
)
"""What the service needs to know of the hub and to do there (`alongside_service.scopes` says
why)."""

_SELF = "self"


def configure(
    c: Any,
    *,
    spawner: str = "alongside-local",
    service: str = "alongside",
    service_url: str = "http://127.0.0.1:8790",
    catalogue: str | Path = "",
    home: str | Path = "",
    token: str = "",
    command: Sequence[str] | None = None,
    environment: Mapping[str, str] | None = None,
    unix_users: bool | None = None,
    managed: bool = True,
) -> None:
    """Set up Alongside in a hub's configuration `c`. What `c` has already stays.

    spawner : name or class of the spawner; any with `AlongsideMixin`
    service : name of the service in the hub
    service_url : where the service listens; the hub and, on one machine, the sessions call it there
    catalogue : the YAML file of profiles; default: ``catalogue.yaml`` in `home`
    home : directory of all state; default: ``$ALONGSIDE_HOME``, else ``.alongside``
    token : the service's token; default: a new one at each start of the hub, written nowhere
    command : how the hub starts the service
    environment : additional environment variables of the service
    unix_users : whether sessions run under their users' Unix accounts; default: if the hub is root
    managed : whether the hub starts the service; False where something else does, with `token`

    Works with JupyterHub 5.5 and 6.
    """
    if not managed and not token:
        raise ValueError("a service that the hub does not start needs a `token`")
    token = token or secrets.token_hex(32)
    c.JupyterHub.spawner_class = spawner
    c.AlongsideMixin.service_name = service
    c.AlongsideMixin.service_token = token
    if home:
        c.LocalSessionSpawner.state_dir = str(home)
    if unix_users is not None:
        c.LocalSessionSpawner.unix_users = unix_users
    entry: dict[str, Any] = {
        "name": service,
        "url": service_url,
        "api_token": token,
        "display": False,
        "oauth_no_confirm": True,  # a part of the hub, so nobody is asked about its dashboards
    }
    if managed:
        entry["command"] = list(command or (sys.executable, "-m", "alongside_service"))
        entry["environment"] = _environment(catalogue, home, environment or {})
        if os.geteuid() == 0 if unix_users is None else unix_users:
            entry["environment"].setdefault("ALONGSIDE_ACCOUNT", "{username}")
    _append(c.JupyterHub, "services", entry)
    _append(
        c.JupyterHub,
        "load_roles",
        {"name": f"{service}-service", "services": [service], "scopes": list(SERVICE_SCOPES)},
    )
    _let_users_in(c, f"access:services!service={service}")
    _warm_up_with_the_hub(spawner)


def _environment(
    catalogue: str | Path, home: str | Path, more: Mapping[str, str]
) -> dict[str, str]:
    found = {}
    if home:
        found["ALONGSIDE_HOME"] = str(home)
    if catalogue:
        found["ALONGSIDE_CATALOGUE"] = str(catalogue)
    return found | dict(more)


def _append(section: Any, name: str, entry: dict[str, Any]) -> None:
    """Add to a list that may not be there yet, or only as what is to be appended."""
    if section.get(name):
        section[name].append(entry)
    else:
        section[name] = [entry]


def _entries(section: Any, name: str) -> list[dict[str, Any]]:
    present = section.get(name)
    if hasattr(present, "to_dict"):  # traitlets' "append to whatever the default is"
        present = present.to_dict().get("extend")
    return list(present or ())


def _let_users_in(c: Any, scope: str) -> None:
    """Give every user, and so every session, the scope to use the service."""
    for role in _entries(c.JupyterHub, "load_roles"):
        if role.get("name") == "user":
            role["scopes"] = [*role.get("scopes", ()), scope]
            return
    _append(c.JupyterHub, "load_roles", {"name": "user", "scopes": [_SELF, scope]})


def _warm_up_with_the_hub(spawner: str) -> None:
    """Have the warm process ready before the first session, if this is a hub that runs.

    Other commands read the configuration too; they have no event loop, or leave it at once.
    """
    if spawner != "alongside-local":
        return
    try:
        loop = asyncio.get_running_loop()
    except RuntimeError:
        return
    loop.call_soon(_warm_up)


def _warm_up() -> None:
    from alongside_spawners.warm_sessions import warm_sessions

    _running.append(asyncio.ensure_future(warm_sessions(logging.getLogger("alongside.spawner"))))


_running: list[asyncio.Future[Any]] = []
