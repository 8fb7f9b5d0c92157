"""A store that a session mounts with a key that ends by itself: real `sshd`, real SSHFS."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.authenticators.hubs import hub_with, knock
from tests.authenticators.portal_store import Store, why_not
from tests.authenticators.test_credentials import CONFIG, enter, fetch
from tests.spawners.live_hub import until

pytestmark = [pytest.mark.slow, pytest.mark.skipif(bool(why_not()), reason=why_not())]

PROGRAM = """
import os, subprocess, sys, tempfile
import httpx

folder, known_hosts = sys.argv[1:]
answer = httpx.get(
    os.environ["JUPYTERHUB_API_URL"].removesuffix("/api") + "/user-data",
    params={"name": "X-Mount"},
    headers={"Authorization": f"token {os.environ['JUPYTERHUB_API_TOKEN']}"},
)
if answer.status_code != 200:
    sys.exit(answer.json()["message"])
mount = answer.json()
with tempfile.NamedTemporaryFile("w") as key:
    key.write(mount["private_key"])
    key.flush()
    options = f"IdentityFile={key.name},IdentitiesOnly=yes,BatchMode=yes"
    options += f",UserKnownHostsFile={known_hosts}"
    address = f"{mount['username']}@{mount['host']}:{mount['path']}"
    command = ["sshfs", address, folder, "-p", str(mount["port"]), "-o", options]
    sys.exit(subprocess.run(command).returncode)
"""
"""What a session runs to mount the store; the key is in a file of its own for a moment."""


@contextmanager
def mounted(store: Store, environment: dict[str, str]) -> Iterator[Path]:
    """The store as a session sees it that has this environment. RuntimeError says why it can't."""
    folder = store.mounts / "here"
    folder.mkdir(parents=True, exist_ok=True)
    with (store.place / "sshfs.log").open("w") as log:  # SSHFS goes on, and would keep a pipe open
        done = subprocess.run(
            [sys.executable, "-c", PROGRAM, str(folder), str(store.place / "known-hosts")],
            env={**environment, "PATH": os.environ["PATH"], "NO_PROXY": "*"},
            stdout=log,
            stderr=log,
            check=False,
            timeout=120,
        )
    if done.returncode:
        raise RuntimeError((store.place / "sshfs.log").read_text())
    try:
        yield folder
    finally:
        subprocess.run(["fusermount3", "-u", "-z", str(folder)], check=True, timeout=60)


def lets_in(store: Store, credentials: dict[str, Any]) -> bool:
    """Whether the store itself still takes a key."""
    key = store.place / "ended-key"
    key.touch(0o600)
    key.write_text(credentials["private_key"])
    options = {
        "IdentityFile": key,
        "IdentitiesOnly": "yes",
        "BatchMode": "yes",
        "UserKnownHostsFile": store.place / "known-hosts",
    }
    done = subprocess.run(
        [
            *("sftp", "-q", "-b", "/dev/null", "-P", str(credentials["port"])),
            *(part for name, value in options.items() for part in ("-o", f"{name}={value}")),
            f"{credentials['username']}@{credentials['host']}",
        ],
        capture_output=True,
        check=False,
        timeout=60,
    )
    return done.returncode == 0


@pytest.mark.shows("T10")
def test_a_session_mounts_its_store_again_by_a_new_login() -> None:
    """Without a restart; with the key that has ended neither the hub nor the store lets it in."""
    with tempfile.TemporaryDirectory(prefix="store-", ignore_cleanup_errors=True) as place:
        store = Store(Path(place))
        (store.files / "measurements.csv").write_text("1,2\n")
        with store.open(), hub_with(CONFIG) as hub:
            enter(hub, "ada", store.credentials(3600))
            hub.session("ada")
            before = hub.state("ada")
            environment = knock(hub, path="/user/ada/").json()
            with mounted(store, environment) as folder:
                assert (folder / "measurements.csv").read_text() == "1,2\n"

            ended = store.credentials(2)
            enter(hub, "ada", ended)
            token = environment["JUPYTERHUB_API_TOKEN"]
            until(lambda: fetch(hub, token).status_code == 410, "the key has expired", 60, 0.2)
            with (
                pytest.raises(RuntimeError, match="X-Mount has expired"),
                mounted(store, environment),
            ):
                pass
            until(lambda: not lets_in(store, ended), "the store takes it no more", 30, 0.5)

            enter(hub, "ada", store.credentials(3600))
            with mounted(store, environment) as folder:
                (folder / "result.csv").write_text("3\n")
            assert (store.files / "result.csv").read_text() == "3\n"
            assert hub.state("ada") == before
            assert "PRIVATE KEY" not in hub.text() + json.dumps(environment)
            hub.stop("ada")
