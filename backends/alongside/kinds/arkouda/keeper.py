"""The process that starts an Arkouda server on one machine, stays with it and says how it ended.

``python -m alongside.kinds.arkouda.keeper RUN SECRETS OPTIONS``, or forked warm with the same
arguments. The server, its launcher and its locales are in this process's group, so that they end
with it. What it knows is in files of ``RUN``: `ADDRESS` once the server has been started on a port,
`PROBLEM` when it has ended.
"""

from __future__ import annotations

import json
import os
import resource
import shutil
import signal
import socket
import subprocess
import sys
import threading
from pathlib import Path
from typing import IO, Final

from alongside.kinds.arkouda import flags
from alongside.kinds.arkouda.options import ArkoudaOptions
from alongside.kinds.base import Obstacle

VARIABLE: Final = "ALONGSIDE_ARKOUDA_SERVER"
"""Environment variable with the path of the server."""
ADDRESS: Final = "address.json"
"""The port in `RUN`, as JSON; it counts once `LISTENING` is there."""
LISTENING: Final = "listening"
"""What the server itself writes into `RUN` when it has its port."""
PROBLEM: Final = "problem.json"
"""Why it ended, an `Obstacle` as JSON."""
_TRIES: Final = 5
_LAST_WORDS: Final = 1.0  # seconds in which what it printed is read, when it has ended
_LONGEST_LINE: Final = 2**16
_NICENESS: Final = 5  # a server polls all the time: others that have work come first


def obstacle() -> Obstacle | None:
    """Why no server can be started on this machine."""
    path = os.environ.get(VARIABLE, "")
    if path and os.access(path, os.X_OK) and not Path(path).is_dir():
        return None
    return Obstacle(
        "ServerMissing",
        "There is no Arkouda server on this machine."
        if not path
        else f"The Arkouda server {path} is not there or may not be run.",
        f"Ask an administrator to set {VARIABLE} to the path of an arkouda_server.",
    )


def prepare(run: Path, token: bytes) -> Path:
    """Make the server's working directory, private, with its token in it; its path."""
    home = run / "server"
    shutil.rmtree(home, ignore_errors=True)
    (home / flags.TOKENS).parent.mkdir(mode=0o700, parents=True)
    home.chmod(0o700)
    flags_of_open = os.O_WRONLY | os.O_CREAT | os.O_EXCL
    with os.fdopen(os.open(home / flags.TOKENS, flags_of_open, 0o600), "wb") as file:
        file.write(token + b"\n")
    return home


def free_port() -> int:
    """A port that is free now. Somebody may take it before the server does."""
    with socket.socket() as probe:
        probe.bind(("", 0))
        return int(probe.getsockname()[1])


def is_taken(port: int) -> bool:
    """Whether something listens on this port."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("", port))
        except OSError:
            return True
    return False


def keep(run: Path, secrets: Path, options: ArkoudaOptions) -> Obstacle:
    """Start the server and return when it has ended for good, with the reason."""
    if missing := obstacle():
        return missing
    token = (secrets / "token").read_bytes()
    home = prepare(run, token)
    for _ in range(_TRIES):
        port = free_port()
        (run / LISTENING).unlink(missing_ok=True)
        _write(run / ADDRESS, {"port": port})
        words = [os.environ[VARIABLE], *flags.arguments(options, port)]
        try:
            code = _run(words, home, flags.environment(options, str(run / LISTENING)), token)
        except OSError as error:
            return Obstacle(
                "ServerMissing",
                f"The Arkouda server can't be run ({error.strerror}).",
                "Ask an administrator to mend it.",
            )
        if (run / LISTENING).exists() or not is_taken(port):
            break
        _say(f"Port {port} was taken meanwhile; trying another one.")
    return _explain(code, listened=(run / LISTENING).exists(), options=options)


def _run(words: list[str], home: Path, variables: dict[str, str], token: bytes) -> int:
    """Run the server to its end, with its output in ours; its exit status."""
    inherited = {k: v for k, v in os.environ.items() if k != "ARKOUDA_SERVER_TOKEN"}
    process = subprocess.Popen(
        words,
        cwd=home,
        env=inherited | variables,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    )
    assert process.stdout is not None
    copying = threading.Thread(target=_copy, args=(process.stdout, token), daemon=True)
    copying.start()
    code = process.wait()
    copying.join(_LAST_WORDS)
    return code


def _copy(output: IO[bytes], token: bytes) -> None:
    """Its lines without the token, which servers print when they greet."""
    for line in iter(lambda: output.readline(_LONGEST_LINE), b""):
        sys.stdout.buffer.write(line.replace(token, b"*****"))
        sys.stdout.buffer.flush()


def _say(text: str) -> None:
    """A line of our own in the server's log, which is what we print."""
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


def _explain(code: int, *, listened: bool, options: ArkoudaOptions) -> Obstacle:
    how = f"signal {signal.Signals(-code).name}" if code < 0 else f"exit status {code}"
    if code == 0:
        return Obstacle(
            "ServerShutDown",
            "The Arkouda server was shut down by a client.",
            "Launch it again; `ak.disconnect()` leaves it running.",
        )
    if not listened:
        several = "; a server for one locale only takes no more" if options.locales > 1 else ""
        return Obstacle(
            "ServerNotStarted",
            f"The Arkouda server ended before it was ready ({how}).",
            f"See the log of the server{several}.",
        )
    lost = "It or one of its locales was killed" if code in (-9, 137) else "It ended unexpectedly"
    return Obstacle(
        "ServerLost",
        f"The Arkouda server is gone, and what was in its memory with it. {lost} ({how}).",
        "See the log of the server, then launch it again; more memory for each locale may help.",
    )


def _write(path: Path, document: dict[str, object]) -> None:
    draft = path.with_suffix(".draft")
    draft.write_text(json.dumps(document))
    draft.replace(path)


def main() -> None:
    """Keep the server that the arguments describe."""
    run, secrets, options = sys.argv[1:4]
    os.nice(_NICENESS)
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))  # as large as all its arrays
    problem = keep(Path(run), Path(secrets), ArkoudaOptions.model_validate_json(options))
    _say(problem.message)
    _write(Path(run) / PROBLEM, vars(problem))
    sys.exit(1)


if __name__ == "__main__":
    main()
