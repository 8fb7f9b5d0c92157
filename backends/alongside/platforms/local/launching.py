"""Starting a supervisor: forked from a warm process, or plainly when there is none."""

from __future__ import annotations

import asyncio
import os
import pwd
import subprocess
import sys
from collections.abc import Iterable
from typing import IO, Any

from alongside.errors import Unavailable
from alongside.models import Spec
from alongside.platforms.local.forked import (
    Program,
    StartFailed,
    account_environment,
    account_groups,
)
from alongside.platforms.local.process import MARK, Identity
from alongside.platforms.local.settings import Settings
from alongside.platforms.local.store import Folder
from alongside.platforms.local.warm import WarmProcesses

_MODULE = "alongside.platforms.local.supervisor"
KEPT = (
    *("PATH", "LANG", "LANGUAGE", "LC_ALL", "LC_CTYPE", "TZ", "TMPDIR", "TERM"),
    *("HOME", "USER", "LOGNAME", "SHELL"),
    *("VIRTUAL_ENV", "CONDA_PREFIX", "PYTHONPATH", "LD_LIBRARY_PATH", "SSL_CERT_FILE"),
    *("HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY", "http_proxy", "https_proxy", "no_proxy"),
    "CUDA_VISIBLE_DEVICES",
)
"""The variables of our own environment that backends see. Never a token."""


class Launcher:
    """Starts supervisors. `keep`: names of more variables that backends see."""

    def __init__(self, warm: WarmProcesses | None, keep: Iterable[str], log: Any) -> None:
        self._warm = warm
        self._keep = (*KEPT, *keep)
        self._log = log
        self._plain: dict[int, subprocess.Popen[bytes]] = {}

    async def start(self, folder: Folder, spec: Spec, settings: Settings) -> Identity:
        """Start the supervisor of a backend. Raises StartFailed."""
        account = spec.account if os.geteuid() == 0 else ""
        env = {name: os.environ[name] for name in self._keep if name in os.environ}
        if account:
            env |= account_environment(account)
        env[MARK] = spec.id
        log = folder.logs / "supervisor.log"
        if self._warm is not None and settings.warm:
            words = (_MODULE, str(folder.path), settings.model_dump_json())
            program = Program(f"{_MODULE}:main", words, env, "/", str(log), account)
            try:
                return await self._warm.fork(program)
            except Unavailable as error:
                self._log.warning("Starting %s plainly: %s", spec.id, error.message)
        cold = settings.model_copy(update={"warm": False})
        argv = [sys.executable, "-P", "-m", _MODULE, str(folder.path), cold.model_dump_json()]
        return await asyncio.to_thread(self._start_plainly, argv, env, str(log), account)

    def _start_plainly(
        self, argv: list[str], env: dict[str, str], log: str, account: str
    ) -> Identity:
        who: dict[str, Any] = {}
        if account:
            entry = pwd.getpwnam(account)
            who = {
                "user": entry.pw_uid,
                "group": entry.pw_gid,
                "extra_groups": account_groups(account),
            }
        flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_NOFOLLOW
        try:
            with os.fdopen(os.open(log, flags, 0o600), "ab") as output:
                if account:
                    os.fchown(output.fileno(), who["user"], who["group"])
                process = self._popen(argv, env, output, who)
        except OSError as error:
            raise StartFailed(f"No supervisor could be started: {error}.", "Try again.") from None
        self._plain[process.pid] = process
        identity = Identity.of(process.pid)
        if identity is None:
            raise StartFailed("The supervisor ended at once.", f"See {log}.")
        return identity

    @staticmethod
    def _popen(
        argv: list[str], env: dict[str, str], output: IO[bytes], who: dict[str, Any]
    ) -> subprocess.Popen[bytes]:
        return subprocess.Popen(
            argv,
            env=env,
            cwd="/",
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            start_new_session=True,
            **who,
        )

    def close(self) -> None:
        """Let go of the supervisors: they live on."""
        for process in self._plain.values():
            if process.poll() is None:
                process.returncode = 0  # else its object would complain that it still runs
        self._plain.clear()

    def bury(self, pid: int) -> None:
        """Reap a supervisor that was started plainly and has ended."""
        process = self._plain.pop(pid, None)
        if process is not None:
            process.wait(timeout=5)
