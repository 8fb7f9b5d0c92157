"""A seismic volume, made here: attributes on clusters of several sizes, and labels that stay.

The names of the tests carry the cases' numbers in the catalogue of requirements.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import nbformat
import numpy as np
import pytest
from dask.utils import key_split
from distributed import get_task_stream

import alongside
from alongside_workflows import BackendWish, read_workflow, write_workflow
from tests.client.real import RealService
from tests.examples.submitting import LIMIT, PROGRAMS, command, environment, log, steps, submit
from tests.waiting import wait_until

pytestmark = [pytest.mark.long, pytest.mark.slow]

SEVEN = ["bring", "envelope", "cosine", "frequency", "labels", "section", "report"]


@pytest.fixture(scope="module")
def seven(folder: Path, real: RealService) -> dict[str, Any]:
    """The run of the seven steps."""
    return submit(folder, real, "seismic.yaml")


@pytest.fixture
def seismic(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where the programs lie, which can be imported."""
    monkeypatch.syspath_prepend(str(folder / "seismic"))
    return folder / "seismic"


def whole(path: Path) -> np.ndarray:
    """The array in a folder of blocks."""
    from blocks import Blocks

    store = Blocks.open(path)
    array = np.empty(store.shape, store.dtype)
    for index in store.indices():
        start = [i * size for i, size in zip(index, store.block, strict=True)]
        part = store.read(index)
        array[tuple(slice(s, s + n) for s, n in zip(start, part.shape, strict=True))] = part
    return array


def contents(path: Path) -> dict[str, bytes]:
    """The blocks in a folder; none when there is no folder."""
    return {file.name: file.read_bytes() for file in path.glob("[0-9]*")}


@pytest.mark.shows("K70", "T119")
@pytest.mark.timeout(300)
def test_v11_seven_steps_are_all_green(
    folder: Path, real: RealService, seven: dict[str, Any]
) -> None:
    seen = steps(seven)
    assert list(seen) == SEVEN
    assert {step["state"] for step in seen.values()} == {"succeeded"}
    told = json.loads(command(folder, real, "runs", "show", seven["id"], "--json"))
    assert {step["name"]: step["state"] for step in told["steps"]} == {
        name: step["state"] for name, step in seen.items()
    }
    cluster = {seen[name]["backend"] for name in ("envelope", "cosine", "frequency", "labels")}
    assert len(cluster) == 1
    assert cluster != {""}
    assert {seen[name]["backend"] for name in ("bring", "section", "report")} == {""}
    report = (folder / "data" / "report.md").read_text()
    assert f"{sum(seen['labels']['results']['kmeans'])} samples in 3 groups" in report
    assert f"{seen['section']['results']['hertz']} Hz" in report


@pytest.mark.shows("K20", "K90")
@pytest.mark.timeout(300)
def test_v2_labels_stay_on_the_cluster_and_are_used_again(
    folder: Path, real: RealService, hub: alongside.Client, seven: dict[str, Any]
) -> None:
    cluster = hub.launch("dask", session="", workers=2, memory="500 MiB")
    run = submit(folder, real, "seismic/labels.ipynb", "--backend", "session")
    assert run["steps"][0]["backend"] == cluster.id
    executed = nbformat.reads(command(folder, real, "runs", "notebook", run["id"]), 4)
    said = str(executed.cells[-2].outputs)
    assert "agree" in said
    assert "nearest" not in said
    # The run is over; what it has persisted is there for the next one.
    with cluster.client() as client, get_task_stream(client) as stream:
        names = {"by-kmeans", "by-map"}
        assert set(client.list_datasets()) == names
        for name in names:
            counts = np.bincount(client.get_dataset(name).compute(), minlength=3)
            assert counts.all()
            assert len(counts) == 3
    computed = {key_split(task["key"]) for task in stream.data}
    assert not {name for name in computed if "nearest" in name or "rows" in name}, computed
    found = steps(seven)["labels"]["results"]
    assert sum(found["kmeans"]) == sum(found["som"]) == sum(counts)


LISTING = """\
from alongside.kube_cluster import KubeCluster, make_cluster_spec
from distributed import Client


class DaskPipelineExecutor:
    def __init__(
        self, address=None, port=8786, local=False, use_gpu=False, profiler=None, protocol=None,
        gpu_allocator="cupy", cluster_kwargs=None, client_kwargs=None, cluster=None, daskjob=False,
    ):
        self.client = Client(cluster)


def create_dask_cluster(
    name="cluster-spec-name", namespace="dask", adapt=False, minimum=1, maximum=2, replicas=1,
    use_gpu=False, image_dask="dasf:cpu", **kwargs,
):
    spec = make_cluster_spec(name=name, n_workers=replicas, image=image_dask)
    spec = adapt_worker_spec(spec, use_gpu=use_gpu)
    cluster = KubeCluster(namespace=namespace, custom_cluster_spec=spec, resource_timeout=300)
    if adapt:
        cluster.adapt(minimum=minimum, maximum=maximum)
    else:
        cluster.scale(replicas)
    return cluster


def adapt_worker_spec(spec, use_gpu=False):
    if use_gpu:
        container = spec["spec"]["worker"]["spec"]["containers"][0]
        container["resources"] = {"limits": {"nvidia.com/gpu": 1}}
    return spec


cluster = create_dask_cluster(
    use_gpu=False, name="script", namespace="dask", image_dask="dasf:cpu", replicas=3
)
executor = DaskPipelineExecutor(cluster=cluster, use_gpu=False)
CELLS
cluster.close()
"""


