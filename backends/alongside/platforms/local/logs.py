"""Reading the logs of processes: their last lines, and what comes."""

from __future__ import annotations

import asyncio
import errno
import os
import stat
from collections.abc import AsyncGenerator, Callable
from pathlib import Path
from typing import BinaryIO

from alongside.platforms.refusals import unknown_log

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
            raise unknown_log(path.stem) from None
        self._file: BinaryIO = os.fdopen(descriptor, "rb")  # closed by `close`
        self._rest = b""
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            self._file.close()
            raise unknown_log(path.stem)

    def close(self) -> None:
        self._file.close()

    def last(self, lines: int) -> list[str]:
        """The last lines of what is there now; `read` goes on after them."""
        start = end = self._file.seek(0, os.SEEK_END)
        blocks: list[bytes] = []
        breaks = 0
        while start > 0 and breaks <= lines and end - start < _MOST:
            step = min(_BLOCK, start)
            start -= step
            self._file.seek(start)
            blocks.append(self._file.read(step))
            breaks += blocks[-1].count(b"\n")
        self._file.seek(end)
        *complete, self._rest = b"".join(reversed(blocks)).split(b"\n")
        return [_text(line) for line in complete[max(0, len(complete) - lines) :]]

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


async def read_on(
    reader: LogReader, lines: int, news: asyncio.Event | None, goes_on: Callable[[], bool]
) -> AsyncGenerator[str, None]:
    """The last lines, then what comes.

    `news` is set whenever there may be more, None when nobody waits for that; `goes_on` says
    whether more may come at all.
    """
    # in a thread: a log has megabytes, and its disk may be slow
    for line in await asyncio.to_thread(reader.last, lines):
        yield line
    while news is not None:
        for line in await asyncio.to_thread(reader.read):
            yield line
        if not goes_on():
            break
        await news.wait()
        news.clear()
    for line in await asyncio.to_thread(lambda: [*reader.read(), *reader.remainder()]):
        yield line


def _text(line: bytes) -> str:
    return line.decode("utf-8", "replace").rstrip("\r")
