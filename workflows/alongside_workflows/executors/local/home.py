"""The directory of all runs: made, listed, added to and removed from so that nothing is half there.

What lies in a run's folder is told in `runner.folder`.
"""

from __future__ import annotations

import contextlib
import os
import re
from pathlib import Path

from alongside.names import label_of
from alongside.platforms.local.accounts import Account
from alongside.platforms.local.records import Records, passable
from alongside.platforms.local.store import storing, write
from alongside_workflows.executors.base import Credentials
from alongside_workflows.runner.folder import Access, RunFolder
from alongside_workflows.runs import RunSpec

_ID = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?")
_UNCHANGED = ".unchanged"


def is_run_id(text: str) -> bool:
    """Whether the text can be a run's id: asked before it is used as a path."""
    return _ID.fullmatch(text) is not None


class RunsHome(Records[RunFolder]):
    """The runs of the state directory `root`: ``<root>/runs``."""

    def __init__(self, root: Path) -> None:
        super().__init__(root / "runs", "run", RunFolder)

    def prepare(self) -> None:
        super().prepare()
        with storing("Preparing the directory of outcomes"):
            (self.path / _UNCHANGED).mkdir(exist_ok=True, mode=passable())

    def ids(self) -> list[str]:
        """The ids of all runs."""
        return [id for id in super().ids() if is_run_id(id)]

    def unchanged(self, owner: str) -> Path:
        """Where a user's outcomes are remembered."""
        return self.path / _UNCHANGED / label_of(owner)

    def store(self, spec: RunSpec, credentials: Credentials, account: Account) -> bool:
        """Store a new run; False when there is one of this id. Raises StorageFailed."""

        def fill(draft: RunFolder) -> None:
            write(draft.access_file, _access(credentials), durable=True)
            self._make_unchanged(spec.owner, account)

        return self.create(spec.id, spec, account, fill)

    def _make_unchanged(self, owner: str, account: Account) -> None:
        place = self.unchanged(owner)
        with contextlib.suppress(FileExistsError):
            place.mkdir(mode=0o700)
            if account is not None:
                os.chown(place, *account)


def want_cancel(folder: RunFolder) -> None:
    """Leave the wish that a run be cancelled. Raises OSError."""
    flags = os.O_WRONLY | os.O_CREAT | os.O_NOFOLLOW | os.O_NONBLOCK
    os.close(os.open(folder.cancel_file, flags, 0o644))


def want_resume(folder: RunFolder, credentials: Credentials, account: Account) -> None:
    """Leave the wish that a run be taken up again. Raises OSError."""
    folder.cancel_file.unlink(missing_ok=True)
    write(folder.access_file, _access(credentials), durable=True, account=account)
    write(folder.resume_file, b"", durable=True, account=account)


def _access(credentials: Credentials) -> bytes:
    return Access(api=credentials.api, token=credentials.token).model_dump_json().encode()


__all__ = ["RunsHome", "is_run_id", "want_cancel", "want_resume"]