@pytest.mark.shows("K8", "K16")
@pytest.mark.timeout(300)
def test_v3_a_script_outside_makes_three_workers_for_v2_and_leaves_nothing(
    folder: Path, real: RealService, hub: alongside.Client, seven: dict[str, Any]
) -> None:
    """The listing, whose import is another; then what is in the cells of the notebook."""
    notebook = nbformat.read(folder / "seismic" / "labels.ipynb", as_version=4)
    cells = "\n".join(cell.source for cell in notebook.cells if cell.cell_type == "code")
    assert cells.count("client = Client()") == cells.count("client.close()") == 1
    cells = cells.replace("client = Client()", "client = executor.client")
    tell = 'print(len(client.scheduler_info(n_workers=-1)["workers"]), sum(kmeans), sum(som))'
    cells = cells.replace("client.close()", f"{tell}\nclient.close()")
    script = folder / "seismic" / "script.py"
    script.write_text(LISTING.replace("CELLS", cells))
    kept = {k: v for k, v in os.environ.items() if not k.startswith(("ALONG", "DASK_", "JUPY"))}
    done = subprocess.run(
        [sys.executable, script.name],
        cwd=script.parent,
        env=kept | {"ALONGSIDE_API": real.url, "JUPYTERHUB_API_TOKEN": real.token},
        capture_output=True,
        text=True,
        timeout=LIMIT,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    samples = sum(steps(seven)["labels"]["results"]["kmeans"])
    assert done.stdout.split() == ["3", str(samples), str(samples)]
    wait_until(
        "it has ended", lambda: not [one for one in hub.backends() if one.name == "script"], 60
    )


@pytest.mark.shows("K53", "K54", "K65", "K88")
@pytest.mark.timeout(300)
def test_v7_fr1_fr2_an_attribute_is_the_same_with_one_two_and_four_workers(
    folder: Path, real: RealService, seismic: Path
) -> None:
    from attribute_extractor import attribute

    found = {}
    flow = read_workflow(folder / "envelope.yaml")
    bring, extract = flow.steps
    for workers in (1, 2, 4):
        wish = BackendWish(kind="dask", options={"workers": workers, "memory": "400 MiB"})
        wished = extract.model_copy(update={"backend": wish})
        definition = folder / f"envelope-{workers}.yaml"
        write_workflow(flow.model_copy(update={"steps": (bring, wished)}), definition)
        run = submit(folder, real, definition.name)
        assert f"envelope of f3.zarr on {workers} workers" in log(folder, real, run, "extract")
        assert bool(steps(run)["bring"]["unchanged"]) == (workers > 1)
        assert steps(run)["bring"]["backend"] == ""
        found[workers] = contents(folder / "shared" / "output.zarr")
    assert found[1] == found[2] == found[4]
    source, output = (whole(folder / "shared" / name) for name in ("f3.zarr", "output.zarr"))
    assert output.shape == source.shape
    np.testing.assert_array_equal(output, attribute("envelope", source))
    assert (output >= np.abs(source) * (1 - 1e-5)).all()


def test_v7_attributes_of_what_is_known(seismic: Path) -> None:
    from attribute_extractor import ATTRIBUTES, STEP, attribute

    for size in (250, 125):
        time = np.arange(size) * STEP
        turns = np.array([[8, 20], [12, 40]])[:, :, None] * 2 * np.pi * time / (size * STEP)
        strength = np.array([[2.0, 0.5], [1.0, 0.1]])[:, :, None]
        traces = (strength * np.cos(turns)).sum(axis=1)
        beside = (strength * np.sin(turns)).sum(axis=1)
        phase = np.arctan2(beside, traces)
        expected = {
            "envelope": np.hypot(traces, beside),
            "hilbert": beside,
            "phase": phase,
            "cosine": np.cos(phase),
            "frequency": np.gradient(np.unwrap(phase), STEP, axis=-1) / (2 * np.pi),
        }
        assert expected.keys() == ATTRIBUTES.keys()
        for name, values in expected.items():
            got = attribute(name, traces)
            if name == "phase":  # pi and -pi are the same
                got, values = np.exp(1j * got), np.exp(1j * values)
            np.testing.assert_allclose(got, values, rtol=1e-4, atol=1e-4, err_msg=name)


@pytest.mark.shows("K89")
@pytest.mark.timeout(300)
def test_eight_writers_of_whom_one_is_killed_do_no_damage(
    folder: Path, real: RealService, hub: alongside.Client, seven: dict[str, Any], seismic: Path
) -> None:
    from attribute_extractor import attribute

    target = folder / "data" / "many.zarr"
    words = ["-x", "16", "-y", "16", "-a", "cosine", "-d", "data/f3.zarr", "-o", str(target)]
    cluster = hub.launch("dask", session="", workers=8, memory="300 MiB")
    with cluster.client() as client:
        pids = client.run(os.getpid)
    writing = subprocess.Popen(
        [PROGRAMS / "python", "seismic/attribute_extractor.py", *words],
        cwd=folder,
        env=environment(real),
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        wait_until("blocks are written", lambda: len(contents(target)) > 3, 60, every=0.002)
        written = len(contents(target))
        os.kill(next(iter(pids.values())), signal.SIGKILL)
        said, _ = writing.communicate(timeout=LIMIT)
    finally:
        writing.kill()
        writing.wait(10)
    assert writing.returncode == 0
    assert len(pids) == 8
    assert "cosine of f3.zarr" in said
    assert written < len(contents(target))
    assert {len(block) for name, block in contents(target).items()} == {16 * 16 * 125 * 4}
    volume = whole(folder / "data" / "f3.zarr")
    np.testing.assert_array_equal(whole(target), attribute("cosine", volume))
