"""Images that nodes have before anybody needs them."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from kr8s.objects import Pod

from tests.kubernetes import pods
from tests.kubernetes.registry import credentials, registry
from tests.kubernetes.release import Release, fresh_namespace, wait_for

pytestmark = pytest.mark.timeout(600)
PULLER = {"app.kubernetes.io/component": "images"}


@pytest.fixture
def release(kubeconfig: str, images: dict[str, str], tmp_path: Path) -> Iterator[Release]:
    """A place for a release of the puller alone."""
    with fresh_namespace(kubeconfig) as (api, namespace):
        one = Release(api, namespace, images, tmp_path)
        one.values |= {"hub.enabled": False, "service.replicas": 0, "prePuller.enabled": True}
        yield one
        one.uninstall()


def tag() -> str:
    """One that no image had before: a node calls those with the same content by one name."""
    return secrets.token_hex(8)


def open_nodes(release: Release) -> set[str]:
    """The nodes that anything may run on; the puller may be on others as well."""
    return {node.name for node in release.api.get("nodes") if not node.spec.get("taints")}


def having(release: Release, image: str) -> set[str]:
    """The nodes whose puller has started a container of this image, and is still there."""
    found = release.api.get("pods", namespace=release.namespace, label_selector=PULLER)
    return {
        pod.spec.nodeName
        for pod in found
        if pod.status.get("phase") == "Running" and "deletionTimestamp" not in pod.metadata
        for container in pod.status.get("initContainerStatuses", [])
        if container.image == image and container.state.get("terminated", {}).get("exitCode") == 0
    }


@pytest.mark.shows("T150")
def test_a_new_image_reaches_every_node_while_what_runs_keeps_its_own(
    release: Release, images: dict[str, str]
) -> None:
    """By an upgrade of the release, from a registry; the old image is not asked for any more."""
    nodes = open_nodes(release)
    with registry(release.api, release.namespace, images["service"]) as fresh:
        old, new = f"{fresh}:{tag()}", f"{fresh}:{tag()}"
        release.install(prePuller__extraImages=[old])
        wait_for(lambda: having(release, old) >= nodes, "the image is on every node")
        running = session(release, old)
        release.install(prePuller__extraImages=[new])
        wait_for(lambda: having(release, new) >= nodes, "the new image is on every node")
        assert not having(release, old)
        running.refresh()
        assert running.status.phase == "Running"
        assert not running.status.containerStatuses[0].restartCount
        running.delete(grace_period=0)


@pytest.mark.shows("K116")
def test_nodes_pull_from_a_registry_with_the_password_of_a_secret(
    release: Release, images: dict[str, str]
) -> None:
    """And not without it."""
    login = f"robot:{secrets.token_hex(8)}"
    nodes = open_nodes(release)
    with registry(release.api, release.namespace, images["service"], login) as place:
        image = f"{place}:{tag()}"
        release.install(prePuller__extraImages=[image])
        wait_for(lambda: refused(release), "a node is refused")
        assert not having(release, image)
        credentials(release.api, release.namespace, "team", place, login)
        release.install(images__pullSecrets=["team"])
        wait_for(lambda: having(release, image) >= nodes, "the image is on every node")


def refused(release: Release) -> bool:
    """Whether the image of a container of the puller can't be had."""
    found = release.api.get("pods", namespace=release.namespace, label_selector=PULLER)
    return any(
        container.state.get("waiting", {}).get("reason") in ("ErrImagePull", "ImagePullBackOff")
        for pod in found
        for container in pod.status.get("initContainerStatuses", [])
    )


def session(release: Release, image: str) -> Any:
    """Something that runs in this image."""
    body = pods.restricted("session", image, command=["/bin/sleep", "3600"])
    body["metadata"]["namespace"] = release.namespace
    pod = Pod(body, api=release.api)
    pod.create()

    def runs() -> bool:
        pod.refresh()
        return pod.status.get("phase") == "Running"

    wait_for(runs, "the session runs")
    return pod
