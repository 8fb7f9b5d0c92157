"""How a freshly forked child turns into a process of its own.

Forking from a process that has imported everything already saves the seconds that a new
interpreter needs. The price is that the child has to undo what it inherited: environment, user,
session, signals, files, random numbers. All that is done here, for the warm process and for the
supervisor alike.
"""

from __future__ import annotations

import atexit
import contextlib
import ctypes
import os
import pwd
import signal
import sys
import threading
import traceback
from collections.abc import Mapping
from dataclasses import dataclass, field
from importlib import import_module
from pathlib import Path
from typing import NoReturn

from alongside.errors import AlongsideError
from alongside.platforms.local.accounts import account_environment
from alongside.platforms.local.process import MARK, stay_inspectable


class StartFailed(AlongsideError):
    """A process could not be started; the message says why."""

    code = "start-failed"
    status = 500


@dataclass(frozen=True)
class Program:
    """What a forked child is to run.

    entry : ``"module:function"``, called without arguments; what it returns is the exit status
    argv : `sys.argv` for it
    env : its whole environment, nothing is inherited
    cwd : its working directory; "" is the account's home directory
    output : file that standard output and error are appended to; "" inherits them
    account : Unix account to change to (only root can); "" stays
    """

    entry: str
    argv: tuple[str, ...]
    env: Mapping[str, str] = field(default_factory=dict)
    cwd: str = ""
    output: str = ""
    account: str = ""


def become(program: Program, *, session: bool) -> None:
    """Turn this freshly forked process into the program, as far as before its first line.

    With `session` it leads a new Unix session and is detached from everything; otherwise it leads
    a process group of the present one. Raises StartFailed.
    """
    try:
        if session:
            os.setsid()
        else:
            os.setpgid(0, 0)
        _reset_signals()
        _relabel(program)
        os.environ.clear()
        if program.account:
            _drop_privileges(program.account)
        os.environ.update(program.env)
        os.chdir(program.cwd or os.environ.get("HOME") or "/")
        _redirect(program.output)
    except KeyError:
        raise StartFailed(
            f"There is no Unix account {program.account!r}.", "Ask an administrator to create it."
        ) from None
    except OSError as error:
        place = f" ({error.filename})" if error.filename else ""
        raise StartFailed(
            f"A process could not be started: {error.strerror}{place}.",
            "Check the account and its working directory.",
        ) from None
    sys.argv[:] = program.argv


def run_to_end(entry: str) -> NoReturn:
    """Run the entry and end the process with its status, as an interpreter's end would.

    The frames below belong to the process that was forked; they must never be returned to.
    """
    status = 1
    try:
        status = _run(entry)
    finally:
        with contextlib.suppress(BaseException):
            threading._shutdown()  # type: ignore[attr-defined]  # as Python ends itself
            atexit._run_exitfuncs()
        with contextlib.suppress(BaseException):
            sys.stdout.flush()
            sys.stderr.flush()
        os._exit(status)


def _run(entry: str) -> int:
    module, _, function = entry.partition(":")
    try:
        result = getattr(import_module(module), function)()
    except SystemExit as end:
        if end.code is None or isinstance(end.code, int):
            return end.code or 0
        sys.stderr.write(f"{end.code}\n")  # as the interpreter does
        return 1
    except BaseException:
        traceback.print_exc()
        return 1
    return result if isinstance(result, int) else 0


def _reset_signals() -> None:
    for number in signal.valid_signals():
        with contextlib.suppress(OSError, ValueError):  # SIGKILL, SIGSTOP, those of the C library
            signal.signal(number, signal.SIG_DFL)
    signal.signal(signal.SIGPIPE, signal.SIG_IGN)
    signal.signal(signal.SIGINT, signal.default_int_handler)
    signal.set_wakeup_fd(-1)
    signal.pthread_sigmask(signal.SIG_SETMASK, ())


def _relabel(program: Program) -> None:
    """Show the program's own arguments and mark in ``ps`` and ``/proc``, not the parent's.

    The kernel reads both from the memory that they were put in when the parent was executed.
    """
    text = Path("/proc/self/stat").read_bytes()
    fields = [int(word) for word in text[text.rindex(b")") + 4 :].split()]
    arguments, arguments_end, environment, environment_end = fields[44:48]
    mark = f"{MARK}={program.env[MARK]}" if MARK in program.env else ""
    _overwrite(arguments, arguments_end, "\0".join(program.argv))
    _overwrite(environment, environment_end, mark)


def _overwrite(start: int, end: int, text: str) -> None:
    if not 0 < start < end:
        return
    room = end - start - 1
    data = text.encode("utf-8", "surrogateescape")[:room]
    ctypes.memmove(start, data.ljust(room + 1, b"\0"), room + 1)


def _drop_privileges(account: str) -> None:
    """Change to a Unix account for good; KeyError when there is none."""
    entry = pwd.getpwnam(account)
    os.environ |= account_environment(account)
    if os.geteuid() == entry.pw_uid:
        return
    os.setgid(entry.pw_gid)
    os.initgroups(entry.pw_name, entry.pw_gid)
    os.setuid(entry.pw_uid)
    stay_inspectable()


def _redirect(output: str) -> None:
    sys.stdout.flush()
    sys.stderr.flush()
    null = os.open(os.devnull, os.O_RDWR)
    os.dup2(null, 0)
    os.close(null)
    if output:
        flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_NOFOLLOW
        target = os.open(output, flags, 0o600)
        os.dup2(target, 1)
        os.dup2(target, 2)
        os.close(target)


__all__ = [
    "Program",
    "StartFailed",
    "become",
    "run_to_end",
]
