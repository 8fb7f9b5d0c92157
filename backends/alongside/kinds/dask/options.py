"""The options of a Dask cluster: one field, one input of the form."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any

from annotated_types import Le
from pydantic import Field, model_validator

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


class DaskOptions(Options):
    """A scheduler and workers of equal size. With `adaptive`, `workers` does not count."""

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
    adaptive: Adaptive | None = Field(
        None,
        title="Adaptive",
        description="Let the number of workers follow the work, between two bounds.",
    )

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
        return self
