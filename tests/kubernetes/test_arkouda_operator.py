"""The operator of ArkoudaCluster objects on a cluster: real pods, real sshd, the double's server.

The operator is a process of this host; in a pod, with its Role, the test of the chart shows it.
"""

from __future__ import annotations

import asyncio
import base64
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any

import pytest
from kr8s.objects import Secret, new_class

from tests.kubernetes import watching
from tests.kubernetes.arkouda_groups import GROUPS, PLURAL
from tests.kubernetes.arkouda_place import LIMIT, Place, definition, place
from tests.kubernetes.release import installed, wait_for

__all__ = ["definition", "place"]

pytestmark = pytest.mark.timeout(400)


class Chronicle:
    """What happens to pods and Services of a namespace, in the order of the API server."""

    def __init__(self) -> None:
        self.entries: list[tuple[int, str]] = []
        self._news = asyncio.Event()

    async def write(self, list_them: Callable[..., Any], namespace: str, since: str) -> None:
        while True:
            async with watching.changes(list_them, namespace, resource_version=since) as stream:
                async for event in stream:
                    one = event["object"]
                    since, name = one.metadata.resource_version, one.metadata.name
                    self.entries.append((int(since), f"{event['type'].lower()} {name}"))
                    conditions = getattr(one.status, "conditions", None) or []
                    if any(c.type == "Ready" and c.status == "True" for c in conditions):
                        self.entries.append((int(since), f"ready {name}"))
                    self._news.set()

    async def _when(self, text: str) -> list[int]:
        """When that was so; it may have been already and be told in a moment only."""
        async with asyncio.timeout(LIMIT):
            while not (found := [when for when, what in self.entries if what == text]):
                self._news.clear()
                await self._news.wait()
        return found

    async def first(self, text: str) -> int:
        """When that was so for the first time. TimeoutError if it isn't told."""
        return min(await self._when(text))

    async def last(self, text: str) -> int:
        return max(await self._when(text))


@asynccontextmanager
async def chronicle(place: Place) -> AsyncIterator[Chronicle]:
    """What happens from now on."""
    it = Chronicle()
    lists = (place.core.list_namespaced_pod, place.core.list_namespaced_service)
    now = [(await of(place.namespace)).metadata.resource_version for of in lists]
    tasks = [
        asyncio.create_task(it.write(of, place.namespace, since))
        for of, since in zip(lists, now, strict=True)
    ]
    try:
        yield it
    finally:
        for task in tasks:
            task.cancel()
        for task in tasks:
            with suppress(asyncio.CancelledError):
                await task


@pytest.mark.shows("K12", "K27", "K28", "K31")
async def test_the_life_of_a_group(place: Place) -> None:
    """Three locales, then five, then none; each launch and the end in their order."""
    async with chronicle(place) as before:
        await place.make("sums", locales=3)
        status = await place.running("sums", 3)
        assert status["address"] == f"sums.{place.namespace}:5555"
        assert await place.said("sums", "ruok") == "imok"
        for locale in ("sums-locale-0", "sums-locale-1"):
            assert await before.first(f"ready {locale}") < await before.first("added sums-server")
    scale = await place.customs.get_namespaced_custom_object_scale(*place.where, "sums")
    assert (scale["spec"]["replicas"], scale["status"]["replicas"]) == (3, 3)
    async with chronicle(place) as scaling:
        body = {"spec": {"replicas": 5}}
        await place.customs.patch_namespaced_custom_object_scale(
            *place.where, "sums", body, _content_type="application/merge-patch+json"
        )
        await place.running("sums", 5)
        assert await place.said("sums", "ruok") == "imok"
        assert '"numLocales": 5' in await place.said("sums", "getconfig")
        assert await scaling.last("deleted sums-server") < await scaling.first(
            "deleted sums-locale-0"
        )
        assert await scaling.last("ready sums-locale-3") < await scaling.last("added sums-server")
        assert "deleted sums" not in {what for _, what in scaling.entries}
    async with chronicle(place) as after:
        await place.delete("sums")
        await place.until_gone("sums")
        locales = [await after.first(f"deleted sums-locale-{n}") for n in range(4)]
        service, server = [await after.first(f"deleted {one}") for one in ("sums", "sums-server")]
        assert service <= server <= min(locales)


