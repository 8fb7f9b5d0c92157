"""The options of a Dask cluster: one field, one input of the form."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any

from annotated_types import Le
from pydantic import Field, TypeAdapter, ValidationError, model_validator

from alongside.kinds.base import Options
from alongside.models import Model
from alongside.units import Memory


class Adaptive(Model):
    """Bounds between which the number of workers follows the work."""

    minimum: int = Field(1, ge=0, le=10_000, title="At least", description="Workers kept.")
    maximum: int = Field(2, ge=1, le=10_000, title="At most", description="Workers at most.")

    @model_validator(mode="after")
    def _ordered(self) -> Adaptive:
        if self.minimum > self.maximum:
            raise ValueError("minimum is more than maximum; choose a minimum up to the maximum")
        return self


class Group(Model):
    """More workers, of another size than the first ones."""

    name: str = Field(
        pattern=r"^[a-z]([a-z0-9-]{0,18}[a-z0-9])?$",
        title="Name",
        description="Lower-case letters, digits and hyphens; its workers are NAME-1, NAME-2, ...",
    )
    workers: int = Field(1, ge=0, le=10_000, title="Workers", description="Their number.")
    cores: int = Field(1, ge=1, le=1024, title="Cores each", description="Cores, and threads.")
    memory: Memory = Field(2**30, title="Memory each", description="Memory of each.")
    gpus: int = Field(0, ge=0, le=64, title="GPUs each", description="GPUs of each.")


_AMOUNTS = ("cores", "memory", "gpus")
_TAKEN = ("worker", "default", "scheduler", "supervisor")


class DaskOptions(Options):
    """A scheduler and workers of equal size, and groups of others.

    With `adaptive`, `workers` does not count. Groups keep their size.
    """

    workers: Annotated[int, Le(10_000)] = Field(
        2, ge=1, title="Workers", description="Number of worker processes."
    )
    cores: Annotated[int, Le(1024)] = Field(
        1, ge=1, title="Cores each", description="Cores, and threads, of each worker."
    )
    memory: Memory = Field(
        2**30,
        title="Memory each",
        description="Memory of each worker; one that needs more spills to disk, then is replaced.",
        json_schema_extra={"format": "memory"},
    )
    gpus: Annotated[int, Le(64)] = Field(
        0,
        ge=0,
        title="GPUs each",
        description="GPUs of each worker, which also has as many of Dask's resource GPU.",
    )
    adaptive: Adaptive | None = Field(
        None,
        title="Adaptive",
        description="Let the number of workers follow the work, between two bounds.",
    )
    groups: tuple[Group, ...] = Field(
        (),
        max_length=16,
        title="Other workers",
        description="Groups of workers of other sizes: name, workers, cores, memory, gpus each. "
        "The same bounds hold for them as for the others.",
        json_schema_extra={"format": "hidden"},
    )

    @property
    def others(self) -> int:
        """The number of workers in groups."""
        return sum(group.workers for group in self.groups)

    @property
    def most(self) -> int:
        """The most workers there may be of those that groups don't count."""
        return self.adaptive.maximum if self.adaptive else self.workers

    @model_validator(mode="before")
    @classmethod
    def _workers_alone_mean_fixed(cls, data: Any) -> Any:
        # a profile may be adaptive by default; who asks for three workers means three
        if isinstance(data, Mapping) and "workers" in data and "adaptive" not in data:
            return {**data, "adaptive": None}
        return data

    @model_validator(mode="after")
    def _adaptive_within_bounds(self) -> DaskOptions:
        metadata = type(self).model_fields["workers"].metadata
        bounds: list[Any] = [m.le for m in metadata if isinstance(m, Le)]
        most = min(bounds)
        if self.adaptive and self.adaptive.maximum > most:
            raise ValueError(f"adaptive.maximum is too large; choose at most {most}")
        self._check_groups(most)
        return self

    def _check_groups(self, most: int) -> None:
        """Groups keep to the bounds of the others, unless the profile itself has them."""
        fields = type(self).model_fields
        own: tuple[Group, ...] = fields["groups"].default
        if self.groups != own and self.most + self.others > most:
            raise ValueError(f"there are too many workers with groups; choose at most {most}")
        names = [group.name for group in self.groups]
        for group in self.groups:
            if group.name in _TAKEN or names.count(group.name) > 1:
                raise ValueError(f"groups: the name {group.name} is taken; choose another one")
            for amount in _AMOUNTS:
                value = getattr(group, amount)
                if any(o.name == group.name and getattr(o, amount) == value for o in own):
                    continue
                bounded: Any = Annotated[fields[amount].annotation, *fields[amount].metadata]
                try:
                    TypeAdapter(bounded).validate_python(value)
                except ValidationError as error:
                    why = error.errors()[0]["msg"].removeprefix("Value error, ")
                    raise ValueError(f"groups: {amount} of {group.name}: {why}") from None
