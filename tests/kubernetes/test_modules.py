"""Parts of the chart, installed and tried: each combination, several at once, network, storage."""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from kr8s.objects import NetworkPolicy, Pod
from kubernetes_asyncio.client import ApiClient, CoreV1Api
from kubernetes_asyncio.client.exceptions import ApiException

from tests.kubernetes import pods
from tests.kubernetes.release import Chart, Release, fresh_namespace, wait_for
from tests.kubernetes.volumes import CLAIM

pytestmark = [pytest.mark.timeout(400), pytest.mark.usefixtures("dask_definitions")]
AT_ONCE = "--wait=false"  # whether all comes up is another test's matter


@pytest.mark.shows("K106")
def test_the_modules_install_in_every_combination_and_are_removed(
    kubeconfig: str, images: dict[str, str], tmp_path: Path
) -> None:
    """Arkouda's operator, workflows, files of runs on a volume. Dask needs no part of its own."""
    with fresh_namespace(kubeconfig) as (api, namespace):
        release = Release(api, namespace, images, tmp_path)
        empty = release.held()
        for arkouda, argo, volume in itertools.product((False, True), repeat=3):
            release.install(
                AT_ONCE,
                hub__enabled=False,
                operator__enabled=arkouda,
                workflows__enabled=argo,
                workflows__files__claim=CLAIM if volume else "",
            )
            held = release.held()
            assert ("deployments.apps/alongside-operator" in held) == arkouda
            assert ("serviceaccounts/alongside-steps" in held) == argo
            settings = release.config_map("alongside-service").data["service.json"]
            assert (f'"shared_claim": "{CLAIM}"' in settings) == (argo and volume)
            ports = [
                port
                for service in api.get("services", namespace=namespace)
                for port in service.spec.ports
            ]
            assert [port["port"] for port in ports] == [8790]
            release.uninstall()
            wait_for(lambda: release.held() == empty, "everything is gone")


@pytest.mark.shows("K107")
def test_development_and_production_are_two_sets_of_values_beside_each_other(
    kubeconfig: str, images: dict[str, str], tmp_path: Path
) -> None:
    """The one is changed and removed, and the other notices nothing."""

    def release(api: Any, namespace: str, name: str) -> Release:
        folder = tmp_path / name
        folder.mkdir()
        return Release(api, namespace, images, folder)

    def wanted(one: Release) -> dict[str, str]:
        """What is written down of each of its parts, not what becomes of it."""
        kinds = ("deployments.apps", "configmaps", "services", "roles.rbac.authorization.k8s.io")
        return {
            f"{part.kind}/{part.name}": str(
                [part.raw.get(key) for key in ("spec", "data", "rules")]
            )
            for kind in kinds
            for part in one.api.get(kind, namespace=one.namespace)
        }

    with fresh_namespace(kubeconfig) as (api, one), fresh_namespace(kubeconfig) as (_, other):
        production = release(api, one, "production")
        production.install(AT_ONCE, hub__enabled=False, service__replicas=2)
        before = wanted(production)
        development = release(api, other, "development")
        development.install(AT_ONCE, hub__enabled=False, operator__enabled=True)
        assert "Deployment/alongside-operator" in wanted(development)
        assert "Deployment/alongside-operator" not in wanted(production)
        development.install(AT_ONCE, operator__enabled=False, workflows__enabled=True)
        development.uninstall()
        assert wanted(production) == before
        production.uninstall()


@pytest.fixture(scope="module")
def release(chart: Chart) -> Iterator[Release]:
    """The service alone, without any hub, and what `helm test` may try."""
    with chart(hub__enabled=False, tests__storage__enabled=True) as one:
        yield one


@pytest.mark.shows("K93")
def test_one_command_tries_whether_pods_share_a_volume(release: Release) -> None:
    """It leaves nothing behind, and fails where there is no such storage."""
    before = release.held()
    said = release.test()
    assert len(re.findall(r"Phase: +Succeeded", said)) == 4  # service, network, claim and pods
    wait_for(lambda: release.held() <= before, "claim and pods are gone")


@pytest.mark.shows("K103")
def test_the_same_command_tells_of_a_network_that_is_open(release: Release) -> None:
    """Which is had here by a policy that lets everybody in."""
    body = {
        "metadata": {"name": "anybody", "namespace": release.namespace},
        "spec": {
            "podSelector": {"matchLabels": {"app.kubernetes.io/component": "service"}},
            "policyTypes": ["Ingress"],
            "ingress": [{}],
        },
    }
    policy = NetworkPolicy(body, api=release.api)
    policy.create()
    try:
        with pytest.raises(AssertionError, match="alongside-test-network"):
            release.test()
        (said,) = Pod.get(
            "alongside-test-network", namespace=release.namespace, api=release.api
        ).logs()
        assert "does not enforce policies" in said
    finally:
        policy.delete()


@pytest.mark.shows("K105")
async def test_where_tests_run_a_pod_that_asks_for_more_is_refused(
    kubernetes: ApiClient, namespace: str, images: dict[str, str]
) -> None:
    """So that all that comes up in these tests is restricted."""
    core = CoreV1Api(kubernetes)
    for more in (
        {"privileged": True, "allowPrivilegeEscalation": True},
        {"runAsUser": 0, "allowPrivilegeEscalation": False},
        {"allowPrivilegeEscalation": False, "capabilities": {"add": ["NET_RAW"]}},
    ):
        pod: Any = pods.restricted("greedy", images["service"], securityContext=more)
        with pytest.raises(ApiException, match='violates PodSecurity \\\\"restricted'):
            await core.create_namespaced_pod(namespace, pod)
