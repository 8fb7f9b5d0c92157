"""The contract of an executor: who carries runs out, and holds the truth about them."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import AsyncIterator
from dataclasses import dataclass, field

from alongside.errors import Conflict
from alongside_workflows.runs import RunSpec, RunStatus

LOG_PART = 2**20
"""Bytes of a log that are told at once to those who follow it."""


@dataclass(frozen=True)
class ObservedRun:
    """A run, as its executor knows it.

    arriving : steps whose process is about to begin, as far as the executor knows; what they are
        going to ask for may be made meanwhile
    """

    spec: RunSpec
    status: RunStatus
    arriving: frozenset[str] = frozenset()


@dataclass(frozen=True)
class RunRemoved:
    """A run of which nothing is left."""

    id: str


RunChange = ObservedRun | RunRemoved


@dataclass(frozen=True)
class Credentials:
    """By what the steps of a run reach the service: its address, and a token for this run only."""

    api: str
    token: str = field(repr=False)


class Executor(ABC):
    """Carries runs out. The service is stateless: what must not be forgotten is kept here.

    All methods are bounded in time, idempotent, and raise AlongsideError. A run goes on when the
    service, the hub and the user's session are gone; it uses nothing of theirs but, where a step
    has a backend, the service's API, which it waits for.
    """

    name: str
    """``local``, ``argo``."""

    @abstractmethod
    async def open(self) -> None:
        """Begin to observe; take runs up whose process has ended without finishing them."""

    @property
    def sees_homes(self) -> bool:
        """Whether paths mean to a step what they mean in the session of the run's owner."""
        return True

    def obstacle(self) -> str:
        """Why it can't carry anything out for now, as a sentence; '' when it can."""
        return ""

    @abstractmethod
    async def close(self) -> None:
        """Let go: runs go on."""

    @abstractmethod
    async def submit(self, spec: RunSpec, credentials: Credentials) -> None:
        """Begin it. When this returns the run is kept for good; of the same id again: nothing."""

    @abstractmethod
    async def cancel(self, id: str) -> None:
        """End it: steps get SIGTERM and 30 s. Unknown or ended: nothing."""

    @abstractmethod
    async def resume(self, id: str, credentials: Credentials) -> None:
        """Go on with a run that has failed or was cancelled.

        Steps that have succeeded are not repeated; the others begin anew, with the next attempt's
        number. Live or succeeded: nothing. Raises NotFound.
        """

    @abstractmethod
    async def forget(self, id: str) -> None:
        """Remove all that there is of a run; a live one is cancelled first. Unknown: nothing."""

    @abstractmethod
    async def observed(self) -> list[ObservedRun]:
        """All runs that it knows."""

    @abstractmethod
    def watch(self) -> AsyncIterator[RunChange]:
        """Changes from now on, within a second of when they happen; ends when it is closed."""

    @abstractmethod
    async def log(self, id: str, step: str, attempt: int, tail: int) -> str:
        """The last lines of what an attempt has printed, `tail` of them. Raises NotFound."""

    async def log_from(self, id: str, step: str, attempt: int, start: int) -> bytes | None:
        """What an attempt has printed from this byte on, `LOG_PART` at most; none of it is lost.

        None where logs are no files, whose bytes stay where they are. Raises NotFound.
        """
        return None

    async def keep(self, id: str, step: str, attempt: int, name: str, packed: bytes) -> None:
        """Keep one of these files, compressed by gzip, which an attempt sends that has ended.

        Only asked where this executor has told its attempts to. Again: nothing. Raises NotFound,
        InvalidRequest for other names and for what is too large.
        """
        raise Conflict("Files of attempts are not sent here.", "They are taken where they lie.")

    @abstractmethod
    async def file(self, id: str, step: str, attempt: int, name: str) -> bytes:
        """One of the files `task.OUTPUT` and `task.CRATE` of an attempt, also while it runs.

        Raises NotFound when there is none yet, InvalidRequest for other names.
        """
