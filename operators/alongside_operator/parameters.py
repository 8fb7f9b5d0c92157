"""What the variables of Arkouda's own deployment workflows describe: a group, or an exporter. Pure.

What does not fit together is refused by name. Memory is in bytes.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field

from alongside.kinds.arkouda.flags import METRICS_PORT
from alongside.platforms.kubernetes.capacity import amount
from alongside.units import format_memory
from alongside_operator.variables import EXPORTER_IMAGE, IMAGE, Reader

_EXPORTER_NAMES = ("ARKOUDA_EXPORTER_APP_NAME", "ARKOUDA_EXPORTER_SERVICE_NAME")
_TWO = 2  # threads of a core, as processors have them
_LEAST_MEMORY, _LEAST_LIMIT = 128 * 2**20, 2**20


@dataclass(frozen=True)
class Monitored:
    """How Prometheus finds it. No labels: not by us."""

    labels: Mapping[str, str] = field(default_factory=dict)
    interval: int = 15


@dataclass(frozen=True)
class Wanted:
    """A group. `cpu` is what each locale is promised, empty for all its cores; `limit` 0: ours."""

    name: str
    namespace: str
    locales: int
    cores: int
    cpu: str
    threads: int
    memory: int
    limit: int
    image: str
    policy: str
    user: Mapping[str, int]
    secret: str
    port: int
    log_level: str
    service: Mapping[str, str | int]
    monitored: Monitored


@dataclass(frozen=True)
class Watcher:
    """An exporter for a server elsewhere. `port` 0: only its port for metrics is asked."""

    name: str
    service: str
    namespace: str
    server: str
    host: str
    port: int
    metrics: int
    launcher: str
    image: str
    policy: str
    secret: str
    monitored: Monitored


def group(given: Mapping[str, str]) -> Wanted:
    """The group that these parameters describe. Raises InvalidRequest, which names each that
    can't be, or can't be together with another."""
    read = Reader(given)
    name = read.name("ARKOUDA_INSTANCE_NAME")
    if read.text("ARKOUDA_SERVER_NAME", name) != name:
        read.refuse(
            "ARKOUDA_SERVER_NAME",
            "ARKOUDA_SERVER_NAME and ARKOUDA_INSTANCE_NAME are two names for one server.",
            "Give both the same one: clients find it by that.",
        )
    if (launcher := read.text("ARKOUDA_LAUNCHER", "kubernetes")) != "kubernetes":
        read.refuse(
            "ARKOUDA_LAUNCHER",
            f"Kubernetes launches a group, not {launcher[:80]}.",
            "For a server that runs elsewhere deploy an exporter.",
        )
    cores = math.ceil(thousandths / 1000) if (thousandths := _thousandths(read)) else 1
    memory = read.number("ARKOUDA_MEMORY", "2048Mi", _LEAST_MEMORY, amount)
    wanted = Wanted(
        name=name,
        namespace=read.text("ARKOUDA_NAMESPACE"),
        locales=_locales(read),
        cores=cores,
        cpu="" if thousandths == 1000 * cores else f"{thousandths}m",
        threads=_threads(read, cores, thousandths),
        memory=memory,
        limit=_limit(read, memory),
        image=_image(read),
        policy=_policy(read),
        user=_user(read),
        secret=read.text("ARKOUDA_TOKEN_SECRET"),
        port=read.number("ARKOUDA_SERVICE_PORT", "5555", 1024),
        log_level=read.text("ARKOUDA_LOG_LEVEL"),
        service=_service(read),
        monitored=_monitored(read),
    )
    read.conclude()
    return wanted


def exporter(given: Mapping[str, str]) -> Watcher:
    """The exporter that these parameters describe. Raises InvalidRequest."""
    read = Reader(given)
    first, second = _EXPORTER_NAMES
    name = read.name(first, read.text(second))
    wanted = Watcher(
        name=name,
        service=read.name(second, name),
        namespace=read.text("ARKOUDA_NAMESPACE"),
        server=read.text("ARKOUDA_SERVER_NAME", name),
        host=read.text("ARKOUDA_METRICS_SERVICE_HOST", needed=True),
        port=read.number("ARKOUDA_SERVICE_PORT", "0", 0),
        metrics=read.number("ARKOUDA_METRICS_SERVICE_PORT", str(METRICS_PORT), 1),
        launcher=read.text("ARKOUDA_LAUNCHER", "slurm"),
        image=read.text(EXPORTER_IMAGE, needed=True),
        policy=_policy(read),
        secret=read.text("ARKOUDA_TOKEN_SECRET"),
        monitored=_monitored(read),
    )
    read.conclude()
    return wanted


def removal(what: str, given: Mapping[str, str]) -> tuple[str, str, str]:
    """Name, Service and namespace of the ``group`` or ``exporter`` that is to go; nothing else has
    to be known for that. Raises InvalidRequest."""
    read = Reader(given)
    first, second = (
        ("ARKOUDA_INSTANCE_NAME", "ARKOUDA_INSTANCE_NAME") if what == "group" else _EXPORTER_NAMES
    )
    name = read.name(first, read.text(second))
    service = read.name(second, name)
    read.conclude()
    return name, service, read.text("ARKOUDA_NAMESPACE")


def _locales(read: Reader) -> int:
    """In all. Each of the two numbers follows from the other."""
    all_of_them = read.text("ARKOUDA_TOTAL_NUMBER_OF_LOCALES")
    if all_of_them and not read.text("ARKOUDA_NUMBER_OF_LOCALES"):
        return read.number("ARKOUDA_TOTAL_NUMBER_OF_LOCALES", "", 1)
    others = read.number("ARKOUDA_NUMBER_OF_LOCALES", "2", 0)
    if all_of_them and all_of_them != str(others + 1):
        read.refuse(
            "ARKOUDA_TOTAL_NUMBER_OF_LOCALES",
            f"ARKOUDA_TOTAL_NUMBER_OF_LOCALES is {all_of_them[:20]}, but {others} and the server's "
            f"own make {others + 1}.",
            "Leave it out: it follows from ARKOUDA_NUMBER_OF_LOCALES.",
        )
    return others + 1


def _thousandths(read: Reader) -> int:
    return read.number("ARKOUDA_CPU_CORES", "2000m", 1, lambda text: int(1000 * amount(text)))


def _threads(read: Reader, cores: int, thousandths: int) -> int:
    threads = read.number("CHPL_NUM_THREADS_PER_LOCALE", str(cores), 1)
    if threads > _TWO * cores:
        has = f"{thousandths / 1000:g}"
        read.refuse(
            "CHPL_NUM_THREADS_PER_LOCALE",
            f"{threads} threads would share {has} core{'' if has == '1' else 's'} of a locale.",
            "Make CHPL_NUM_THREADS_PER_LOCALE at most twice what ARKOUDA_CPU_CORES has.",
        )
    return threads


def _limit(read: Reader, memory: int) -> int:
    if not read.text("CHPL_MEM_MAX"):
        return 0
    limit = read.number("CHPL_MEM_MAX", "", 1)
    if limit < _LEAST_LIMIT or limit >= memory:
        read.refuse(
            "CHPL_MEM_MAX",
            f"CHPL_MEM_MAX counts bytes: {limit} is {format_memory(limit)}, and a locale has "
            f"{format_memory(memory)}.",
            "Leave it out, or give it most of ARKOUDA_MEMORY, in bytes.",
        )
    return limit


def _image(read: Reader) -> str:
    image, version = read.text(IMAGE, needed=True), read.text("ARKOUDA_VERSION")
    if ":" in image.rpartition("/")[2] or "@" in image:
        return image
    if not version:
        read.refuse(
            "ARKOUDA_VERSION",
            f"{IMAGE} has no tag, and ARKOUDA_VERSION is missing.",
            "Say which release it is to be.",
        )
    return f"{image}:{version}"


def _policy(read: Reader) -> str:
    policy = read.text("ARKOUDA_IMAGE_POLICY", "IfNotPresent")
    if policy not in ("Always", "IfNotPresent", "Never"):
        read.refuse(
            "ARKOUDA_IMAGE_POLICY",
            f"ARKOUDA_IMAGE_POLICY is {policy[:80]!r}.",
            "It is Always, IfNotPresent or Never.",
        )
    return policy


def _service(read: Reader) -> dict[str, str | int]:
    """How it is reached from outside of the cluster, empty where it isn't."""
    types = ("ClusterIP", "NodePort", "LoadBalancer")
    kind = read.text("ARKOUDA_SERVICE_TYPE", types[0])
    if kind not in types:
        read.refuse(
            "ARKOUDA_SERVICE_TYPE",
            f"ARKOUDA_SERVICE_TYPE is {kind[:80]!r}.",
            f"It is {', '.join(types[:2])} or {types[2]}.",
        )
    if kind == types[0]:
        return {}
    port = read.number("ARKOUDA_NODE_PORT", "0", 0)
    return {"type": kind} | ({"nodePort": port} if port else {})


def _user(read: Reader) -> dict[str, int]:
    return {
        key: read.number(name, "1000", 1)
        for key, name in (("uid", "ARKOUDA_UID"), ("gid", "ARKOUDA_GID"))
        if read.text(name)
    }


def _monitored(read: Reader) -> Monitored:
    seconds = "ARKOUDA_METRICS_POLLING_INTERVAL"
    read.given[seconds] = read.text(seconds, "15").removesuffix("s")
    return Monitored(read.label("ARKOUDA_PROMETHEUS_MATCH_LABEL"), read.number(seconds, "15", 1))
