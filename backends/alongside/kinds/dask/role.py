"""The processes of a Dask cluster: their command lines, and the same for a forked interpreter."""

from __future__ import annotations

import ctypes
import os
import sys
import time
from pathlib import Path

from alongside.kinds.base import Command, Place, Role
from alongside.kinds.dask import ports

SCHEDULER_FILE = "scheduler.json"
_PRELOAD = "alongside.kinds.dask.preload"
_DEATH_TIMEOUT = 60  # seconds after which a worker that finds no scheduler ends
_TRIM = 65536
# As Dask's nanny sets them: a worker runs as many tasks at a time as it has cores, so each task's
# linear algebra gets one; and memory that is freed goes back to the system.
_ENVIRONMENT = {
    "OMP_NUM_THREADS": "1",
    "OPENBLAS_NUM_THREADS": "1",
    "MKL_NUM_THREADS": "1",
    "NUMEXPR_NUM_THREADS": "1",
    "MALLOC_TRIM_THRESHOLD_": str(_TRIM),
}


def make_command(role: Role, name: str, place: Place) -> Command:
    """The command of one process."""
    common = [
        *("--protocol", "tls"),
        *("--tls-ca-file", str(place.secrets / "ca.pem")),
        *("--tls-cert", str(place.secrets / "cluster.pem")),
        *("--tls-key", str(place.secrets / "cluster-key.pem")),
        *("--host", place.host),
        *("--dashboard-address", "127.0.0.1:0"),  # until `preload` moves it
        *("--preload", _PRELOAD),
        "--no-dashboard",  # which `preload` adds to a scheduler, for who looks at it
    ]
    worker = [
        *("--name", name),
        *("--nthreads", str(role.cores)),
        *("--memory-limit", str(role.memory)),
        "--no-nanny",
        *("--local-directory", str(place.run / name)),
        *("--death-timeout", str(_DEATH_TIMEOUT)),
    ]
    if role.gpus:
        worker += ["--resources", f"GPU={role.gpus}"]
    word, own = ("scheduler", []) if role.essential else ("worker", worker)
    if place.head:
        return _on_a_network(role, word, [*own, *common], place)
    file = ["--scheduler-file", str(place.run / SCHEDULER_FILE)]
    port = ["--port", "0"] if role.essential else []
    return Command(
        argv=(sys.executable, "-P", "-m", "dask", word, *port, *own, *common, *file),
        entry="alongside.kinds.dask.role:main",
        env=_ENVIRONMENT,
    )


def _on_a_network(role: Role, word: str, arguments: list[str], place: Place) -> Command:
    port = str(role.ports[ports.COMM])
    if role.essential:
        where = ["--port", port]
    else:
        head = ports.at(place.head, ports.SCHEDULER[ports.COMM])
        where = [f"tls://{head}", "--worker-port", port]
    return Command(
        # the Python of the container's image, wherever it is
        argv=("python", "-P", "-m", "dask", word, *where, *arguments),
        env={
            **_ENVIRONMENT,
            ports.PAGES_PORT: str(role.ports[ports.PAGES]),
            ports.PAGES_SECRETS: str(place.secrets),
        },
    )


def main() -> None:
    """Be ``dask scheduler`` or ``dask worker`` in a forked interpreter."""
    import dask.config
    from distributed.cli import dask_scheduler, dask_worker

    from alongside.kinds.dask.preload import add_routes

    dask.config.paths[:] = dask.config._get_paths()  # the home directory may be another one now
    dask.config.refresh()  # and so is the environment
    add_routes()
    _refresh_inherited()
    arguments = sys.argv[sys.argv.index("dask") + 1 :]
    command = {"scheduler": dask_scheduler.main, "worker": dask_worker.main}[arguments[0]]
    if arguments[0] == "worker":
        _await_scheduler(Path(arguments[arguments.index("--scheduler-file") + 1]))
    command(arguments[1:], prog_name=f"dask {arguments[0]}", standalone_mode=True)


def _refresh_inherited() -> None:
    if "numpy" in sys.modules:
        sys.modules["numpy"].random.seed()
    # What MALLOC_TRIM_THRESHOLD_ does when it is there from the beginning.
    m_trim_threshold = -1
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)  # glibc only
    if mallopt is not None:
        mallopt(m_trim_threshold, _TRIM)


def _await_scheduler(file: Path) -> None:
    """Wait for the scheduler's address; Dask itself would look only every tenth of a second."""
    deadline = time.monotonic() + _DEATH_TIMEOUT
    parent = os.getppid()
    while not file.exists() and time.monotonic() < deadline and os.getppid() == parent:
        time.sleep(0.003)
