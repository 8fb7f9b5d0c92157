"""The beginning of a step's process: it proves who it is, then becomes the step.

A runner notes that it intends to start an attempt, under a nonce, and starts it. When the runner is
killed in between, the next one can't know whether a process is on its way. So both sides make a
claim, and the file system lets only one succeed: the process, before it does anything; or the new
runner, which then knows that nothing of this attempt has happened, nor ever will.
"""

from __future__ import annotations

import contextlib
import json
import os
import runpy
import sys
from pathlib import Path

from alongside.platforms.local.process import Identity
from alongside.platforms.local.store import Corrupt, read_below

STEP_MARK = "ALONGSIDE_STEP_MARK"
"""Environment variable of every process of an attempt; its value is the nonce."""
_LATE = 75  # nobody looks at it: the attempt belongs to somebody else


def claim(folder: Path, nonce: str, identity: Identity | None) -> Identity | None:
    """Claim an attempt, for a process or, with None, for nobody ever.

    The answer is who has it: the process of whoever came first, None for nobody. Raises OSError.
    """
    target = folder / f".begun-{nonce}"
    draft = folder / f".begun-{nonce}-{os.getpid()}"
    content = {"pid": identity.pid, "started": identity.started} if identity else {}
    draft.write_text(json.dumps(content))
    try:
        os.link(draft, target)
    except FileExistsError:
        return claimed(folder, nonce)
    finally:
        with contextlib.suppress(OSError):
            draft.unlink()
    return identity


def claimed(folder: Path, nonce: str) -> Identity | None:
    """Whose process the attempt is; None when nobody's."""
    try:
        content = json.loads(read_below(folder, f".begun-{nonce}"))
        return Identity(int(content["pid"]), int(content["started"]))
    except (OSError, Corrupt, ValueError, KeyError, TypeError):
        return None


def boot() -> str:
    """Which start of the machine this is: process ids mean nothing in another one."""
    try:
        return Path("/proc/sys/kernel/random/boot_id").read_text().strip()
    except OSError:
        return ""


def main() -> int:
    """``python -m alongside_workflows.runner.attempt NONCE MODULE FOLDER``."""
    _, nonce, module, folder = sys.argv
    me = Identity.of(os.getpid())
    if me is None or claim(Path(folder), nonce, me) != me:
        return _LATE
    sys.argv = [module, folder]
    # Where it was imported beforehand, what it imports is there; it itself is to be run afresh.
    main_module = f"{module}.__main__"
    sys.modules.pop(main_module if main_module in sys.modules else module, None)
    runpy.run_module(module, run_name="__main__", alter_sys=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
