"""The kind Arkouda. Nothing of its client is imported before it is needed."""

from __future__ import annotations

import secrets
import sys
from collections.abc import Mapping, MutableMapping
from pathlib import Path
from typing import Any, ClassVar, Literal

from alongside.errors import InvalidRequest
from alongside.kinds.arkouda import keeper
from alongside.kinds.arkouda.options import ArkoudaOptions, advice
from alongside.kinds.base import Command, Kind, Observation, Obstacle, Options, Place, Role, Tell
from alongside.models import Connection, Resources, Spec

SERVER = "server"


class Arkouda(Kind):
    """A server with a number of locales, all of them one user's own.

    On one machine there is one process tree: the server's launcher starts the locales. So members
    are what the server says of itself, and another number of them is another start.
    """

    name: ClassVar[str] = "arkouda"
    title: ClassVar[str] = "Arkouda locale group"
    description: ClassVar[str] = (
        "Arrays larger than a laptop, worked on from the notebook, on a server of your own."
    )
    member: ClassVar[str] = "locale"
    Options: ClassVar[type[Options]] = ArkoudaOptions
    scaling: ClassVar[Literal["live", "relaunch"]] = "relaunch"
    exclusive: ClassVar[bool] = True  # one table of symbols, one queue of requests
    operated: ClassVar[bool] = True
    variables: ClassVar[tuple[str, ...]] = (keeper.VARIABLE,)
    preload: ClassVar[tuple[str, ...]] = (
        "alongside.kinds.arkouda.keeper",
        "alongside.kinds.arkouda.state",
    )

    def resources(self, options: ArkoudaOptions) -> Resources:
        return Resources(
            backends=1,
            workers=options.locales,
            cores=options.locales * options.cores,
            memory=options.locales * options.memory,
        )

    def wanted(self, options: ArkoudaOptions) -> int:
        return options.locales

    def bounds(self, options: ArkoudaOptions) -> tuple[int, int] | None:
        return None

    def change(self, options: ArkoudaOptions, patch: Mapping[str, Any]) -> dict[str, Any]:
        unknown = set(patch) - set(ArkoudaOptions.model_fields)
        if unknown:
            raise InvalidRequest(
                f"A locale group has no {min(unknown)[:63]}.",
                "Change locales, cores or memory.",
                f"options.{min(unknown)[:63]}",
            )
        # What is only there for advice is no reason to start anew, and lose what is in memory.
        sized = {name: value for name, value in patch.items() if name != "rows"}
        return options.model_dump(mode="json") | sized

    def secrets(self, spec: Spec) -> dict[str, bytes]:
        return {"token": secrets.token_urlsafe(32).encode()}

    def roles(self, options: ArkoudaOptions) -> tuple[Role, ...]:
        # Its memory is bounded by the server itself: locales of one machine share much of theirs,
        # and would be counted several times.
        cores = options.locales * options.cores
        return (Role(SERVER, 1, essential=True, members=False, cores=cores),)

    def command(self, role: Role, name: str, spec: Spec, place: Place) -> Command:
        options = ArkoudaOptions.model_validate(spec.options)
        module = "alongside.kinds.arkouda.keeper"
        words = (str(place.run), str(place.secrets), options.model_dump_json())
        return Command(argv=(sys.executable, "-P", "-m", module, *words), entry=f"{module}:main")

    def observe(self, spec: Spec, place: Place, timeout: float) -> Observation:
        from alongside.kinds.arkouda import state

        return state.observe(place, int(spec.options["locales"]), timeout)

    def shrink(
        self, spec: Spec, place: Place, count: int, timeout: float, role: str = ""
    ) -> tuple[str, ...]:
        return ()  # no locale can be let go while the others stay

    def connection(self, spec: Spec, address: str, secrets: Mapping[str, bytes]) -> Connection:
        return Connection(
            kind=self.name, address=address, credentials={"token": secrets["token"].decode()}
        )

    def attach(self, connection: Connection, name: str) -> Any:
        from alongside.kinds.arkouda import client

        return client.connect(connection, name)

    def missing(self) -> Obstacle | None:
        return keeper.obstacle()

    def epitaph(self, place: Place) -> Obstacle | None:
        from alongside.kinds.arkouda import state

        return state.epitaph(place)

    def advice(self, options: ArkoudaOptions) -> str:
        return advice(options)

    def snapshot(
        self, namespace: MutableMapping[str, Any], directory: Path, tell: Tell
    ) -> tuple[str, ...]:
        from alongside.kinds.arkouda import saving

        return saving.snapshot(namespace, directory, tell)

    def restore(
        self, namespace: MutableMapping[str, Any], directory: Path, tell: Tell
    ) -> tuple[str, ...]:
        from alongside.kinds.arkouda import saving

        return saving.restore(namespace, directory, tell)
