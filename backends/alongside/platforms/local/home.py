"""What the local platform keeps on disk.

::

    <home>/lock                         held while a specification is changed
    <home>/backends/<id>/spec.json      desired state, written by the platform
                        /state/         observed state and lock, of the supervisor
                        /secrets/  /run/  /logs/

How such folders come, go and are shared with an account: `records`.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from alongside.models import Spec, Status
from alongside.names import is_backend_id
from alongside.platforms.local.accounts import Account
from alongside.platforms.local.process import Identity
from alongside.platforms.local.records import RecordFolder, Records
from alongside.platforms.local.store import SMALL, Corrupt, alone, remove_tree, write
from alongside.platforms.refusals import unknown


@dataclass(frozen=True)
class Folder(RecordFolder):
    """The directory of one backend."""

    largest: ClassVar[int] = SMALL

    @property
    def secrets(self) -> Path:
        return self.path / "secrets"

    @property
    def run(self) -> Path:
        return self.path / "run"

    @property
    def logs(self) -> Path:
        return self.path / "logs"

    @property
    def own(self) -> tuple[Path, ...]:
        return (self.state, self.secrets, self.run, self.logs)

    def load_spec(self) -> Spec | None:
        """The specification; None when there is none. Raises Corrupt, OSError."""
        return self.load(Spec, self.spec_file)

    def load_status(self) -> Status | None:
        """The status; None when nothing has been written yet. Raises Corrupt, OSError."""
        return self.load(Status, self.status_file)

    def present(self) -> Spec:
        """The specification. Raises NotFound when there is none that can be read."""
        try:
            spec = self.load_spec()
        except (Corrupt, OSError):
            spec = None
        if spec is None:
            raise unknown()
        return spec

    def seen(self) -> Status | None:
        """The status; None when there is none that can be read."""
        try:
            return self.load_status()
        except (Corrupt, OSError):
            return None

    @property
    def live(self) -> bool:
        """Whether the backend is there and has not ended, as far as is known."""
        status = self.seen()
        return self.path.exists() and (status is None or status.live)

    def save_spec(self, spec: Spec) -> None:
        """Raises OSError."""
        mode = stat.S_IMODE(self.spec_file.stat().st_mode)
        group = self.spec_file.stat().st_gid
        draft = self.path / ".spec.json"
        write(draft, spec.model_dump_json(indent=1).encode(), mode=mode, durable=True)
        if os.geteuid() == 0:
            os.chown(draft, 0, group)
        draft.replace(self.spec_file)

    def save_status(self, status: Status) -> None:
        """Raises OSError."""
        write(self.status_file, status.model_dump_json().encode(), mode=0o600)

    def clean_run(self) -> None:
        """Remove what processes have left before others take their place. Raises OSError."""
        remove_tree(self.run)
        self.run.mkdir(mode=0o700)

    def clean(self) -> None:
        """Remove what only a living backend needs. Raises OSError."""
        for path in (self.run, self.secrets):
            if path.is_dir() and not path.is_symlink():
                remove_tree(path)

    def supervisor(self) -> Identity | None:
        """The process that supervises it now."""
        return self.holder()


class Home(Records[Folder]):
    """The backends of the state directory `root`."""

    def __init__(self, root: Path) -> None:
        super().__init__(root / "backends", "backend", Folder)
        self.root = root

    def folders(self) -> list[Folder]:
        """The directories of all backends."""
        return [self.folder(id) for id in self.ids()]

    def find(self, id: str) -> Folder:
        """The directory of this backend. Raises NotFound."""
        folder = self.folder(id)
        if not is_backend_id(id) or not folder.path.is_dir():
            raise unknown()
        return folder

    def store(self, spec: Spec, secrets: Mapping[str, bytes], account: Account) -> bool:
        """Store a new backend; False when there is one of this id. Raises StorageFailed."""

        def fill(draft: Folder) -> None:
            for name, content in secrets.items():
                write(draft.secrets / name, content)

        return self.create(spec.id, spec, account, fill)

    def changing(self, timeout: float = 5.0) -> AbstractContextManager[None]:
        """Only one process at a time changes specifications. Raises StorageFailed."""
        return alone(self.root / "lock", timeout)


__all__ = ["Folder", "Home"]
