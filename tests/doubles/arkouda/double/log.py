"""What the server prints."""

from __future__ import annotations

import os
import signal
import sys
import time
from pathlib import Path
from typing import TextIO

from .options import Options


class Log:
    """Prints as the server does: into standard output, or into ``.arkouda/arkouda.log``.

    A reader that has gone away is the end of the process.
    """

    def __init__(self, options: Options, folder: Path) -> None:
        self.options = options
        self.file: TextIO | None = None
        if options.to_file:
            self.file = (folder / "arkouda.log").open("a")

    def info(self, text: str) -> None:
        if self.options.level in ("DEBUG", "INFO"):
            self.line("INFO", text)

    def error(self, text: str) -> None:
        self.line("ERROR", text)

    def trace(self, text: str) -> None:
        if self.options.trace:
            self.info(text)

    def line(self, level: str, text: str) -> None:
        now = time.strftime("%Y-%m-%d:%H:%M:%S")
        put(f"{now} [arkouda_server] main Line 1 {level} [Chapel] {text}\n", self.file)


def put(text: str, file: TextIO | None = None) -> None:
    """Print at once."""
    target = file or sys.stdout
    try:
        target.write(text)
        target.flush()
    except BrokenPipeError:
        signal.signal(signal.SIGPIPE, signal.SIG_DFL)
        os.kill(os.getpid(), signal.SIGPIPE)


def banner(url: str, version: str) -> str:
    """The splash message."""
    inner = f"{' ' * 26}server listening on {url}{' ' * 26}"
    edge = "*" * (len(inner) + 2)
    lines = ["", "", edge, edge, f"*{'':{len(inner)}}*", f"*{inner}*"]
    lines += [f"*{f'arkouda server version = {version}':^{len(inner)}}*"]
    lines += [f"*{'':{len(inner)}}*", edge, edge, "", "", ""]
    return "\n".join(lines)
