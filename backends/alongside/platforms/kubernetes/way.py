"""How a backend comes to its processes: the steps of a steward that depend on that."""

from __future__ import annotations

from abc import ABC, abstractmethod

from alongside.models import Spec
from alongside.platforms.kubernetes.trouble import Trouble


class Way(ABC):
    """One step each, all of them repeated over and over: whatever is due is done, or nothing."""

    @abstractmethod
    def read(self, spec: Spec) -> None:
        """Take over a specification, which may be the same."""

    @abstractmethod
    async def make(self) -> None:
        """Make what it consists of, where some of it isn't known to be there."""

    @abstractmethod
    async def look(self) -> None:
        """See how it is, and let the phase follow. Raises Ending when that is its end."""

    @abstractmethod
    async def resize(self) -> None:
        """Work towards the size that is wanted."""

    @abstractmethod
    def trouble(self) -> Trouble | None:
        """What keeps it from being as it is wanted, None when nothing is seen to."""
