"""Changes in directories as they happen, on the event loop: a thin layer over Linux's inotify.

One kernel instance serves any number of directories (the number of instances per user is small).
"""

from __future__ import annotations

import asyncio
import ctypes
import os
import struct
from collections.abc import Callable
from pathlib import Path

IN_MODIFY = 0x2
IN_MOVED_TO = 0x80
IN_CREATE = 0x100
IN_MOVED_FROM = 0x40
_IN_MASK_ADD = 0x20000000
_IN_ONLYDIR = 0x01000000
_IN_IGNORED = 0x8000
_IN_OVERFLOW = 0x4000
_HEADER = struct.Struct("iIII")
_libc = ctypes.CDLL(None, use_errno=True)

Callback = Callable[[str], None]


class Inotify:
    """Calls back with the name of each entry of a directory that changes.

    After an overflow of the kernel's queue every callback is called with ``""``: look again.
    """

    def __init__(self) -> None:
        self._descriptor = _libc.inotify_init1(os.O_NONBLOCK | os.O_CLOEXEC)
        if self._descriptor < 0:
            raise _error("inotify")
        self._callbacks: dict[int, list[Callback]] = {}
        self._loop = asyncio.get_running_loop()
        self._loop.add_reader(self._descriptor, self._read)

    def close(self) -> None:
        self._loop.remove_reader(self._descriptor)
        os.close(self._descriptor)
        self._callbacks.clear()

    def add(self, directory: Path, mask: int, callback: Callback) -> Callable[[], None]:
        """Watch a directory; the function returned ends that. Raises OSError."""
        path = os.fsencode(directory)
        watch = _libc.inotify_add_watch(self._descriptor, path, mask | _IN_MASK_ADD | _IN_ONLYDIR)
        if watch < 0:
            raise _error(str(directory))
        self._callbacks.setdefault(watch, []).append(callback)

        def remove() -> None:
            callbacks = self._callbacks.get(watch, [])
            if callback in callbacks:
                callbacks.remove(callback)
                if not callbacks:
                    del self._callbacks[watch]
                    _libc.inotify_rm_watch(self._descriptor, watch)

        return remove

    def _read(self) -> None:
        try:
            data = os.read(self._descriptor, 2**16)
        except BlockingIOError:
            return
        position = 0
        while position < len(data):
            watch, mask, _, length = _HEADER.unpack_from(data, position)
            start = position + _HEADER.size
            name = os.fsdecode(data[start : start + length].rstrip(b"\0"))
            position = start + length
            if mask & _IN_OVERFLOW:
                for callbacks in list(self._callbacks.values()):
                    self._call(callbacks, "")
            elif mask & _IN_IGNORED:
                self._callbacks.pop(watch, None)
            else:
                self._call(self._callbacks.get(watch, []), name)

    @staticmethod
    def _call(callbacks: list[Callback], name: str) -> None:
        for callback in list(callbacks):
            callback(name)


def _error(place: str) -> OSError:
    number = ctypes.get_errno()
    return OSError(number, os.strerror(number), place)
