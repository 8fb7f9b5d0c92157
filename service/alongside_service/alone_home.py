"""Where a service without a hub keeps its state: one folder for each Jupyter server at a time.

A server takes the first folder that no other one has. So two of them at once do not meet, and
the next one finds what outlived the last. The lock on a folder is shared with the process that
ends the backends afterwards, and is free when both are gone.
"""

from __future__ import annotations

import fcntl
import json
import os
import socket
import stat
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path

from alongside.errors import StorageFailed
from alongside.platforms.local.process import Identity
from alongside.units import format_memory

_LONGEST = 32  # bytes; the Unix sockets of a backend take the rest of the 107 that Linux allows
_MOST = 32
_PAUSE = 0.05
_GIB, _MIB = 2**30, 2**20


def default_home(environ: Mapping[str, str]) -> Path:
    """`$ALONGSIDE_HOME`, else ``~/.alongside``, or where its path would be too long, a short one.

    Raises StorageFailed for one that somebody else could have prepared.
    """
    if given := environ.get("ALONGSIDE_HOME"):
        return Path(given).expanduser().absolute()
    own = Path("~/.alongside").expanduser()
    if len(os.fsencode(own)) <= _LONGEST:
        return own
    runtime = environ.get("XDG_RUNTIME_DIR", "")
    short = Path(runtime or tempfile.gettempdir(), f"alongside-{os.geteuid()}")
    _make_private(short)
    return short


def _make_private(folder: Path) -> None:
    try:
        folder.mkdir(mode=0o700, exist_ok=True)
        found = folder.lstat()
    except OSError as error:
        raise _unusable(folder, error.strerror or "") from None
    if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.geteuid() or found.st_mode & 0o077:
        raise _unusable(folder, "it is not a folder of yours alone")


def _unusable(folder: Path, why: str) -> StorageFailed:
    return StorageFailed(
        f"{folder} can't be used: {why}.", "Set ALONGSIDE_HOME to another folder of a short path."
    )


class Folder:
    """The folder of one server, held until this process and its heirs of `lock` have ended."""

    def __init__(self, path: Path, lock: int) -> None:
        self.path = path
        self.lock = lock

    @classmethod
    def take(cls, home: Path, patience: float = 45.0) -> Folder:
        """The first one that is free. Raises StorageFailed.

        Waits up to `patience` seconds for one whose server has ended and whose backends are just
        being ended: what is to be kept may be in there.
        """
        for number in range(1, _MOST + 1):
            path = home / f"lab{number}"
            try:
                home.mkdir(mode=0o700, parents=True, exist_ok=True)
                path.mkdir(mode=0o700, exist_ok=True)
                lock = os.open(path / "server", os.O_RDWR | os.O_CREAT, 0o600)
            except OSError as error:
                raise _unusable(path, error.strerror or "") from None
            if _hold(lock, time.monotonic() + patience):
                _sign(lock)
                return cls(path, lock)
            os.close(lock)
        raise StorageFailed(
            f"{_MOST} Jupyter servers use {home} already.", "Shut some of them down."
        )

    def close(self) -> None:
        """Let go of it."""
        os.close(self.lock)


def _hold(lock: int, deadline: float) -> bool:
    while True:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if _server_lives(lock) or time.monotonic() >= deadline:
                return False
            time.sleep(_PAUSE)
        except OSError:
            return False
        else:
            return True


def _sign(lock: int) -> None:
    mine = Identity.of(os.getpid())
    assert mine is not None
    text = json.dumps([socket.gethostname(), mine.pid, mine.started])
    os.ftruncate(lock, 0)
    os.pwrite(lock, text.encode(), 0)


def _server_lives(lock: int) -> bool:
    """Whether the server that has signed still runs; one elsewhere, or unknown, is not ours."""
    try:
        host, pid, started = json.loads(os.pread(lock, 400, 0))
        return host != socket.gethostname() or Identity(pid, started).alive
    except (ValueError, TypeError):
        return True


def catalogue_for(cores: float, memory: int) -> str:
    """What can be launched on a machine of this size where nobody has written a catalogue."""
    whole = max(1, int(cores))
    workers = min(4, whole)
    most = max(memory * 8 // 10, _GIB)
    each = min(4 * _GIB, max(512 * _MIB, memory * 6 // 10 // workers))
    amounts = [format_memory(amount // (256 * _MIB) * (256 * _MIB)) for amount in (each, most)]
    return f"""\
profiles:
  this-computer:
    title: This computer
    description: A Dask cluster of processes on the computer that Jupyter runs on.
    default: dask
    backends:
      dask:
        options:
          workers: {{default: {workers}, minimum: 1, maximum: {2 * whole}}}
          cores: {{default: 1, minimum: 1, maximum: {whole}}}
          memory: {{default: {amounts[0]}, minimum: 256 MiB, maximum: {amounts[1]}}}
          gpus: 0
        lifetime: {{idle: 2 h}}
quotas:
  default: {{backends: 8, workers: {4 * whole}, memory: {amounts[1]}}}
"""
