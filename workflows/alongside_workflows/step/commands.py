"""A command as a step: its words, its process, and what it prints."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import sys
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import BinaryIO

from alongside.platforms.local.process import end_with_parent
from alongside_workflows.step.failing import StepFailed, cause
from alongside_workflows.step.kernel import MEMORY, ending
from alongside_workflows.task import BAD_INPUT

LARGEST_LOG = 32 * 2**20
"""Bytes of what a command prints that are kept."""
_POLITE = 5.0  # seconds to end after it was asked to
_KILLED = 3.0
_LAST_WORDS = 0.5  # seconds for what it has printed to arrive


async def run(words: Sequence[str], directory: Path, environment: Mapping[str, str]) -> None:
    """Run a command to its end; what it prints goes where our own standard output goes.

    When this is cancelled, the whole process group is ended. Raises StepFailed.
    """
    # A pipe of our own: asyncio takes a process for ended when its pipes are closed as well, but
    # what it has left behind may keep them open.
    printed, end = os.pipe()
    try:
        process = await asyncio.create_subprocess_exec(
            *words,
            cwd=directory,
            env={"PYTHONUNBUFFERED": "1", **environment},
            stdin=asyncio.subprocess.DEVNULL,
            stdout=end,
            stderr=end,
            start_new_session=True,
            preexec_fn=partial(end_with_parent, os.getpid()),
        )
    except (OSError, ValueError) as error:
        os.close(printed)
        raise StepFailed(
            f"The command {words[0]!r} can't be run: {cause(error)}.",
            "Check its name, that it is installed here, and that it may be executed.",
            BAD_INPUT,
        ) from error
    finally:
        os.close(end)
    printing = asyncio.create_task(_forward(printed, sys.stdout.buffer))
    try:
        code = await process.wait()
    finally:
        await _end(process)
        await asyncio.wait({printing}, timeout=_LAST_WORDS)
        printing.cancel()
    if code:
        raise StepFailed(
            f"The command {Path(words[0]).name!r} has failed ({ending(code)}).",
            MEMORY if code == -signal.SIGKILL else "See the step's log.",
        )


async def _end(process: asyncio.subprocess.Process) -> None:
    """End its group: politely at first if it still runs, then for certain."""
    if process.returncode is None:
        _send(process.pid, signal.SIGTERM)
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(process.wait(), _POLITE)
    _send(process.pid, signal.SIGKILL)
    if process.returncode is None:
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(process.wait(), _KILLED)


def _send(group: int, signum: int) -> None:
    with contextlib.suppress(OSError):
        os.killpg(group, signum)


async def _forward(pipe: int, to: BinaryIO) -> None:
    """Copy what is printed, so much as is kept, and swallow the rest."""
    source = asyncio.StreamReader()
    transport, _ = await asyncio.get_running_loop().connect_read_pipe(
        lambda: asyncio.StreamReaderProtocol(source), os.fdopen(pipe, "rb", buffering=0)
    )
    left = LARGEST_LOG
    try:
        while data := await source.read(2**16):
            with contextlib.suppress(OSError):  # a full disk is no reason to stop
                to.write(data[: max(0, left)])
                if 0 <= left < len(data):
                    to.write(f"\n[More than {LARGEST_LOG // 2**20} MiB is left out.]\n".encode())
                to.flush()
            left -= len(data)
    finally:
        transport.close()
