"""One volume for a user's session, their backends and the steps of their runs, on all nodes.

The names of the tests carry the cases' numbers in the catalogue of requirements.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from hera.workflows import DAG, Container, Resource, models
from hera.workflows import Workflow as HeraWorkflow
from kr8s.objects import Pod

import alongside
from alongside_workflows import submit
from alongside_workflows.hera_objects import read_hera
from tests.kubernetes.argo_stage import PATIENCE
from tests.kubernetes.release import Chart, Release, wait_for
from tests.kubernetes.scientist import Scientist, scientist
from tests.kubernetes.test_argo_service import (
    SESSIONS,
    notebook,
    run_of,
    submitted,
    until,
)
from tests.kubernetes.volumes import CLAIM, catalogue, mounted, shared_directory, volume

pytestmark = pytest.mark.timeout(1500)
PROGRAMS = Path(__file__).parents[2] / "examples" / "seismic"
SHARED = "/shared"
MANY = 22  # workers: with scheduler, session and step there are 25 pods
SECONDS = 120

EXTRACT = (
    "python /shared/attribute_extractor.py -x 128 -y 128 -z -1 -a envelope -r cpu "
    "-d /shared/f3.zarr -o /shared/output.zarr"
)
HOLD = "touch /shared/held; while ! test -e /shared/go; do sleep 0.2; done"
COUNT = """\
import sys
sys.path.insert(0, "/shared")
from blocks import Blocks
shape = list(Blocks.open(data).shape)"""
SAME = """\
import sys
sys.path.insert(0, "/shared")
import numpy as np
from attribute_extractor import attribute
from blocks import Blocks
source, output = Blocks.open("/shared/f3.zarr"), Blocks.open("/shared/output.zarr")
for index in source.indices():
    assert np.array_equal(attribute("envelope", source.read(index)), output.read(index))
print(*output.shape)"""
FILL = """\
import sys, time
import numpy as np
from distributed import Client
import blocks

