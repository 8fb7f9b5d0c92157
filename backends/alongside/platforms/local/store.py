"""Files of the local platform: how they are written, and read as if a stranger had written them.

JSON is replaced atomically. What is read may lie in a directory of somebody else's account, so no
links are followed, and only regular files of bounded size are read.
"""

from __future__ import annotations

import contextlib
import errno
import fcntl
import os
import secrets as randomness
import shutil
import stat
import time
from collections.abc import Iterator
from pathlib import Path

from alongside.errors import StorageFailed
from alongside.platforms.local.accounts import Account

LARGEST, SMALL = 2**26, 2**20
"""Bytes of a file that is read, and of a credential or the like; more is not what we wrote."""
_REMOVALS, _A_MOMENT = 10, 0.05  # tries, and seconds between them
_PASSED = os.O_PATH | os.O_DIRECTORY  # an account may pass a folder, not list it
_NOT_FOLLOWED = os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK
_IN_THE_WAY = (errno.ELOOP, errno.ENOTDIR, errno.ENXIO)  # a link, a file, a socket
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


def write(
    path: Path,
    data: bytes,
    *,
    mode: int = 0o600,
    durable: bool = False,
    account: Account = None,
) -> None:
    """Replace a file atomically; with `durable` it survives a power cut. Raises OSError.

    `account`: whose it becomes. What lies there is replaced, never followed.
    """
    draft = path.with_name(f".{path.name}.{randomness.token_hex(4)}")
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW
    try:
        with os.fdopen(os.open(draft, flags, mode), "wb") as file:
            file.write(data)
            file.flush()
            if durable:
                os.fsync(file.fileno())
            if account is not None:
                os.fchown(file.fileno(), *account)
        draft.replace(path)
    except BaseException:
        with contextlib.suppress(OSError):
            draft.unlink()
        raise
    if durable:
        sync_directory(path.parent)


def sync_directory(path: Path) -> None:
    """Have what has come and gone in a directory survive a power cut. Raises OSError."""
    descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def open_below(base: Path, *names: str) -> int:
    """A descriptor of the regular file ``base/name/...``; only `base` itself may be a link.

    Raises OSError, and Corrupt when something else is in the way.
    """
    directory = os.open(base, _PASSED | os.O_CLOEXEC)
    try:
        for name in names[:-1]:
            below = os.open(name, _PASSED | _NOT_FOLLOWED, dir_fd=directory)
            os.close(directory)
            directory = below
        found = os.open(names[-1], os.O_RDONLY | _NOT_FOLLOWED, dir_fd=directory)
    except OSError as error:
        if error.errno in _IN_THE_WAY:
            raise Corrupt(f"{base}/{'/'.join(names)}: {error.strerror}") from None
        raise
    finally:
        os.close(directory)
    if not stat.S_ISREG(os.fstat(found).st_mode):
        os.close(found)
        raise Corrupt(f"{base}/{'/'.join(names)} is not a file")
    return found


def read_below(base: Path, *names: str, largest: int = LARGEST) -> bytes:
    """The content of such a file. Raises as `open_below`, and Corrupt when it is too large."""
    with os.fdopen(open_below(base, *names), "rb") as file:
        data = file.read(largest + 1)
    if len(data) > largest:
        raise Corrupt(f"{base}/{'/'.join(names)} is too large")
    return data


def read(path: Path) -> bytes:
    """The content of a small regular file. Raises OSError, or Corrupt for anything else."""
    return read_below(path.parent, path.name, largest=SMALL)


def remove_tree(path: Path) -> None:
    """Remove a directory although a process that is just ending may add to it, or take from it.

    Raises OSError.
    """
    for attempt in range(_REMOVALS):
        try:
            shutil.rmtree(path)
        except FileNotFoundError:
            if not path.exists():
                return
        except OSError as error:
            if error.errno != errno.ENOTEMPTY or attempt == _REMOVALS - 1:
                raise
        else:
            return
        time.sleep(_A_MOMENT)
    shutil.rmtree(path, ignore_errors=True)


@contextlib.contextmanager
def alone(lock: Path, timeout: float = 5.0) -> Iterator[None]:
    """Only one process at a time is within. Raises StorageFailed."""
    deadline = time.monotonic() + timeout
    with storing("Locking the state directory"):
        descriptor = os.open(lock, os.O_RDWR | os.O_CREAT, 0o600)
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
