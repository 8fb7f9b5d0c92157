"""The contract of a kind of backend: what it is made of and how one talks to it.

A kind knows what to start and how to ask it how it is; it does not know where it runs. A platform
knows where and how to run processes; it does not know what they are. To add a kind, subclass
`Kind`, register the class under the entry point group ``alongside.kinds`` and run
`alongside.testing.KindSuite` on it.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, MutableMapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar, Literal

from pydantic import ConfigDict

from alongside.errors import InvalidRequest, NotReady
from alongside.models import Connection, Model, Resources, Spec, Usage


class Options(Model):
    """Base of the options model of a kind: one field, one input of the form.

    `title`, `description` and the bounds of each field appear in the form as they are. Where a
    profile narrows a field, `alongside.catalogue` derives a model with tighter bounds from this
    one, so that there is one schema and one validation.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False, strict=False)


@dataclass(frozen=True)
class Role:
    """One sort of process of a backend.

    `essential`: when its process ends, the backend has failed; otherwise it is started again.
    `members`: its processes are what `ready` and `wanted` count and what scaling changes.
    `cores` and `memory` (bytes) bound each process; 0 means unbounded. `gpus` is for each too.
    `ports` and `health` count where each process has a network address of its own: the ports by
    name, and the path on the port ``"http-dashboard"`` that answers 200 over HTTPS while it works.
    """

    name: str
    count: int
    essential: bool
    members: bool
    cores: int = 0
    memory: int = 0
    gpus: int = 0
    ports: Mapping[str, int] = field(default_factory=dict)
    health: str = ""


@dataclass(frozen=True)
class Place:
    """Where the processes of one backend run, as its platform arranged it.

    `directory` is private to the backend's account (mode 0700) and exists on every host of the
    backend; secrets are in ``directory / "secrets"``, one file for each key of `Kind.secrets`,
    and ``directory / "run"`` is for sockets and address files, gone when the backend has ended.
    `host` is the address to bind and to announce.

    Where processes have network addresses of their own, `run` is not shared between them. Then
    `head` is the host name or address at which the essential role's `Role.ports` are reached; it
    is empty on one machine. For a reader outside of these hosts (`Kind.observe`, `Kind.shrink`)
    `credentials` has what is in the files of `secrets`.
    """

    directory: Path
    host: str = "127.0.0.1"
    head: str = ""
    credentials: Mapping[str, bytes] = field(default_factory=dict, repr=False)

    @property
    def secrets(self) -> Path:
        return self.directory / "secrets"

    @property
    def run(self) -> Path:
        return self.directory / "run"

    def secret(self, name: str) -> bytes:
        """One of the backend's credentials. Raises NotReady when it isn't there (any more)."""
        if name in self.credentials:
            return self.credentials[name]
        try:
            return (self.secrets / name).read_bytes()
        except OSError:
            raise NotReady("Its credentials are gone; it is ending.", "Launch it again.") from None


@dataclass(frozen=True)
class Pages:
    """How a backend's own web pages are reached: by a Unix socket, or by a URL.

    `url` is ``https://host:port`` without a path; `authority` (PEM) vouches for its certificate,
    which names no host; `headers` are sent along with every request. They are credentials.
    """

    socket: Path | None = None
    url: str = ""
    authority: str = ""
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)


@dataclass(frozen=True)
class Command:
    """How to start one process.

    `argv` is executed as it stands. `entry` (``"module:function"``) does the same inside a
    forked interpreter that has already imported `Kind.preload`: it is called without arguments
    after ``sys.argv`` and the environment have been set. Secrets appear in neither.
    """

    argv: tuple[str, ...]
    entry: str = ""
    env: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Observation:
    """What a backend says of itself.

    `ready` has the names of the members that can be used; `idle_since` is a POSIX time in seconds
    or None while there is work; `target` is how many members an adaptive backend would like.
    `versions` are those of libraries that a client needs too, by distribution; `facts` are what
    people like to know besides, by their titles.
    """

    ready: frozenset[str]
    address: str
    idle_since: float | None = None
    target: int | None = None
    usage: Usage | None = None
    versions: Mapping[str, str] = field(default_factory=dict)
    facts: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Obstacle:
    """Why something can't be had, or has ended: for programs, for people, and what to do."""

    reason: str
    message: str
    remedy: str


Tell = Callable[[str, int, int], None]
"""Hears of progress: what is being done, how many parts are done, and of how many."""


