"""The ``_real`` program: a locale that a launcher started."""

from __future__ import annotations

import os
import sys

from .ages import Age
from .options import Halt, Options


def run(options: Options, age: Age) -> int:
    """Be the locale that the launcher wants; the exit status."""
    if os.environ.get("AMUDP_SLAVE_ARGS"):
        from . import ssh

        return ssh.member(options, age)
    from . import smp

    lines, pids = smp.fork(options.locales - 1)
    from .server import Server

    server = Server(options, age, lines)
    status = 0
    try:
        server.start()
        server.run()
    except Halt as halt:
        print(halt, file=sys.stderr, flush=True)
        status = 1
    return smp.leave(pids, status)
