"""The contract of a platform: where backends run and where the truth about them is kept.

The platform holds the truth; whoever calls it may be killed at any instant and asks again. To add
a platform, subclass `Platform`, register the class under the entry point group
``alongside.platforms`` and run `alongside.testing.PlatformSuite` on it.
"""

from __future__ import annotations

import asyncio
from abc import ABCMeta, abstractmethod
from collections.abc import AsyncGenerator, AsyncIterator
from dataclasses import dataclass
from typing import ClassVar

from traitlets import MetaHasTraits
from traitlets.config import LoggingConfigurable

from alongside.kinds.base import Kind, Obstacle, Pages
from alongside.models import Capacity, Connection, Spec, Status
from alongside.platforms.shelf import Shelf


@dataclass(frozen=True)
class Observed:
    """A backend as its platform has it: what is stored and what is seen."""

    spec: Spec
    status: Status


@dataclass(frozen=True)
class Removed:
    """A backend of which nothing is left, its record included."""

    id: str


Change = Observed | Removed


class _Meta(MetaHasTraits, ABCMeta):
    """Lets a configurable class have abstract methods."""


class Platform(LoggingConfigurable, metaclass=_Meta):
    """Where backends run.

    All methods are idempotent and bounded in time; each may be called again after a crash in the
    middle of it, also by another process. `launch`, `update` and `stop` return as soon as the
    wish is stored durably and work on it has begun: what becomes of it is seen by `watch`. No
    platform knows a kind by name: what to start comes from `Kind.roles` and `Kind.command`.

    What an implementation guarantees:

    - a backend whose status is `stopped` or `failed` has no process, port, object or file left
      except its record and its logs, and after `stop(..., forget=True)` not these either;
    - the phases follow `alongside.phases.FOLLOWS`;
    - a status of phase `failed` has a reason, a message and a remedy.
    """

    name: ClassVar[str]
    takes_turns: bool = False
    """Whether there can be several services over the same state, of which one acts."""
    claims: bool = False
    """Whether backends can be kept ready and given to their first owner later, by `claim`."""

    @abstractmethod
    async def open(self) -> None:
        """Begin: find what runs already, clear what a crash left behind."""

    @abstractmethod
    async def close(self) -> None:
        """Let go. Backends keep running."""

    def obstacle(self, kind: Kind) -> Obstacle | None:
        """Why no backend of this kind can run here, as far as that is known beforehand."""
        return None

    @abstractmethod
    async def launch(self, spec: Spec) -> None:
        """Store the specification, then start it. With a known id: nothing, whatever the rest.

        Raises StorageFailed when it can't be stored; then nothing is left.
        """

    @abstractmethod
    async def update(self, spec: Spec) -> None:
        """Replace the specification of a backend and work towards it (size, lifetime, shares).

        Raises NotFound when there is none; a generation older than the stored one is ignored.
        """

    async def claim(self, id: str, spec: Spec) -> bool:
        """Give a running backend that is nobody's (`Spec.unclaimed`) to its first owner.

        In one step its specification becomes `spec`, which has the same id and options, the next
        generation and another owner, session, name, lifetime and so on. False, and nothing has
        changed, when it is not there, not running, ending or somebody's already, or when the
        containers that `spec.pod` asks for are others than those that run. Only where `claims`.
        """
        return False

    @abstractmethod
    async def stop(self, id: str, *, forget: bool = True) -> None:
        """End a backend, and with `forget` remove its record and logs after. Unknown: nothing."""

    @abstractmethod
    async def observed(self) -> list[Observed]:
        """All backends, ended ones with a record included. (`observe` belongs to traitlets.)"""

    @abstractmethod
    def watch(self) -> AsyncGenerator[Change, None]:
        """First an `Observed` for each backend, then every change as it happens, without polling
        where the platform can tell. Several watchers may run at once; who leaves early closes it.
        """

    @abstractmethod
    def logs(self, id: str, role: str, lines: int, follow: bool) -> AsyncIterator[str]:
        """The last lines of one process of `Status.roles`, then what comes, if `follow`.

        Raises NotFound for an unknown backend or role.
        """

    @abstractmethod
    async def connection(self, id: str) -> Connection:
        """Address and credentials. Raises NotFound, or NotReady while there is no address."""

    @abstractmethod
    async def dashboard(self, id: str) -> Pages | None:
        """Where the backend's own web pages are, if it has any now."""

    @abstractmethod
    async def capacity(self) -> Capacity:
        """What there is and what is free."""

    def shelf(self) -> Shelf | None:
        """Where the service keeps documents of its own, once this is open; None: nowhere."""
        return None

    async def leading(self) -> None:
        """Return when this object is the one that acts, where several of them take turns.

        The others only watch. Where nobody takes turns, as on one machine, that is at once.
        """

    async def deposed(self) -> None:
        """Return when it was the one that acts and is so no longer. Its process should end then."""
        await asyncio.Event().wait()
