"""Groups that clients in other pods and outside of the cluster reach, and Services that are in the
way."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from alongside.kinds.arkouda.messages import ask
from tests.kubernetes import watching
from tests.kubernetes.arkouda_place import Place, definition, place
from tests.kubernetes.namespaces import new_namespace
from tests.kubernetes.pods import output, restricted, start

__all__ = ["definition", "place"]

pytestmark = pytest.mark.timeout(400)


async def service(place: Place, name: str, kind: str) -> Any:
    """That Service, when it is of this type."""
    return await watching.until(
        place.core.list_namespaced_service,
        place.namespace,
        field_selector=f"metadata.name={name}",
        condition=lambda one: one.spec.type == kind,
    )


async def said(place: Place, host: str, port: int) -> str:
    """What the server there answers to who has the token."""
    address = f"tcp://{host}:{port}"
    return (await asyncio.to_thread(ask, address, place.token, "ruok", (), 20)).text


async def until_without_services(place: Place) -> None:
    label = "alongside.jupyter.org/group=sums"
    await watching.until_gone(
        place.core.list_namespaced_service, place.namespace, label_selector=label
    )


ASKING = """
import json, sys, zmq
request = {"user": "gus", "token": sys.argv[2], "cmd": "getconfig", "format": "STRING",
           "args": "", "size": -1}
socket = zmq.Context().socket(zmq.REQ)
socket.setsockopt(zmq.LINGER, 0)
socket.setsockopt(zmq.RCVTIMEO, 8000)
socket.connect(sys.argv[1])
socket.send_string(json.dumps(request))
try:
    print(json.loads(json.loads(socket.recv())["msg"])["numLocales"], "locales")
except zmq.Again:
    print("no answer")
"""


@pytest.mark.shows("K35")
async def test_pods_of_a_namespace_that_may_connect_by_the_services_name(place: Place) -> None:
    """And those of one that may not have no answer."""
    async with new_namespace(place.api) as friends, new_namespace(place.api) as strangers:
        only = {"matchLabels": {"kubernetes.io/metadata.name": friends}}
        await place.make("sums", locales=2, clients=[{"namespaceSelector": only}])
        await place.running("sums", 2)
        address = f"tcp://sums.{place.namespace}:5555"
        for namespace in (friends, strangers):
            command = ["/usr/bin/python3", "-c", ASKING, address, place.token]
            pod = restricted("client", place.image, command=command)
            await start(place.api, namespace, pod)
        assert (await output(place.api, friends, "client")).strip() == "2 locales"
        assert (await output(place.api, strangers, "client")).strip() == "no answer"


@pytest.mark.shows("K34")
async def test_a_client_connects_by_a_service_of_each_type(place: Place) -> None:
    """Changed while the group runs, which goes on all the time."""
    await place.make("sums", locales=2)
    await place.running("sums", 2)
    inside = await service(place, "sums", "ClusterIP")
    assert await said(place, inside.spec.cluster_ip, 5555) == "imok"
    pod = (await place.pods("sums"))["sums-server"]
    for kind in ("NodePort", "LoadBalancer"):
        await place.change("sums", service={"type": kind})
        outside = await service(place, "sums-outside", kind)
        (port,) = outside.spec.ports
        assert port.port == 5555  # and neither the status port nor the exporter
        # what a load balancer of a cloud, which there is none of here, sends its clients to
        assert await said(place, pod.status.host_ip, port.node_port) == "imok"
    await place.change("sums", service={"type": "NodePort", "nodePort": 1})
    message = await place.failing("sums", "ServiceRefused")
    assert "nodePort" in message or "port" in message
    assert await said(place, inside.spec.cluster_ip, 5555) == "imok"
    await place.change("sums", service={"type": "ClusterIP", "nodePort": None})
    await watching.until_gone(
        place.core.list_namespaced_service,
        place.namespace,
        field_selector="metadata.name=sums-outside",
    )
    now = (await place.pods("sums"))["sums-server"]
    assert now.metadata.uid == pod.metadata.uid
    await place.delete("sums")
    await place.until_gone("sums")


@pytest.mark.shows("K34", "K45")
async def test_no_service_remains_of_a_server_that_was_removed_by_force_nor_stands_in_the_way(
    place: Place,
) -> None:
    await place.make("sums", service={"type": "NodePort"})
    await place.running("sums", 1)
    await place.core.delete_namespaced_pod("sums-server", place.namespace, grace_period_seconds=0)
    await place.failing("sums", "ServerLost")
    await until_without_services(place)
    # somebody else's of that name is not taken away; the start waits, and goes on by itself
    strange = {"metadata": {"name": "sums"}, "spec": {"ports": [{"port": 5555}]}}
    await place.core.create_namespaced_service(place.namespace, strange)
    await place.change("sums", startSeconds=800, memory=257 * 2**20)
    assert "There is a Service sums already" in await place.failing("sums", "NameTaken")
    await place.core.delete_namespaced_service("sums", place.namespace)
    await place.running("sums", 1)
    assert await place.said("sums", "ruok") == "imok"
    await place.delete("sums")
    await place.until_gone("sums")
