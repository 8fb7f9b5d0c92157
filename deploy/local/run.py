"""`make run`: a hub with everything it needs, for one person, on this machine.

Environment:

- ``PORT``: where it listens on 127.0.0.1, default 8000.
- ``ALONGSIDE_HOME``: the state folder, default ``.alongside`` in the checkout.
- ``ALONGSIDE_PASSWORD``: the password for all users, default a generated one that is kept.
- ``ALONGSIDE_KEEP_BACKENDS``: with ``1``, backends go on running when the hub ends.

Prints one line when it is ready. SIGINT, SIGTERM and SIGHUP end everything that it has started.
"""

from __future__ import annotations

import http.client
import os
import signal
import sys
import time
from pathlib import Path

import backends
import processes
from alongside.platforms.local.process import Identity, adopt_orphans
from home import CannotStart, Home, port_is_free

CHECKOUT = Path(__file__).resolve().parent.parent.parent
STOPS = {signal.SIGINT, signal.SIGTERM, signal.SIGHUP}
CHECKS = ("/hub/health", "/services/alongside/api/v1/healthz")

READY_WITHIN = 120.0  # seconds from the start to the line that says so
HUB_ENDS_WITHIN = 20.0  # seconds for the hub to end its servers, proxy and service
RESTARTS = 5  # in a row; a hub that has run for a minute starts counting anew
LONGEST_PAUSE = 10.0  # seconds between two attempts


def say(text: str) -> None:
    """A line about progress or trouble."""
    print(text, file=sys.stderr, flush=True)


