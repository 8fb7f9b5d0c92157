"""A real Dask cluster on the loopback interface, run as on a network: no file is shared.

Every cluster has a loopback address of its own, so that each can have the conventional ports.
"""

from __future__ import annotations

import os
import random
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psutil

from alongside.errors import NotReady
from alongside.kinds import get_kind
from alongside.kinds.base import Command, Kind, Observation, Place, Role
from alongside.models import Spec
from alongside.testing import make_spec
from tests.waiting import wait_until


@dataclass
class Networked:
    """One cluster: its processes by name, each with a directory of its own."""

    directory: Path
    spec: Spec
    head: str = ""
    credentials: dict[str, bytes] = field(default_factory=dict)
    processes: dict[str, subprocess.Popen[bytes]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        numbers = random.Random(os.urandom(8))
        self.head = f"127.{numbers.randint(1, 254)}.{numbers.randint(0, 254)}.1"
        self.credentials = self.kind.secrets(self.spec)

    @classmethod
    def of(cls, directory: Path, options: dict[str, Any]) -> Networked:
        return cls(directory, make_spec("dask", options, platform="elsewhere"))

    @property
    def kind(self) -> Kind:
        return get_kind("dask")

    @property
    def roles(self) -> tuple[Role, ...]:
        return self.kind.roles(self.kind.Options.model_validate(self.spec.options))

    @property
    def outside(self) -> Place:
        """For the service: no files, only credentials."""
        gone = self.directory / "nowhere"
        return Place(gone, head=self.head, credentials=self.credentials)

    def inside(self, name: str, number: int) -> Place:
        """For one process: an address and a directory that no other has."""
        place = Place(self.directory / name, f"{self.head[:-1]}{number}", self.head)
        place.secrets.mkdir(mode=0o700, parents=True, exist_ok=True)
        place.run.mkdir(exist_ok=True)
        for file, content in self.credentials.items():
            (place.secrets / file).write_bytes(content)
        return place

    def command(self, role: Role, number: int) -> tuple[str, Command]:
        name = role.name if role.essential else f"{role.name}-{number}"
        position = 1 if role.essential else 1 + number + 10 * self.roles.index(role)
        return name, self.kind.command(role, name, self.spec, self.inside(name, position))

    def start(self, role: Role, number: int = 1) -> str:
        name, command = self.command(role, number)
        assert command.argv[0] == "python"
        path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
        with (self.directory / f"{name}.log").open("ab") as log:
            self.processes[name] = subprocess.Popen(
                command.argv,
                env={**os.environ, **command.env, "PATH": path},
                stdout=log,
                stderr=subprocess.STDOUT,
                cwd=self.directory,
            )
        return name

    def start_all(self) -> None:
        for role in self.roles:
            for number in range(1, role.count + 1):
                self.start(role, number)
        self.ready(sum(role.count for role in self.roles if role.members))

    def look(self, timeout: float = 5.0) -> Observation:
        return self.kind.observe(self.spec, self.outside, timeout)

    def ready(self, count: int) -> Observation:
        """Wait until so many workers can be used."""

        def seen() -> Observation | None:
            try:
                found = self.look()
            except NotReady:
                return None
            return found if len(found.ready) == count else None

        found: Observation = wait_until(f"{count} workers: {self.logs()}", seen)
        return found

    def logs(self) -> str:
        return "\n".join(path.read_text()[-2000:] for path in self.directory.glob("*.log"))

    def ports(self, name: str) -> set[tuple[str, int]]:
        """Where a process listens."""
        seen = psutil.Process(self.processes[name].pid).net_connections()
        return {(c.laddr.ip, c.laddr.port) for c in seen if c.status == "LISTEN"}

    def end(self) -> None:
        for process in self.processes.values():
            process.kill()
        for process in self.processes.values():
            process.wait(10)
