"""The main process of a step's pod: it makes the attempt's folder, and hands on what came of it.

``python -m alongside_workflows.executors.argo.attempt FOLDERS``: below FOLDERS it makes
``STEP/ATTEMPT``, with the task completed by the results of earlier steps, and runs
``python -m alongside_workflows.step`` there. When that has ended, it writes for Argo what later
steps can take and how it ended. It lives beside the step's process, so it can tell of one that was
killed.
"""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Mapping
from pathlib import Path
from typing import IO, Any

# As in `task`, which is not imported: most of the time that this takes to begin would be that.
TASK, PROGRESS, OUTCOME = "task.json", "progress.json", "outcome.json"
OUTPUT, CRATE = "output.ipynb", "ro-crate-metadata.json"
LOG, TOKEN = "log.txt", "token"
FAILED, BAD_INPUT = 1, 2
BASE = Path("/alongside")
"""Where everything is in the pod: ``task/task.json``, ``access/token``, ``told/`` for Argo."""
TAKEN, RETRY = "ALONGSIDE_TAKEN", "ALONGSIDE_RETRY"
"""Environment variables: results of earlier steps by their names, as JSON; retries before this."""
ARGO_PROGRESS = "ARGO_PROGRESS_FILE"
RESULTS = "results.json"
LARGEST = 64 * 1024
"""Bytes of JSON that a step can hand on: all of it becomes part of other pods' definitions."""
_TICK = 1.0  # seconds between looks at how far it is
_PAUSES = (1.0, 3.0, 10.0, 0.0)  # seconds after each time that the service could not be reached
_ANSWER = 20.0  # seconds for the service to answer
_DRAIN = 2.0  # seconds for what it has printed last
_TERMINATION = "/dev/termination-log"
_MESSAGE = 4096  # bytes that Kubernetes takes from there


class Unfit(Exception):
    """What the attempt was told can't be. The text is a sentence."""


def encoded(value: Any) -> str:
    """JSON that Argo and Kubernetes put into a definition as it is.

    Both would take some texts in it for references: ``{{…}}`` and ``$(…)``. In JSON these signs can
    only be within strings, where they can be written in another way.
    """
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    return text.replace("{{", "{\\u007b").replace("$", "\\u0024")


def completed(told: Mapping[str, Any], taken: Mapping[str, Any], retry: int) -> dict[str, Any]:
    """The task with the values that come from earlier steps. Raises Unfit."""
    task: dict[str, Any] = dict(told["task"])
    values = dict(task.get("values", {}))
    for name, (step, result) in told.get("takes", {}).items():
        if result not in taken.get(step, {}):
            raise Unfit(f"Step {step!r} has left no result {result!r}, which {name!r} should be.")
        values[name] = taken[step][result]
    return {**task, "values": values, "attempt": task.get("attempt", 1) + retry}


def run(folders: Path, base: Path, environment: Mapping[str, str]) -> int:
    """Carry out one attempt; its exit code."""
    (base / "told").mkdir(parents=True, exist_ok=True)
    try:
        told = json.loads((base / "task" / TASK).read_text())
        taken = json.loads(environment.get(TAKEN) or "{}")
        task = completed(told, taken, int(environment.get(RETRY) or "0"))
        folder = folders / task["step"]["name"] / str(task["attempt"])
        folder.mkdir(parents=True, exist_ok=True)
        (folder / TASK).write_text(json.dumps(task))
        with contextlib.suppress(FileNotFoundError):
            _write_secret(folder / TOKEN, (base / "access" / TOKEN).read_text())
    except Unfit as error:
        return _give_up(base, BAD_INPUT, str(error), "Resume the run, or submit it anew.")
    except (OSError, ValueError, KeyError, TypeError) as error:
        message = f"The attempt can't be prepared ({type(error).__name__}: {error})."
        return _give_up(base, FAILED, message, "Check the volumes and the image of the step.")
    code = _run_step(folder, environment)
    if most := told.get("sends"):
        _send(folder, task, most)
    return _hand_on(folder, base, code)


def _run_step(folder: Path, environment: Mapping[str, str]) -> int:
    """Run the step's own process, and repeat to it the signals that we get; its exit code."""
    own = {name: value for name, value in environment.items() if name not in (TAKEN, RETRY)}
    with (folder / LOG).open("ab") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "alongside_workflows.step", str(folder)],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            env=own,
        )
        before = {
            number: signal.signal(number, lambda number, _: process.send_signal(number))
            for number in (signal.SIGTERM, signal.SIGINT)
        }
        assert process.stdout is not None
        printing = threading.Thread(target=_copy, args=(process.stdout, log), daemon=True)
        printing.start()
        try:
            code = _waited(process, folder, environment.get(ARGO_PROGRESS, ""))
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)
        # A process that it has left behind may hold the pipe open for ever.
        printing.join(_DRAIN)
        if not printing.is_alive():
            process.stdout.close()
    return code if code >= 0 else 128 - code


