"""Runs KubeSpawner's own tests, from a checkout of its repository, against our spawner for pods.

    pytest -p tests.spawners.kubespawner_plugin …/kubespawner/tests/test_spawner.py

`test_kubespawner_suite.py` does that in a process of its own. Those tests import `KubeSpawner` and
make it with mocks for hub and user; with ours in its place before they do, every one of them is a
test of ours. There is no service, so the mixin is there but has nothing to do.
"""

from __future__ import annotations

import asyncio

import kubespawner
import pytest
from jupyterhub.app import JupyterHub

from alongside_spawners.kubernetes import AlongsideKubeSpawner

DIFFERENCES = {
    "test_spawner.py::test_spawner_values": (
        "It expects no user id unless one is set. Ours is 1000 then, as the restricted Pod "
        "Security Standard wants a user who isn't root, and not all images name one by number. "
        "That a setting is used all the same is shown in test_kubernetes_manifest.py."
    ),
}
"""Tests of KubeSpawner that we don't pass as they stand, each with the reason."""

kubespawner.KubeSpawner = AlongsideKubeSpawner  # type: ignore[misc]  # on purpose
_make_certificates = JupyterHub.init_internal_ssl


def _in_a_loop(hub: JupyterHub) -> None:
    """As JupyterHub 6 has it when it starts; KubeSpawner's fixture calls it without a loop."""

    async def make() -> None:
        _make_certificates(hub)

    asyncio.run(make())


JupyterHub.init_internal_ssl = _in_a_loop  # type: ignore[method-assign]  # on purpose


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out what needs a cluster, and the known differences."""
    out = [
        item
        for item in items
        if f"{item.path.name}::{item.name}" in DIFFERENCES
        or "kube_client" in getattr(item, "fixturenames", ())
    ]
    config.hook.pytest_deselected(items=out)
    items[:] = [item for item in items if item not in out]
