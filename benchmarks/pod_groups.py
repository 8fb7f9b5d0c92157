"""On Kubernetes, from the request to an Arkouda server that answers: ours, and bare pods.

Beside one locale, a bare pod that has the same image and runs the server alone; beside several, the
same pods that the operator makes, made by nobody in particular in the same order: all locales, and
when these are ready, the server. The server is the double of the tests.
``python -m benchmarks.kubernetes --parts groups``.
"""

from __future__ import annotations

import asyncio
import secrets
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from kubernetes_asyncio.client import CoreV1Api
from kubernetes_asyncio.config import new_client_from_config

from alongside.errors import NotReady
from alongside.kinds.arkouda import flags
from alongside.kinds.arkouda.messages import ask
from alongside.kinds.arkouda.options import ArkoudaOptions
from alongside.platforms.kubernetes.resources import Object
from alongside_operator import doors, keys, pods
from alongside_operator.group import Group, Setting
from benchmarks.measure import Row, clock, median, quiet
from benchmarks.pods import IMAGE
from tests.kubernetes import arkouda_groups
from tests.kubernetes.arkouda_groups import PLURAL, GroupBench, groups
from tools import images

LOCALES = (1, 3)
TOKEN = "token"
WITHIN = 120.0  # seconds for anything


async def ours(bench: GroupBench, locales: int, into: list[float]) -> Object:
    """Through platform and operator, as the service uses them; what the operator was asked for."""
    with clock(into):
        spec = await bench.launch({"locales": locales})
        await bench.settled(spec, locales)
        assert (await bench.said(spec, "ruok")).good
    (asked,) = await bench.items(PLURAL)
    await bench.clear()
    return asked


async def bare(core: CoreV1Api, namespace: str, image: str, into: list[float]) -> None:
    """The server in a pod, made by nobody in particular."""
    name = f"bare-{secrets.token_hex(3)}"
    words = " ".join(flags.arguments(ArkoudaOptions(locales=1), flags.PORT))
    script = (
        f"mkdir -p /tmp/a/.arkouda && cd /tmp/a && echo {TOKEN} >{flags.TOKENS}"
        f" && exec arkouda_server {words}"
    )
    container = {"name": "server", "image": image, "command": ["sh", "-c", script]}
    pod = {
        "metadata": {"name": name},
        "spec": {"containers": [container], "terminationGracePeriodSeconds": 1},
    }
    with clock(into):
        await core.create_namespaced_pod(namespace, pod)
        address = await _address(core, namespace, name)
        await asyncio.to_thread(_answers, f"tcp://{address}:{flags.PORT}")
    await core.delete_namespaced_pod(name, namespace)


async def same_pods(core: CoreV1Api, asked: Object, setting: Setting, into: list[float]) -> None:
    """What is asked for in this object, without it and without an operator."""
    name, namespace = f"bare-{secrets.token_hex(3)}", asked["metadata"]["namespace"]
    metadata = {"name": name, "namespace": namespace, "uid": ""}
    group = Group.of({"metadata": metadata, "spec": {**asked["spec"], "secretName": name}})
    token = {"metadata": {"name": name}, "stringData": {"token": TOKEN}}
    services = [_alone(body) for body in doors.services(group)]
    template = _alone(pods.locales(group)["spec"]["template"])
    selector = group.selector
    with clock(into):
        for body in (token, _alone(keys.secret(group))):
            await core.create_namespaced_secret(namespace, body)
        for body in services:
            await core.create_namespaced_service(namespace, body)
        for number in range(group.others):
            named = {**template["metadata"], "name": f"{group.locale_name}-{number}"}
            await core.create_namespaced_pod(namespace, {**template, "metadata": named})
        crew = await _ready(core, namespace, selector, group.others)
        await core.create_namespaced_pod(namespace, _alone(pods.server(group, setting, crew)))
        address = await _address(core, namespace, group.server_name)
        await asyncio.to_thread(_answers, f"tcp://{address}:{flags.PORT}")
    await core.delete_collection_namespaced_pod(
        namespace, label_selector=selector, grace_period_seconds=0
    )
    for body in services:
        await core.delete_namespaced_service(body["metadata"]["name"], namespace)


