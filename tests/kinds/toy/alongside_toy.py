"""A kind as a third party would write it: a leader and sleepers that say in files how they are.

It is installed like any package (an entry point), so that supervisors in other processes find it.
"""

from __future__ import annotations

import os
import signal
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any, ClassVar, Literal

from pydantic import Field

from alongside.errors import InvalidRequest, NotReady
from alongside.kinds.base import Command, Kind, Observation, Options, Place, Role
from alongside.models import Connection, Resources, Spec


class ToyOptions(Options):
    """A number of sleepers; `broken` ones end at once, `stubborn` ones ignore SIGTERM."""

    sleepers: int = Field(2, ge=0, le=20, title="Sleepers", description="How many sleep.")
    broken: bool = Field(False, title="Broken", description="Whether they end at once.")
    mute: bool = Field(False, title="Mute", description="Whether the leader says nothing.")
    stubborn: bool = Field(False, title="Stubborn", description="Whether they ignore SIGTERM.")
    fertile: bool = Field(False, title="Fertile", description="Whether they start daemons.")


class Toy(Kind):
    """Sleeps."""

    name: ClassVar[str] = "toy"
    title: ClassVar[str] = "Toy"
    description: ClassVar[str] = "Sleeps until it is ended."
    member: ClassVar[str] = "sleeper"
    Options: ClassVar[type[Options]] = ToyOptions
    scaling: ClassVar[Literal["live", "relaunch"]] = "live"
    preload: ClassVar[tuple[str, ...]] = ("alongside_toy",)

    def resources(self, options: ToyOptions) -> Resources:
        count = options.sleepers
        return Resources(backends=1, workers=count, cores=count, memory=count * 2**26)

    def wanted(self, options: ToyOptions) -> int:
        return options.sleepers

    def bounds(self, options: ToyOptions) -> tuple[int, int] | None:
        return None

    def change(self, options: ToyOptions, patch: Mapping[str, Any]) -> dict[str, Any]:
        if set(patch) - {"sleepers"}:
            raise InvalidRequest("Only sleepers can be changed.", "Launch another.", "options")
        return options.model_dump(mode="json") | dict(patch)

    def secrets(self, spec: Spec) -> dict[str, bytes]:
        return {"word": os.urandom(8).hex().encode()}

    def roles(self, options: ToyOptions) -> tuple[Role, ...]:
        return (
            Role("leader", 1, essential=True, members=False),
            Role("sleeper", options.sleepers, False, True, cores=1, memory=2**28),
        )

    def command(self, role: Role, name: str, spec: Spec, place: Place) -> Command:
        traits = [word for word in ("broken", "mute", "stubborn", "fertile") if spec.options[word]]
        arguments = (role.name, name, str(place.run), *traits)
        return Command(
            argv=(sys.executable, "-m", "alongside_toy", *arguments),
            entry="alongside_toy:main",
            env={"TOY_NAME": name},
        )

    def observe(self, spec: Spec, place: Place, timeout: float) -> Observation:
        leader = place.run / "leader.ready"
        if not leader.exists():
            raise NotReady("The leader is not up.")
        ready = {p.stem for p in place.run.glob("sleeper-*.ready") if _lives(p)}
        busy = (place.run / "busy").exists()
        since = None if busy else leader.stat().st_mtime
        return Observation(frozenset(ready), f"toy:{leader.read_text()}", since)

    def shrink(
        self, spec: Spec, place: Place, count: int, timeout: float, role: str = ""
    ) -> tuple[str, ...]:
        names = sorted(p.stem for p in place.run.glob("sleeper-*.ready"))[::-1][:count]
        for name in names:
            (place.run / f"{name}.leave").touch()
        return tuple(names)

    def connection(self, spec: Spec, address: str, secrets: Mapping[str, bytes]) -> Connection:
        credentials = {"word": secrets["word"].decode()}
        return Connection(kind=self.name, address=address, credentials=credentials)

    def attach(self, connection: Connection, name: str) -> str:
        return connection.address


def _lives(file: Path) -> bool:
    try:
        os.kill(int(file.read_text()), 0)
    except (OSError, ValueError):
        return False
    return True


def main() -> None:
    role, name, directory, *traits = sys.argv[1:]
    print(f"{name} begins")
    if role == "sleeper" and "broken" in traits:
        sys.exit("broken as ordered")
    if "stubborn" in traits:
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
    if role == "sleeper" and "fertile" in traits and os.fork() == 0:
        os.setsid()  # a daemon that nobody would find by its ancestors
        if os.fork() == 0:
            signal.pause()
        os._exit(0)
    run = Path(directory)
    if role != "leader" or "mute" not in traits:
        draft = run / f".{name}"
        draft.write_text(str(os.getpid()))
        draft.rename(run / f"{name}.ready")
    print(f"{name} is ready", flush=True)
    while not (run / f"{name}.leave").exists():
        time.sleep(0.01)
    (run / f"{name}.leave").unlink()
    (run / f"{name}.ready").unlink()


if __name__ == "__main__":
    main()
