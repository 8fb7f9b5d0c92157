"""The state folder of a local hub: secrets, ports, logs, and who is using it.

Everything in it belongs to one person and is closed to others. Whoever holds the lock is the one
launcher of this home; the lock goes with its process, however that ends.
"""

from __future__ import annotations

import fcntl
import json
import os
import secrets
import socket
from hashlib import sha256
from pathlib import Path

LONGEST_PATH = 36  # bytes; a backend's sockets take the rest of the 107 that Linux allows
LOG_BYTES = 10 * 2**20
LOGS_KEPT = 3


class CannotStart(Exception):
    """Why it can't start and what to do, for the terminal."""


class Home:
    """One state folder, created on first use."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        try:
            self.log.mkdir(parents=True, exist_ok=True)
            for private in (folder, self.log, folder / "secrets"):
                private.mkdir(mode=0o700, exist_ok=True)
                private.chmod(0o700)
        except OSError as error:
            raise CannotStart(
                f"The state folder {folder} can't be used: {error.strerror}. "
                "Correct that, or choose another one: ALONGSIDE_HOME=... make run"
            ) from None
        self._lock: int | None = None

    @property
    def log(self) -> Path:
        """Where log files are."""
        return self.folder / "log"

    def lock(self, address: str) -> None:
        """Take this home for this process. CannotStart when another launcher has it."""
        path = self.folder / "run.lock"
        handle = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            other = os.read(handle, 200).decode(errors="replace").strip()
            os.close(handle)
            raise CannotStart(
                f"Alongside already runs with the state in {self.folder} ({other or 'starting'}). "
                "Use that one, stop it, or choose another home: ALONGSIDE_HOME=... make run"
            ) from None
        os.ftruncate(handle, 0)
        os.pwrite(handle, f"process {os.getpid()}, {address}\n".encode(), 0)
        self._lock = handle

    def short(self) -> Path:
        """The state folder by a path that is short enough for the Unix sockets in it.

        That is the folder itself, or else a symbolic link to it, the same one every time.
        """
        if len(os.fsencode(self.folder)) <= LONGEST_PATH:
            return self.folder
        name = f"alongside-{os.geteuid()}-{sha256(os.fsencode(self.folder)).hexdigest()[:8]}"
        runtime = os.environ.get("XDG_RUNTIME_DIR", "")
        usable = Path(runtime or "nowhere").is_dir() and len(runtime) + len(name) < LONGEST_PATH
        # In a folder that all may write, only a link of one's own is taken.
        link = Path(runtime if usable else "/tmp") / name  # noqa: S108 - as said
        try:
            if not link.is_symlink():
                link.symlink_to(self.folder)
            ours = link.lstat().st_uid == os.geteuid() and link.readlink() == self.folder
        except OSError:
            ours = False
        if not ours:
            raise CannotStart(
                f"The path of the state folder {self.folder} is too long for the Unix sockets in "
                "it. Choose a shorter one: ALONGSIDE_HOME=... make run"
            )
        return link

    def secret(self, name: str, make: int = 32) -> str:
        """A secret of this home, made with so many random bytes on first use."""
        path = self.folder / "secrets" / name
        try:
            kept = path.read_text(encoding="ascii").strip()
        except FileNotFoundError:
            kept = ""
        if kept:
            path.chmod(0o600)
            return kept
        fresh = secrets.token_hex(make)
        write_private(path, fresh + "\n")
        return fresh

    def ports(self, names: list[str], taken: int) -> dict[str, int]:
        """A free port on loopback for each name: the same as last time where that is possible,
        so that sessions which outlived their hub find the next one."""
        path = self.folder / "ports.json"
        try:
            last = json.loads(path.read_text(encoding="utf-8"))
        except (OSError, ValueError):
            last = {}
        held: list[socket.socket] = []
        chosen: dict[str, int] = {}
        try:
            for name in names:
                wish = last.get(name) if isinstance(last, dict) else None
                avoid = {taken, *chosen.values()}
                usable = isinstance(wish, int) and wish not in avoid and port_is_free(wish)
                while True:
                    holder = socket.socket()
                    held.append(holder)
                    if usable:
                        holder.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                    holder.bind(("127.0.0.1", wish if usable else 0))
                    chosen[name] = holder.getsockname()[1]
                    if chosen[name] not in avoid:
                        break
        finally:
            for holder in held:
                holder.close()
        write_private(path, json.dumps(chosen) + "\n")
        return chosen

    def open_log(self, name: str) -> int:
        """A descriptor that appends to a log file; the previous ones are moved on when it's long.

        The file is emptied in place (never renamed) when it grows, so that programs which have it
        open go on writing into the bounded one.
        """
        self.rotate(name)
        flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND
        return os.open(self.log / name, flags, 0o600)

    def rotate(self, name: str) -> None:
        """Keep a log file and its predecessors bounded."""
        path = self.log / name
        try:
            if path.stat().st_size < LOG_BYTES:
                return
            for index in range(LOGS_KEPT - 1, 0, -1):
                older = self.log / f"{name}.{index}"
                if older.exists():
                    older.replace(self.log / f"{name}.{index + 1}")
            write_private(self.log / f"{name}.1", path.read_bytes())
            os.truncate(path, 0)
        except OSError:
            return  # the log is a convenience; running on matters more

    def last_lines(self, name: str, count: int = 15) -> str:
        """The end of a log, for a message about what went wrong."""
        try:
            with (self.log / name).open("rb") as file:
                file.seek(max(0, file.seek(0, os.SEEK_END) - 8192))
                lines = file.read().decode(errors="replace").splitlines()
        except OSError:
            return ""
        return "\n".join(f"    {line}" for line in lines[-count:])


def write_private(path: Path, content: str | bytes) -> None:
    """Replace a file at once, readable for its owner only."""
    fresh = path.with_name(f"{path.name}.new")
    data = content.encode() if isinstance(content, str) else content
    handle = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(handle, "wb") as file:
        file.write(data)
    fresh.replace(path)


def port_is_free(port: int) -> bool:
    """Whether a server could listen there now."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True
