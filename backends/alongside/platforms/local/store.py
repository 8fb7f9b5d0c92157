"""What the local platform keeps on disk, and how it is written and read.

::

    <home>/lock                         held while a specification is changed
    <home>/backends/<id>/spec.json      desired state, written by the platform
                        /state/status.json   observed state, written by the supervisor
                        /state/lock     held by the supervisor as long as it lives
                        /secrets/  /run/  /logs/

A backend's directory appears complete, by one rename. JSON is replaced atomically. With an
`account`, all but the specification belongs to that account, so what is found there is read as
what a stranger wrote: no links are followed, only regular files of bounded size are read.
"""

from __future__ import annotations

import contextlib
import errno
import fcntl
import os
import secrets as randomness
import shutil
import stat
import struct
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from pydantic import ValidationError

from alongside.errors import StorageFailed
from alongside.models import Spec, Status
from alongside.platforms.local.process import Identity

_LARGEST = 2**20  # bytes of a JSON or credential file
_DRAFT = ".draft-"
_REMEDIES = {
    errno.ENOSPC: "Free some space on that disk, then try again.",
    errno.EDQUOT: "Delete some files, your disk quota is used up.",
    errno.EACCES: "Let the service write there, or set ALONGSIDE_HOME to another directory.",
    errno.EROFS: "Set ALONGSIDE_HOME to a directory on a writable disk.",
}


class Corrupt(Exception):
    """A file that can't be what was written."""


@contextlib.contextmanager
def storing(what: str) -> Iterator[None]:
    """Turns an OSError into a sentence."""
    try:
        yield
    except OSError as error:
        place = f" ({error.filename})" if error.filename else ""
        remedy = _REMEDIES.get(error.errno or 0, "Check the directory and its disk.")
        raise StorageFailed(f"{what} failed: {error.strerror}{place}.", remedy) from error


def write(path: Path, data: bytes, *, mode: int = 0o600, durable: bool = False) -> None:
    """Replace a file atomically; with `durable` it survives a power cut. Raises OSError."""
    draft = path.with_name(f".{path.name}.{randomness.token_hex(4)}")
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW
    try:
        with os.fdopen(os.open(draft, flags, mode), "wb") as file:
            file.write(data)
            file.flush()
            if durable:
                os.fsync(file.fileno())
        draft.replace(path)
    except BaseException:
        with contextlib.suppress(OSError):
            draft.unlink()
        raise
    if durable:
        _sync_directory(path.parent)


