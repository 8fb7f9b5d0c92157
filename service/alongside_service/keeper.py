"""Keeping the service up: a process that has imported everything forks the one that serves.

The hub looks after its services every half a minute only. So the process that it starts is a
keeper: it holds the listening socket, and when the serving process dies it forks a new one in
milliseconds; requests that come in between wait in the socket's queue. When the keeper itself is
killed, the serving process goes on until the hub ends or the hub's next keeper relieves it.
"""

from __future__ import annotations

import contextlib
import gc
import json
import logging
import os
import select
import signal
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

from alongside.errors import AlongsideError
from alongside.platforms.local.process import Identity, end_with_parent

_log = logging.getLogger("alongside.keeper")
_STOPS = {signal.SIGTERM, signal.SIGINT, signal.SIGHUP}
_END = 10.0  # seconds that the serving process has to end
_QUICK = 10.0  # seconds; who lives shorter has failed at the start
_FAILURES = 10  # in a row
_LONGEST_PAUSE = 5.0


def keep(serve: Callable[[], None], record: Path, *, follow_parent: bool) -> int:
    """Run `serve` in a child, again whenever it dies; the exit code when told to stop.

    `record` is a file that says which process serves, for the next keeper. `follow_parent`: end
    when our parent does.
    """
    parent = _pidfd(os.getppid()) if follow_parent else None
    if follow_parent:  # before anything slow: of a parent that has ended by then nothing is told
        end_with_parent(os.getppid(), signal.SIGTERM)
    signal.pthread_sigmask(signal.SIG_BLOCK, {*_STOPS, signal.SIGCHLD})
    gc.collect()
    gc.freeze()  # so that collections in the child leave the shared pages alone
    failures = 0
    while True:
        born = time.monotonic()
        child = _fork(serve, parent, record)
        code = _wait(child)
        if code is None or code == 0:
            return 0
        failures = failures + 1 if time.monotonic() - born < _QUICK else 1
        if failures > _FAILURES:
            _log.error("The service has ended %d times in a row; giving up.", _FAILURES)
            return 1
        pause = 0.0 if failures == 1 else min(_LONGEST_PAUSE, 0.1 * 2**failures)
        _log.warning("The serving process ended (%s); starting it again.", code)
        if signal.sigtimedwait(_STOPS, pause) is not None:
            return 0


def relieve(record: Path, within: float = 5.0) -> None:
    """End the serving process of an earlier keeper, if one is left."""
    try:
        pid, started = json.loads(record.read_text())
        handle = Identity(int(pid), int(started)).open() if pid != os.getpid() else None
    except (OSError, ValueError, TypeError):
        return
    if handle is None:
        return
    try:
        for signum, patience in ((signal.SIGTERM, within), (signal.SIGKILL, 1.0)):
            with contextlib.suppress(OSError):
                signal.pidfd_send_signal(handle, signum)
            if select.select([handle], [], [], patience)[0]:
                return
    finally:
        os.close(handle)


def begin_anew(why: str) -> None:
    """In the serving process: end at once, so that the keeper starts another one."""
    _log.error("Ending at once, to begin anew: %s.", why)
    logging.shutdown()
    os._exit(1)


def _fork(serve: Callable[[], None], parent: int | None, record: Path) -> int:
    sys.stdout.flush()
    sys.stderr.flush()
    child = os.fork()
    if child:
        return child
    code = 1
    try:
        signal.pthread_sigmask(signal.SIG_UNBLOCK, {*_STOPS, signal.SIGCHLD})
        _write(record)
        if parent is not None:
            _end_with(parent)
        serve()
        code = 0
    except KeyboardInterrupt:
        code = 0  # how the web server reports SIGINT after it has ended in good order
    except AlongsideError as error:
        _log.error("The service can't start: %s", error)
    except BaseException:
        _log.exception("The serving process failed.")
    finally:
        logging.shutdown()
        os._exit(code)


def _wait(child: int) -> str | int | None:
    """How the child ended; None when we were told to stop and it has ended for that."""
    while True:
        caught = signal.sigwaitinfo({*_STOPS, signal.SIGCHLD})
        if caught.si_signo in _STOPS:
            _end(child)
            return None
        status = _reap(child)
        if status is not None:
            code = os.waitstatus_to_exitcode(status)
            return signal.Signals(-code).name if code < 0 else code


def _reap(child: int) -> int | None:
    """The wait status of our child, if it has ended. The first process of a container also gets
    the orphans of all others; nobody else takes note of their ends."""
    found = None
    while True:
        try:
            pid, status = os.waitpid(-1, os.WNOHANG)
        except ChildProcessError:
            return found
        if pid == child:
            found = status
        if not pid:
            return found


def _end(child: int) -> None:
    deadline = time.monotonic() + _END
    with contextlib.suppress(ProcessLookupError):
        os.kill(child, signal.SIGTERM)
    while not os.waitpid(child, os.WNOHANG)[0]:
        left = deadline - time.monotonic()
        if left <= 0:
            os.kill(child, signal.SIGKILL)
            os.waitpid(child, 0)
            return
        signal.sigtimedwait({signal.SIGCHLD}, left)


def _pidfd(pid: int) -> int | None:
    try:
        return os.pidfd_open(pid)
    except OSError:
        return None


def _end_with(parent: int) -> None:
    """In the serving process: end when the hub does, whatever has become of the keeper."""

    def watch() -> None:
        select.select([parent], [], [])
        os.kill(os.getpid(), signal.SIGTERM)

    threading.Thread(target=watch, daemon=True, name="hub").start()


def _write(record: Path) -> None:
    try:
        record.parent.mkdir(parents=True, exist_ok=True)
        fresh = record.with_suffix(".new")
        mine = Identity.of(os.getpid())
        fresh.write_text(json.dumps([mine.pid, mine.started] if mine else []))
        fresh.replace(record)
    except OSError as error:
        _log.warning("%s can't be written: %s", record, error.strerror)
