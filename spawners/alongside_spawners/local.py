"""Sessions as processes of this machine, with their backends alongside.

`LocalSessionSpawner` starts notebook servers, forked from a warm process where that can be done;
`AlongsideLocalSpawner` adds the form and the backends.
"""

# mypy: allow-untyped-calls
# JupyterHub's own methods have no types.

from __future__ import annotations

import asyncio
import contextlib
import os
import socket
import subprocess
import sys
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any, cast

from jupyterhub.spawner import LocalProcessSpawner
from jupyterhub.utils import random_port
from traitlets import Bool, Float, Unicode, default

from alongside.errors import AlongsideError, Conflict, StorageFailed, Unavailable
from alongside.platforms.local.forked import Program
from alongside.platforms.local.process import Identity
from alongside_spawners.accounts import Account, account_of, directory_name
from alongside_spawners.mixin import AlongsideMixin
from alongside_spawners.refusals import Refusal
from alongside_spawners.session_log import last_lines, prepare_log
from alongside_spawners.session_processes import MARK, SessionProcesses, mark_of
from alongside_spawners.single_user import COMMAND, needs_own_interpreter
from alongside_spawners.warm_sessions import warm_sessions

_TRIES = 3  # of ports that somebody else took between our look and the server's start


class SessionFailed(AlongsideError):
    """The notebook server ended while it started."""

    code = "session-failed"
    status = 503


