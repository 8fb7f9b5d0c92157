"""SHA-256 of files and directories: what a record names its inputs and outputs by.

The hash of a directory doesn't depend on where it is, on times, owners or the order in which it is
listed: it is that of one line for each entry, sorted by path.
"""

from __future__ import annotations

import errno
import hashlib
import os
import stat
from collections.abc import Iterator
from pathlib import Path


def sha256(path: Path) -> str:
    """The SHA-256 of a file, or of all that a directory has, in hexadecimal digits.

    Links that are named themselves are followed; those in a directory count by where they point
    to, so that none leads out of it or in circles. Raises OSError.
    """
    if path.is_dir():
        tree = hashlib.sha256()
        for line in _lines(path):
            tree.update(line + b"\0\n")
        return tree.hexdigest()
    return _of_file(path)


def _of_file(path: Path) -> str:
    if not stat.S_ISREG(path.stat().st_mode):  # a pipe, for instance, would be waited for
        raise OSError(errno.EINVAL, "It is neither a file nor a directory", str(path))
    with path.open("rb", buffering=0) as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _lines(root: Path) -> Iterator[bytes]:
    """One for each entry: what it is, its path from the root, what it holds."""
    found: list[tuple[bytes, os.DirEntry[str]]] = []
    left = [root]
    while left:
        with os.scandir(left.pop()) as entries:
            for entry in entries:
                found.append((os.fsencode(os.path.relpath(entry.path, root)), entry))
                if entry.is_dir(follow_symlinks=False):
                    left.append(Path(entry.path))
    for name, entry in sorted(found, key=lambda item: item[0]):
        if entry.is_symlink():
            yield b"link\0" + name + b"\0" + os.fsencode(Path(entry.path).readlink())
        elif entry.is_dir():
            yield b"directory\0" + name
        elif entry.is_file():
            yield b"file\0" + name + b"\0" + _of_file(Path(entry.path)).encode()
