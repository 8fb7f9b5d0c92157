"""What is done when a Jupyter server with a service of its own has ended, in whichever way.

``python -m alongside_service.afterwards HOME``, started by that server, does nothing until its
standard input ends, which it does with the server, also when that is killed. Then it cancels runs
of workflows, and ends the backends of the server's session and of these runs; those that are to be
kept become free-standing. It holds the lock of HOME meanwhile. Should it be killed too, the next
server does the same at its start.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Coroutine, Iterable
    from typing import Any

    from alongside.platforms.base import Platform

WITHIN = 45.0
"""Seconds that backends have to end; the platform kills what has not before."""


def watch(home: Path, lock: int) -> int:
    """Start the process that waits for our end; the descriptor that keeps it waiting."""
    reading, writing = os.pipe()
    try:
        with (home / "afterwards.log").open("wb") as log:
            process = subprocess.Popen(
                [sys.executable, "-P", "-m", __name__, str(home)],
                stdin=reading,
                stdout=log,
                stderr=log,  # not the server's: whoever reads that would wait for us
                pass_fds=[lock],
                start_new_session=True,  # a Ctrl-C at the server's terminal is for the server
                cwd="/",
            )
    except OSError:
        os.close(writing)
        raise
    finally:
        os.close(reading)
    process.returncode = 0  # it ends after us; Popen need not ask for it
    return writing


async def end_session(home: Path, name: str = "") -> None:
    """End the runs of workflows, and the backends of this session, and wait until they have.

    Raises AlongsideError.
    """
    await both(end_runs(home), _end_backends(home, name))


async def both(*work: Coroutine[Any, Any, None]) -> None:
    """Do these at the same time, each to its end. Raises what the first one that failed did."""
    import asyncio

    for error in await asyncio.gather(*work, return_exceptions=True):
        if error is not None:
            raise error


async def end_runs(home: Path) -> None:
    """Cancel every run of workflows that is kept in this folder, and wait until they have ended."""
    if not any((home / "runs").glob("[!.]*")):
        return
    from alongside_workflows.executors.ending import cancel_all
    from alongside_workflows.executors.local import LocalExecutor

    executor = LocalExecutor(home, warm=False)
    await executor.open()
    try:
        await cancel_all(executor)
    finally:
        await executor.close()


async def _end_backends(home: Path, name: str) -> None:
    from alongside.platforms.local import LocalPlatform

    if not any((home / "backends").glob("[!.]*")):
        return
    platform = LocalPlatform(home=str(home), warm=False)
    await platform.open()
    try:
        await _end_all(platform, name)
    finally:
        await platform.close()


async def _end_all(platform: Platform, name: str) -> None:
    ending = set()
    for spec in [seen.spec for seen in await platform.observed()]:
        if spec.session != name and not spec.run:
            continue
        if spec.keep:
            free = {"session": None, "generation": spec.generation + 1}
            await platform.update(spec.model_copy(update=free))
        else:
            await platform.stop(spec.id, forget=True)
            ending.add(spec.id)
    await until_gone(platform, ending)


async def until_gone(platform: Platform, ids: Iterable[str]) -> None:
    """Return when nothing is left of these backends of this machine."""
    from contextlib import aclosing

    from alongside.platforms.base import Removed

    async with aclosing(platform.watch()) as changes:  # before we look: then none is missed
        left = {*ids} & {seen.spec.id for seen in await platform.observed()}
        while left:
            if isinstance(change := await anext(changes), Removed):
                left.discard(change.id)


def main() -> None:
    """Wait, then end them."""
    home = Path(sys.argv[1])
    sys.stdin.buffer.read()
    import asyncio

    from alongside.errors import AlongsideError

    try:
        asyncio.run(asyncio.wait_for(end_session(home), WITHIN))
    except (AlongsideError, TimeoutError, OSError) as error:
        sys.exit(f"Not all that ran in {home} has ended: {error or 'it takes too long'}.")


if __name__ == "__main__":
    main()
