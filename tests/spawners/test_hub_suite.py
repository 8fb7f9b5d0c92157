"""JupyterHub's own tests for spawners, named servers, users and the API pass on our spawner.

Those that don't are listed with their reasons in `hub_plugin.DIFFERENCES`.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.spawners.live_hub import PROXY, ROOT

pytestmark = [pytest.mark.slow, pytest.mark.always]

SETTINGS = {
    "asyncio_mode": "auto",
    "asyncio_default_fixture_loop_scope": "module",
    "asyncio_default_test_loop_scope": "module",
    "timeout": "120",
    "markers": "ssl role group slow browser selenium subdomain services user",
}
"""What these tests need of pytest; JupyterHub keeps it in a file that its wheel lacks."""


@pytest.mark.long
@pytest.mark.shows("T27")
@pytest.mark.timeout(400)
@pytest.mark.parametrize(
    ("module", "some"),
    [
        ("test_user", ""),
        ("test_spawner", ""),
        ("test_named_servers", ""),
        ("test_api", "spawn or progress or server"),
    ],
)
def test_hub_accepts_our_spawner_as_its_own(module: str, some: str, tmp_path: Path) -> None:
    path = f"{Path(sys.executable).parent}:{PROXY}:{os.environ['PATH']}"
    settings = [part for name, value in SETTINGS.items() for part in ("-o", f"{name}={value}")]
    command = f"{sys.executable} -m pytest -q --tb=short -W ignore -c {os.devnull}".split()
    plugins = [
        "--rootdir",
        str(tmp_path),
        "-p",
        "tests.spawners.hub_plugin",
        "-p",
        "no:cacheprovider",
    ]
    wanted = ["-k", some, "--pyargs", f"jupyterhub.tests.{module}"]
    result = subprocess.run(
        [*command, *plugins, *settings, *wanted],
        cwd=tmp_path,
        env={**os.environ, "PATH": path, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        timeout=360,
        check=False,
    )
    assert result.returncode == 0, result.stdout[-6000:] + result.stderr[-2000:]
    assert " passed" in result.stdout
