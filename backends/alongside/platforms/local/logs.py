"""Reading the logs of processes: their last lines, and what comes."""

from __future__ import annotations

import errno
import os
import stat
from pathlib import Path
from typing import BinaryIO

from alongside.errors import NotFound

_BLOCK = 2**16
_MOST = 2**24  # bytes looked at for the last lines


class LogReader:
    """Reads one log file line by line; it may grow, and may be emptied when it has grown too much.

    Raises NotFound when there is no such log.
    """

    def __init__(self, path: Path) -> None:
        try:
            descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
        except OSError as error:
            if error.errno not in (errno.ENOENT, errno.ENOTDIR, errno.ELOOP):
                raise
            raise NotFound(f"There is no log {path.stem!r}.", "Choose one of its roles.") from None
        self._file: BinaryIO = os.fdopen(descriptor, "rb")  # closed by `close`
        self._rest = b""
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            self._file.close()
            raise NotFound(f"There is no log {path.stem!r}.", "Choose one of its roles.")

    def close(self) -> None:
        self._file.close()

    def last(self, lines: int) -> list[str]:
        """The last lines of what is there now; `read` goes on after them."""
        end = self._file.seek(0, os.SEEK_END)
        start, data = end, b""
        while start > 0 and data.count(b"\n") <= lines and end - start < _MOST:
            step = min(_BLOCK, start)
            start -= step
            self._file.seek(start)
            data = self._file.read(step) + data
        self._file.seek(end)
        *complete, self._rest = data.split(b"\n")
        return [_text(line) for line in complete[len(complete) - min(lines, len(complete)) :]]

    def read(self) -> list[str]:
        """The complete lines that have come since."""
        if os.fstat(self._file.fileno()).st_size < self._file.tell():
            self._file.seek(0)
            self._rest = b""
        *complete, self._rest = (self._rest + self._file.read(_MOST)).split(b"\n")
        return [_text(line) for line in complete]

    def remainder(self) -> list[str]:
        """The last line, when it has no end."""
        rest, self._rest = self._rest, b""
        return [_text(rest)] if rest else []


def _text(line: bytes) -> str:
    return line.decode("utf-8", "replace").rstrip("\r")
