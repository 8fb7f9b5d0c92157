"""Local runs for tests: real runners and steps, and nothing of them left afterwards."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psutil

from alongside.platforms.local.process import processes
from alongside_workflows.journal import Event, Journal
from alongside_workflows.model import Step
from alongside_workflows.runner.attempt import STEP_MARK
from alongside_workflows.runner.folder import RunFolder
from alongside_workflows.runner.settings import Settings
from alongside_workflows.runs import RunStatus, State
from tests.waiting import wait_until
from tests.workflows.executor_suite import make_run

STANDIN = "tests.workflows.standin"
ROOT = Path(__file__).parent.parent.parent


def leftovers(place: Path) -> list[str]:
    """Command lines of processes that belong to a run in this directory."""
    found = []
    for seen in processes():
        if seen.state in "ZX":
            continue
        try:
            words = Path(f"/proc/{seen.pid}/cmdline").read_bytes()
            where = str(Path(f"/proc/{seen.pid}/cwd").readlink())
        except OSError:
            continue
        if str(place).encode() in words or where.startswith(str(place)):
            found.append(words.replace(b"\0", b" ").decode(errors="replace"))
    return found


def nothing_left(place: Path) -> None:
    """Nothing runs any more that has to do with this directory, or will in a moment.

    A runner that has come second sees that only when it has begun.
    """
    wait_until(f"nothing of {place} is left", lambda: not leftovers(place), 10)


def words(name: str, *command: str, **more: Any) -> Step:
    """A step that the stand-in carries out."""
    return Step(name=name, command=command, **more)


class Run:
    """One run and those who carry it out, one after another."""

    def __init__(self, place: Path, *steps: Step, id: str = "r", **more: Any) -> None:
        self.place = place
        self.spec = make_run(id, place, *steps, **more)
        self.folder = RunFolder(place / "runs" / id)
        self.folder.state.mkdir(parents=True)
        self.folder.spec_file.write_text(self.spec.model_dump_json())
        self.settings = Settings(module=STANDIN, grace=1.0, unchanged=str(place / "unchanged"))
        self.runners: list[subprocess.Popen[bytes]] = []

    def start(self) -> subprocess.Popen[bytes]:
        argv = [sys.executable, "-P", "-m", "alongside_workflows.runner", str(self.folder.path)]
        with self.folder.log.open("ab") as log:
            runner = subprocess.Popen(
                [*argv, self.settings.model_dump_json()],
                env=dict(os.environ) | {"PYTHONPATH": str(ROOT)},
                start_new_session=True,
                stderr=log,
            )
        self.runners.append(runner)
        return runner

    def finish(self) -> RunStatus:
        """Carry it out to its end."""
        assert self.start().wait(60) == 0, self.folder.log.read_text()
        return self.status

    def kill(self) -> None:
        self.runners[-1].kill()
        self.runners[-1].wait(10)

    @property
    def status(self) -> RunStatus:
        status = self.folder.load_status()
        assert status is not None
        return status

    def state(self, step: str) -> State | None:
        status = self.folder.load_status()
        return status.step(step).state if status else None

    @property
    def events(self) -> list[Event]:
        journal = Journal(self.folder.journal)
        try:
            return journal.read()
        finally:
            journal.close()

    def lines(self, name: str = "log") -> list[str]:
        path = self.place / name
        return path.read_text().split() if path.exists() else []

    def marked(self) -> list[psutil.Process]:
        """All processes that carry the mark of one of its attempts."""
        claims = self.folder.state.glob("steps/*/*/.begun-*")
        marks = {claim.name.split("-")[1] for claim in claims}
        found = []
        for process in psutil.process_iter():
            try:
                if process.environ().get(STEP_MARK) in marks:
                    found.append(process)
            except (psutil.Error, OSError):
                continue
        return found

    def step_process(self) -> psutil.Process:
        """The process of the attempt that runs."""

        def find() -> psutil.Process | None:
            for claim in self.folder.state.glob("steps/*/*/.begun-*"):
                if claim.name.count("-") == 1 and (pid := json.loads(claim.read_text()).get("pid")):
                    try:
                        return psutil.Process(pid)
                    except psutil.NoSuchProcess:
                        continue
            return None

        found: psutil.Process = wait_until("a step's process", find)
        return found


Make = Callable[..., Run]