@pytest.mark.shows("K62")
async def test_no_secret_is_in_logs_events_or_definitions(place: Place) -> None:
    """Neither the token nor a key; of servers of both ages."""
    await asyncio.gather(*(place.make(f"age-{age}", age, locales=2) for age in ("2021", "2026")))
    for age in ("2021", "2026"):
        name = f"age-{age}"
        await place.running(name, 2)
        assert await place.said(name, "ruok") == "imok"
        pod = f"{name}-server"
        log = await place.core.read_namespaced_pod_log(pod, place.namespace, container="server")
        assert "server listening" in log
        texts = [log, *(str(p.to_dict()) for p in (await place.pods(name)).values())]
        secret = await place.core.read_namespaced_secret(f"{name}-ssh", place.namespace)
        hidden = [place.token, base64.b64decode(secret.data["id_ed25519"]).decode()[60:160]]
        texts.append(str(await place.core.list_namespaced_event(place.namespace)))
        for text in texts:
            assert not [value for value in hidden if value in text]


@pytest.mark.shows("K30", "K31")
async def test_groups_do_not_let_each_other_in(place: Place) -> None:
    await asyncio.gather(*(place.make(name, locales=2) for name in ("one", "two")))
    for name in ("one", "two"):
        await place.running(name, 2)
    own = (await place.pods("one"))["one-locale-0"].status.pod_ip
    other = (await place.pods("two"))["two-locale-0"].status.pod_ip
    for address, wanted in ((own, "inside"), (other, "outside")):
        words = f"ssh -F ssh_config {address} echo inside 2>/dev/null || echo outside"
        said = await place.run("one-server", "/bin/sh", "-c", f"cd /alongside/run && {words}")
        assert said.strip().endswith(wanted), said


@pytest.mark.shows("K76")
@pytest.mark.parametrize("policy", ["fail", "relaunch"])
async def test_a_lost_locale(place: Place, policy: str) -> None:
    await place.make("sums", locales=3, policy=policy)
    await place.running("sums", 3)
    await place.core.delete_namespaced_pod("sums-locale-1", place.namespace, grace_period_seconds=0)
    if policy == "relaunch":
        await place.until("sums", lambda s: s.get("relaunches") == 1)
        await place.running("sums", 3)
        assert await place.said("sums", "ruok") == "imok"
        return
    message = await place.failing("sums", "LocaleLost")
    assert message.startswith("The group has lost locale 2.")
    label = "alongside.jupyter.org/group=sums"
    await watching.until_gone(place.core.list_namespaced_pod, place.namespace, label_selector=label)


async def test_a_server_that_is_shut_down_by_its_client(place: Place) -> None:
    await place.make("sums")
    await place.running("sums", 1)
    assert "shutdown" in await place.said("sums", "shutdown")
    assert "by a client" in await place.failing("sums", "ShutDown")


@pytest.mark.shows("K60")
async def test_an_operator_that_was_away_goes_on(place: Place) -> None:
    """Killed during a launch, during another size, and before a deletion."""
    await place.make("sums", locales=2)
    await place.until("sums", lambda s: bool(s.get("phase")))
    place.operator.kill()
    place.operator.start()
    await place.running("sums", 2)
    await place.change("sums", locales=3)
    await place.until("sums", lambda s: s.get("reason") == "Relaunching")
    place.operator.kill()
    place.operator.start()
    await place.running("sums", 3)
    place.operator.kill()
    async with chronicle(place) as after:
        await place.delete("sums")
        assert len(await place.pods("sums")) == 3, "nobody has ended them"
        place.operator.start()
        await place.until_gone("sums")
        assert await after.first("deleted sums-server") < await after.first("deleted sums-locale-0")


