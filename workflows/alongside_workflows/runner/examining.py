"""Looking whether a step would repeat itself: in a process of its own, as files may be big."""

from __future__ import annotations

import contextlib
import os
import signal
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass

from pydantic import JsonValue, ValidationError

from alongside.models import Record
from alongside.platforms.local.process import end_with_parent
from alongside_workflows import digest
from alongside_workflows.digest import Index, Outcome
from alongside_workflows.model import Step, Workflow

_LONGEST = 3600.0  # seconds; then the step is executed without further ado


class Finding(Record):
    """What was found out; without a digest, nothing could be."""

    digest: str = ""
    outcome: Outcome | None = None


@dataclass
class Examination:
    """A child of this process that computes a step's digest and looks the outcome up."""

    step: str
    descriptor: int
    reading: int
    """Becomes readable when it has ended."""
    deadline: float
    _text: bytes = b""

    @classmethod
    def of(
        cls, step: Step, values: Mapping[str, JsonValue], flow: Workflow, index: Index
    ) -> Examination:
        """Begin one. Raises OSError."""
        digest.environment()  # once for all children
        reading, writing = os.pipe()
        parent = os.getpid()
        sys.stdout.flush()
        sys.stderr.flush()
        pid = os.fork()
        if pid == 0:
            try:
                end_with_parent(parent)
                signal.set_wakeup_fd(-1)
                signal.signal(signal.SIGTERM, signal.SIG_DFL)
                finding = examine(step, values, flow, index)
                with os.fdopen(writing, "wb") as file:
                    file.write(finding.model_dump_json().encode())
            finally:
                os._exit(0)
        os.close(writing)
        os.set_blocking(reading, False)
        return cls(step.name, os.pidfd_open(pid), reading, time.monotonic() + _LONGEST)

    def result(self) -> Finding | None:
        """What was found; None while it is under way."""
        try:
            while data := os.read(self.reading, 2**20):
                self._text += data
        except BlockingIOError:
            if time.monotonic() < self.deadline:
                return None
            self.cancel()
        try:
            return Finding.model_validate_json(self._text)
        except ValidationError:
            return Finding()

    def cancel(self) -> None:
        """End it, if it hasn't ended yet."""
        with contextlib.suppress(ProcessLookupError):
            signal.pidfd_send_signal(self.descriptor, signal.SIGKILL)

    def close(self) -> None:
        os.close(self.reading)
        os.close(self.descriptor)


def examine(step: Step, values: Mapping[str, JsonValue], flow: Workflow, index: Index) -> Finding:
    """The digest of a step, and what came out when it last succeeded with the same one."""
    memory = index.memory
    try:
        brought = flow.notebooks.get(step.notebook or "")
        found = digest.digest(
            step, values, flow.directory, memory, digest.environment(), notebook=brought
        )
        outcome = index.find(found, memory)
    except digest.Unknowable as reason:
        print(f"{step.name} is executed in any case: {reason}", file=sys.stderr)
        return Finding()
    try:
        memory.save()
    except OSError as error:
        print(f"Hashes can't be kept: {error}", file=sys.stderr)
    return Finding(digest=found, outcome=outcome)


__all__ = ["Examination", "Finding", "examine"]
