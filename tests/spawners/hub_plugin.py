"""Runs JupyterHub's own tests, which ship in its wheel, against our local spawner.

    pytest -p tests.spawners.hub_plugin --pyargs jupyterhub.tests.test_user ...

`test_hub_suite.py` does that in a process of its own. JupyterHub's tests and mocks are built on
`SimpleLocalProcessSpawner`; putting ours in its place before they are imported makes every one of
them run ours. There is no service in those hubs, so the mixin is there but has nothing to do.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from typing import Any

import jupyterhub.app
import jupyterhub.spawner
import pytest
from traitlets import default

from alongside_spawners.local import AlongsideLocalSpawner

_HERE = tempfile.TemporaryDirectory(prefix="alongside-hub-suite-")


class SpawnerUnderTest(AlongsideLocalSpawner):
    """Ours, as a hub for trying out has it, and quick to give up on servers without a port."""

    @default("unix_users")
    def _unix_users_here(self) -> bool:
        return False

    @default("state_dir")
    def _state_dir_here(self) -> str:
        return _HERE.name

    @default("answer_timeout")
    def _answer_timeout_here(self) -> float:
        return 2.0


DIFFERENCES = {
    "test_spawner.py::test_popen_kwargs": (
        "It replaces Popen by a mock with a made-up process id. Our start() looks whether the "
        "process that it started is there, and there is none. That popen_kwargs reach the process "
        "is shown in test_local_spawner.py."
    ),
    "test_api.py::test_progress": (
        "It compares the base spawner's sentence, 'Spawning server...' at 50 %; ours says "
        "'Starting the notebook server.' at 30 %. Our progress is shown in test_session.py."
    ),
    "test_api.py::test_progress_bad_slow": "The same sentence and number.",
}
"""Tests of JupyterHub that we don't pass as they stand, each with the reason."""

_spawners: Any = jupyterhub.spawner
_spawners.SimpleLocalProcessSpawner = SpawnerUnderTest
# Many of them start a server and expect it to be there within the hub's ten seconds of patience,
# after which it answers 202; a machine that is busy with other things takes longer.
jupyterhub.app.JupyterHub.tornado_settings.default_args = ({"slow_spawn_timeout": 60.0},)


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out the known differences; let models be compared without our part of the state."""
    out = [i for i in items if f"{i.path.name}::{i.name}" in DIFFERENCES]
    config.hook.pytest_deselected(items=out)
    items[:] = [i for i in items if i not in out]
    for module in {item.module for item in items if isinstance(item, pytest.Function)}:
        if hasattr(module, "normalize_user"):
            module.normalize_user = _without_start_times(module.normalize_user)


def _without_start_times(normalize: Callable[[Any], Any]) -> Callable[[Any], Any]:
    """JupyterHub's tests set the process id in a server's state to 0 before they compare it; the
    process's start time, which we keep beside it, goes the same way."""

    def normalized(user: Any) -> Any:
        for server in user.get("servers", {}).values():
            if server["state"]:
                server["state"].pop("started", None)
        return normalize(user)

    return normalized
