"""The log file of a session: private to its user, kept over one restart."""

from __future__ import annotations

import os
import pwd
import re
from pathlib import Path

from alongside.errors import StorageFailed

_CONTROL = re.compile(r"\x1b\[[0-9;]*[A-Za-z]|[^\x20-\x7e\xa0-\uffff]")


def prepare_log(path: Path, account: str) -> None:
    """Make an empty log that only its user and the hub can read; the previous one stays beside
    it with the suffix ``.1``. Raises StorageFailed."""
    try:
        path.parent.mkdir(mode=0o711, parents=True, exist_ok=True)
        if path.exists():
            path.replace(path.with_suffix(".log.1"))
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600)
        try:
            if account:
                entry = pwd.getpwnam(account)
                os.fchown(descriptor, entry.pw_uid, entry.pw_gid)
        finally:
            os.close(descriptor)
    except OSError as error:
        raise StorageFailed(
            f"The session's log {path} can't be written: {error.strerror}.",
            "Free some space on the disk of the hub, or ask an administrator to.",
        ) from None


def last_lines(path: Path, count: int = 2, most: int = 300) -> str:
    """The last lines with text in them, in one line without control characters."""
    try:
        with path.open("rb") as file:
            file.seek(max(0, path.stat().st_size - 4096))
            text = file.read().decode(errors="replace")
    except OSError:
        return ""
    lines = [line for raw in text.splitlines() if (line := _CONTROL.sub("", raw).strip())]
    return " ".join(lines[-count:])[-most:]