@pytest.mark.shows("K6")
async def test_what_keeps_a_group_from_starting_is_said(place: Place) -> None:
    """Too large, an image that isn't there, no token, a program that isn't in the image."""
    await place.make("large", locales=2, cores=1000, cpuRequest="")
    await place.make("picture", image="localhost/no-such-image:1", imagePullPolicy="Never")
    await place.make("secret", secretName="missing")
    await place.make("program", server={"executable": "no_such_server"})
    wanted = {
        "large": ("Unschedulable", "Insufficient cpu"),
        "picture": ("ImageNotPulled", "localhost/no-such-image:1"),
        "secret": ("TokenMissing", "no Secret missing"),
        "program": ("ServerNotStarted", "no_such_server"),
    }
    for name, (reason, said) in wanted.items():
        # kubelet says only after a while which Secret it waits for
        assert said in await place.failing(name, reason, LIMIT)


async def test_a_quota_that_is_full_is_said_and_room_is_used_when_there_is_some(
    place: Place,
) -> None:
    quota = {"metadata": {"name": "tight"}, "spec": {"hard": {"pods": "1"}}}
    await place.core.create_namespaced_resource_quota(place.namespace, quota)
    await place.make("sums", locales=3)
    assert "exceeded quota: tight" in await place.failing("sums", "QuotaExceeded")
    await place.core.delete_namespaced_resource_quota("tight", place.namespace)
    await place.running("sums", 3)


async def test_keys_that_were_removed_are_made_anew(place: Place) -> None:
    """Also while it runs, where they are not needed any more until the next launch."""
    await place.make("sums", locales=2)
    await place.running("sums", 2)
    await place.core.delete_namespaced_secret("sums-ssh", place.namespace)
    assert await place.said("sums", "ruok") == "imok"
    await place.change("sums", locales=3)
    await place.running("sums", 3)


@pytest.mark.shows("K97")
def test_in_a_pod_with_its_role_as_the_chart_installs_it(
    kubeconfig: str, images: dict[str, str], definition: None, tmp_path: Path
) -> None:
    """Nothing that it needs is missing from its rights; its log has no complaint."""
    image = images["service"].replace("service", "arkouda-double")
    group = new_class("ArkoudaCluster", version="/".join(GROUPS), namespaced=True, plural=PLURAL)
    with installed(
        kubeconfig, images, tmp_path, operator__enabled=True, hub__enabled=False
    ) as release:
        Secret(
            {
                "metadata": {"name": "token", "namespace": release.namespace},
                "stringData": {"token": "abc"},
            },
            api=release.api,
        ).create()
        spec = {"memory": 256 * 2**20, "cpuRequest": "20m", "image": image, "secretName": "token"}
        sums = group(
            {
                "metadata": {"name": "sums", "namespace": release.namespace},
                "spec": {"locales": 2, **spec},
            },
            api=release.api,
        )
        sums.create()

        def phase(wanted: str, locales: int) -> bool:
            sums.refresh()
            status = sums.raw.get("status") or {}
            assert status.get("phase") != "Failed", status
            return bool(status.get("phase") == wanted and status.get("localesReady") == locales)

        wait_for(lambda: phase("Running", 2), "it runs")
        sums.patch({"spec": {"locales": 3}})
        wait_for(lambda: phase("Running", 3), "it has another size")
        sums.delete()
        wait_for(lambda: not sums.exists(), "it is gone")
        label = {"app.kubernetes.io/component": "operator"}
        (pod,) = release.api.get("pods", namespace=release.namespace, label_selector=label)
        log = "\n".join(pod.logs())
        assert "Running" in log
        for word in ("ERROR", "WARNING", "Traceback", "forbidden"):
            assert word not in log, log
        assert not release.pods(group="sums")
