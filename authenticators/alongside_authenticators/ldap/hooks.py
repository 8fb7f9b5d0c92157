"""Several things to do before a session starts, in one of the hub's single slots."""

from __future__ import annotations

import inspect
from collections.abc import Awaitable, Callable
from typing import Any

from alongside_authenticators.ldap.faults import refuse_at_start
from alongside_authenticators.ldap.step import LdapEntry

Hook = Callable[[Any], Any]


def before_spawn(*steps: type[LdapEntry] | Hook) -> Callable[[Any], Awaitable[None]]:
    """A `pre_spawn_hook` that does these steps in their order; the first that fails is the last.

    A step is `LdapEntry`, a subclass of it with settings under its own name, or any other hook
    that takes a spawner, asynchronous or not. What an earlier `LdapEntry` has learnt (a number it
    allocated, an attribute of its entry) fills the templates of later ones.

    In a hub's configuration file: the hub doesn't start with settings by which no session could.
    """

    async def hook(spawner: Any) -> None:
        values: dict[str, str] = {}
        step: Any
        for step in steps:
            if isinstance(step, type) and issubclass(step, LdapEntry):
                values |= await step.for_session(spawner).run(values)
            elif inspect.isawaitable(answer := step(spawner)):
                await answer

    refuse_at_start(hook, [s for s in steps if isinstance(s, type) and issubclass(s, LdapEntry)])
    return hook
