"""What there is of a run on disk, and how it is read when a stranger may have written it.

::

    <home>/runs/<id>/spec.json       what was asked for; written once, by the executor
                    /forget          asks for the removal of all this as soon as the run has ended
                    /state/          all else; it belongs to the run's Unix account, if it has one
                        lock             held by the runner as long as it lives
                        journal.jsonl    what has happened
                        status.json      what observers read
                        credentials.json how steps reach the service (0600)
                        cancel, resume   files that ask for it
                        runner.log
                        steps/<name>/<attempt>/
    <home>/runs/.unchanged/<owner>/  outcomes that can be taken again

The account owns `state`, so whoever reads there as somebody else follows no link on the way.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from alongside.models import Record
from alongside.platforms.local.process import Identity
from alongside.platforms.local.records import RecordFolder
from alongside.platforms.local.store import Corrupt
from alongside_workflows.runs import RunSpec, RunStatus


class Access(Record):
    """How steps reach the service: `executors.base.Credentials` as they are kept."""

    api: str = ""
    token: str = ""

    def __repr__(self) -> str:
        return f"Access(api={self.api!r})"


@dataclass(frozen=True)
class RunFolder(RecordFolder):
    """The directory of one run."""

    @property
    def journal(self) -> Path:
        return self.state / "journal.jsonl"

    @property
    def access_file(self) -> Path:
        return self.state / "credentials.json"

    @property
    def cancel_file(self) -> Path:
        return self.state / "cancel"

    @property
    def resume_file(self) -> Path:
        return self.state / "resume"

    @property
    def log(self) -> Path:
        return self.state / "runner.log"

    def attempt(self, step: str, number: int) -> Path:
        """The folder of one attempt: what `alongside_workflows.step` is given."""
        return self.state / "steps" / step / str(number)

    def load_spec(self) -> RunSpec | None:
        """The specification; None when there is none. Raises Corrupt, OSError."""
        return self.load(RunSpec, self.spec_file)

    def load_status(self) -> RunStatus | None:
        """What its runner has told last; None if nothing yet. Raises Corrupt, OSError."""
        return self.load(RunStatus, self.status_file)

    def load_access(self) -> Access:
        """How its steps reach the service; nothing when that can't be read."""
        try:
            return self.load(Access, self.access_file) or Access()
        except (OSError, Corrupt):
            return Access()

    def asks_for(self, wish: str) -> bool:
        """Whether there is the file ``cancel`` or ``resume``."""
        return os.path.lexists(self.state / wish)

    def runner(self) -> Identity | None:
        """The process that carries it out now."""
        return self.holder()


__all__ = ["Access", "RunFolder"]
