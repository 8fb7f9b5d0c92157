"""What an idle backend costs the service on Kubernetes: CPU and memory of its pod's processes.

The service is that of a release of the chart. One Dask cluster is real. The others are real to the
service, but for their pods: those are objects only (never scheduled, their Deployments paused),
which say that they run at the address of the real cluster's scheduler, whose credentials they
share. So each is looked at over a TLS connection of its own and answered by a real scheduler, and
a hundred of them need no more room than one.
"""

from __future__ import annotations

import asyncio
import base64
import json
import time
from dataclasses import dataclass
from pathlib import Path
from secrets import token_hex
from typing import Any

from kr8s.objects import Pod

from alongside.kinds import get_kind
from alongside.models import Status
from alongside.platforms.kubernetes import objects, processes
from alongside.platforms.kubernetes.api import Cluster
from alongside.platforms.kubernetes.builder import process
from alongside.platforms.kubernetes.custom import dask_cluster
from alongside.platforms.kubernetes.resources import (
    CONFIG_MAPS,
    DASK_CLUSTERS,
    DEPLOYMENTS,
    PODS,
    SECRETS,
    Object,
)
from alongside.platforms.kubernetes.setting import Setting
from alongside.testing import make_spec
from benchmarks.measure import Row, quiet
from benchmarks.pod_sessions import service, soon
from tests.kubernetes.release import Release, installed
from tools import images

NUMBERS = (10, 100)
OPTIONS = {"workers": 1, "memory": "256 MiB"}
WINDOW = 60.0  # seconds
_SETTLING = 15.0  # seconds for what comes of the last change: records, policies, connections
_AT_ONCE = 8
_TRIES = 3
# In the service's container: nanoseconds on a processor and bytes (PSS) of all other processes.
LOOK = """
import json, os
from pathlib import Path

own, processes, time, size = str(os.getpid()), [], 0, 0
for folder in sorted(Path("/proc").glob("[0-9]*")):
    if folder.name != own:
        processes.append(folder.name)
        for thread in (folder / "task").iterdir():
            time += int((thread / "schedstat").read_text().split()[0])
        lines = (folder / "smaps_rollup").read_text().splitlines()
        size += sum(int(line.split()[1]) for line in lines if line.startswith("Pss:"))
print(json.dumps({"processes": processes, "time": time, "memory": size * 1024}))
"""


@dataclass(frozen=True)
class Cost:
    """Of the service: seconds on a processor in a minute, and bytes."""

    processor: float
    memory: float


def measure(kubeconfig: str, folder: Path) -> list[Row]:
    """The rows about idle backends."""
    names = {target: images.name_of(target) for target in images.TARGETS}
    costs: dict[int, Cost] = {}
    with (
        installed(kubeconfig, names, folder) as release,
        release.browser("ada") as browser,
        service(release, browser) as client,
    ):

        def phases() -> list[str]:
            answer = client.get("backends")  # on a busy machine the service may begin anew
            return [each["phase"] for each in answer.json()] if answer.is_success else []

        body = {"profile": "dask-small", "kind": "dask", "options": OPTIONS, "name": "real"}
        answer = client.post("backends", json=body)
        assert answer.status_code in (200, 201, 202), answer.text
        real = answer.json()["id"]
        soon(lambda: phases() == ["running"], "the real cluster")
        there = 1
        for number in NUMBERS:
            asyncio.run(imitate(release, kubeconfig, real, number - there))
            there = number
            soon(lambda: phases() == there * ["running"], "all of them")  # noqa: B023 - now
            time.sleep(_SETTLING)
            costs[number] = cost(release)
            assert phases() == there * ["running"], phases()
            print(f"{number} idle: {costs[number]}", flush=True)
    few, many = (costs[number] for number in NUMBERS)
    each = [1000 * costs[number].processor / number for number in NUMBERS]
    further = (many.memory - few.memory) / (NUMBERS[1] - NUMBERS[0]) / 1024
    at_first = f"each of {NUMBERS[0]}"
    return [
        Row(
            f"CPU of the service a minute, for each of {NUMBERS[1]} idle backends",
            *(each[1], at_first, each[0], 1.2, "ms"),
        ),
        Row("memory of the service for each further idle backend", further, "", 0.0, unit="KiB"),
    ]


