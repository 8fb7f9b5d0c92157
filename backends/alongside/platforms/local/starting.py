"""Starting a detached process: forked from a warm process, or plainly when there is none."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
from collections.abc import Iterable
from typing import Any

from alongside.errors import Unavailable
from alongside.platforms.local.accounts import account_environment, account_groups, account_of
from alongside.platforms.local.forked import Program, StartFailed
from alongside.platforms.local.process import Identity
from alongside.platforms.local.warm import WarmProcesses

_KEPT = (
    *("PATH", "LANG", "LANGUAGE", "LC_ALL", "LC_CTYPE", "TZ", "TMPDIR", "TERM"),
    *("HOME", "USER", "LOGNAME", "SHELL"),
    *("VIRTUAL_ENV", "CONDA_PREFIX", "PYTHONPATH", "LD_LIBRARY_PATH", "SSL_CERT_FILE"),
    *("HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY", "http_proxy", "https_proxy", "no_proxy"),
    "CUDA_VISIBLE_DEVICES",
)
"""The variables of our own environment that they see. Never a token."""


class Starter:
    """Starts processes that outlive us.

    noun : what one of them is called in messages
    keep : names of more of our environment variables that they see
    """

    def __init__(self, noun: str, warm: WarmProcesses | None, keep: Iterable[str], log: Any):
        self._noun = noun
        self._warm = warm
        self._keep = (*_KEPT, *keep)
        self._log = log
        self._plain: dict[int, subprocess.Popen[bytes]] = {}

    def environment(self, account: str) -> dict[str, str]:
        """What such a process finds in its environment. `account`: "" stays ours.

        Raises InvalidRequest when there is no such account any more.
        """
        env = {name: os.environ[name] for name in self._keep if name in os.environ}
        if account_of(account, self._noun) is None:
            return env
        return env | account_environment(account)

    async def begin(self, program: Program, plainly: tuple[str, ...] | None = None) -> Identity:
        """Start it. `program.argv[0]` is the module that it executes.

        `plainly`: its further words where it isn't forked, unless they are the same. Raises
        StartFailed.
        """
        module, *words = program.argv
        if self._warm is not None:
            try:
                return await self._warm.fork(program)
            except Unavailable as error:
                self._log.warning("A %s is started plainly: %s", self._noun, error.message)
        argv = [sys.executable, "-P", "-m", module, *(words if plainly is None else plainly)]
        return await asyncio.to_thread(self._begin_plainly, argv, program)

    def _begin_plainly(self, argv: list[str], program: Program) -> Identity:
        who: dict[str, Any] = {}
        owner = account_of(program.account, self._noun)
        if owner is not None:
            groups = account_groups(program.account)
            who = {"user": owner[0], "group": owner[1], "extra_groups": groups}
        flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_NOFOLLOW | os.O_NONBLOCK
        try:
            with os.fdopen(os.open(program.output, flags, 0o600), "ab") as output:
                # A second name would mean that the account has linked somebody's file there.
                if owner is not None and os.fstat(output.fileno()).st_nlink == 1:
                    os.fchown(output.fileno(), *owner)
                process = subprocess.Popen(
                    argv,
                    env=program.env,
                    cwd=program.cwd,
                    stdin=subprocess.DEVNULL,
                    stdout=output,
                    stderr=output,
                    start_new_session=True,
                    **who,
                )
        except OSError as error:
            raise StartFailed(f"No {self._noun} could be started: {error}.", "Try again.") from None
        self._plain[process.pid] = process
        identity = Identity.of(process.pid)
        if identity is None:
            self.bury(process.pid)
            raise StartFailed(f"The {self._noun} ended at once.", f"See {program.output}.")
        return identity

    def close(self) -> None:
        """Let go of what was started: it lives on."""
        for process in self._plain.values():
            if process.poll() is None:
                process.returncode = 0  # else its object would complain that it still runs
        self._plain.clear()

    def bury(self, pid: int) -> None:
        """Reap a process that was started plainly and has ended."""
        process = self._plain.pop(pid, None)
        if process is not None:
            process.wait(timeout=5)


__all__ = ["Starter"]
