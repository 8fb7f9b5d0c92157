"""Steps before sessions with `slapd`, without a hub: the real hook, a spawner that has a user."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
from jupyterhub.spawner import SimpleLocalProcessSpawner
from tornado import web
from traitlets.config import Config

from alongside_authenticators.ldap import LdapEntry, Refusal, before_spawn
from tests.authenticators.slapd import COUNTER, HUB, PASSWORD, PEOPLE, SUFFIX, Slapd

SETTINGS = {
    "bind_dn": HUB,
    "password": PASSWORD,
    "base_dn": SUFFIX,
    "dn": f"uid={{name}},{PEOPLE}",
    "allocate": {"uidNumber": COUNTER},
    "timeout": 60.0,
    "set_spawner_attributes": {
        "environment": {
            "NB_UID": "{uidNumber}",
            "NB_USER": "{uid}",
            "HOME_THERE": "{homeDirectory}",
        }
    },
}


def spawner_of(
    slapd: Slapd, name: str, state: dict[str, Any] | None = None, **settings: Any
) -> SimpleLocalProcessSpawner:
    """The spawner of this user's session, with the step's settings in its configuration."""

    async def get_auth_state() -> dict[str, Any] | None:
        return state

    there = {"url": slapd.url, "ca_file": str(slapd.ca_file)}
    config = Config({"LdapEntry": SETTINGS | there | settings})
    spawner = SimpleLocalProcessSpawner(config=config)
    spawner.user = SimpleNamespace(name=name, get_auth_state=get_auth_state)
    return spawner


async def spawn(slapd: Slapd, name: str, state: Any = None, **settings: Any) -> dict[str, str]:
    """The environment that the step gives the session of this user."""
    spawner = spawner_of(slapd, name, state, **settings)
    await before_spawn(LdapEntry)(spawner)
    return dict(spawner.environment)


async def refusal(slapd: Slapd, name: str, state: Any = None, **settings: Any) -> Refusal:
    """With what words the session of this user is refused."""
    with pytest.raises(Refusal) as caught:
        await spawn(slapd, name, state, **settings)
    assert isinstance(caught.value, web.HTTPError)
    assert PASSWORD not in str(caught.value)
    return caught.value


def people(slapd: Slapd) -> dict[str, dict[str, list[str]]]:
    return {entry["uid"][0]: entry for entry in slapd.entries(PEOPLE).values() if "uid" in entry}
