"""What the service holds now, as far as this session may see it, with the past of its usage."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable
from typing import Any

from alongside.phases import LIVE
from alongside.versions import mismatches

REMEMBERED = 120
"""Samples of each backend's usage that are kept."""

Backend = dict[str, Any]
"""A backend as the API shows it; in the mirror with `mismatches` of versions."""
Sample = tuple[int, float, int]
"""Milliseconds since 1970, cores in use, bytes of memory."""


class Mirror:
    """The backends by id, in the order in which they were first seen."""

    def __init__(self) -> None:
        self._backends: dict[str, Backend] = {}
        self._histories: dict[str, deque[Sample]] = {}

    def __len__(self) -> int:
        return len(self._backends)

    def get(self, id: str) -> Backend | None:
        """The backend of this id."""
        return self._backends.get(id)

    def replace(self, backends: Iterable[Backend], time: int) -> bool:
        """Take a new snapshot; whether anything differs. `time` in milliseconds since 1970."""
        before = self._backends
        self._backends = {backend["id"]: _compared(backend) for backend in backends}
        for id in self._histories.keys() - self._backends.keys():
            del self._histories[id]
        for id, backend in self._backends.items():
            if before.get(id) != backend:
                self._sample(backend, time)
        return before != self._backends

    def put(self, backend: Backend, time: int) -> Sample | None:
        """Take note of a backend that is new or has changed; its sample, if it is one to keep."""
        self._backends[backend["id"]] = _compared(backend)
        return self._sample(backend, time)

    def drop(self, id: str) -> bool:
        """Forget a backend; False when it was not known."""
        self._histories.pop(id, None)
        return self._backends.pop(id, None) is not None

    def document(self) -> list[dict[str, Any]]:
        """All backends, each with its `history`."""
        return [
            {**backend, "history": list(self._histories.get(id, ()))}
            for id, backend in self._backends.items()
        ]

    def _sample(self, backend: Backend, time: int) -> Sample | None:
        if backend.get("phase") not in LIVE or not backend.get("started"):
            return None
        usage = backend.get("usage") or {}
        sample = (time, float(usage.get("cpu", 0.0)), int(usage.get("memory", 0)))
        known = self._histories.setdefault(backend["id"], deque(maxlen=REMEMBERED))
        known.append(sample)
        return sample


def _compared(backend: Backend) -> Backend:
    """With the libraries whose versions are others in this server's environment.

    What is not installed here may well be where kernels run; attaching there tells if it isn't.
    """
    found = [each for each in mismatches(backend.get("versions") or {}) if each.here]
    return {**backend, "mismatches": [mismatch._asdict() for mismatch in found]}
