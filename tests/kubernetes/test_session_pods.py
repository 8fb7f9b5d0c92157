"""Pods of sessions on a real cluster: they come up restricted, or say why not and leave nothing.

The spawner is asked as the hub asks it. What runs in the pod is a plain web server, as these tests
are about the pod; sessions of a whole hub are in the end-to-end tests.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest
from kubernetes_asyncio.client import ApiClient, CoreV1Api
from kubernetes_asyncio.config import kube_config
from kubespawner import KubeSpawner, clients
from traitlets.config import Config

from alongside_spawners.kubernetes import AlongsideKubeSpawner
from alongside_spawners.refusals import Refusal

SERVER = ["python3", "-m", "http.server", "8888"]
NEVER_PULL = {"image": "localhost/there-is-no-such-image:1", "image_pull_policy": "Never"}

Make = Callable[..., AlongsideKubeSpawner]


@pytest.fixture
async def make(
    kubeconfig: str, namespace: str, images: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[Make]:
    """Makes spawners of one session, as the hub does again and again."""
    monkeypatch.setattr(kube_config, "KUBE_CONFIG_DEFAULT_LOCATION", kubeconfig)
    clients.load_config.cache_clear()

    def spawner(**settings: Any) -> AlongsideKubeSpawner:
        config = Config()
        config.KubeSpawner.update(
            {
                "namespace": namespace,
                "image": images["session"],
                "image_pull_policy": "IfNotPresent",
                "cmd": SERVER,
                "start_timeout": 60,
                "delete_grace_period": 0,
                **settings,
            }
        )
        # pods of some clusters can't be reached from where the tests run
        config.AlongsideKubeSpawner.answer_timeout = 5.0
        made = AlongsideKubeSpawner(_mock=True, config=config)
        made.api_token, made.server_token_scopes = "not-a-secret", []
        monkeypatch.setattr(made, "get_args", list)
        return made

    yield spawner
    await AlongsideKubeSpawner._stop_all_reflectors()


@pytest.fixture
def core(kubernetes: ApiClient) -> CoreV1Api:
    return CoreV1Api(kubernetes)


async def pods(core: CoreV1Api, namespace: str) -> list[str]:
    """Names of the pods that aren't ending."""
    found = await core.list_namespaced_pod(namespace)
    return [p.metadata.name for p in found.items if p.metadata.deletion_timestamp is None]


async def story(spawner: AlongsideKubeSpawner) -> tuple[list[str], BaseException | None]:
    """Start; what was told meanwhile, and what came of it."""

    async def read() -> list[str]:
        return [event["message"] async for event in spawner.progress()]

    starting = asyncio.ensure_future(spawner.start())
    reading = asyncio.create_task(read())
    await asyncio.wait([starting, reading], timeout=90)
    return reading.result(), starting.exception()


@pytest.mark.shows("T27")
async def test_a_session_comes_up_restricted_and_tells_how(
    make: Make, core: CoreV1Api, namespace: str
) -> None:
    spawner = make()
    told, error = await story(spawner)
    assert error is None
    assert any(line.startswith("There is room on node") for line in told)
    assert told[-1] == "The notebook server is starting."
    assert await spawner.poll() is None
    (pod,) = (await core.list_namespaced_pod(namespace)).items
    assert pod.spec.automount_service_account_token is False
    assert not [v for v in pod.spec.volumes or () if v.projected]
    await spawner.stop()
    assert await spawner.poll() is not None
    assert await pods(core, namespace) == []
    await spawner.stop()  # again, as whoever ends a session may not be the only one


async def test_a_pod_that_a_killed_hub_has_left_is_replaced(
    make: Make, core: CoreV1Api, namespace: str
) -> None:
    await make().start()
    (before,) = (await core.list_namespaced_pod(namespace)).items
    again = make()  # a hub that knows nothing of the first
    await again.start()
    (after,) = (await core.list_namespaced_pod(namespace)).items
    assert after.metadata.name == before.metadata.name
    assert after.metadata.uid != before.metadata.uid
    assert again.pod_id == after.metadata.uid


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"cpu_guarantee": 5000, "start_timeout": 8}, "Insufficient cpu"),
        (NEVER_PULL, "there-is-no-such-image:1 can't be fetched"),
        (
            {"volumes": [{"name": "home", "persistentVolumeClaim": {"claimName": "no-claim"}}]},
            "volume claim no-claim that this session mounts is not there",
        ),
        (
            {"cmd": ["python3", "-c", "import sys; sys.exit('these are my last words')"]},
            "these are my last words",
        ),
        ({"uid": 0}, "does not admit this session's pod"),
        ({"volumes": [{"name": "home", "hostPath": {"path": "/{x}"}}]}, "can't be used: 'x'"),
    ],
    ids=["no-room", "no-image", "no-claim", "crash", "root", "template"],
)
async def test_a_pod_that_cannot_start_says_why_and_leaves_nothing(
    make: Make, core: CoreV1Api, namespace: str, settings: dict[str, Any], words: str
) -> None:
    with pytest.raises(Refusal) as refusal:
        await make(**settings).start()
    assert words in str(refusal.value.error)
    assert refusal.value.error.remedy
    assert await pods(core, namespace) == []


async def test_the_clusters_quota_is_said_in_words(
    make: Make, core: CoreV1Api, namespace: str
) -> None:
    quota = {"metadata": {"name": "sessions"}, "spec": {"hard": {"pods": "0"}}}
    await core.create_namespaced_resource_quota(namespace, quota)
    spawner = make()
    async with asyncio.timeout(30):
        while not (await core.read_namespaced_resource_quota("sessions", namespace)).status.hard:
            await asyncio.sleep(0.1)
    with pytest.raises(Refusal, match="quota sessions has no room for this session"):
        await spawner.start()
    assert await pods(core, namespace) == []


async def test_a_pod_deleted_by_hand_while_it_starts_ends_the_start(
    make: Make, core: CoreV1Api, namespace: str
) -> None:
    spawner = make(node_selector={"no-node-has": "this-label"})
    starting = asyncio.ensure_future(spawner.start())
    async with asyncio.timeout(30):
        while not (names := await pods(core, namespace)):
            await asyncio.sleep(0.1)
        await core.delete_namespaced_pod(names[0], namespace, grace_period_seconds=0)
        with pytest.raises(Refusal, match="was deleted while it started"):
            await starting


async def test_a_namespace_that_is_not_there_is_said_in_words(make: Make) -> None:
    spawner = make(namespace="alongside-test-nowhere")
    with pytest.raises(Refusal, match="no place for this session"):
        await spawner.start()
    await KubeSpawner.stop(spawner, True)
