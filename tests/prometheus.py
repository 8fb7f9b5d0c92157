"""A real Prometheus: `PROMETHEUS` says which one, else that of `PATH`."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
from ruamel.yaml import YAML

from tests.stack import free_port

AT_ONCE = {"scrape_interval": "1s", "scrape_timeout": "1s"}
"""Of a job whose targets are read each second."""


@contextmanager
def prometheus(folder: Path, configuration: dict[str, Any]) -> Iterator[httpx.Client]:
    """One that has this configuration; its API."""
    command = os.environ.get("PROMETHEUS") or shutil.which("prometheus")
    if not command:
        pytest.skip("needs Prometheus; on Debian and Ubuntu in the package prometheus")
    file = folder / "prometheus.yml"
    with file.open("w", encoding="utf-8") as opened:
        YAML(typ="safe").dump(configuration, opened)
    address = f"127.0.0.1:{free_port()}"
    words = (f"--config.file={file}", f"--storage.tsdb.path={folder}/data")
    with (
        (folder / "prometheus.log").open("w", encoding="utf-8") as log,
        subprocess.Popen(
            [command, *words, f"--web.listen-address={address}"], stdout=log, stderr=log
        ) as process,
        httpx.Client(base_url=f"http://{address}/api/v1/", trust_env=False) as api,
    ):
        try:
            yield api
        finally:
            process.kill()


def up(api: httpx.Client) -> list[dict[str, Any]]:
    """The targets that it has read, once there are any; [] before."""
    try:
        found: list[dict[str, Any]] = api.get("targets").json()["data"]["activeTargets"]
    except (httpx.TransportError, ValueError):
        return []
    return [target for target in found if target["health"] == "up"]
