"""Sessions of two users on one node, and what of them and of everything else is seen outside."""

from __future__ import annotations

import json
import socket
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from typing import Any

import httpx
import kr8s
import pytest
from kr8s.objects import Pod
from kubernetes_asyncio.client import ApiClient

from alongside.names import label_of
from tests.kubernetes import pods
from tests.kubernetes.release import Chart, Release

pytestmark = pytest.mark.timeout(600)
CATALOGUE = "profiles:\n  quiet: {title: JupyterLab alone, platform: kubernetes}\n"
QUIET = {"profile": "quiet"}
# What parts of ours listen on: hub, proxy and its API, service, sessions, schedulers and workers,
# Arkouda's servers.
INNER = (8000, 8001, 8080, 8081, *range(8786, 8791), 8888, 5080, 5555, 5556)
PROCESSES = """
import json
from pathlib import Path

users, words = set(), []
for place in Path("/proc").glob("[0-9]*"):
    try:
        variables = (place / "environ").read_bytes().split(b"\\0")
        words.append((place / "cmdline").read_bytes().decode().split("\\0")[:-1])
    except OSError:
        words.append(["unreadable"])
        continue
    users |= {v.partition(b"=")[2].decode() for v in variables if v.startswith(b"JUPYTERHUB_USER=")}
print(json.dumps({"users": sorted(users), "processes": words}))
"""


@pytest.fixture(scope="module")
def release(kubeconfig: str, chart: Chart) -> Iterator[Release]:
    """A hub whose sessions have homes and are all on one node."""
    node: Any = next(iter(kr8s.api(kubeconfig=kubeconfig).get("nodes")))
    where = {"kubernetes.io/hostname": node.labels["kubernetes.io/hostname"]}
    with chart(
        catalogue__text=CATALOGUE,
        hub__sessions__homeSize="100Mi",
        hub__settings={
            "KubeSpawner": {"node_selector": where},
            # a node that others use too takes its time to import JupyterLab
            "AlongsideKubeSpawner": {"http_timeout": 120},
        },
    ) as one:
        yield one


def say(release: Release, user: str, *command: str) -> str:
    """What a command prints in a user's session; what it complains of if it fails."""
    (name,) = release.pods(component="session", owner=label_of(user))
    pod = Pod.get(name, namespace=release.namespace, api=release.api)
    done = pod.exec(list(command), check=False, timeout=60)
    return str((done.stderr if done.returncode else done.stdout).decode()).strip()


@pytest.mark.shows("T38")
def test_a_session_sees_its_own_processes_and_files_and_keeps_its_home(release: Release) -> None:
    """Beside another user's on the same node."""
    with ExitStack() as stack:
        ada, grace = [stack.enter_context(release.browser(user)) for user in ("ada", "grace")]
        for one in (ada, grace):
            one.start(QUIET)
        for user in ("ada", "grace"):
            seen = json.loads(say(release, user, "python", "-c", PROCESSES))
            assert seen["users"] == [user]
            assert ["unreadable"] not in seen["processes"]
            assert sum("singleuser" in " ".join(one) for one in seen["processes"]) <= 2
        for place in ("/home/jovyan/kept", "/tmp/gone"):
            assert not say(release, "ada", "sh", "-c", f"echo mine > {place}")
        assert "No such file" in say(release, "grace", "cat", "/home/jovyan/kept")
        assert "No such file" in say(release, "grace", "cat", "/tmp/gone")
        refused = say(release, "ada", "touch", "/opt/alongside/mine")
        assert "Read-only" in refused or "Permission denied" in refused
        ada.stop()
        ada.start(QUIET)
        assert say(release, "ada", "cat", "/home/jovyan/kept") == "mine"
        assert "No such file" in say(release, "ada", "cat", "/tmp/gone")
        for one in (ada, grace):
            one.stop()


def reached(place: tuple[str, int]) -> bool:
    try:
        socket.create_connection(place, timeout=3).close()
    except OSError:
        return False
    return True


@pytest.mark.shows("K104")
def test_from_outside_there_is_one_door_and_a_guard_at_it(release: Release) -> None:
    """Tried from this machine, which knows the addresses of the nodes and nothing else."""
    services = release.api.get("services", namespace=release.namespace)
    doors = {
        (service.name, port["nodePort"])
        for service in services
        for port in service.spec.ports
        if "nodePort" in port
    }
    assert {name for name, _ in doors} == {"alongside-proxy"}
    nodes = [
        address["address"]
        for node in release.api.get("nodes")
        for address in node.status.addresses
        if address["type"] == "InternalIP"
    ]
    places = [(node, port) for node in nodes for port in INNER]
    with ThreadPoolExecutor(20) as pool:
        found = dict(zip(places, pool.map(reached, places), strict=True))
    assert not [place for place, is_open in found.items() if is_open]
    with httpx.Client(base_url=release.address(), trust_env=False, timeout=30) as stranger:
        for path in ("/hub/api/users", "/services/alongside/api/v1/backends"):
            assert stranger.get(path).status_code in (401, 403), path
        for path in ("/hub/home", "/user/ada/lab", "/services/alongside/"):
            assert not stranger.get(path).is_success, path


KERNELS = """
import json

import nbformat
from jupyter_client.kernelspec import KernelSpecManager
from nbclient import NotebookClient

said = {}
for name in KernelSpecManager().find_kernel_specs():
    cell = nbformat.v4.new_code_cell("print(6 * 7)")
    notebook = nbformat.v4.new_notebook(cells=[cell])
    NotebookClient(notebook, kernel_name=name, timeout=60).execute()
    said[name] = notebook.cells[0].outputs[0].text
print(json.dumps(said))
"""


@pytest.mark.shows("T36")
async def test_a_notebook_runs_on_each_kernel_of_the_session_image(
    kubernetes: ApiClient, namespace: str, images: dict[str, str]
) -> None:
    """Without a hub, without rights, with a read-only root."""
    pod = pods.restricted("kernels", images["session"], command=["python", "-c", KERNELS])
    await pods.start(kubernetes, namespace, pod)
    lines = (await pods.output(kubernetes, namespace, "kernels", 180)).splitlines()
    said = json.loads(lines[-1])
    assert "python3" in said
    assert set(said.values()) == {"42\n"}
