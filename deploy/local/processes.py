"""Starting processes that end with this one, and ending them with all that they have started.

The launcher adopts every process below it whose own parent has gone, so what is left over can
always be found and ended.
"""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from alongside.platforms.local.process import (
    MARK,
    Identity,
    descendants,
    end_with_parent,
    wait_gone,
)
from home import write_private


def start(
    command: Sequence[str], environment: Mapping[str, str], output: int, cwd: Path
) -> Identity:
    """Start a process in a session of its own, so that Ctrl-C doesn't reach it.

    It gets SIGTERM when this process ends, however that happens.
    """
    launcher = os.getpid()

    def prepare() -> None:
        signal.pthread_sigmask(signal.SIG_SETMASK, [])
        end_with_parent(launcher, signal.SIGTERM)

    child = subprocess.Popen(
        command,
        env=dict(environment),
        cwd=cwd,
        stdin=subprocess.DEVNULL,
        stdout=output,
        stderr=output,
        start_new_session=True,
        preexec_fn=prepare,  # the launcher has one thread only
    )
    child.returncode = 0  # `reap` asks for it, Popen need not
    return Identity.of(child.pid) or Identity(child.pid, 0)


def reap() -> dict[int, int]:
    """Exit codes by process id of all children, adopted ones too, that have ended."""
    ended: dict[int, int] = {}
    with contextlib.suppress(ChildProcessError):
        while True:
            pid, status = os.waitpid(-1, os.WNOHANG)
            if pid == 0:
                break
            ended[pid] = os.waitstatus_to_exitcode(status)
    return ended


def below() -> list[Identity]:
    """Everything that runs below this process."""
    return [Identity(seen.pid, seen.started) for seen in descendants(os.getpid())]


def of_backends(processes: Iterable[Identity]) -> set[Identity]:
    """Those of them that belong to a backend, or to a run of a workflow."""
    own = (f"{MARK}=".encode(), b"ALONGSIDE_RUN=")
    return {
        p
        for p in processes
        if any(mark in _read(p, "environ") for mark in own)
        or b"alongside_workflows." in _read(p, "cmdline")
    }


def running(processes: Iterable[Identity], word: str) -> list[Identity]:
    """Those of them whose command line has this word in it."""
    return [p for p in processes if word.encode() in _read(p, "cmdline")]


def end(processes: Iterable[Identity], patience: float) -> None:
    """SIGTERM, and after `patience` seconds SIGKILL; returns when they are gone."""
    processes = list(processes)
    for process in processes:
        process.send(signal.SIGTERM)
    left = wait_gone(processes, patience)
    for process in left:
        process.send(signal.SIGKILL)
    wait_gone(left, 5)
    reap()


def remember(path: Path, process: Identity) -> None:
    """Note a process for a later launcher."""
    write_private(path, json.dumps({"pid": process.pid, "started": process.started}) + "\n")


def recall(path: Path) -> list[Identity]:
    """The process noted in this file, if it still runs."""
    try:
        noted = json.loads(path.read_text(encoding="utf-8"))
        process = Identity(int(noted["pid"]), int(noted["started"]))
    except (OSError, ValueError, KeyError, TypeError):
        return []
    return [process] if process.alive else []


def left_proxy(pid_file: Path) -> list[Identity]:
    """The proxy that a killed hub has left, by the hub's own file."""
    try:
        found = Identity.of(int(pid_file.read_text(encoding="ascii")))
    except (OSError, ValueError):
        return []
    return running([found] if found else [], "configurable-http-proxy")


def _read(process: Identity, name: str) -> bytes:
    try:
        return Path(f"/proc/{process.pid}/{name}").read_bytes()
    except OSError:
        return b""
