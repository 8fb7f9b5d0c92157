"""A directory of records, each a folder that comes and goes as a whole.

::

    <path>/<record>/spec.json           desired state, written by us
                   /state/status.json   observed state, written by the record's own process
                   /state/lock          held by that process as long as it lives

A record's folder appears complete, by one rename, and goes by one. With an account, all but the
specification belongs to that account, so what is found there is read as what a stranger wrote.
"""

from __future__ import annotations

import contextlib
import errno
import fcntl
import os
import secrets
import shutil
import struct
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar, Generic, TypeVar

from pydantic import BaseModel, ValidationError

from alongside.platforms.local.accounts import Account
from alongside.platforms.local.process import Identity
from alongside.platforms.local.store import (
    LARGEST,
    Corrupt,
    read_below,
    remove_tree,
    storing,
    sync_directory,
    write,
)

_DRAFT = ".draft-"
_OLD = 60.0  # seconds after which nobody works on a draft any more
_QUERY = "hhqqi4x"  # struct flock
M = TypeVar("M", bound=BaseModel)


@dataclass(frozen=True)
class RecordFolder:
    """The folder of one record."""

    path: Path
    largest: ClassVar[int] = LARGEST
    """Bytes of its JSON that are read."""

    @property
    def id(self) -> str:
        return self.path.name

    @property
    def spec_file(self) -> Path:
        return self.path / "spec.json"

    @property
    def state(self) -> Path:
        return self.path / "state"

    @property
    def status_file(self) -> Path:
        return self.state / "status.json"

    @property
    def own(self) -> tuple[Path, ...]:
        """The directories that belong to its account."""
        return (self.state,)

    def load(self, model: type[M], file: Path) -> M | None:
        """What one of its files says; None when there is none. Raises Corrupt, OSError."""
        try:
            names = file.relative_to(self.path).parts
            return model.model_validate_json(read_below(self.path, *names, largest=self.largest))
        except (FileNotFoundError, NotADirectoryError):
            return None
        except ValidationError as error:
            raise Corrupt(f"{file}: {error.error_count()} errors") from None

    def holder(self) -> Identity | None:
        """The process that looks after it now: whoever holds its lock, as the kernel says."""
        try:
            descriptor = os.open(self.state / "lock", os.O_RDWR | os.O_NOFOLLOW | os.O_NONBLOCK)
        except OSError:
            return None
        with os.fdopen(descriptor, "rb+") as file:
            query = struct.pack(_QUERY, fcntl.F_WRLCK, os.SEEK_SET, 0, 0, 0)
            kind, _, _, _, pid = struct.unpack(_QUERY, fcntl.fcntl(file, fcntl.F_GETLK, query))
            return Identity.of(pid) if kind != fcntl.F_UNLCK and pid > 0 else None

    def take(self) -> bool:
        """Become its holder: True when nobody else is. The lock lasts until this process ends.

        A POSIX lock, because it isn't inherited by children and the kernel tells who holds it.
        """
        descriptor = os.open(self.state / "lock", os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW, 0o600)
        try:
            fcntl.lockf(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            os.close(descriptor)
            return False
        return True  # never closed: closing it would drop the lock

    def remove(self) -> None:
        """Remove the folder, atomically for everybody who looks. Raises OSError."""
        gone = self.path.with_name(f"{_DRAFT}gone-{secrets.token_hex(6)}")
        with contextlib.suppress(FileNotFoundError):
            self.path.rename(gone)
            remove_tree(gone)

    def give_away(self, account: tuple[int, int]) -> None:
        """Let an account have its directories and read, but not change, the specification."""
        uid, gid = account
        os.chown(self.path, -1, gid)
        self.path.chmod(0o710)
        os.chown(self.spec_file, -1, gid)
        self.spec_file.chmod(0o640)
        for path in self.own:
            # the directory last: from then on, the account may put a link there
            for file in path.iterdir():
                os.chown(file, uid, gid, follow_symlinks=False)
            os.chown(path, uid, gid)


def passable() -> int:
    """The mode of a directory through which accounts reach what is theirs."""
    return 0o711 if os.geteuid() == 0 else 0o700


F = TypeVar("F", bound=RecordFolder)


class Records(Generic[F]):
    """The folders of one sort of records.

    path : the directory in which they lie
    noun : what one is called in messages
    folder_type : what speaks for a folder
    """

    def __init__(self, path: Path, noun: str, folder_type: Callable[[Path], F]) -> None:
        self.path = path
        self._noun = noun
        self._folder_type = folder_type

    def folder(self, id: str) -> F:
        """The folder of this id, whether there is one or not."""
        return self._folder_type(self.path / id)

    def ids(self) -> list[str]:
        """The ids of all records."""
        try:
            names = [e.name for e in os.scandir(self.path) if e.is_dir(follow_symlinks=False)]
        except FileNotFoundError:
            return []
        return sorted(name for name in names if not name.startswith("."))

    def prepare(self) -> None:
        """Make the directory, and remove the drafts of what was interrupted.

        Raises StorageFailed.
        """
        with storing(f"Preparing the directory of {self._noun}s"):
            self.path.parent.mkdir(parents=True, exist_ok=True, mode=passable())
            self.path.mkdir(exist_ok=True, mode=passable())
            for entry in os.scandir(self.path):
                old = time.time() - entry.stat(follow_symlinks=False).st_mtime > _OLD
                if entry.name.startswith(_DRAFT) and old:
                    shutil.rmtree(entry.path, ignore_errors=True)

    def create(self, id: str, spec: BaseModel, account: Account, fill: Callable[[F], None]) -> bool:
        """Store a new record durably; False when there is one of this id. Raises StorageFailed.

        `fill` puts into the directories of the new folder what else belongs there.
        """
        target = self.path / id
        if target.exists():
            return False
        draft = self.folder(f"{_DRAFT}{id}-{secrets.token_hex(4)}")
        with storing(f"Storing the {self._noun}"):
            try:
                draft.path.mkdir(mode=0o700)
                for path in draft.own:
                    path.mkdir(mode=0o700)
                fill(draft)
                write(draft.spec_file, spec.model_dump_json(indent=1).encode(), durable=True)
                (draft.state / "lock").touch(mode=0o600)
                if account is not None:
                    draft.give_away(account)
                draft.path.rename(target)
            except OSError as error:
                shutil.rmtree(draft.path, ignore_errors=True)
                if error.errno in (errno.ENOTEMPTY, errno.EEXIST):
                    return False
                raise
            except BaseException:
                shutil.rmtree(draft.path, ignore_errors=True)
                raise
            sync_directory(self.path)
        return True


__all__ = ["RecordFolder", "Records", "passable"]
