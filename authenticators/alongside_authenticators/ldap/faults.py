"""Faults in settings of steps, found when the hub starts instead of when a session does.

Only what the settings themselves say is looked at, and the files that they name; the directory may
be away while a hub starts.
"""

from __future__ import annotations

import asyncio
import math
from collections.abc import Callable, Sequence
from typing import Any

from traitlets import TraitError
from traitlets.config import Application, LoggingConfigurable

from alongside_authenticators.ldap.errors import Misconfigured
from alongside_authenticators.ldap.filters import read
from alongside_authenticators.ldap.identity import NAME, SUBJECT
from alongside_authenticators.ldap.step import LdapEntry
from alongside_authenticators.ldap.templates import escape_rdn, fill

ANY = "1000"
"""Stands for every value of a user: it can be a name, a number and a part of a path."""


class Values(dict[str, str]):
    """What is known while a session starts, as far as that is known before anybody's does.

    With the name `SUBJECT` every part of a certificate's subject: which there are, depends on whose
    it is.
    """

    def __contains__(self, name: object) -> bool:
        if isinstance(name, str) and name.startswith(SUBJECT):
            name = SUBJECT
        return super().__contains__(name)

    def __missing__(self, name: str) -> str:
        return ANY


def refuse_at_start(hook: Callable[..., Any], steps: Sequence[type[LdapEntry]]) -> None:
    """Have the hub whose configuration is being read end if these steps could do nothing.

    A hub reads its configuration within its event loop, so the loop's next turn is the first moment
    at which all of it is there, and comes before anybody is served. It is looked at only if `hook`
    is what the hub's spawner does before sessions. Where no hub is being started nothing happens.
    """
    try:
        loop = asyncio.get_running_loop()
    except RuntimeError:
        return
    hub: Any = Application.instance() if Application.initialized() else None
    if not hasattr(hub, "spawner_class"):
        return

    def look() -> None:
        sections = [hub.config.get(name, {}) for name in hub.spawner_class.section_names()]
        if not any(section.get("pre_spawn_hook") is hook for section in sections):
            return
        values = Values({NAME: ANY})
        parent = _parent_like(hub.spawner_class, hub)
        for step in steps:
            try:
                made: Any = step
                rehearse(made(parent=parent), values, hub.spawner_class)
            except (Misconfigured, TraitError) as error:
                hub.log.critical("%s: %s", step.__name__, error)
                hub.exit(1)

    loop.call_soon(look)


def _parent_like(spawner: Any, hub: Any) -> LoggingConfigurable:
    """What has the settings of a spawner's steps, without being one, for which a user is needed."""

    class Parent(LoggingConfigurable):
        @classmethod
        def section_names(cls) -> list[str]:
            names: list[str] = spawner.section_names()
            return names

    made: Any = Parent
    parent: Parent = made(parent=hub)
    return parent


def rehearse(step: LdapEntry, values: Values, spawner: Any) -> None:
    """Fill all templates of a step once, and add to `values` what it leaves to later steps.

    Misconfigured for what would refuse every session.
    """
    values.update(dict.fromkeys(step.prepare(), ANY))
    if not (0 < step.timeout < math.inf):
        raise Misconfigured("timeout has to be a number of seconds.")
    server = step.server()
    if server.tls != "none":
        server.context()
    step.secret()
    shape = step.shape()
    if step.subject:
        if step.subject not in step.auth_state:
            raise Misconfigured(f"auth_state doesn't name {step.subject}, the subject.")
        values[SUBJECT] = ANY
    for name, lookup in step.lookups.items():
        fill(lookup.get("base", step.base_dn), values, escape_rdn)
        read(lookup["filter"], values)
        values[name] = ANY
    shape.search(values)
    if step.search_filter:
        read(step.search_filter, values, 1)
    if step.create:
        if not step.dn:
            raise Misconfigured("dn isn't set.")
        values.update(dict.fromkeys(filter(shape.needs, step.allocate), ANY))
        fill(step.dn, values, escape_rdn)
        shape.entry(values)
    values.update(dict.fromkeys(shape.attributes, ANY))
    for name in shape.update:
        shape.wanted(name, values)
    step.refuse_unfitting(spawner.class_traits(config=True), values)
