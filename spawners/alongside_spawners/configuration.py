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

from alongside.kinds import kinds

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
_KUBERNETES = "alongside-kubernetes"
_NAMESPACE = Path("/var/run/secrets/kubernetes.io/serviceaccount/namespace")


def configure(
    c: Any,
    *,
    spawner: str = "alongside-local",
    service: str = "alongside",
    service_url: str = "",
    catalogue: str | Path = "",
    home: str | Path = "",
    token: str = "",
    command: Sequence[str] | None = None,
    environment: Mapping[str, str] | None = None,
    unix_users: bool | None = None,
    managed: bool | None = None,
) -> None:
    """Set up Alongside in a hub's configuration `c`. What `c` has already stays.

    spawner : name or class of the spawner; any with `AlongsideMixin`
    service : name of the service in the hub
    service_url : where hub and sessions find the service; default: port 8790 of this machine, on
        Kubernetes that of the Service ``alongside`` in the hub's namespace
    catalogue : the YAML file of profiles; default: ``catalogue.yaml`` in `home`
    home : directory of all state; default: ``$ALONGSIDE_HOME``, else ``.alongside``
    token : the service's token; default: that of an entry for it in ``c.JupyterHub.services``,
        else ``$ALONGSIDE_TOKEN``, else, if the hub starts it, a new one that is written nowhere
    command : how the hub starts the service
    environment : additional environment variables of the service; those that kinds name, such as
        ``ALONGSIDE_ARKOUDA_SERVER``, are taken from the hub's
    unix_users : whether sessions run under their users' Unix accounts; default: if the hub is root
    managed : whether the hub starts the service; default: yes, on Kubernetes no

    Works with JupyterHub 5.5 and 6. In a Zero to JupyterHub chart it belongs into
    ``hub.extraConfig``. An entry for the service that is there already (``hub.services``) is
    completed: what it says stays.
    """
    on_kubernetes = spawner == _KUBERNETES
    managed = not on_kubernetes if managed is None else managed
    present = _present(c, service)
    token = token or present.get("api_token") or os.environ.get("ALONGSIDE_TOKEN", "")
    if not managed and not token:
        raise ValueError(
            "A service that the hub does not start needs the `token` that it has been given; "
            "pass it, or put it in the hub's environment as ALONGSIDE_TOKEN."
        )
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
        "url": service_url or _address(service, on_kubernetes),
        "api_token": token,
        "display": False,
        "oauth_no_confirm": True,  # a part of the hub, so nobody is asked about its dashboards
    }
    if managed:
        entry["command"] = list(command or (sys.executable, "-m", "alongside_service"))
        entry["environment"] = _environment(catalogue, home, environment or {})
        if os.geteuid() == 0 if unix_users is None else unix_users:
            entry["environment"].setdefault("ALONGSIDE_ACCOUNT", "{username}")
    if present:
        present.update({**entry, **present, "api_token": token})
    else:
        _append(c.JupyterHub, "services", entry)
    _append(
        c.JupyterHub,
        "load_roles",
        {"name": f"{service}-service", "services": [service], "scopes": list(SERVICE_SCOPES)},
    )
    _let_users_in(c, f"access:services!service={service}")
    _warm_up_with_the_hub(spawner)


def _present(c: Any, service: str) -> dict[str, Any]:
    """The entry of this service that the operator, or a chart, has made already; empty: none."""
    return next((e for e in _entries(c.JupyterHub, "services") if e.get("name") == service), {})


def _address(service: str, on_kubernetes: bool) -> str:
    """Where the service is when nobody says. The namespace is there for sessions in other ones."""
    if not on_kubernetes:
        return "http://127.0.0.1:8790"
    namespace = f".{_NAMESPACE.read_text().strip()}" if _NAMESPACE.is_file() else ""
    return f"http://{service}{namespace}:8790"


def _environment(
    catalogue: str | Path, home: str | Path, more: Mapping[str, str]
) -> dict[str, str]:
    # the hub gives a service that it starts little of its own environment
    named = {name for kind in kinds().values() for name in kind.variables}
    found = {name: os.environ[name] for name in sorted(named) if name in os.environ}
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