def fill(number, path, seconds):
    store, end, rounds = blocks.Blocks.open(path), time.monotonic() + seconds, 0
    while time.monotonic() < end:
        for row in range(store.shape[1] // store.block[1]):
            value = number * 1000 + row
            store.write((number, row, 0), np.full(store.block, value, store.dtype))
        rounds += 1
    return rounds

path, seconds = sys.argv[1], float(sys.argv[2])
with Client() as client:
    client.upload_file(blocks.__file__)
    members = sorted(client.scheduler_info(n_workers=-1)["workers"])
    shape = (len(members) * 16, 8 * 16, 32)
    store = blocks.Blocks(blocks.Path(path), shape, (16, 16, 32), np.dtype("<f4")).create()
    parts = [
        client.submit(fill, number, path, seconds, workers=[member], pure=False)
        for number, member in enumerate(members)
    ]
    rounds = client.gather(parts)
print(len(members), min(rounds))"""
READ = """\
import sys
sys.path.insert(0, "/shared")
from blocks import Blocks
store, read = Blocks.open(sys.argv[1]), 0
for index in store.indices():
    assert (store.read(index) == index[0] * 1000 + index[1]).all(), index
    read += 1
print(read)"""


@pytest.fixture(scope="module")
def place() -> Iterator[Path]:
    """What is behind the volume."""
    with shared_directory() as path:
        for program in PROGRAMS.glob("*.py"):
            (path / program.name).write_bytes(program.read_bytes())
        (path / "fill.py").write_text(FILL)
        (path / "count.ipynb").write_text(notebook("data = ''", COUNT))
        yield path


@pytest.fixture(scope="module")
def release(argo_definitions: None, chart: Chart, place: Path) -> Iterator[Release]:
    """Sessions and backends have the claim by the catalogue; steps that name it may mount it."""
    with (
        chart(
            hub__settings={"KubeSpawner": SESSIONS},
            catalogue__text=catalogue(SHARED, MANY),
            workflows__enabled=True,
            service__settings={
                "KubernetesPlatform": {"core_overcommit": 20.0},
                "ArgoRuns": {"claims": [CLAIM]},
            },
            workflows__resources={"requests": {"cpu": "50m", "memory": "256Mi"}},
        ) as one,
        volume(one.api, one.namespace, place),
    ):
        yield one


@pytest.fixture(scope="module")
def ada(release: Release) -> Iterator[Scientist]:
    """Somebody with a session; afterwards nothing of theirs mounts the volume."""
    with release.browser("ada") as page:
        page.start({"profile": "dask-small"})
        with scientist(release, "ada") as one:
            yield one
            for run in one.api.get("runs").json():
                one.api.delete(f"runs/{run['id']}")
        page.stop()
    wait_for(lambda: not mounting(release, "Pending", "Running"), "nothing mounts it", PATIENCE)


def in_session(release: Release, *command: str) -> str:
    """What a command prints in the session."""
    (name,) = release.pods(component="session")
    session = Pod.get(name, namespace=release.namespace, api=release.api)
    done = session.exec(list(command), check=False)
    assert done.returncode == 0, done.stderr
    return str(done.stdout.decode()).strip()


def mounting(release: Release, *phases: str) -> dict[str, str]:
    """The pods in these phases that mount the claim, and their nodes."""
    found: dict[str, str] = {}
    for pod in release.api.get("pods", namespace=release.namespace):
        claims = [
            each.get("persistentVolumeClaim", {}).get("claimName")
            for each in pod.raw["spec"].get("volumes", ())
        ]
        if CLAIM in claims and pod.status.get("phase") in phases:
            found[pod.name] = pod.raw["spec"].get("nodeName", "")
    return found


def in_hera(image: str, workers: int) -> HeraWorkflow:
    """A plain step that brings the data, and a DaskJob that computes on them."""
    mount = {"name": "shared", "mountPath": SHARED}
    claim = {"name": "shared", "persistentVolumeClaim": {"claimName": CLAIM}}
    main = {
        "name": "job",
        "image": image,
        "args": ["sh", "-c", f"{EXTRACT} && {HOLD}"],
        "volumeMounts": [mount],
    }
    job = {
        "apiVersion": "kubernetes.dask.org/v1",
        "kind": "DaskJob",
        "metadata": {"generateName": "dask-jobs-"},
        "spec": {
            "job": {"spec": {"containers": [main], "volumes": [claim]}},
            "cluster": {"spec": {"worker": {"replicas": workers, "spec": {"containers": []}}}},
        },
    }
    with HeraWorkflow(
        generate_name="dag-target-",
        entrypoint="dag-target",
        volumes=[models.Volume(name="shared", persistent_volume_claim={"claim_name": CLAIM})],
    ) as flow:
        send = Container(
            name="send-data",
            image=image,
            command=["sh", "-c"],
            args=["cp -r /shared/made/f3.zarr /shared/"],
            volume_mounts=[models.VolumeMount(name="shared", mount_path=SHARED)],
        )
        extract = Resource(name="dask-job", action="create", manifest=json.dumps(job))
        with DAG(name="dag-target"):
            send(name="bring") >> extract(name="extract")
    return flow


@pytest.mark.shows("K53", "K59", "K65", "K85")
def test_v7_fr1_fr7_session_plain_steps_and_workers_share_one_volume(
    release: Release, ada: Scientist, place: Path, images: dict[str, str]
) -> None:
    """Written with Hera. The session's data is copied by a plain step, read and written by workers
    on both nodes and by a notebook with parameters; what came of it is read in the session."""
    in_session(release, "python", f"{SHARED}/make_volume.py", f"{SHARED}/made/f3.zarr")
    token = ada.api.headers["Authorization"].split()[-1]
    # what is submitted begins where its sender is, which is no place in pods
    flow = read_hera(in_hera(images["session"], 4)).model_copy(update={"directory": SHARED})
    with alongside.Client(url=str(ada.api.base_url), token=token) as client:
        id = submit(flow, service=client).id
    wait_for(
        lambda: (place / "held").exists() or run_of(ada, id)["state"] == "failed", "it", PATIENCE
    )
    assert (place / "held").exists(), json.dumps(run_of(ada, id), indent=1)
    pods = mounting(release, "Running")
    (place / "go").touch()
    assert len(pods) == 7, pods  # session, step, scheduler and four workers
    assert len(set(pods.values())) == 2, pods
    run = until(ada, id, "succeeded")
    bring, extract = run["steps"]
    assert bring["backend"] == ""
    assert extract["backend"]
    log = ada.api.get(f"runs/{id}/steps/extract/log").text
    assert "envelope of f3.zarr on 4 workers" in log
    assert in_session(release, "python", "-c", SAME) == "200 256 125"
    count = {
        "name": "count",
        "notebook": "count.ipynb",
        "parameters": {"data": "/shared/output.zarr"},
        "results": ["shape"],
    }
    id = submitted(ada.api, count, directory=SHARED, pod=mounted(SHARED))
    (step,) = until(ada, id, "succeeded")["steps"]
    assert step["results"] == {"shape": [200, 256, 125]}


@pytest.mark.shows("K86")
def test_v13_more_than_24_pods_write_into_one_volume(
    release: Release, ada: Scientist, place: Path
) -> None:
    """Each worker its own blocks, again and again for two minutes; all of them can be read."""
    words = ["python", "fill.py", f"{SHARED}/many.zarr", str(SECONDS)]
    backend = {"kind": "dask", "options": {"workers": MANY, "memory": "256 MiB"}}
    step = {"name": "fill", "command": words, "backend": backend}
    id = submitted(ada.api, step, directory=SHARED, pod=mounted(SHARED))
    wait_for((place / "many.zarr" / f"{MANY - 1}.7.0").exists, "all write", 2 * PATIENCE)
    pods = mounting(release, "Running")
    assert len(pods) == MANY + 3, json.dumps(pods)
    until(ada, id, "succeeded")
    workers, rounds = ada.api.get(f"runs/{id}/steps/fill/log").text.split()[-2:]
    assert int(workers) == MANY
    assert int(rounds) > 1
    read = in_session(release, "python", "-c", READ, f"{SHARED}/many.zarr")
    assert int(read) == MANY * 8