def _waited(process: subprocess.Popen[bytes], folder: Path, progress: str) -> int:
    """The exit code, once it has ended. Until then Argo is told how far it is."""
    shown = ""
    while True:
        # No limit of our own: Kubernetes ends the pod when the attempt has had its time.
        with contextlib.suppress(subprocess.TimeoutExpired):
            return process.wait(_TICK)
        if progress and (now := _progress(folder)) not in ("", shown):
            shown = now
            with contextlib.suppress(OSError):
                Path(progress).write_text(now)


def _progress(folder: Path) -> str:
    """How far it is, as Argo wants to be told: ``3/10``."""
    try:
        told = json.loads((folder / PROGRESS).read_text())
        cell, cells = int(told["cell"]), int(told["cells"])
    except (OSError, ValueError, KeyError, TypeError):
        return ""
    return f"{cell}/{cells}" if 0 <= cell <= cells and cells else ""


def _copy(source: IO[bytes], log: IO[bytes]) -> None:
    """Write what is printed to the pod's log and to the folder's."""
    while data := os.read(source.fileno(), 2**16):
        for target in (sys.stdout.buffer, log):
            with contextlib.suppress(OSError, ValueError):  # full, or closed: not its fault
                target.write(data)
                target.flush()


def _send(folder: Path, task: Mapping[str, Any], most: int) -> None:
    """Send the service the files that are to outlive the pod. What fails is told in the log only:
    the step has ended as it has."""
    # rarely needed, and a while to import
    import gzip
    import time
    from urllib.error import HTTPError
    from urllib.request import ProxyHandler, Request, build_opener

    direct = build_opener(ProxyHandler({}))  # it is in the cluster
    place = f"{task['api']}/runs/{task['run']}/steps/{task['step']['name']}/attempts"
    for name in (OUTPUT, CRATE):
        try:
            packed = gzip.compress((folder / name).read_bytes(), mtime=0)
            access = (folder / TOKEN).read_text()
        except OSError:
            continue  # it has none
        problem = f"{len(packed)} bytes are more than the {most} that can be kept"
        for pause in _PAUSES if len(packed) <= most else ():
            request = Request(  # noqa: S310 - the address is the operator's
                f"{place}/{task.get('attempt', 1)}/{name}",
                packed,
                {"Authorization": f"Bearer {access}", "Content-Type": "application/gzip"},
                method="PUT",
            )
            try:
                direct.open(request, timeout=_ANSWER).close()
            except HTTPError as error:
                problem = f"the service answers {error.code}"
                error.close()
                if error.code < 500:
                    break
            except OSError as error:
                problem = str(error)
            else:
                problem = ""
                break
            time.sleep(pause)
        if problem:
            print(f"{name} is lost with this pod: {problem}.", file=sys.stderr)


def _hand_on(folder: Path, base: Path, code: int) -> int:
    """Write what Argo takes along; the exit code that then is right."""
    try:
        outcome: dict[str, Any] = json.loads((folder / OUTCOME).read_text())
    except (OSError, ValueError):
        if code == 0:
            code = FAILED
        why = " It may have run out of memory." if code == 128 + signal.SIGKILL else ""
        message = f"The step's process ended with exit status {code} and told no outcome.{why}"
        return _give_up(base, code, message, "Look at the step's log.")
    results = outcome.pop("results", {})
    if (size := len(encoded(results).encode())) > LARGEST:
        message = f"The results are {size} bytes; {LARGEST} can be handed on to later steps."
        return _give_up(
            base, code or FAILED, message, "Write what is large into a file that is an output."
        )
    if len(encoded(outcome).encode()) > LARGEST:  # thousands of outputs; the crate has them all
        outcome |= {"inputs": {}, "outputs": {}}
    (base / "told" / RESULTS).write_text(encoded(results))
    _conclude(base, outcome, results)
    return code


def _give_up(base: Path, code: int, message: str, remedy: str) -> int:
    print(f"{message} {remedy}", file=sys.stderr, flush=True)
    _conclude(base, {"exit_code": code, "message": message, "remedy": remedy})
    return code


def _conclude(base: Path, outcome: dict[str, Any], results: Mapping[str, Any] = {}) -> None:
    """Tell Argo how it ended; and Kubernetes, which tells it before Argo has noticed."""
    (base / "told" / OUTCOME).write_text(encoded(outcome))
    if outcome.get("exit_code"):  # for `kubectl describe` and Argo
        text = f"{outcome.get('message', '')} {outcome.get('remedy', '')}".strip()[:2000]
    else:  # for `ahead`
        brief = {name: told for name, told in outcome.items() if name not in ("inputs", "outputs")}
        text = encoded({"outcome": brief, "results": results})
    if len(text.encode()) <= _MESSAGE:
        with (
            contextlib.suppress(OSError),
            os.fdopen(os.open(_TERMINATION, os.O_WRONLY | os.O_TRUNC), "w") as file,
        ):
            file.write(text)


def _write_secret(path: Path, text: str) -> None:
    with contextlib.suppress(FileNotFoundError):
        path.unlink()
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600)
    with os.fdopen(descriptor, "w") as file:
        file.write(text)


if __name__ == "__main__":
    sys.exit(run(Path(sys.argv[1]), BASE, os.environ))
