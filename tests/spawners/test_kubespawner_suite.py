"""KubeSpawner's own tests that need no cluster pass on our spawner.

Those that don't are listed with their reasons in `kubespawner_plugin.DIFFERENCES`. KubeSpawner
ships its tests neither in its wheel nor in its source distribution, so they are run from a checkout
of its repository: ``KUBESPAWNER_SOURCE`` names its folder.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path

import pytest

from tests.spawners.live_hub import ROOT

pytestmark = pytest.mark.slow

SETTINGS = {"asyncio_mode": "auto", "timeout": "60"}
# They want a configuration when they are imported; nothing answers at this address.
NOWHERE = """\
apiVersion: v1
kind: Config
current-context: none
clusters: [{name: none, cluster: {server: "http://127.0.0.1:9"}}]
contexts: [{name: none, context: {cluster: none, user: none}}]
users: [{name: none, user: {}}]
"""


@pytest.fixture(scope="module")
def source() -> Path:
    """A checkout of KubeSpawner, of the version that is installed."""
    place = os.environ.get("KUBESPAWNER_SOURCE", "")
    if not place:
        pytest.skip(
            "KubeSpawner ships without its tests: KUBESPAWNER_SOURCE has to name a checkout of "
            f"github.com/jupyterhub/kubespawner at {version('jupyterhub-kubespawner')}"
        )
    folder = Path(place).resolve()
    text = (folder / "kubespawner" / "_version.py").read_text(encoding="utf-8")
    found = re.search(r'^__version__ = "(.*)"', text, re.MULTILINE)
    assert found
    assert found[1] == version("jupyterhub-kubespawner"), "another version than the installed one"
    return folder


@pytest.mark.timeout(240)
@pytest.mark.parametrize("module", ["test_spawner", "test_profile"])
def test_what_kubespawner_promises_ours_keeps(module: str, source: Path, tmp_path: Path) -> None:
    configuration = tmp_path / "kubeconfig"
    configuration.write_text(NOWHERE, encoding="utf-8")
    settings = [part for name, value in SETTINGS.items() for part in ("-o", f"{name}={value}")]
    result = subprocess.run(
        [
            *(sys.executable, "-m", "pytest", "-q", "--tb=short", "-W", "ignore"),
            *("-c", os.devnull, "--rootdir", str(tmp_path), "-p", "no:cacheprovider"),
            *("-p", "tests.spawners.kubespawner_plugin", *settings),
            str(source / "tests" / f"{module}.py"),
        ],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(ROOT), "KUBECONFIG": str(configuration)},
        capture_output=True,
        text=True,
        timeout=200,
        check=False,
    )
    assert result.returncode == 0, result.stdout[-6000:] + result.stderr[-2000:]
    assert " passed" in result.stdout
    assert "skipped" not in result.stdout
