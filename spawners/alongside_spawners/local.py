"""Sessions as processes of this machine, with their backends alongside.

`LocalSessionSpawner` starts notebook servers, forked from a warm process where that can be done;
`AlongsideLocalSpawner` adds the form and the backends.
"""

# mypy: allow-untyped-calls
# JupyterHub's own methods have no types.

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any, cast

from jupyterhub.utils import random_port
from traitlets import Bool, Float, Unicode, default

from alongside.errors import AlongsideError
from alongside_spawners.accounts import Account, account_of, directory_name
from alongside_spawners.mixin import AlongsideMixin
from alongside_spawners.notebook_server import NotebookServer
from alongside_spawners.refusals import Refusal
from alongside_spawners.session_cpus import keep_to_cpus
from alongside_spawners.session_home import directory_in, prepare_home
from alongside_spawners.session_log import prepare_log
from alongside_spawners.session_processes import MARK, SessionProcesses, mark_of
from alongside_spawners.session_start import (
    SessionFailed,
    is_taken,
    refuse_taken,
    until_it_answers,
)
from alongside_spawners.single_user import COMMAND

_TRIES = 3  # of ports that somebody else took between our look and the server's start


class LocalSessionSpawner(NotebookServer):
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

    _swept = False
    _starting: asyncio.Task[tuple[str, int]] | None = None

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
        chosen = self.format_string(self.notebook_dir) if self.notebook_dir else ""
        return directory_in(self.account.home, chosen)

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

    # Life

    async def start(self) -> tuple[str, int]:
        """Start the notebook server; returns its address as soon as it accepts connections."""
        starting = self._starting = asyncio.create_task(self._start())
        try:
            await asyncio.wait([starting])
            if starting.cancelled():  # by `stop`
                raise SessionFailed("The session was stopped before it had begun.", "Start it.")
            return starting.result()
        except AlongsideError as error:
            raise Refusal(error) from None
        finally:
            starting.cancel()
            self._starting = None

    async def _start(self) -> tuple[str, int]:
        await self._end_leftovers()  # of a start that a killed hub left behind
        self._swept = False
        account = self.account
        self._prepare(account)
        fixed = self.port
        for attempt in range(_TRIES):
            self.port = fixed or random_port()
            if fixed:
                refuse_taken(self.ip, fixed)
            await self._launch(account, self.log_file, warm=self.warm)
            if self.cpu_limit and self.pid:
                keep_to_cpus(self.pid, self.cpu_limit, self.mark)
            try:
                await until_it_answers(
                    self.ip,
                    self.port,
                    timeout=self.answer_timeout,
                    alive=self._alive,
                    log=self.log_file,
                )
            except SessionFailed:
                taken = not fixed and is_taken(self.ip, self.port)
                if not taken or attempt + 1 == _TRIES:
                    raise
            else:
                break
        return (self.ip or "127.0.0.1", self.port)

    def _prepare(self, account: Account) -> None:
        """Make the directories that a session needs, or say why they can't be had."""
        prepare_log(self.log_file, account.name)
        if not account.name:
            prepare_home(account.home, self.directory)

    async def poll(self) -> int | None:
        if self._starting is not None:
            return None
        processes = self._processes()
        status: int | None = await super().poll()
        if status is not None and not self._swept:
            # Its kernels and terminals may have survived it, also while no hub was running.
            await self._end_leftovers(processes)
        return status

    async def stop(self, now: bool = False) -> None:
        """End the notebook server and everything that it has started."""
        await self._give_up_starting()
        processes = self._processes()
        await super().stop(now)
        await self._end_leftovers(processes)

    async def _give_up_starting(self) -> None:
        """End a start that is under way: signals can't reach a process that is yet to be forked.

        The hub stops what it has not seen start in time, and everything when it ends itself.
        """
        if (starting := self._starting) is not None:
            starting.cancel()
            await asyncio.wait([starting], timeout=self.leftover_timeout)
            self._starting = None

    async def _end_leftovers(self, processes: SessionProcesses | None = None) -> None:
        processes = processes or self._processes()
        left = await asyncio.to_thread(processes.end, 1.0, self.leftover_timeout)
        self._swept = True
        if left:
            pids = ", ".join(str(identity.pid) for identity in left)
            self.log.error("Processes of %s that do not end: %s", self._log_name, pids)

    async def progress(self) -> AsyncIterator[dict[str, Any]]:
        yield {"progress": 30, "message": "Starting the notebook server."}


class AlongsideLocalSpawner(AlongsideMixin, LocalSessionSpawner):
    """Sessions of this machine with backends alongside."""

    def backend_place(self) -> dict[str, str]:
        account = self.account
        return {"directory": self.directory, "account": account.name}


__all__ = ["AlongsideLocalSpawner", "LocalSessionSpawner"]
