"""The kind Dask. Nothing of Dask is imported before it is needed."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Any, ClassVar, Literal

from alongside.errors import InvalidRequest
from alongside.kinds.base import Command, Kind, Observation, Options, Pages, Place, Role
from alongside.kinds.dask import ports
from alongside.kinds.dask.control import pages, read_state, retire
from alongside.kinds.dask.options import DaskOptions, Group
from alongside.models import Connection, Resources, Spec
from alongside.units import parse_memory

_LASTING = ("cores", "memory", "gpus")  # what a worker has from its start to its end
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
        most, groups = options.most, options.groups
        return Resources(
            backends=1,
            workers=most + options.others,
            cores=most * options.cores + sum(g.workers * g.cores for g in groups),
            memory=most * options.memory + sum(g.workers * g.memory for g in groups),
            gpus=most * options.gpus + sum(g.workers * g.gpus for g in groups),
        )

    def wanted(self, options: DaskOptions) -> int:
        first = options.adaptive.minimum if options.adaptive else options.workers
        return first + options.others

    def bounds(self, options: DaskOptions) -> tuple[int, int] | None:
        adaptive, others = options.adaptive, options.others
        return (adaptive.minimum + others, adaptive.maximum + others) if adaptive else None

    def change(self, options: DaskOptions, patch: Mapping[str, Any]) -> dict[str, Any]:
        present = options.model_dump(mode="json")
        if patch.get("adaptive") is not None and "workers" in patch:
            raise InvalidRequest(
                "Either a number of workers or adaptive bounds, not both.",
                "Leave one of them out.",
                "options.adaptive",
            )
        for field in _LASTING:
            if field in patch and not _same(field, patch[field], getattr(options, field)):
                raise InvalidRequest(
                    f"The {field} of the workers can't be changed while the cluster runs.",
                    "Change the number of workers, or launch another cluster.",
                    f"options.{field}",
                )
        if "workers" in patch:
            present["adaptive"] = None
        changed = {k: v for k, v in patch.items() if k not in _LASTING}
        if "groups" in patch:
            changed["groups"] = _resized(options.groups, patch["groups"])
        return present | changed

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
            _workers("worker", self.wanted(options) - options.others, options),
            *(_workers(group.name, group.workers, group) for group in options.groups),
        )

    def command(self, role: Role, name: str, spec: Spec, place: Place) -> Command:
        from alongside.kinds.dask.role import make_command

        return make_command(role, name, place)

    def observe(self, spec: Spec, place: Place, timeout: float) -> Observation:
        return read_state(place, target=bool(spec.options.get("adaptive")), timeout=timeout)

    def shrink(
        self, spec: Spec, place: Place, count: int, timeout: float, role: str = ""
    ) -> tuple[str, ...]:
        return retire(place, count, role, timeout)

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

    def close(self) -> None:
        from alongside.kinds.dask.remote import REMOTE

        REMOTE.close()


def _workers(name: str, count: int, each: DaskOptions | Group) -> Role:
    return Role(
        name,
        count,
        essential=False,
        members=True,
        cores=each.cores,
        memory=each.memory,
        gpus=each.gpus,
        ports=ports.WORKER,
        health=ports.HEALTH,
    )


def _resized(present: tuple[Group, ...], patch: Any) -> list[dict[str, Any]]:
    """The groups after a PATCH, which tells new numbers of workers by the groups' names."""
    known = {group.name: group for group in present}
    result = {group.name: group.model_dump(mode="json") for group in present}
    for change in patch if isinstance(patch, list | tuple) else [patch]:
        name = change.get("name") if isinstance(change, Mapping) else None
        if not isinstance(name, str) or name not in known:
            raise InvalidRequest(
                "Groups can't be added or renamed while the cluster runs.",
                f"Name one of: {', '.join(known) or 'none, it has no groups'}.",
                "options.groups",
            )
        for field in _LASTING:
            if field in change and not _same(field, change[field], getattr(known[name], field)):
                raise InvalidRequest(
                    f"The {field} of {name} can't be changed while the cluster runs.",
                    "Change its number of workers, or launch another cluster.",
                    "options.groups",
                )
        result[name] |= {k: v for k, v in change.items() if k not in _LASTING}
    return list(result.values())


def _same(field: str, value: Any, present: int) -> bool:
    try:
        return (parse_memory(value) if field == "memory" else int(value)) == present
    except (TypeError, ValueError):
        return False
