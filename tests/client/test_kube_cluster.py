"""The calls of dask-kubernetes, by another import; the service is the one of this folder."""

from __future__ import annotations

from typing import Any

import pytest

from alongside.errors import InvalidRequest
from alongside.kube_cluster import KubeCluster, make_cluster_spec
from alongside.phases import Phase
from tests.client.fake_service import FakeService

GPU = {"nvidia.com/gpu": 1}


def adapted(spec: dict[str, Any]) -> dict[str, Any]:
    """For workers with GPUs, as the sources do it (V6)."""
    container = spec["spec"]["worker"]["spec"]["containers"][0]
    container["image"] = "rapidsai-core:23.04"
    container["args"] = ["dask-cuda-worker", "--rmm-pool-size", "10GB"]
    container["resources"] = {"limits": {"cpu": "2", "memory": "6G"} | GPU, "requests": GPU}
    return spec


@pytest.mark.parametrize(
    ("spec", "options"),
    [
        (make_cluster_spec("etl", image="dasf:cpu", n_workers=3), {"workers": 3}),
        (make_cluster_spec("etl"), {}),
        (
            adapted(make_cluster_spec("etl", n_workers=1)),
            {"workers": 1, "cores": 2, "memory": "6G", "gpus": 1},
        ),
        (
            make_cluster_spec("etl", resources={"requests": {"cpu": "500m", "memory": "1Gi"}}),
            {"cores": 1, "memory": "1Gi"},
        ),
    ],
)
def test_name_and_size_are_the_users_to_say(
    session: dict[str, str], service: FakeService, spec: dict[str, Any], options: dict[str, Any]
) -> None:
    with KubeCluster(namespace="dask", custom_cluster_spec=spec, resource_timeout=30) as cluster:
        assert cluster.name == "etl"
    assert service.bodies[-1].get("options", {}) == options


@pytest.mark.shows("K16")
def test_it_is_scaled_adapted_and_closed_as_there(
    session: dict[str, str], service: FakeService
) -> None:
    with KubeCluster(name="etl", n_workers=2) as cluster:
        assert cluster.scale(3).state.wanted == 3
        assert cluster.adapt(minimum=1, maximum=4).state.options["adaptive"]["maximum"] == 4
    assert cluster.refresh().phase is Phase.STOPPED


@pytest.mark.parametrize(
    "spec",
    [
        {"spec": {}},
        {"metadata": {"name": "x"}, "spec": {"worker": {"spec": {"containers": []}}}},
        adapted(make_cluster_spec("x")) | {"metadata": None},
        make_cluster_spec("x", resources={"limits": {"cpu": "many"}}),
        "cluster.yaml",
    ],
)
def test_what_describes_no_cluster_is_refused(session: dict[str, str], spec: Any) -> None:
    with pytest.raises(InvalidRequest, match="make_cluster_spec"):
        KubeCluster(custom_cluster_spec=spec)