class Launcher:
    """One run, from the first check to the last process."""

    def __init__(self, home: Home, port: int) -> None:
        self.home = home
        self.port = port
        self.address = f"http://127.0.0.1:{port}"
        self.hub: Identity | None = None
        self.hub_since = 0.0
        self.failures = 0
        self.again_at: float | None = None
        self.ready = False

    def run(self) -> int:
        """The exit code."""
        signal.pthread_sigmask(signal.SIG_BLOCK, {*STOPS, signal.SIGCHLD})
        self.home.lock(self.address)
        self._clear_what_a_crash_left()
        if not port_is_free(self.port):
            raise CannotStart(
                f"Port {self.port} is taken by another program. "
                "End that one, or choose another port: PORT=8001 make run"
            )
        adopt_orphans()
        self.short = self.home.short()
        self.environment = self._environment()
        say("Starting the hub...")
        try:
            self._start_hub()
            return self._watch()
        finally:
            self._end()

    def _clear_what_a_crash_left(self) -> None:
        left = processes.recall(self.home.folder / "hub.json")
        if left:
            say("Waiting for the previous hub to end...")
        processes.end(left, HUB_ENDS_WITHIN)
        processes.end(processes.left_proxy(self.home.folder / "proxy.pid"), 3)

    def _environment(self) -> dict[str, str]:
        ports = self.home.ports(["hub", "proxy", "service"], taken=self.port)
        self.password = os.environ.get("ALONGSIDE_PASSWORD") or self.home.secret("password", 6)
        return {
            **os.environ,
            "ALONGSIDE_HOME": str(self.short),
            "ALONGSIDE_PASSWORD": self.password,
            "ALONGSIDE_PORT": str(self.port),
            **{f"ALONGSIDE_{name.upper()}_PORT": str(port) for name, port in ports.items()},
            "PYTHONUNBUFFERED": "1",
        }

    def _start_hub(self) -> None:
        config = Path(__file__).with_name("jupyterhub_config.py")
        output = self.home.open_log("hub.log")
        try:
            self.hub = processes.start(
                [sys.executable, "-m", "jupyterhub", "--config", str(config)],
                self.environment,
                output,
                self.home.folder,
            )
        finally:
            os.close(output)
        self.hub_since = time.monotonic()
        self.again_at = None
        processes.remember(self.home.folder / "hub.json", self.hub)

    def _watch(self) -> int:
        """Until a signal says to stop, or the hub can't be kept up."""
        deadline = time.monotonic() + READY_WITHIN
        rotated = time.monotonic()
        while True:
            pause = 1.0 if self.ready else 0.2
            caught = signal.sigtimedwait({*STOPS, signal.SIGCHLD}, pause)
            if caught is not None and caught.si_signo in STOPS:
                return 0
            ended = processes.reap()
            if self.hub is not None and self.hub.pid in ended:
                self._hub_ended(ended[self.hub.pid])
            now = time.monotonic()
            if self.again_at is not None and now >= self.again_at:
                self._start_hub()
            if not self.ready and self.hub and self._answers():
                self.ready = True
                print(
                    f"Alongside is ready: {self.address}  user: any  password: {self.password}",
                    flush=True,
                )
            if not self.ready and now > deadline:
                raise CannotStart(
                    f"The hub didn't get ready within {READY_WITHIN:.0f} seconds. "
                    f"The end of {self.home.log / 'hub.log'}:\n{self.home.last_lines('hub.log')}"
                )
            if now - rotated > 60:
                self.home.rotate("hub.log")
                rotated = now

    def _hub_ended(self, code: int) -> None:
        self.hub = None
        if time.monotonic() - self.hub_since > 60:
            self.failures = 0
        self.failures += 1
        tail = f"The end of {self.home.log / 'hub.log'}:\n{self.home.last_lines('hub.log')}"
        if not self.ready:
            raise CannotStart(f"The hub ended while it started (exit code {code}). {tail}")
        if self.failures > RESTARTS:
            raise CannotStart(f"The hub ended {RESTARTS} times in a row. {tail}")
        # Its managed service would hold the port that the next hub gives to a new one.
        processes.end(processes.running(processes.below(), "alongside_service"), 3)
        pause = min(LONGEST_PAUSE, 0.5 * 2 ** (self.failures - 1))
        say(f"The hub ended (exit code {code}); starting it again in {pause:g} s.")
        self.again_at = time.monotonic() + pause

    def _answers(self) -> bool:
        """Whether proxy, hub and service all answer."""
        for path in CHECKS:
            connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=2)
            try:
                connection.request("GET", path)
                if connection.getresponse().status != 200:
                    return False
            except (OSError, http.client.HTTPException):
                return False
            finally:
                connection.close()
        return True

    def _end(self) -> None:
        """End the hub, then the backends, then whatever is left."""
        keep = os.environ.get("ALONGSIDE_KEEP_BACKENDS") == "1"
        say("Ending..." if not keep else "Ending, but for the backends...")
        if self.hub is not None:
            processes.end([self.hub], HUB_ENDS_WITHIN)
        if not keep:
            backends.end_all(self.short)
        left = processes.below()
        kept = processes.of_backends(left) if keep else set()
        processes.end([process for process in left if process not in kept], 5)
        for name in ("hub.json", "proxy.pid"):
            (self.home.folder / name).unlink(missing_ok=True)
        if self.short.is_symlink() and self.short != self.home.folder and not kept:
            self.short.unlink()


def port_from(text: str) -> int:
    """PORT as a number. CannotStart when it isn't one."""
    try:
        port = int(text)
    except ValueError:
        port = -1
    if not 0 < port < 65536:
        raise CannotStart(f"PORT is {text!r}, which is not a port. Choose one from 1024 to 65535.")
    if port < 1024 and os.geteuid() != 0 and not port_is_free(port):
        raise CannotStart(f"Port {port} is for root only. Choose one from 1024 to 65535.")
    return port


def main() -> int:
    """Run; the exit code."""
    try:
        port = port_from(os.environ.get("PORT") or "8000")
        folder = Path(os.environ.get("ALONGSIDE_HOME") or CHECKOUT / ".alongside")
        return Launcher(Home(folder.expanduser().absolute()), port).run()
    except CannotStart as reason:
        say(str(reason))
        return 1


if __name__ == "__main__":
    sys.exit(main())
