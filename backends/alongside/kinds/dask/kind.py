"""The kind Dask. Nothing of Dask is imported before it is needed."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Any, ClassVar, Literal

from alongside.errors import InvalidRequest
from alongside.kinds.base import Command, Kind, Observation, Options, Pages, Place, Role
from alongside.kinds.dask import ports
from alongside.kinds.dask.control import pages, read_state, retire
from alongside.kinds.dask.options import DaskOptions
from alongside.models import Connection, Resources, Spec
from alongside.units import parse_memory

_LEAST_VALID = timedelta(days=30)
_UNBOUNDED = timedelta(days=400)


class Dask(Kind):
    """A Dask scheduler and workers of the newest `distributed`, all speaking TLS."""

    name: ClassVar[str] = "dask"
    title: ClassVar[str] = "Dask cluster"
    description: ClassVar[str] = (
        "Workers that share your computation. Use it with dask.dataframe, dask.array or futures."
    )
    member: ClassVar[str] = "worker"
    Options: ClassVar[type[Options]] = DaskOptions
    scaling: ClassVar[Literal["live", "relaunch"]] = "live"
    preload: ClassVar[tuple[str, ...]] = ("alongside.kinds.dask.warmup",)
    environment: ClassVar[Mapping[str, str]] = {
        "DASK_SCHEDULER_ADDRESS": "alongside://session",
        "DASK_DISTRIBUTED__CLIENT__SECURITY_LOADER": "alongside.kinds.dask.comm.load_security",
    }

    def resources(self, options: DaskOptions) -> Resources:
        workers = options.adaptive.maximum if options.adaptive else options.workers
        return Resources(
            backends=1,
            workers=workers,
            cores=workers * options.cores,
            memory=workers * options.memory,
        )

    def wanted(self, options: DaskOptions) -> int:
        return options.adaptive.minimum if options.adaptive else options.workers

    def bounds(self, options: DaskOptions) -> tuple[int, int] | None:
        adaptive = options.adaptive
        return (adaptive.minimum, adaptive.maximum) if adaptive else None

    def change(self, options: DaskOptions, patch: Mapping[str, Any]) -> dict[str, Any]:
        present = options.model_dump(mode="json")
        if patch.get("adaptive") is not None and "workers" in patch:
            raise InvalidRequest(
                "Either a number of workers or adaptive bounds, not both.",
                "Leave one of them out.",
                "options.adaptive",
            )
        for field in ("cores", "memory"):
            if field in patch and not _same(field, patch[field], getattr(options, field)):
                raise InvalidRequest(
                    f"The {field} of the workers can't be changed while the cluster runs.",
                    "Change the number of workers, or launch another cluster.",
                    f"options.{field}",
                )
        if "workers" in patch:
            present["adaptive"] = None
        return present | {k: v for k, v in patch.items() if k not in ("cores", "memory")}

    def secrets(self, spec: Spec) -> dict[str, bytes]:
        from alongside.kinds.dask.tls import make_credentials

        maximum = spec.lifetime.maximum
        lasting = _UNBOUNDED if maximum is None else max(maximum, _LEAST_VALID)
        return make_credentials(f"alongside {spec.id}", lasting)

    def roles(self, options: DaskOptions) -> tuple[Role, ...]:
        return (
            Role(
                "scheduler",
                1,
                essential=True,
                members=False,
                ports=ports.SCHEDULER,
                health=ports.HEALTH,
            ),
            Role(
                "worker",
                self.wanted(options),
                essential=False,
                members=True,
                cores=options.cores,
                memory=options.memory,
                ports=ports.WORKER,
                health=ports.HEALTH,
            ),
        )

    def command(self, role: Role, name: str, spec: Spec, place: Place) -> Command:
        from alongside.kinds.dask.role import make_command

        return make_command(role, name, place)

    def observe(self, spec: Spec, place: Place, timeout: float) -> Observation:
        return read_state(place, target=bool(spec.options.get("adaptive")), timeout=timeout)

    def shrink(self, spec: Spec, place: Place, count: int, timeout: float) -> tuple[str, ...]:
        return retire(place, count, timeout)

    def connection(self, spec: Spec, address: str, secrets: Mapping[str, bytes]) -> Connection:
        return Connection(
            kind=self.name,
            address=address,
            credentials={
                "ca": secrets["ca.pem"].decode(),
                "cert": secrets["client.pem"].decode(),
                "key": secrets["client-key.pem"].decode(),
            },
        )

    def attach(self, connection: Connection, name: str) -> Any:
        from distributed import Client, Security

        security = Security(
            require_encryption=True,
            tls_ca_file=connection.credentials["ca"],
            tls_client_cert=connection.credentials["cert"],
            tls_client_key=connection.credentials["key"],
        )
        return Client(connection.address, security=security, name=name)

    def dashboard(self, place: Place) -> Pages | None:
        return pages(place)


def _same(field: str, value: Any, present: int) -> bool:
    try:
        return (parse_memory(value) if field == "memory" else int(value)) == present
    except (TypeError, ValueError):
        return False
