"""What a backend is: the specification that was asked for, the status that was observed.

`Spec` is desired state and is what a platform stores; `Status` is observed state and is what a
platform reports. `Backend` is both together, as the API shows it. Credentials are in neither:
they are a `Connection`, given only to the owner and those a backend is shared with.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any, Literal

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from alongside.phases import LIVE, Phase
from alongside.units import Duration, Memory, format_memory


class Model(BaseModel):
    """Strict about keys, immutable once made."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


class Record(Model):
    """What we have written or said ourselves, maybe in a newer version: unknown keys are left out.

    So an older replica reads a newer one's records, and a session with an older image its answers.
    """

    model_config = ConfigDict(extra="ignore")


class Resources(Model):
    """An amount of computing: what a backend takes, a quota grants, a platform has."""

    backends: int = Field(0, ge=0, description="Number of backends.")
    workers: int = Field(0, ge=0, description="Number of workers or locales.")
    cores: int = Field(0, ge=0, description="CPU cores.")
    memory: int = Field(0, ge=0, description="Bytes of memory.")
    gpus: int = Field(0, ge=0, description="Number of GPUs.")

    def __add__(self, other: Resources) -> Resources:
        return Resources(**{name: a + b for name, a, b in self._pairs(other)})

    def __sub__(self, other: Resources) -> Resources:
        """What is left; never below zero."""
        return Resources(**{name: max(0, a - b) for name, a, b in self._pairs(other)})

    def _pairs(self, other: Resources) -> list[tuple[str, int, int]]:
        return [(n, getattr(self, n), getattr(other, n)) for n in type(self).model_fields]

    def text(self, name: str) -> str:
        """One amount as people read it: ``3``, ``4 GiB``."""
        value: int = getattr(self, name)
        return format_memory(value) if name == "memory" else str(value)


class Lifetime(Model):
    """When a backend or a session ends by itself. Absent means never."""

    idle: Duration | None = Field(None, description="Ends after this long without work.")
    maximum: Duration | None = Field(None, description="Ends this long after it was asked for.")


class Share(Model):
    """Someone else who may see or use a backend."""

    user: str | None = Field(None, description="Name of a user.")
    group: str | None = Field(None, description="Name of a group.")
    access: Literal["read", "attach"] = Field(
        "read", description="`read`: see state and logs; `attach`: also connect to it."
    )


class Pod(Model):
    """Additions to the pods of a session or a backend, in Kubernetes' own words.

    Platforms without containers ignore them.
    """

    image: str = Field("", description="Container image; empty: the platform's default.")
    node_selector: dict[str, str] = Field({}, description="Labels that the node must have.")
    tolerations: tuple[dict[str, Any], ...] = Field((), description="Taints that are put up with.")
    volumes: tuple[dict[str, Any], ...] = Field((), description="Kubernetes volumes.")
    volume_mounts: tuple[dict[str, Any], ...] = Field((), description="Where these are mounted.")
    environment: dict[str, str] = Field({}, description="Additional environment variables.")
    labels: dict[str, str] = Field({}, description="Additional labels.")
    annotations: dict[str, str] = Field({}, description="Additional annotations.")
    image_pull_secrets: tuple[str, ...] = Field((), description="Names of registry secrets.")
    priority_class: str = Field("", description="Name of a PriorityClass.")
    runtime_class: str = Field("", description="Name of a RuntimeClass.")

    def over(self, below: Pod) -> Pod:
        """These additions on top of others: mappings and lists are joined, the rest replaced."""
        joined: dict[str, Any] = {}
        for name in type(self).model_fields:
            mine, theirs = getattr(self, name), getattr(below, name)
            if isinstance(mine, dict):
                joined[name] = {**theirs, **mine}
            elif isinstance(mine, tuple):
                joined[name] = (*(item for item in theirs if item not in mine), *mine)
            else:
                joined[name] = mine or theirs
        return Pod(**joined)


class Reservation(Record):
    """An attempt of a step that computes on a backend which keeps no two apart, or is to be next.

    They are in the order in which they came; see `alongside.reservations`.
    """

    run: str = Field(description="Id of the run.")
    workflow: str = Field(description="Name of its workflow.")
    step: str = Field(description="Name of the step.")
    attempt: int = Field(description="Number of the attempt.")
    together: bool = Field(False, description="Whether it computes beside others that say so too.")
    since: AwareDatetime = Field(description="When it asked.")