def _alone(body: Object) -> Object:
    """It, as something that belongs to nothing."""
    kept = {k: v for k, v in body["metadata"].items() if k != "ownerReferences"}
    return {**body, "metadata": kept}


async def _ready(
    core: CoreV1Api, namespace: str, selector: str, number: int
) -> list[tuple[str, str]]:
    """Marks and addresses of so many pods, once all are ready."""
    async with asyncio.timeout(WITHIN):
        while True:
            found = (await core.list_namespaced_pod(namespace, label_selector=selector)).items
            ready = [
                (pod.metadata.uid, pod.status.pod_ip)
                for pod in found
                for condition in pod.status.conditions or ()
                if (condition.type, condition.status) == ("Ready", "True")
            ]
            if len(ready) == number:
                return ready
            await asyncio.sleep(0.02)


async def _address(core: CoreV1Api, namespace: str, name: str) -> str:
    async with asyncio.timeout(WITHIN):
        while True:
            found = await core.read_namespaced_pod(name, namespace)
            if found.status.phase == "Running" and found.status.pod_ip:
                return str(found.status.pod_ip)
            await asyncio.sleep(0.02)


def _answers(address: str) -> None:
    end = time.monotonic() + WITHIN
    while time.monotonic() < end:
        try:
            if ask(address, TOKEN, "ruok", timeout=1.0).good:
                return
        except NotReady:
            time.sleep(0.01)
    raise TimeoutError(address)


@asynccontextmanager
async def _namespace(core: CoreV1Api) -> AsyncIterator[str]:
    name = f"alongside-bench-{secrets.token_hex(3)}"
    await core.create_namespace({"metadata": {"name": name}})
    try:
        yield name
    finally:
        await core.delete_namespace(name)


async def _measured(kubeconfig: str, folder: Path, rounds: int) -> list[Row]:
    image = images.name_of(images.DOUBLE)
    names = {
        "session": IMAGE,
        "service": images.name_of("service"),
        images.DOUBLE: image,
    }
    await arkouda_groups.install(kubeconfig)
    times: dict[int, list[float]] = {locales: [] for locales in LOCALES}
    alone: list[float] = []
    same: list[float] = []
    setting = Setting(exporter_image=names["service"])
    async with await new_client_from_config(kubeconfig, persist_config=False) as api:
        core = CoreV1Api(api)
        async with (
            _namespace(core) as name,
            groups(kubeconfig, api, name, names, folder / "operator.log") as bench,
        ):
            for _ in range(rounds + 1):
                for locales, into in times.items():
                    await asyncio.to_thread(quiet, 40.0, 20.0)
                    asked = await ours(bench, locales, into)
                await asyncio.to_thread(quiet, 40.0, 20.0)
                await bare(core, name, image, alone)
                await asyncio.to_thread(quiet, 40.0, 20.0)
                await same_pods(core, asked, setting, same)
                mine = [f"{into[-1]:.2f}" for into in times.values()]
                print(f"groups: {mine} {alone[-1]:.2f} {same[-1]:.2f}", flush=True)
    what = "request → Arkouda answers, locales: {}".format
    one, several = (median(into) for into in times.values())
    return [
        Row(what(LOCALES[0]), one, "a bare pod with the server", median(alone), 1.3),
        Row(what(LOCALES[1]), several, "the same pods, bare", median(same), 1.3),
    ]


def measure(kubeconfig: str, folder: Path, rounds: int) -> list[Row]:
    """Groups of one locale and of several, against one pod."""
    return asyncio.run(_measured(kubeconfig, folder, rounds))
