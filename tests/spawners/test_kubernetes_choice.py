"""What may be asked for is for the service to say, by form and by REST, also on Kubernetes.

The spawner is ours over KubeSpawner, the service and its hub are real; only the cluster isn't
there, because nothing here comes as far as a pod.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import pytest

from alongside_spawners.kubernetes import AlongsideKubeSpawner
from alongside_spawners.refusals import Refusal
from alongside_spawners.service_client import close_clients
from tests.spawners.conftest import running_hub
from tests.spawners.live_hub import LiveHubWithService
from tests.spawners.pods import environment, make_spawner, manifest, notebook, without_cluster

PROFILES = """
profiles:
  small:
    title: Small
    pod:
      image: registry.example/course:1
      node_selector: {pool: courses}
      environment: {COURSE: dask-101, LEVEL: all}
    session:
      cores: 2
      memory: 1 GiB
      environment: {WHO: session}
      pod:
        node_selector: {disk: fast}
        environment: {LEVEL: session}
    backends:
      dask: {options: {workers: {default: 1, maximum: 2}}}
  plain:
    title: Plain
  course:
    title: Course
    platform: kubernetes
    pod: {image: "registry.example/course:1"}
    images: ["registry.example/team/*"]
    session: {pod: {image: "registry.example/course-lab:1"}}
    backends:
      dask: {}
"""


@pytest.fixture(scope="module")
def hub() -> Iterator[LiveHubWithService]:
    with running_hub(PROFILES) as running:
        yield running


@pytest.fixture
async def spawner(
    hub: LiveHubWithService, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> AsyncIterator[AlongsideKubeSpawner]:
    without_cluster(monkeypatch, tmp_path)
    hub.api("POST", "users/mock@name")
    yield asked(hub)
    await close_clients()


def asked(hub: LiveHubWithService, **settings: Any) -> AlongsideKubeSpawner:
    """A spawner that asks the service of this hub."""
    made = make_spawner(settings)
    made.service_url, made.service_token = hub._service, hub._service_token
    return made


async def test_profile_and_session_both_add_to_the_pod(spawner: AlongsideKubeSpawner) -> None:
    chosen = await spawner._choose({"profile": "small", "backend": {"kind": "dask"}})
    pod = await manifest(spawner, chosen)
    assert notebook(pod)["image"] == "registry.example/course:1"
    assert pod["spec"]["nodeSelector"] == {"pool": "courses", "disk": "fast"}
    assert notebook(pod)["resources"]["limits"] == {"cpu": 2.0, "memory": 1024**3}
    seen = environment(pod)
    assert (seen["COURSE"], seen["LEVEL"], seen["WHO"]) == ("dask-101", "session", "session")
    assert chosen.launch is not None
    assert "pod" not in chosen.launch


@pytest.mark.shows("T37", "K11")
async def test_session_and_backend_run_in_the_image_that_the_user_has_named(
    spawner: AlongsideKubeSpawner,
) -> None:
    """Where the profile allows it; the next session is the profile's again."""
    image = "registry.example/team/mine:3"
    options = {"profile": "course", "image": image, "backend": {"kind": "dask"}}
    chosen = await spawner._choose(options)
    assert notebook(await manifest(spawner, chosen))["image"] == image
    assert chosen.launch is not None
    assert chosen.launch["image"] == image
    alone = await spawner._choose({"profile": "course", "backend": None})
    assert notebook(await manifest(spawner, alone))["image"] == "registry.example/course-lab:1"


@pytest.mark.parametrize(
    "options",
    [
        {"image--unlisted-choice": "registry.example/mine:1"},
        {"profile": "small", "image": "registry.example/mine:1"},
        {"profile": "small", "kubespawner_override": {"privileged": True}},
        {"profile": "course", "image": "registry.example.evil/team/mine:1"},
        {"profile": "small", "mem_limit": "900G"},
        {"profile": "small", "backend": {"kind": "dask", "pod": {"image": "mine:1"}}},
        {"profile": "huge"},
        ["image"],
    ],
)
async def test_keys_of_kubespawner_are_refused_whoever_sends_them(
    spawner: AlongsideKubeSpawner, options: Any
) -> None:
    with pytest.raises(Refusal) as refusal:
        await spawner._run_apply_user_options(options)
    assert refusal.value.error.status in {403, 422}


async def test_the_catalogue_is_the_list_of_profiles(hub: LiveHubWithService, spawner: Any) -> None:
    both = asked(hub, profile_list=[{"display_name": "Huge", "slug": "huge"}])
    form = await both._form()
    assert "Small" in form
    assert "Huge" not in form