def _sync_directory(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def read(path: Path) -> bytes:
    """The content of a regular file. Raises OSError, or Corrupt for anything else."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    except OSError as error:
        if error.errno == errno.ELOOP:
            raise Corrupt(f"{path} is a link") from None
        raise
    with os.fdopen(descriptor, "rb") as file:
        if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
            raise Corrupt(f"{path} is not a file")
        data = file.read(_LARGEST + 1)
    if len(data) > _LARGEST:
        raise Corrupt(f"{path} is too large")
    return data


@dataclass(frozen=True)
class Folder:
    """The directory of one backend."""

    path: Path

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
    def secrets(self) -> Path:
        return self.path / "secrets"

    @property
    def run(self) -> Path:
        return self.path / "run"

    @property
    def logs(self) -> Path:
        return self.path / "logs"

    def load_spec(self) -> Spec | None:
        """The specification; None when there is none. Raises Corrupt, OSError."""
        try:
            return Spec.model_validate_json(read(self.spec_file))
        except (FileNotFoundError, NotADirectoryError):
            return None
        except ValidationError as error:
            raise Corrupt(f"{self.spec_file}: {error.error_count()} errors") from None

    def load_status(self) -> Status | None:
        """The status; None when nothing has been written yet. Raises Corrupt, OSError."""
        try:
            return Status.model_validate_json(read(self.status_file))
        except (FileNotFoundError, NotADirectoryError):
            return None
        except ValidationError as error:
            raise Corrupt(f"{self.status_file}: {error.error_count()} errors") from None

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

    def clean(self) -> None:
        """Remove what only a living backend needs. Raises OSError."""
        for path in (self.run, self.secrets):
            if path.is_dir() and not path.is_symlink():
                shutil.rmtree(path)

    def remove(self) -> None:
        """Remove the directory, atomically for everybody who looks. Raises OSError."""
        gone = self.path.with_name(f"{_DRAFT}gone-{randomness.token_hex(6)}")
        with contextlib.suppress(FileNotFoundError):
            self.path.rename(gone)
            shutil.rmtree(gone)

    def supervisor(self) -> Identity | None:
        """The process that supervises it now: whoever holds its lock, as the kernel says."""
        try:
            descriptor = os.open(self.state / "lock", os.O_RDWR | os.O_NOFOLLOW | os.O_NONBLOCK)
        except OSError:
            return None
        with os.fdopen(descriptor, "rb+") as file:
            query = struct.pack("hhqqi4x", fcntl.F_WRLCK, os.SEEK_SET, 0, 0, 0)
            kind, _, _, _, pid = struct.unpack("hhqqi4x", fcntl.fcntl(file, fcntl.F_GETLK, query))
            return Identity.of(pid) if kind != fcntl.F_UNLCK and pid > 0 else None

    def take(self) -> bool:
        """Become its supervisor: True when nobody else is. The lock lasts until this process ends.

        A POSIX lock, because it isn't inherited by children and the kernel tells who holds it.
        """
        descriptor = os.open(self.state / "lock", os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW, 0o600)
        try:
            fcntl.lockf(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            os.close(descriptor)
            return False
        return True  # never closed: closing it would drop the lock


@dataclass(frozen=True)
class Home:
    """The directory of the platform."""

    path: Path

    @property
    def backends(self) -> Path:
        return self.path / "backends"

    def folder(self, id: str) -> Folder:
        return Folder(self.backends / id)

    def prepare(self) -> None:
        """Make the directories that are needed. Raises StorageFailed."""
        with storing("Preparing the state directory"):
            # Others may pass through, so that an account reaches its own backends' directories.
            mode = 0o711 if os.geteuid() == 0 else 0o700
            self.path.mkdir(parents=True, exist_ok=True, mode=mode)
            self.backends.mkdir(exist_ok=True, mode=mode)
            self._sweep()

    def _sweep(self) -> None:
        """Remove the drafts of a creation or removal that was interrupted."""
        for entry in os.scandir(self.backends):
            old = time.time() - entry.stat(follow_symlinks=False).st_mtime > 60
            if entry.name.startswith(_DRAFT) and old:
                shutil.rmtree(entry.path, ignore_errors=True)

    def folders(self) -> list[Folder]:
        """The directories of all backends."""
        try:
            names = [e.name for e in os.scandir(self.backends) if e.is_dir(follow_symlinks=False)]
        except FileNotFoundError:
            return []
        return [self.folder(name) for name in sorted(names) if not name.startswith(".")]

    def create(
        self, spec: Spec, secrets: Mapping[str, bytes], owner: tuple[int, int] | None
    ) -> bool:
        """Store a new backend; False when there is one of this id. Raises StorageFailed.

        `owner`: user and group id of its account, None for ours.
        """
        target = self.folder(spec.id)
        if target.path.exists():
            return False
        draft = Folder(self.backends / f"{_DRAFT}{spec.id}-{randomness.token_hex(4)}")
        with storing("Storing the backend"):
            try:
                draft.path.mkdir(mode=0o700)
                for path in (draft.state, draft.secrets, draft.run, draft.logs):
                    path.mkdir(mode=0o700)
                for name, content in secrets.items():
                    write(draft.secrets / name, content)
                write(draft.spec_file, spec.model_dump_json(indent=1).encode(), durable=True)
                (draft.state / "lock").touch(mode=0o600)
                if owner is not None:
                    _give_away(draft, owner)
                draft.path.rename(target.path)
            except OSError as error:
                shutil.rmtree(draft.path, ignore_errors=True)
                if error.errno in (errno.ENOTEMPTY, errno.EEXIST):
                    return False
                raise
            except BaseException:
                shutil.rmtree(draft.path, ignore_errors=True)
                raise
            _sync_directory(self.backends)
        return True

    @contextlib.contextmanager
    def changing(self, timeout: float = 5.0) -> Iterator[None]:
        """Only one process at a time changes specifications. Raises StorageFailed."""
        deadline = time.monotonic() + timeout
        with storing("Locking the state directory"):
            descriptor = os.open(self.path / "lock", os.O_RDWR | os.O_CREAT, 0o600)
            try:
                while True:
                    try:
                        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
                        break
                    except BlockingIOError:
                        if time.monotonic() > deadline:
                            raise
                        time.sleep(0.01)
                yield
            finally:
                os.close(descriptor)


def _give_away(draft: Folder, owner: tuple[int, int]) -> None:
    """Let an account have its directories and read, but not change, its specification."""
    uid, gid = owner
    os.chown(draft.path, -1, gid)
    draft.path.chmod(0o710)
    os.chown(draft.spec_file, -1, gid)
    draft.spec_file.chmod(0o640)
    for path in (draft.state, draft.secrets, draft.run, draft.logs):
        # the directory last: from then on, the account may put a link there
        for file in path.iterdir():
            os.chown(file, uid, gid, follow_symlinks=False)
        os.chown(path, uid, gid)
