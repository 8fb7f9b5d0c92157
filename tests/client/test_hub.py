"""A script outside of the hub, with nothing but its address and a token: everything is real."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator

import pytest

import alongside
from tests.client.test_real import SCRIPT
from tests.stack import Stack, marked_processes
from tests.waiting import wait_until

pytestmark = pytest.mark.timeout(300)


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    with Stack(tmp_path_factory.mktemp("stack") / "home") as running:
        yield running


@pytest.fixture(scope="module")
def token(stack: Stack) -> str:
    return stack.token("ada")


def _outside() -> dict[str, str]:
    return {
        k: v for k, v in os.environ.items() if not k.startswith(("ALONG", "JUPYTERHUB", "DASK"))
    }


@pytest.mark.shows("K8", "K16")
def test_a_script_starts_three_workers_computes_and_leaves_nothing(
    stack: Stack, token: str
) -> None:
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT.replace("256 MiB", "512 MiB"), stack.url, token],
        env=_outside(),
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr


@pytest.mark.shows("K8", "T131")
def test_the_commands_work_from_outside_with_the_hubs_address(stack: Stack, token: str) -> None:
    def run(*arguments: str) -> str:
        done = subprocess.run(
            [sys.executable, "-m", "alongside.cli", *arguments],
            env=_outside() | {"ALONGSIDE_API": stack.url, "JUPYTERHUB_API_TOKEN": token},
            capture_output=True,
            text=True,
            timeout=100,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    assert "1 of 1 ready" in run("launch", "dask", "--name", "night", "--workers", "1")
    with alongside.Client(stack.url, token) as client:
        id = client.backend("night").id
    assert marked_processes(id)
    assert "ok" in run("doctor")
    assert "has ended" in run("stop", "night", "--wait")
    wait_until("no process is left", lambda: not marked_processes(id))
