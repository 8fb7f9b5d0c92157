"""Backends that no node can take yet: what they wait for is said, and they go on by themselves."""

from __future__ import annotations

import asyncio
import socket
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from kubernetes_asyncio.client import ApiClient

from alongside.models import Spec
from tests.authenticators.slapd import Authority
from tests.kubernetes import backends
from tests.kubernetes.backends import RUNNING, Bench
from tests.kubernetes.rights import chart_rules
from tests.kubernetes.volumes import claimed

# The image has the Python of its distribution.
pytestmark = pytest.mark.filterwarnings("ignore:Mismatched versions")
POOL = "alongside.test/pool"


async def say(bench: Bench, spec: Spec, reason: str, message: str) -> None:
    """An event about each of its pods, as the Cluster Autoscaler makes it."""
    for pod in await bench.pods(spec):
        stamp = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        metadata = pod["metadata"]
        body: Any = {
            "metadata": {"generateName": f"{metadata['name']}."},
            "involvedObject": {
                "apiVersion": "v1",
                "kind": "Pod",
                "name": metadata["name"],
                "namespace": bench.namespace,
                "uid": metadata["uid"],
            },
            "type": "Normal",
            "reason": reason,
            "message": message,
            "source": {"component": "cluster-autoscaler"},
            "firstTimestamp": stamp,
            "lastTimestamp": stamp,
            "count": 1,
        }
        await bench.core.create_namespaced_event(bench.namespace, body)


@asynccontextmanager
async def joined(bench: Bench) -> AsyncIterator[str]:
    """A node that is of the pool now; which one."""
    nodes = (await bench.core.list_node()).items
    name = next(node.metadata.name for node in nodes if not node.spec.unschedulable)
    await bench.core.patch_node(name, {"metadata": {"labels": {POOL: bench.namespace}}})
    try:
        yield str(name)
    finally:
        await bench.core.patch_node(name, {"metadata": {"labels": {POOL: None}}})


@pytest.mark.shows("K26")
@pytest.mark.timeout(300)
async def test_it_says_that_a_node_is_added_and_runs_once_it_is_there(
    kubernetes: ApiClient,
    namespace: str,
    images: dict[str, str],
    dask_definitions: None,
    granted: Any,
    tmp_path: Path,
) -> None:
    """With the rights that the chart gives. In the end nothing holds the node."""
    limited = await granted(chart_rules(tmp_path))
    async with backends.bench(limited, kubernetes, namespace, images["session"]) as bench:
        spec = await bench.launch(pod={"node_selector": {POOL: namespace}})
        await bench.until(spec, lambda s: s.reason == "Unschedulable")
        await say(bench, spec, "NotTriggerScaleUp", "pod didn't trigger scale-up: 1 in backoff")
        seen = await bench.until(spec, lambda s: "none can be added" in s.message)
        assert "1 in backoff" in seen.status.message
        await say(bench, spec, "TriggeredScaleUp", "pod triggered scale-up: [{pool 0->1 (max: 4)}]")
        seen = await bench.until(spec, lambda s: s.reason == "WaitingForNode")
        assert seen.status.message.startswith("Waiting for a node")
        assert seen.status.message in {stage.message for stage in seen.status.stages}
        assert seen.status.remedy
        async with joined(bench) as node:
            seen = await bench.until(spec, RUNNING)
            assert not seen.status.reason
            assert {pod["spec"]["nodeName"] for pod in await bench.pods(spec)} == {node}
            await bench.platform.stop(spec.id)
            await bench.until(spec, None)
            assert not await bench.left(spec)


@pytest.mark.shows("K87")
async def test_a_volume_of_one_node_is_named_as_what_keeps_a_backend_back(
    bench: Bench, tmp_path: Path
) -> None:
    """Bound to a node that has no room, here one that is not there."""
    parts: tuple[Any, Any] = claimed(bench.namespace, "local", tmp_path)
    volume, claim = parts
    there = {"key": "kubernetes.io/hostname", "operator": "In", "values": ["another-node"]}
    volume["spec"]["nodeAffinity"] = {
        "required": {"nodeSelectorTerms": [{"matchExpressions": [there]}]}
    }
    await bench.core.create_persistent_volume(volume)
    try:
        await bench.core.create_namespaced_persistent_volume_claim(bench.namespace, claim)
        mount = {"name": "data", "persistentVolumeClaim": {"claimName": "local"}}
        spec = await bench.launch(pod={"volumes": (mount,)})
        seen = await bench.until(spec, lambda s: s.reason == "VolumeElsewhere")
        assert "only some nodes have" in seen.status.message
        assert "ReadWriteMany" in seen.status.remedy
        await bench.clear()
    finally:
        await bench.core.delete_persistent_volume(volume["metadata"]["name"])


@pytest.mark.shows("K17")
async def test_without_a_gpu_in_the_cluster_it_says_which_resource_is_missing(
    bench: Bench,
) -> None:
    """One value makes the difference; the scheduler needs none."""
    spec = await bench.launch({"gpus": 1})
    seen = await bench.until(spec, lambda s: s.reason == "Unschedulable")
    assert "Insufficient nvidia.com/gpu" in seen.status.message
    for process, gpus in (("worker-1", "1"), ("scheduler", None)):
        (container,) = (await bench.pod(spec, process))["spec"]["containers"]
        for part in ("limits", "requests"):
            assert container["resources"].get(part, {}).get("nvidia.com/gpu") == gpus


@asynccontextmanager
async def registry(folder: Path, host: str) -> AsyncIterator[str]:
    """Where one answers whose certificate is of an authority that nobody knows."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority = Authority("A site's own authority")
    context.load_cert_chain(authority.vouch(folder / "registry.pem", "registry", host))

    async def close(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.close()

    server = await asyncio.start_server(close, host, 0, ssl=context, family=socket.AF_INET)
    async with server:
        yield f"{host}:{server.sockets[0].getsockname()[1]}"


@pytest.mark.shows("K116")
async def test_an_authority_that_the_nodes_lack_is_named(bench: Bench, tmp_path: Path) -> None:
    """By a real node that tries a real registry."""
    (here,) = await backends.this_host(bench.api)
    host = here["ipBlock"]["cidr"].partition("/")[0]
    async with registry(tmp_path, host) as place:
        spec = await bench.launch(pod={"image": f"{place}/team/session:1"})
        seen = await bench.until(spec, lambda s: "x509" in s.message)
        assert seen.status.reason == "ImageNotPulled"
        assert "unknown authority" in seen.status.message
        assert "authority" in seen.status.remedy
        await bench.clear()