class Spec(Record):
    """Desired state: all that a platform needs to run the backend, after validation."""

    id: str
    name: str
    kind: str
    platform: str
    profile: str
    owner: str = Field(description="Name of a user; '' while it is kept ready for whoever comes.")
    session: str | None = Field(
        description="Name of the session that it belongs to ('' is the default one); null: none."
    )
    options: dict[str, Any] = Field(description="As the kind's options model dumps it to JSON.")
    resources: Resources = Field(description="What it counts for; adaptive counts its maximum.")
    lifetime: Lifetime = Lifetime()
    keep: bool = Field(False, description="Whether it outlives its session.")
    start_timeout: Duration = Field(
        timedelta(minutes=5), description="Failed when it isn't running after this long."
    )
    directory: str = Field(
        "", description="Working directory of its processes, where there is one."
    )
    account: str = Field("", description="Unix account that its processes run as; '' is ours.")
    pod: Pod = Field(Pod(), description="What its containers have besides, where there are such.")
    shares: tuple[Share, ...] = ()
    created: AwareDatetime = Field(description="When its owner asked for it.")
    needed: AwareDatetime | None = Field(
        None, description="When its owner last said that it is still needed."
    )
    claimed: str = Field(
        "", description="The id that the launch which claimed it would have had; '' if none did."
    )
    run: str = Field("", description="Id of the run that it was made for; '' if for none.")
    reservations: tuple[Reservation, ...] = Field(
        (), description="Which steps compute on it or wait for that, first come first served."
    )
    generation: int = Field(1, description="Counts the changes of this specification.")
    stop: bool = Field(False, description="Whether it is to end.")
    forget: bool = Field(False, description="Whether its record goes as soon as it has ended.")

    @property
    def unclaimed(self) -> bool:
        """Whether it is kept ready and nobody's yet."""
        return not self.owner

    @property
    def expires(self) -> datetime | None:
        """When its maximum lifetime ends."""
        return self.created + self.lifetime.maximum if self.lifetime.maximum else None


class Stage(Record):
    """One line of the story of a backend, as a person would tell it."""

    time: AwareDatetime
    message: str


class Usage(Record):
    """What the processes of a backend use right now."""

    cpu: float = Field(0.0, description="Cores in use, for instance 1.7.")
    memory: int = Field(0, description="Bytes of resident memory.")


class Status(Record):
    """Observed state."""

    phase: Phase = Phase.PENDING
    reason: str = Field("", description="One CamelCase word for programs.")
    message: str = Field("", description="A sentence for people.")
    remedy: str = Field("", description="What to do about it.")
    generation: int = Field(0, description="The generation of the specification it reflects.")
    ready: int = Field(0, description="Members (workers, locales) that can be used.")
    wanted: int = Field(0, description="Members that are aimed at.")
    started: AwareDatetime | None = Field(None, description="When it was first running.")
    ended: AwareDatetime | None = None
    idle_since: AwareDatetime | None = None
    usage: Usage = Usage()
    stages: tuple[Stage, ...] = Field((), description="The last lines of its story, oldest first.")
    address: str = Field("", description="Where clients connect; no credential in it.")
    roles: tuple[str, ...] = Field((), description="Names that logs can be asked for.")
    versions: dict[str, str] = Field({}, description="Library versions on the backend's side.")
    facts: dict[str, str] = Field({}, description="What else is known of it, by title.")

    @property
    def live(self) -> bool:
        return self.phase in LIVE


class Backend(Record):
    """One Dask cluster or Arkouda locale group, as the API shows it."""

    id: str
    name: str
    kind: str
    platform: str
    profile: str
    owner: str
    session: str | None
    options: dict[str, Any]
    resources: Resources
    lifetime: Lifetime
    keep: bool
    shares: tuple[Share, ...]
    created: AwareDatetime
    needed: AwareDatetime | None = None
    run: str = Field("", description="Id of the run that it was made for; '' if for none.")
    reservations: tuple[Reservation, ...] = Field(
        (), description="Which steps compute on it or wait for that, first come first served."
    )
    phase: Phase
    reason: str
    message: str
    remedy: str
    ready: int
    wanted: int
    started: AwareDatetime | None
    ended: AwareDatetime | None
    idle_since: AwareDatetime | None
    expires: AwareDatetime | None = Field(description="The earliest time at which it may end.")
    usage: Usage
    stages: tuple[Stage, ...]
    roles: tuple[str, ...]
    versions: dict[str, str]
    facts: dict[str, str] = {}

    @classmethod
    def of(cls, spec: Spec, status: Status) -> Backend:
        """The public view of a specification and its status."""
        ends = [spec.expires] if spec.expires else []
        if spec.lifetime.idle and (since := idle_from(spec, status)):
            ends.append(since + spec.lifetime.idle)
        own = {n: getattr(spec, n) for n in cls.model_fields if n in Spec.model_fields}
        seen = {n: getattr(status, n) for n in cls.model_fields if n in Status.model_fields}
        live = status.phase in LIVE
        return cls.model_construct(**own, **seen, expires=min(ends) if ends and live else None)


class Connection(Record):
    """How a client reaches a backend, credentials included. Never logged, never in an event."""

    kind: str
    address: str = Field(description="For Dask `tls://host:port`, for Arkouda `tcp://host:port`.")
    credentials: dict[str, str] = Field(
        description="By kind; for Dask `ca`, `cert` and `key` as PEM text, for Arkouda `token`.",
        repr=False,
    )
    dashboard: str = Field("", description="Path of the dashboard under the service, if any.")


class Capacity(Record):
    """What a platform has in all and what is free now; zero `total` means unknown."""

    total: Resources
    free: Resources


def idle_from(spec: Spec, status: Status) -> datetime | None:
    """From when on its idleness counts; None while it works."""
    if status.idle_since is None:
        return None
    moments = (status.idle_since, spec.created, status.started, spec.needed)
    return max(moment for moment in moments if moment is not None)


def now() -> datetime:
    """The present, in UTC."""
    return datetime.now(UTC)


__all__ = [
    "Backend",
    "Capacity",
    "Connection",
    "Lifetime",
    "Memory",
    "Model",
    "Pod",
    "Record",
    "Reservation",
    "Resources",
    "Share",
    "Spec",
    "Stage",
    "Status",
    "Usage",
    "idle_from",
    "now",
]
