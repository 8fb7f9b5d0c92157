"""The process of a session's notebook server: started warm or plainly, and known again later."""

# mypy: allow-untyped-calls
# JupyterHub's own methods have no types.

from __future__ import annotations

import asyncio
import signal
import subprocess
from pathlib import Path
from typing import Any

from jupyterhub.spawner import LocalProcessSpawner

from alongside.errors import Unavailable
from alongside.platforms.local.forked import Program
from alongside.platforms.local.process import Identity
from alongside_spawners.accounts import Account
from alongside_spawners.session_start import SessionFailed
from alongside_spawners.single_user import COMMAND, needs_own_interpreter
from alongside_spawners.warm_sessions import warm_sessions

_UNWANTED = 3.0  # seconds for which a fork is waited for that nobody wants any more


class NotebookServer(LocalProcessSpawner):
    """A spawner's hold on one process, by process id and start time.

    It has no settings and starts nothing by itself; `LocalSessionSpawner` decides when.
    """

    _identity: Identity | None = None

    # Launch

    async def _launch(self, account: Account, log: Path, *, warm: bool) -> None:
        """Start the process, `warm` where that can be done or else plainly.

        What it prints goes to the file `log`. Raises SessionFailed when there is no such command.
        """
        self.proc = None
        server = None
        if warm and self._may_start_warm():
            try:
                server = await self._fork(account, log)
            except Unavailable as error:
                self.log.warning("Starting %s plainly: %s", self._log_name, error)
        if server is None:
            await self._start_plainly(log)
            server = Identity.of(self.pid)
        self._identity = server
        self.pid = server.pid if server else self.pid

    def _may_start_warm(self) -> bool:
        plain = self.cmd != [COMMAND] or self.shell_cmd or self.popen_kwargs or self.cert_paths
        return not plain

    async def _fork(self, account: Account, log: Path) -> Identity | None:
        env = self.get_env()
        if reason := needs_own_interpreter(env):
            self.log.info("Starting %s plainly because of %s.", self._log_name, reason)
            return None
        program = Program(
            entry="alongside_spawners.single_user:main",
            argv=(*self.cmd, *self.get_args()),
            env=env,
            cwd=account.home,
            output=str(log),
            account=account.name,
        )
        warm = await warm_sessions(self.log)
        self.log.info("Forking %s", " ".join(program.argv))
        forking = asyncio.ensure_future(warm.fork(program))
        try:
            return await asyncio.shield(forking)
        except asyncio.CancelledError:
            # The request is under way; whatever comes of it, nobody waits for any more.
            forking.add_done_callback(_end)
            await asyncio.wait([forking], timeout=_UNWANTED)
            raise

    async def _start_plainly(self, log: Path) -> None:
        configured = self.popen_kwargs
        with log.open("ab") as file:
            output = {"stdin": subprocess.DEVNULL, "stdout": file, "stderr": subprocess.STDOUT}
            self.popen_kwargs = {**output, **configured}
            try:
                await super().start()
            except OSError as error:
                raise SessionFailed(
                    f"The notebook server can't be started: {error.strerror}.",
                    "Ask an administrator to look at Spawner.cmd.",
                ) from None
            finally:
                self.popen_kwargs = configured

    def _alive(self) -> bool:
        if self.proc is not None:
            return self.proc.poll() is None
        return self._identity is not None and self._identity.alive

    # Who it is

    def get_state(self) -> dict[str, Any]:
        state: dict[str, Any] = super().get_state()
        if self._identity:
            state["started"] = self._identity.started
        return state

    def load_state(self, state: dict[str, Any]) -> None:
        super().load_state(state)
        if self.pid and "started" in state:
            self._identity = Identity(self.pid, state["started"])

    def clear_state(self) -> None:
        super().clear_state()
        self._identity = None

    async def _signal(self, sig: int) -> bool:
        """Signal the notebook server; False when it is gone, whoever has its process id now."""
        if self._identity is None:
            return False
        return self._identity.alive if sig == 0 else self._identity.send(sig)


def _end(forking: asyncio.Future[Identity]) -> None:
    if not forking.cancelled() and forking.exception() is None:
        forking.result().send(signal.SIGKILL)
