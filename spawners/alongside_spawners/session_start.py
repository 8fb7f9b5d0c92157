"""How the start of a notebook server goes: its port answers, or its process ends instead."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable
from pathlib import Path

from alongside.errors import AlongsideError, Conflict
from alongside_spawners.session_log import last_lines


class SessionFailed(AlongsideError):
    """The notebook server, or its pod, did not come up."""

    code = "session-failed"
    status = 503


def is_taken(host: str, port: int) -> bool:
    """Whether somebody listens at this port now; `host` may be empty."""
    with socket.socket() as probe:
        probe.settimeout(0.5)
        return probe.connect_ex((host or "127.0.0.1", port)) == 0


def refuse_taken(host: str, port: int) -> None:
    """Raise Conflict when somebody listens at a port that the configuration prescribes."""
    if is_taken(host, port):
        raise Conflict(
            f"Port {port} is in use by another program.",
            "Stop that program, or have an administrator change Spawner.port.",
        )


async def until_it_answers(
    host: str, port: int, *, timeout: float, alive: Callable[[], bool], log: Path
) -> None:
    """Wait until the port answers, at most `timeout` seconds.

    Raises SessionFailed, with the last words of its `log`, when the process isn't `alive` before.
    """
    loop = asyncio.get_running_loop()
    deadline = loop.time() + timeout
    while loop.time() < deadline:
        if await answers(host or "127.0.0.1", port):
            return
        if not alive():
            said = last_lines(log)
            raise SessionFailed(
                "The notebook server ended before it was ready."
                + (f" Its last words: {said}" if said else ""),
                f"An administrator finds its log in {log}.",
            )
        await asyncio.sleep(0.02)


async def answers(host: str, port: int) -> bool:
    """Whether somebody accepts connections there within a second."""
    try:
        _, writer = await asyncio.wait_for(asyncio.open_connection(host, port), 1.0)
    except OSError:
        return False
    writer.close()
    return True
