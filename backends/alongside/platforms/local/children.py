"""The processes that a supervisor starts, one `Child` each."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

from alongside.kinds.base import Command, Role
from alongside.platforms.local.forked import Program, StartFailed, become, run_to_end
from alongside.platforms.local.process import descendants, end_with_parent, stat


@dataclass
class Child:
    """A running process of one role."""

    name: str
    role: Role
    pid: int
    cpus: frozenset[int]
    since: float = field(default_factory=time.monotonic)
    leaving: float | None = None
    """When it was let go; None for one that is to stay."""
    reaped: bool = False
    """Whether it has ended and its id may be somebody else's by now."""

    def bury(self) -> None:
        """Note that it has just been reaped, and kill what it leaves in its process group."""
        self.reaped = True
        with contextlib.suppress(OSError):
            os.killpg(self.pid, signal.SIGKILL)

    def send(self, signum: int) -> None:
        """Signal it and its process group. As it isn't reaped, the id is still its own."""
        if self.reaped:
            return
        for deliver in (os.killpg, os.kill):
            try:
                deliver(self.pid, signum)
            except OSError:
                continue

    def memory(self, *, tree: bool) -> int:
        """Resident bytes, of its descendants too with `tree`."""
        own = stat(self.pid)
        return (own.rss if own else 0) + (
            sum(seen.rss for seen in descendants(self.pid)) if tree else 0
        )


def choose_cpus(cores: int, taken: Iterable[frozenset[int]], offset: int) -> frozenset[int]:
    """The CPUs for one more process: those that the fewest of the backend's processes have.

    All of them when `cores` is 0 or not less than there are. `offset` spreads backends out.
    """
    present = sorted(os.sched_getaffinity(0))
    if not 0 < cores < len(present):
        return frozenset(present)
    load = Counter(cpu for cpus in taken for cpu in cpus)
    turn = offset % len(present)
    order = present[turn:] + present[:turn]
    return frozenset(sorted(order, key=lambda cpu: load[cpu])[:cores])


def start(
    name: str,
    role: Role,
    command: Command,
    *,
    env: dict[str, str],
    cwd: str,
    log: Path,
    cpus: frozenset[int],
    warm: bool,
) -> Child:
    """Start one process as a child that the kernel ends when we end. Raises StartFailed."""
    if warm and command.entry:
        # As ``python -m module ...`` would have it.
        words = command.argv[command.argv.index("-m") + 1 :] if "-m" in command.argv else ()
        program = Program(command.entry, tuple(words) or command.argv, env, cwd, str(log))
        pid = _fork(program, cpus)
    else:
        pid = _execute(command.argv, env, cwd, log, cpus)
    return Child(name, role, pid, cpus)


def _fork(program: Program, cpus: frozenset[int]) -> int:
    parent = os.getpid()
    sys.stdout.flush()
    sys.stderr.flush()
    pid = os.fork()
    if pid:
        return pid
    try:
        end_with_parent(parent)
        os.sched_setaffinity(0, cpus)
        become(program, session=False)
    except BaseException as error:
        sys.stderr.write(f"{error}\n")
        os._exit(1)
    return run_to_end(program.entry)


def _execute(
    argv: tuple[str, ...], env: dict[str, str], cwd: str, log: Path, cpus: frozenset[int]
) -> int:
    parent = os.getpid()

    def prepare() -> None:  # nothing else runs in this process, so this is safe here
        signal.pthread_sigmask(signal.SIG_SETMASK, ())
        os.setpgid(0, 0)
        end_with_parent(parent)
        os.sched_setaffinity(0, cpus)

    try:
        with os.fdopen(os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600), "ab") as output:
            process = subprocess.Popen(
                argv,
                env=env,
                cwd=cwd,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                preexec_fn=prepare,
            )
    except (OSError, subprocess.SubprocessError) as error:
        raise StartFailed(f"{argv[0]} could not be started: {error}.", "See its log.") from None
    process.returncode = 0  # it is reaped with all other children, not by this object
    return process.pid
