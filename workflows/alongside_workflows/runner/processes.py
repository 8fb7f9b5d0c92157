"""The processes of steps, as their runner has them: started, found again, ended to the last one."""

from __future__ import annotations

import contextlib
import gc
import os
import signal
import subprocess
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from importlib import import_module
from pathlib import Path

from alongside.platforms.local.forked import Program, StartFailed, become, run_to_end
from alongside.platforms.local.process import Identity, descendants, processes, stat, wait_gone
from alongside.platforms.local.warm import ONE_THREAD
from alongside_workflows.runner import attempt
from alongside_workflows.task import LOG

_A_WHILE = 5.0  # seconds that the kernel may need to end what was killed


@dataclass
class StepProcess:
    """A process that carries an attempt out.

    step : of joined ones the first
    at : the one that it is at
    ours : whether it is a child of this process; others were started by a runner before us
    status : its wait status, known of children only, once they are reaped
    """

    step: str
    at: str
    number: int
    nonce: str
    identity: Identity
    descriptor: int | None
    ours: bool
    limit: float | None = None
    """When it has taken too long, on the monotonic clock."""
    status: int | None = None
    told: float | None = field(default=None)
    """When it was told to end."""

    def end(self, grace: float) -> None:
        """Tell it to end; when it was told more than `grace` seconds ago, kill it."""
        if self.told is None:
            self.told = time.monotonic()
            self.identity.send(signal.SIGTERM)
        elif time.monotonic() > self.told + grace:
            self.identity.send(signal.SIGKILL)

    def close(self) -> None:
        if self.descriptor is not None:
            os.close(self.descriptor)
            self.descriptor = None


def preload(module: str) -> bool:
    """Import what steps need. True when steps can be forked: no thread has been started."""
    before = dict(os.environ)
    os.environ.update(ONE_THREAD)
    try:
        import_module(f"{module}.__main__")
    except ImportError:
        with contextlib.suppress(ImportError):  # its own process says what is wrong with it
            import_module(module)
    finally:
        os.environ.clear()
        os.environ.update(before)
    gc.collect()
    gc.freeze()  # else the first collection in a child would copy every page
    return len(list(Path("/proc/self/task").iterdir())) == 1


def start(
    step: str, number: int, nonce: str, *, module: str, folder: Path, forks: bool
) -> StepProcess:
    """Start an attempt in its folder. Raises StartFailed, OSError.

    Its environment is ours, which has been chosen already: never a secret.
    """
    env = dict(os.environ) | {attempt.STEP_MARK: nonce}
    words = (nonce, module, str(folder))
    pid = (_fork if forks else _execute)(words, env, folder)
    # It is our child and not reaped yet, so the id is certainly still its own.
    seen = stat(pid)
    identity = Identity(pid, seen.started if seen else 0)
    return StepProcess(step, step, number, nonce, identity, os.pidfd_open(pid), ours=True)


def _fork(words: tuple[str, ...], env: Mapping[str, str], folder: Path) -> int:
    entry = f"{attempt.__name__}:main"
    program = Program(entry, (attempt.__name__, *words), env, "/", str(folder / LOG))
    sys.stdout.flush()
    sys.stderr.flush()
    pid = os.fork()
    if pid:
        return pid
    try:
        os.closerange(3, 2**16)  # among them what watches other steps
        become(program, session=True)
    except BaseException as error:
        print(error, file=sys.stderr)
        os._exit(1)
    return run_to_end(program.entry)


def _execute(words: tuple[str, ...], env: Mapping[str, str], folder: Path) -> int:
    flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_NOFOLLOW
    with os.fdopen(os.open(folder / LOG, flags, 0o600), "ab") as log:
        try:
            process = subprocess.Popen(
                [sys.executable, "-P", "-m", attempt.__name__, *words],
                env=dict(env),
                cwd="/",
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        except OSError as error:
            raise StartFailed(
                f"The step's process could not be started: {error.strerror}.", "Resume the run."
            ) from None
    process.returncode = 0  # it is reaped with all other children, not by this object
    return process.pid


def adopt(step: str, at: str, number: int, nonce: str, identity: Identity) -> StepProcess:
    """Take over a process that an earlier runner has started; it may have ended already."""
    return StepProcess(step, at, number, nonce, identity, identity.open(), ours=False)


def end_leftovers(process: StepProcess) -> None:
    """Kill what an attempt whose process has ended has left. Bounded in time."""
    deadline = time.monotonic() + _A_WHILE
    while found := _leftovers(process):
        for who in found:
            who.send(signal.SIGKILL)
        wait_gone(found, max(0.0, min(1.0, deadline - time.monotonic())))
        if time.monotonic() > deadline:
            return


def _leftovers(process: StepProcess) -> list[Identity]:
    # What our own children leave becomes our child; for others the whole machine is looked at.
    around = descendants(os.getpid()) if process.ours else processes()
    mark = f"{attempt.STEP_MARK}={process.nonce}".encode()
    found = []
    for seen in around:
        if seen.state in "ZX" or seen.pid in (os.getpid(), process.identity.pid):
            continue
        mine = process.ours and seen.session == process.identity.pid
        if not mine:
            with contextlib.suppress(OSError):
                mine = mark in Path(f"/proc/{seen.pid}/environ").read_bytes().split(b"\0")
        if mine:
            found.append(Identity(seen.pid, seen.started))
    return found


def reap(running: Mapping[int, StepProcess]) -> None:
    """Bury children that have ended, and note how, where it is one of these (by process id)."""
    with contextlib.suppress(ChildProcessError):
        while True:
            pid, status = os.waitpid(-1, os.WNOHANG)
            if not pid:
                return
            if pid in running:
                running[pid].status = status


def end_everything() -> None:
    """Kill whatever descends from this process, when the run is over. Bounded in time."""
    deadline = time.monotonic() + _A_WHILE
    while (left := descendants(os.getpid())) and time.monotonic() < deadline:
        found = [Identity(seen.pid, seen.started) for seen in left]
        for who in found:
            who.send(signal.SIGKILL)
        wait_gone(found, 1.0)
        reap({})


__all__ = ["StepProcess", "adopt", "end_everything", "end_leftovers", "preload", "reap", "start"]
