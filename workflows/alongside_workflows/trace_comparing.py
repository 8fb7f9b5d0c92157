"""Whether the files of a trace are still what a step has read or made."""

from __future__ import annotations

from pathlib import Path

from alongside_workflows.step import staging
from alongside_workflows.step.hashing import sha256
from alongside_workflows.tracing import Act, File, Trace

MOST = 2**30
"""Bytes that are read in all unless said otherwise."""


def compared(trace: Trace, most: int = MOST) -> Trace:
    """The same, each file with how what lies there `now` compares with it. Reads them.

    What isn't on this machine, can't be read, or would take more than `most` bytes with those
    before it, is left open. The file that is traced comes first, then what was made last.
    """
    here = _Here(most)
    file = here.compared(trace.file)
    return trace.model_copy(update={"file": file, "acts": tuple(map(here.told, trace.acts))})


class _Here:
    """What lies on this machine; each place is read once."""

    def __init__(self, most: int) -> None:
        self._left = most
        self._hashes: dict[str, str | None] = {}

    def told(self, act: Act) -> Act:
        made = tuple(map(self.compared, act.made))
        code = self.compared(act.code)
        read = tuple(map(self.compared, act.read))
        return act.model_copy(update={"made": made, "code": code, "read": read})

    def compared(self, file: File) -> File:
        if not file.sha256 or not file.place.startswith("file://"):
            return file
        if file.place not in self._hashes:
            self._hashes[file.place] = self._hash(staging.local(file.place, Path("/")))
        hash = self._hashes[file.place]
        if hash is None:
            return file
        now = "missing" if not hash else "same" if hash == file.sha256 else "changed"
        return file.model_copy(update={"now": now})

    def _hash(self, path: Path) -> str | None:
        """'' if nothing is there, None if that isn't looked at."""
        try:
            if not path.exists():
                return ""
            size = staging.size(path)
            if size > self._left:
                return None
            self._left -= size
            return sha256(path)
        except OSError:
            return None


__all__ = ["MOST", "compared"]
