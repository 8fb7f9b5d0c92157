"""For programs that make their cluster with dask-kubernetes: the same calls by another import.

``from alongside.kube_cluster import KubeCluster, make_cluster_spec``. Of a cluster's description
counts what is the user's to say: its name, how many workers it has, and what each of them gets.
Namespace, image and commands are the operator's.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from alongside.errors import InvalidRequest
from alongside.handle import BackendHandle
from alongside.session import launch

GPU = "nvidia.com/gpu"


def make_cluster_spec(
    name: str,
    image: str = "",
    n_workers: int | None = None,
    resources: Mapping[str, Any] | None = None,
    **others: Any,
) -> dict[str, Any]:
    """Describe a cluster; its parts are where dask-kubernetes has them, and may be changed there.

    `resources` are those of each container, as Kubernetes writes them:
    ``{"limits": {"cpu": "2", "memory": "4Gi"}}``.
    """

    def pod(role: str) -> dict[str, Any]:
        one: dict[str, Any] = {"name": role, "image": image, "args": [], "resources": resources}
        return {"containers": [one]}

    return {
        "metadata": {"name": name},
        "spec": {
            "worker": {"replicas": n_workers, "spec": pod("worker")},
            "scheduler": {"spec": pod("scheduler")},
        },
    }


def KubeCluster(  # noqa: N802 - as it is called there
    *,
    name: str = "dask",
    n_workers: int | None = None,
    resources: Mapping[str, Any] | None = None,
    custom_cluster_spec: Mapping[str, Any] | None = None,
    resource_timeout: float = 300,
    **others: Any,
) -> BackendHandle:
    """Start a Dask cluster, and wait until it can be used, `resource_timeout` seconds at most.

    What comes back is a cluster for `distributed.Client`, and has `scale`, `adapt` and `close`.
    Raises what `alongside.launch` does, InvalidRequest also for a description that isn't one.
    """
    spec = custom_cluster_spec or make_cluster_spec(name, n_workers=n_workers, resources=resources)
    try:
        options = _options(spec["spec"]["worker"])
        name = spec["metadata"]["name"]
    except (IndexError, KeyError, TypeError, ValueError, AttributeError):
        raise InvalidRequest(
            "This does not describe a Dask cluster.",
            "Have make_cluster_spec make one, and change that.",
            "custom_cluster_spec",
        ) from None
    return launch("dask", name=name, timeout=resource_timeout, **options)


def _options(worker: Mapping[str, Any]) -> dict[str, Any]:
    """A worker's amounts by our names; what isn't said is left to the profile."""
    said = worker["spec"]["containers"][0].get("resources") or {}
    amounts = {**(said.get("requests") or {}), **(said.get("limits") or {})}
    found = {
        "workers": worker.get("replicas"),
        "cores": _cores(amounts["cpu"]) if "cpu" in amounts else None,
        "memory": amounts.get("memory"),
        "gpus": int(amounts[GPU]) if GPU in amounts else None,
    }
    return {name: value for name, value in found.items() if value is not None}


def _cores(amount: Any) -> int:
    """Whole ones: ``"500m"`` is 1."""
    text = str(amount)
    cores = float(text.removesuffix("m")) / 1000 if text.endswith("m") else float(text)
    return max(1, math.ceil(cores))
