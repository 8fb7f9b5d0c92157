"""A backend as it was last seen, as people and libraries look at it."""

from __future__ import annotations

from collections.abc import Generator
from typing import TYPE_CHECKING, Any, Self

from alongside.card import card, live_card
from alongside.models import Backend
from alongside.phases import ENDED, Phase

if TYPE_CHECKING:
    from alongside.asking import Asker


class Face:
    """What can be told of a backend without asking, and what distributed asks of a cluster."""

    _service: Asker

    def __init__(self, state: Backend) -> None:
        self.state = state
        """All that was last seen of it; `refresh` looks again."""

    def __await__(self) -> Generator[Any, None, Self]:
        # distributed awaits the cluster that it is given; this one has been started already
        yield from ()
        return self

    @property
    def id(self) -> str:
        """Its id, the same for good."""
        return self.state.id

    @property
    def name(self) -> str:
        """What its owner calls it."""
        return self.state.name

    @property
    def kind(self) -> str:
        """What it is: `dask`."""
        return self.state.kind

    @property
    def phase(self) -> Phase:
        """Where it is in its life, as last seen."""
        return self.state.phase

    @property
    def scheduler_address(self) -> str:
        """The address that `distributed.Client` connects to (Dask only)."""
        if self.kind != "dask":
            raise AttributeError(f"a backend of kind {self.kind} has no scheduler_address")
        return f"alongside://{self.id}"

    @property
    def security(self) -> Any:
        """The `distributed.Security` to connect with; it gets its certificates on the way."""
        from alongside.kinds.dask.comm import security

        return security()

    @property
    def dashboard_link(self) -> str:
        """URL of its dashboard behind the hub's login, as far as it is known here."""
        from alongside.links import dashboard_link

        return dashboard_link(self.id)

    @property
    def status(self) -> Any:
        """Its phase as the `distributed.Status` of a cluster."""
        from distributed.core import Status

        if self.phase in ENDED:
            return Status.closed
        return Status.closing if self.phase is Phase.STOPPING else Status.running

    def __repr__(self) -> str:
        s = self.state
        return f"<{s.kind} backend {s.name!r}: {s.phase}, {s.ready} of {s.wanted} ready ({s.id})>"

    def _repr_html_(self) -> str:
        return card(self.state)

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, Any]:
        bundle = {
            "text/plain": repr(self),
            "text/html": card(self.state),
            **live_card(self._service.endpoint, self.state),
        }
        return {
            mime: data
            for mime, data in bundle.items()
            if (not include or mime in include) and mime not in (exclude or ())
        }

    def _take(self, other: Face) -> Self:
        self.state = other.state
        return self

    def _ending(self, phase: Phase) -> Self:
        """It has been asked to end, or has; one that had ended before is as it was."""
        if self.phase not in ENDED:
            self.state = self.state.model_copy(update={"phase": phase})
        return self
