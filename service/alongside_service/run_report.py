"""Executed notebooks as HTML pages.

A notebook is whatever its author made it, and a large one takes long: each page is made by a
process of its own, ``python -m alongside_service.run_report``, which is bounded in time and knows
nothing of the service.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import resource
import sys
from importlib import import_module
from typing import Any

from alongside.errors import Conflict, Unavailable

LARGEST = 48 * 2**20
"""Bytes of a notebook that is made a page; an executed one has 32 MiB of outputs at most."""
WITHIN = 60.0
"""Seconds that a page takes at most, the time until it is begun included."""
_AT_ONCE = 2
_MEMORY = 2 * 2**30  # bytes of address space
_MISSING = 69  # exit status: there is nothing to make pages with
_ENVIRONMENT = ("HOME", "LANG", "PATH", "PYTHONPATH", "TMPDIR")


class Reports:
    """Makes pages, a few at the same time."""

    def __init__(self) -> None:
        self._room = asyncio.Semaphore(_AT_ONCE)

    async def page(self, notebook: bytes, title: str) -> bytes:
        """A notebook as one page. Raises Conflict for what can't be one, and Unavailable."""
        if len(notebook) > LARGEST:
            raise Conflict(
                f"The notebook has {len(notebook) // 2**20} MiB; a report is made of "
                f"{LARGEST // 2**20} at most.",
                "Get the executed notebook itself.",
            )
        try:
            async with asyncio.timeout(WITHIN), self._room:
                return await _made(notebook, title)
        except TimeoutError:
            raise Unavailable(
                f"The report was not made within {WITHIN:.0f} s.",
                "Try again later, or get the executed notebook itself.",
            ) from None


async def _made(notebook: bytes, title: str) -> bytes:
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-P", "-m", __name__),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.DEVNULL,
        env={name: os.environ[name] for name in _ENVIRONMENT if name in os.environ},
    )
    try:
        page, _ = await process.communicate(f"{' '.join(title.split())}\n".encode() + notebook)
    finally:
        with contextlib.suppress(ProcessLookupError):
            process.kill()
        await process.wait()
    if process.returncode == _MISSING:
        raise Unavailable(
            "No reports are made here: nbconvert is not installed beside the service.",
            "Get the executed notebook itself, or ask an administrator to install nbconvert.",
        )
    if process.returncode:
        raise Conflict(
            "No report can be made of this notebook.", "Get the executed notebook itself."
        )
    return page


def main() -> int:
    """Read a title and, from the next line on, a notebook; write a page."""
    os.nice(10)
    resource.setrlimit(resource.RLIMIT_AS, (_MEMORY, _MEMORY))
    try:
        exporter: Any = import_module("nbconvert").HTMLExporter()
    except ImportError:
        return _MISSING
    nbformat: Any = import_module("nbformat")
    title = sys.stdin.buffer.readline().decode().strip()
    notebook = nbformat.reads(sys.stdin.buffer.read().decode(), as_version=4)
    page, _ = exporter.from_notebook_node(notebook, {"metadata": {"name": title}})
    sys.stdout.buffer.write(page.encode("utf-8", "replace"))
    return 0


if __name__ == "__main__":
    sys.exit(main())