class LocalSessionSpawner(LocalProcessSpawner):
    """Starts a notebook server as a process of this machine, warm where possible.

    A session survives the hub and the warm process, also when they are killed, and is found
    again by process id and start time. When it ends, everything that it started ends with it.
    """

    unix_users = Bool(
        help="""Whether each session runs under the Unix account of its user's name.

        Default: yes when the hub runs as root. Setting it to False for a hub that runs as root
        gives every user the powers of root: for trying out on a machine of one's own only.
        """
    ).tag(config=True)

    state_dir = Unicode(
        help="""Directory for the logs and, without Unix users, the homes of sessions.

        Default: `$ALONGSIDE_HOME`, or `.alongside` in the hub's working directory. Two hubs on
        one machine need two.
        """
    ).tag(config=True)

    home_dir_template = Unicode(
        "{state_dir}/home/{username}",
        help="""Home directory of a user's sessions when `unix_users` is off.

        `{username}` becomes a directory name made of the user's name, `{state_dir}` the directory
        of that name.
        """,
    ).tag(config=True)

    warm = Bool(
        True,
        help="""Whether sessions are forked from a process that has imported JupyterLab already.

        Sessions with a `cmd`, `shell_cmd` or `popen_kwargs` of their own start plainly anyway.
        """,
    ).tag(config=True)

    answer_timeout = Float(
        20.0,
        help="""Seconds to wait in `start` until the notebook server accepts connections.

        After that it is up to the hub's `http_timeout`. Waiting here saves up to three seconds,
        because the hub looks at long, irregular intervals.
        """,
    ).tag(config=True)

    leftover_timeout = Float(
        5.0,
        help="Seconds that kernels and terminals may take to end after their notebook server.",
    ).tag(config=True)

    @default("unix_users")
    def _unix_users_default(self) -> bool:
        return os.geteuid() == 0

    @default("state_dir")
    def _state_dir_default(self) -> str:
        return os.environ.get("ALONGSIDE_HOME", ".alongside")

    _identity: Identity | None = None
    _swept = False
    _launching = False

    # Names and places

    @property
    def _state_path(self) -> Path:
        return Path(self.state_dir).absolute()

    @property
    def account(self) -> Account:
        """The Unix account and home of this session."""
        home = self.home_dir_template.format(
            username=directory_name(self.user.name), state_dir=self._state_path
        )
        return account_of(self.user.name, unix_users=self.unix_users, home=home)

    @property
    def mark(self) -> str:
        """What all processes of this session carry in their environment."""
        return mark_of(self._state_path, self.user.name, self.name)

    @property
    def log_file(self) -> Path:
        """What this session's notebook server and kernels print."""
        name = f"{directory_name(self.user.name)}-{self.mark[:12]}.log"
        return self._state_path / "sessions" / name

    @property
    def directory(self) -> str:
        """Where the notebook server's files are, as an absolute path."""
        home = self.account.home
        chosen = self.format_string(self.notebook_dir) if self.notebook_dir else home
        if chosen == "~" or chosen.startswith("~/"):
            chosen = home + chosen[1:]
        return str(Path(home, chosen))

    def _processes(self) -> SessionProcesses:
        return SessionProcesses(self.mark, self.log_file, self.pid)

    # What LocalProcessSpawner asks for

    def user_env(self, env: dict[str, str]) -> dict[str, str]:
        account = self.account
        env["USER"] = env["LOGNAME"] = self.user.name
        env["HOME"] = account.home
        env["SHELL"] = account.shell
        return env

    def get_env(self) -> dict[str, str]:
        env: dict[str, str] = super().get_env()
        env[MARK] = self.mark
        # The commands beside this interpreter, `alongside` and jupyterhub-singleuser among them,
        # also where nobody has activated its environment.
        own, path = str(Path(sys.executable).parent), env.get("PATH", os.defpath)
        if own not in path.split(os.pathsep):
            env["PATH"] = f"{own}{os.pathsep}{path}"
        return env

    def get_args(self) -> list[str]:
        args = list(super().get_args())
        ours = self.cmd == [COMMAND] and "--allow-root" not in args
        if ours and os.geteuid() == 0 and not self.unix_users:
            args.append("--allow-root")  # the operator has said so by unix_users = False
        return args

    def make_preexec_fn(self, name: str) -> Callable[[], None]:
        if self.unix_users and os.geteuid() == 0:
            return cast("Callable[[], None]", super().make_preexec_fn(name))
        home = self.account.home
        return lambda: os.chdir(home)

    async def move_certs(self, paths: dict[str, str]) -> dict[str, str]:
        if not self.unix_users or os.geteuid() != 0:
            return paths
        return cast("dict[str, str]", await super().move_certs(paths))

    # State

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

    # Life

    async def start(self) -> tuple[str, int]:
        """Start the notebook server; returns its address as soon as it accepts connections."""
        self._launching = True
        try:
            return await self._start()
        except AlongsideError as error:
            raise Refusal(error) from None
        finally:
            self._launching = False

    async def _start(self) -> tuple[str, int]:
        await self._end_leftovers()  # of a start that a killed hub left behind
        self._swept = False
        account = self.account
        self._prepare(account)
        fixed = self.port
        for attempt in range(_TRIES):
            self.port = fixed or random_port()
            if fixed and _answers(self.ip, fixed):
                raise Conflict(
                    f"Port {fixed} is in use by another program.",
                    "Stop that program, or have an administrator change Spawner.port.",
                )
            await self._launch(account)
            try:
                await self._wait_until_it_answers()
            except SessionFailed:
                taken = not fixed and _answers(self.ip, self.port)
                if not taken or attempt + 1 == _TRIES:
                    raise
            else:
                break
        return (self.ip or "127.0.0.1", self.port)

    def _prepare(self, account: Account) -> None:
        """Make the directories that a session needs, or say why they can't be had."""
        prepare_log(self.log_file, account.name)
        if account.name:
            return
        try:
            Path(account.home).mkdir(mode=0o700, parents=True, exist_ok=True)
        except OSError as error:
            raise StorageFailed(
                f"The home directory {account.home} can't be made: {error.strerror}.",
                "Ask an administrator for space or for access to it.",
            ) from None
        for place in (account.home, self.directory):
            if not Path(place).is_dir() or not os.access(place, os.R_OK | os.W_OK | os.X_OK):
                raise StorageFailed(
                    f"The session's directory {place} is missing or can't be written.",
                    "Ask an administrator for access to it.",
                )

    async def _launch(self, account: Account) -> None:
        """Start the process, warm or else plainly."""
        self.proc = None
        server = None
        if self._may_start_warm():
            try:
                server = await self._fork(account)
            except Unavailable as error:
                self.log.warning("Starting %s plainly: %s", self._log_name, error)
        if server is None:
            await self._start_plainly()
            server = Identity.of(self.pid)
        self._identity = server
        self.pid = server.pid if server else self.pid
        self._pin()

    def _may_start_warm(self) -> bool:
        plain = self.cmd != [COMMAND] or self.shell_cmd or self.popen_kwargs or self.cert_paths
        return self.warm and not plain

    async def _fork(self, account: Account) -> Identity | None:
        env = self.get_env()
        if reason := needs_own_interpreter(env):
            self.log.info("Starting %s plainly because of %s.", self._log_name, reason)
            return None
        program = Program(
            entry="alongside_spawners.single_user:main",
            argv=(*self.cmd, *self.get_args()),
            env=env,
            cwd=account.home,
            output=str(self.log_file),
            account=account.name,
        )
        warm = await warm_sessions(self.log)
        self.log.info("Forking %s", " ".join(program.argv))
        return await warm.fork(program)

    async def _start_plainly(self) -> None:
        configured = self.popen_kwargs
        with self.log_file.open("ab") as log:
            output = {"stdin": subprocess.DEVNULL, "stdout": log, "stderr": subprocess.STDOUT}
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

    def _pin(self) -> None:
        """Keep the session to as many CPUs as its profile has, not the same ones for everybody."""
        if not self.cpu_limit or not self.pid:
            return
        with contextlib.suppress(OSError):
            cpus = sorted(os.sched_getaffinity(0))
            count = max(1, round(self.cpu_limit))
            if count < len(cpus):
                first = int(self.mark[:8], 16) % len(cpus)
                mine = {cpus[(first + n) % len(cpus)] for n in range(count)}
                os.sched_setaffinity(self.pid, mine)

    async def _wait_until_it_answers(self) -> None:
        """Until the port answers; SessionFailed when the process ends before."""
        loop = asyncio.get_running_loop()
        deadline = loop.time() + self.answer_timeout
        while loop.time() < deadline:
            if await _connects(self.ip or "127.0.0.1", self.port):
                return
            if not self._alive():
                said = last_lines(self.log_file)
                raise SessionFailed(
                    "The notebook server ended before it was ready."
                    + (f" Its last words: {said}" if said else ""),
                    f"An administrator finds its log in {self.log_file}.",
                )
            await asyncio.sleep(0.02)

    def _alive(self) -> bool:
        if self.proc is not None:
            return self.proc.poll() is None
        return self._identity is not None and self._identity.alive

    async def poll(self) -> int | None:
        if self._launching:
            return None
        processes = self._processes()
        status: int | None = await super().poll()
        if status is not None and not self._swept:
            # Its kernels and terminals may have survived it, also while no hub was running.
            await self._end_leftovers(processes)
        return status

    async def _signal(self, sig: int) -> bool:
        """Signal the notebook server; False when it is gone, whoever has its process id now."""
        if self._identity is None:
            return False
        return self._identity.alive if sig == 0 else self._identity.send(sig)

    async def stop(self, now: bool = False) -> None:
        """End the notebook server and everything that it has started."""
        processes = self._processes()
        await super().stop(now)
        await self._end_leftovers(processes)

    async def _end_leftovers(self, processes: SessionProcesses | None = None) -> None:
        processes = processes or self._processes()
        left = await asyncio.to_thread(processes.end, 1.0, self.leftover_timeout)
        self._swept = True
        if left:
            pids = ", ".join(str(identity.pid) for identity in left)
            self.log.error("Processes of %s that do not end: %s", self._log_name, pids)

    async def progress(self) -> AsyncIterator[dict[str, Any]]:
        yield {"progress": 30, "message": "Starting the notebook server."}


async def _connects(host: str, port: int) -> bool:
    try:
        _, writer = await asyncio.wait_for(asyncio.open_connection(host, port), 1.0)
    except OSError:
        return False
    writer.close()
    return True


def _answers(host: str, port: int) -> bool:
    """Whether somebody listens at this port now."""
    with socket.socket() as probe:
        probe.settimeout(0.5)
        return probe.connect_ex((host or "127.0.0.1", port)) == 0


class AlongsideLocalSpawner(AlongsideMixin, LocalSessionSpawner):
    """Sessions of this machine with backends alongside."""

    def backend_place(self) -> dict[str, str]:
        account = self.account
        return {"directory": self.directory, "account": account.name}


__all__ = ["AlongsideLocalSpawner", "LocalSessionSpawner"]
