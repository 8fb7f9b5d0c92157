"""How the program starts: alone, or as the launcher of several locales."""

from __future__ import annotations

import contextlib
import os
import signal
import sys
from collections.abc import Sequence
from pathlib import Path

from .ages import AGES
from .options import Halt, help_text, parse


def main(arguments: Sequence[str], age: str = "2021") -> int:
    """Run ``arkouda_server`` or, for a launcher, ``arkouda_server_real``; the exit status."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    program, flags, known = arguments[0], arguments[1:], AGES[age]
    if any(word in ("-h", "--help") for word in flags):
        print(help_text(known))
        return 0
    if any(word in ("-a", "--about") for word in flags):
        print(f"Compilation command: chpl arkouda_server.chpl\nChapel version: {known.chapel}")
        return 0
    name(Path(program).name)
    try:
        options = parse(flags, known)
        if options.locales < 1:
            raise Halt("<command-line>:1: error: Number of locales must be greater than 0")
        if Path(program).name.endswith("_real"):
            from . import members

            return members.run(options, known)
        if os.environ.get("SSH_SERVERS"):
            from . import ssh

            return ssh.launch(program, flags, options.locales)
        if options.locales > 1:
            from . import smp

            smp.launch(program, flags)
        from .server import Server

        server = Server(options, known)
        server.start()
        server.run()
    except Halt as halt:
        sys.stdout.flush()
        print(halt, file=sys.stderr, flush=True)
        # Threads of other ports may be in the middle of something; the real one doesn't wait.
        os._exit(1)
    return 0


def name(text: str) -> None:
    """Be listed under the program's name, not as an interpreter."""
    with contextlib.suppress(OSError):
        Path("/proc/self/comm").write_text(text[:15])
