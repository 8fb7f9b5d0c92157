"""Requests to a Service without a selector reach the replica that acts."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest
from kubernetes_asyncio.client import ApiClient, CoreV1Api, DiscoveryV1Api

from alongside_service.endpoints import Announcement, announcement
from tests.kubernetes import watching

NAME = "alongside"
Speaker = Callable[[str], Announcement]


@pytest.fixture
async def service(kubernetes: ApiClient, namespace: str) -> str:
    """A Service as the chart has it."""
    body = {"metadata": {"name": NAME}, "spec": {"ports": [{"name": "http", "port": 8790}]}}
    await CoreV1Api(kubernetes).create_namespaced_service(namespace, body)
    return f"{namespace}/{NAME}"


@pytest.fixture
async def speaker(service: str) -> AsyncIterator[Speaker]:
    """Makes a replica at an address say that requests go to it."""
    tasks: list[asyncio.Task[None]] = []
    made: list[Announcement] = []

    def speak(address: str) -> Announcement:
        made.append(Announcement(service, address, 8790))
        tasks.append(asyncio.create_task(made[-1].keep()))
        return made[-1]

    yield speak
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    for one in made:
        await one.withdraw()


async def leads_to(kubernetes: ApiClient, namespace: str, addresses: list[str]) -> Any:
    """The slice, once requests go there."""
    return await watching.until(
        DiscoveryV1Api(kubernetes).list_namespaced_endpoint_slice,
        namespace,
        label_selector=f"kubernetes.io/service-name={NAME}",
        condition=lambda one: [a for e in one.endpoints or () for a in e.addresses] == addresses,
        limit_s=15,
    )


async def test_each_that_acts_says_so_and_only_the_last_takes_it_back(
    kubernetes: ApiClient, namespace: str, speaker: Speaker
) -> None:
    first = speaker("198.18.1.201")
    seen = await leads_to(kubernetes, namespace, ["198.18.1.201"])
    assert [(p.name, p.port) for p in seen.ports] == [("http", 8790)]
    assert seen.endpoints[0].conditions.ready
    second = speaker("198.18.1.202")
    await leads_to(kubernetes, namespace, ["198.18.1.202"])
    await first.withdraw()  # late, as one that was deposed
    await leads_to(kubernetes, namespace, ["198.18.1.202"])
    await second.withdraw()
    await leads_to(kubernetes, namespace, [])


async def test_it_goes_with_its_service(
    kubernetes: ApiClient, namespace: str, speaker: Speaker
) -> None:
    speaker("198.18.1.201")
    await leads_to(kubernetes, namespace, ["198.18.1.201"])
    await CoreV1Api(kubernetes).delete_namespaced_service(NAME, namespace)
    await watching.until_gone(
        DiscoveryV1Api(kubernetes).list_namespaced_endpoint_slice, namespace, limit_s=60
    )


def test_a_pod_without_its_address_is_a_mistake(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("POD_IP", raising=False)
    with pytest.raises(ValueError, match="POD_IP"):
        announcement("n/alongside", 8790)
    monkeypatch.setenv("POD_IP", "198.18.1.201")
    with pytest.raises(ValueError, match="namespace/name"):
        announcement("alongside", 8790)