def cost(release: Release) -> Cost:
    """What the service needs while nothing happens."""
    for _ in range(_TRIES):
        quiet(40.0, 20.0)
        begun, before = time.monotonic(), look(release)
        time.sleep(WINDOW)
        after = look(release)
        minutes = (time.monotonic() - begun) / 60
        if before["processes"] == after["processes"]:
            return Cost((after["time"] - before["time"]) / 1e9 / minutes, after["memory"])
        print("The service has begun anew; once more.", flush=True)
    raise TimeoutError("The service does not stay.")


def look(release: Release) -> dict[str, Any]:
    """What the processes in the service's container have used, and use."""
    found = release.api.get(
        "pods",
        namespace=release.namespace,
        label_selector={"app.kubernetes.io/component": "service"},
    )
    (name,) = (pod.name for pod in found)
    pod = Pod.get(name, namespace=release.namespace, api=release.api)
    done = pod.exec(["python", "-c", LOOK], timeout=60)
    said: dict[str, Any] = json.loads(done.stdout)
    return said


async def imitate(release: Release, kubeconfig: str, real: str, number: int) -> None:
    """So many more backends that are like the real one."""
    cluster = Cluster(kubeconfig)
    await cluster.open()
    try:
        space = release.namespace
        secret = await cluster.get(SECRETS, space, objects.record_name(real))
        record = await cluster.get(CONFIG_MAPS, space, objects.record_name(real))
        pods, _ = await cluster.list(PODS, space, f"{objects.PREFIX}/id={real}")
        assert secret is not None
        assert record is not None
        model = Model(
            cluster=cluster,
            setting=Setting(namespace=space, image=images.name_of("session")),
            contents={n: base64.b64decode(text) for n, text in secret["data"].items()},
            status=objects.parse_record(record)[1],
            pods={objects.process_of(pod): pod["status"] for pod in pods},
        )
        slots = asyncio.Semaphore(_AT_ONCE)

        async def one() -> None:
            async with slots:
                await model.imitate()

        await asyncio.gather(*(one() for _ in range(number)))
    finally:
        await cluster.close()


@dataclass(frozen=True)
class Model:
    """A backend to imitate: what it holds, and how its pods are by the names of their processes."""

    cluster: Cluster
    setting: Setting
    contents: dict[str, bytes]
    status: Status
    pods: dict[str, Any]

    async def imitate(self) -> None:
        """The objects of one more; its record last, since the service acts on that."""
        name = f"idle-{token_hex(4)}"
        spec = make_spec("dask", OPTIONS, platform="kubernetes", owner="ada", name=name)
        kind = get_kind("dask")
        roles = kind.roles(kind.Options.model_validate(spec.options))
        place = processes.place(spec, roles)
        commands = {r.name: kind.command(r, process(r, 1), spec, place) for r in roles}
        # Nothing owns the custom resource: what would be above it isn't there yet.
        nobody = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "n", "uid": "n"}}
        body = dask_cluster(spec, roles, commands, self.setting, nobody)
        body["spec"]["worker"]["replicas"] = 1
        custom = await self._made(DASK_CLUSTERS, _free(body))
        await self._made(SECRETS, _free(objects.secret(spec, self.contents, nobody)))
        for role in roles:
            name, command = process(role, 1), commands[role.name]
            deployment = processes.deployment(spec, role, name, command, self.setting, custom)
            deployment["spec"]["paused"] = True
            await self._made(DEPLOYMENTS, deployment)
            await self._pod(deployment, name)
        await self._made(CONFIG_MAPS, objects.record(spec, self.status))

    async def _made(self, resource: Any, body: Object) -> Object:
        made = await self.cluster.create(resource, self.setting.namespace, body)
        assert made is not None
        return made

    async def _pod(self, deployment: Object, name: str) -> None:
        template, space = deployment["spec"]["template"], self.setting.namespace
        metadata = {
            "name": deployment["metadata"]["name"],
            "ownerReferences": deployment["metadata"]["ownerReferences"],
            **template["metadata"],
        }
        spec = {**template["spec"], "schedulingGates": [{"name": "alongside.test/never"}]}
        body = {"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": spec}
        await self._made(PODS, body)
        seen = self.pods[name]
        wanted = {key: seen[key] for key in ("phase", "podIP", "podIPs", "containerStatuses")}
        status = {"status": {**wanted, "conditions": []}}
        await self.cluster.patch(PODS, space, f"{metadata['name']}/status", status)


def _free(body: Object) -> Object:
    """Without an owner."""
    del body["metadata"]["ownerReferences"]
    return body
