"""What steps ask for: resources, backends, to be tried again, not to begin all at once."""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated, Any

from pydantic import Field, StringConstraints

from alongside.models import Model
from alongside.units import Duration, Memory

_LONG = 4096
Place = Annotated[str, StringConstraints(min_length=1, max_length=_LONG, pattern=r"^[^\x00\n]+$")]
"""A path, absolute or from the workflow's directory, or an fsspec URL (``s3://bucket/key``)."""
Text = Annotated[str, StringConstraints(max_length=_LONG)]
Words = Annotated[tuple[Text, ...], Field(min_length=1, max_length=1000)]
"""Program and arguments."""


class Amounts(Model):
    """What the process of a step gets; its backend comes on top."""

    cores: float | None = Field(None, gt=0, le=1024, description="CPU cores, for instance 0.5.")
    memory: Memory | None = Field(None, description="Bytes of memory.")
    gpus: int = Field(0, ge=0, le=64, description="Number of GPUs.")


class BackendWish(Model):
    """The backend that a step computes on."""

    kind: str = Field("dask", max_length=63, description="`dask`, `arkouda`, or another kind.")
    profile: str | None = Field(
        None, max_length=_LONG, description="Default: the first profile that offers the kind."
    )
    options: dict[str, Any] = Field({}, description="Size, by the kind's schema.")
    minimum: int | None = Field(
        None, ge=0, description="Members that must be there before the step begins; default: all."
    )
    wait: Duration = Field(
        timedelta(minutes=15), description="How long it is waited for; then the attempt fails."
    )


class Retry(Model):
    """How often a step that fails is tried again, and after which pauses."""

    times: int = Field(0, ge=0, le=20, description="Attempts after the first.")
    pause: Duration = Field(timedelta(seconds=5), description="Before the second attempt.")
    factor: float = Field(2.0, ge=1, le=10, description="How much longer each further pause is.")
    longest: Duration = Field(timedelta(minutes=10), description="No pause is longer.")
    backend: BackendWish | None = Field(
        None,
        description="What every attempt but the first computes on: a larger backend, or one "
        "elsewhere. The one before ends.",
    )
    notebook: Place | None = Field(
        None, description="What every attempt but the first executes instead of its notebook."
    )
    command: Words | None = Field(
        None, description="What every attempt but the first runs instead of its command."
    )

    def pause_before(self, attempt: int) -> timedelta:
        """The pause before this attempt; the first one is number 1 and has none."""
        if attempt < 2:
            return timedelta()
        grown = self.pause.total_seconds() * self.factor ** min(attempt - 2, 64)
        return timedelta(seconds=min(grown, self.longest.total_seconds()))


class Throttle(Model):
    """How many attempts begin in a span of time, whenever that is taken."""

    starts: int = Field(ge=1, le=1000, description="How many at most.")
    per: Duration = Field(
        timedelta(minutes=1), gt=timedelta(), description="The time that they are counted over."
    )