class Kind(ABC):
    """What a backend is made of. Instances have no state; all methods may run anywhere.

    Methods that talk to a running backend (`observe`, `shrink`) are synchronous, bounded by their
    `timeout` in seconds and raise `alongside.errors.NotReady` while it can't answer.
    """

    name: ClassVar[str]
    """The word in specifications and URLs, e.g. ``"dask"``."""
    title: ClassVar[str]
    """As people read it, e.g. ``"Dask cluster"``."""
    description: ClassVar[str]
    """One or two short sentences for the form."""
    member: ClassVar[str]
    """What `ready` and `wanted` count, in the singular, e.g. ``"worker"``."""
    Options: ClassVar[type[Options]]
    """The pydantic model of its options."""
    scaling: ClassVar[Literal["live", "relaunch"]]
    """``live``: members come and go while it works; ``relaunch``: a new size is a new start."""
    exclusive: ClassVar[bool] = False
    """Whether it keeps those who compute on it not apart, so that steps do it one by one."""
    operated: ClassVar[bool] = False
    """Whether on Kubernetes an operator of ours runs it, from one object that describes it."""
    variables: ClassVar[tuple[str, ...]] = ()
    """Variables of the service's environment that its commands see on one machine."""
    preload: ClassVar[tuple[str, ...]] = ()
    """Modules that a warm process imports beforehand. They must not start threads."""
    environment: ClassVar[Mapping[str, str]] = {}
    """Variables by which the kernels of a session find its own backend of this kind."""

    @abstractmethod
    def resources(self, options: Any) -> Resources:
        """What these options count for in a quota (`backends=1`; adaptive: its maximum)."""

    @abstractmethod
    def wanted(self, options: Any) -> int:
        """The number of members to start with, of all roles (adaptive: its minimum)."""

    @abstractmethod
    def bounds(self, options: Any) -> tuple[int, int] | None:
        """Minimum and maximum number of members of an adaptive backend, None for a fixed size."""

    @abstractmethod
    def change(self, options: Any, patch: Mapping[str, Any]) -> dict[str, Any]:
        """The options (plain JSON, not validated) that result from a PATCH of a running backend.

        Raises InvalidRequest for a field that can't be changed while it runs.
        """

    @abstractmethod
    def secrets(self, spec: Spec) -> dict[str, bytes]:
        """New credentials of one backend: file name to content. Called once, at launch."""

    @abstractmethod
    def roles(self, options: Any) -> tuple[Role, ...]:
        """The processes to start, in order; they end in the reverse order.

        Where several have members, an adaptive backend varies the number of the first of these;
        the others keep their `count` until the options change.
        """

    @abstractmethod
    def command(self, role: Role, name: str, spec: Spec, place: Place) -> Command:
        """How to start the process `name` (``"scheduler"``, ``"worker-3"``) of a role."""

    @abstractmethod
    def observe(self, spec: Spec, place: Place, timeout: float) -> Observation:
        """Ask the backend how it is."""

    @abstractmethod
    def shrink(
        self, spec: Spec, place: Place, count: int, timeout: float, role: str = ""
    ) -> tuple[str, ...]:
        """Let `count` members go without losing data; the names of those that went.

        `role`: the name of the role whose members these are; empty: any. Fewer than asked, or
        none, when the data of the others would not fit.
        """

    @abstractmethod
    def connection(self, spec: Spec, address: str, secrets: Mapping[str, bytes]) -> Connection:
        """What a client needs, from the address observed and the credentials made at launch."""

    @abstractmethod
    def attach(self, connection: Connection, name: str) -> Any:
        """In a kernel: the connected client object of this kind (e.g. a `distributed.Client`)."""

    def counted(self, number: int) -> str:
        """So many members, in words."""
        return f"{number} {self.member}{'' if number == 1 else 's'}"

    def missing(self) -> Obstacle | None:
        """Why it can't be run on this machine, as far as that can be told beforehand."""
        return None

    def epitaph(self, place: Place) -> Obstacle | None:
        """Why an essential process has ended, if it said so before."""
        return None

    def advice(self, options: Any) -> str:
        """A sentence about the size for who is about to choose it; empty when there is nothing."""
        return ""

    def snapshot(
        self, namespace: MutableMapping[str, Any], directory: Path, tell: Tell
    ) -> tuple[str, ...]:
        """In a kernel: save what these variables have in the backend that it is attached to.

        The names saved, each verified to be readable again. The backend stays as it is; so it does
        when an AlongsideError says what can't be saved. Only where `scaling` is ``relaunch``.
        """
        raise InvalidRequest(f"A {self.title} has nothing to save.", "Scale it as it runs.")

    def restore(
        self, namespace: MutableMapping[str, Any], directory: Path, tell: Tell
    ) -> tuple[str, ...]:
        """In a kernel: load into these variables what `snapshot` has saved; their names."""
        raise InvalidRequest(f"A {self.title} has nothing to restore.", "Scale it as it runs.")

    def dashboard(self, place: Place) -> Pages | None:
        """Where the backend serves web pages of its own, if it has any."""
        return None

    def close(self) -> None:  # noqa: B027 - most keep none
        """Let go of connections that `observe` and `shrink` keep between calls."""
