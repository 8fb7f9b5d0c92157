"""What the sources report, done again: their listings, on data that are made here.

The names of the tests carry the cases' numbers in the catalogue of requirements.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import nbformat
import numpy as np
import pytest

import alongside
from tests.client.real import RealService
from tests.examples.submitting import LIMIT, command, environment, log, steps, submit
from tests.waiting import wait_until

pytestmark = pytest.mark.slow


@pytest.mark.shows("K59", "K64")
def test_v1_the_diamond_of_heras_users(folder: Path, real: RealService) -> None:
    done = subprocess.run(
        [sys.executable, "diamond_in_hera.py"],
        cwd=folder,
        env=environment(real),
        capture_output=True,
        text=True,
        timeout=LIMIT,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines() == [f"{name} succeeded {name.upper()}" for name in "abcd"]


@pytest.mark.shows("K19", "K66")
def test_v4_a_job_finds_itself_connected_to_a_cluster_of_its_own(
    folder: Path, real: RealService, hub: alongside.Client
) -> None:
    run = submit(folder, real, "dask-job.yaml")
    assert log(folder, real, run, "job") == "3"
    run = submit(folder, real, "dask-job.yaml", "-p", "numbers=[20, 22]")
    assert log(folder, real, run, "job") == "42"
    gone = {step["backend"] for step in run["steps"]}
    wait_until("it ends", lambda: gone.isdisjoint(b.id for b in hub.backends()), 60)


@pytest.mark.shows("K20")
def test_v17_executors_reach_it_by_address_as_an_object_and_in_a_job(
    folder: Path,
    real: RealService,
    hub: alongside.Client,
    run: Callable[..., nbformat.NotebookNode],
) -> None:
    hub.launch("dask", session="", workers=1, memory="400 MiB")
    notebook = run((folder / "executor.ipynb").read_text(), real.environment)
    (output,) = notebook.cells[-1].outputs
    assert output.text == "4 ways, the same labels\n"


@pytest.mark.shows("T109", "T110", "T111", "T171")
def test_t171_the_notebook_of_the_listings_is_made_ready_and_executed(
    folder: Path, real: RealService
) -> None:
    run = submit(folder, real, "porosity.yaml")
    results = steps(run)["measure"]["results"]
    assert results["pores"] >= 10_000
    assert 0 < results["porosity"] < 1
    air = np.load(folder / "data" / "thresholded.npy")
    assert air.sum() == results["pores"]
    assert air.shape == (46, 46, 46)
    executed = nbformat.reads(command(folder, real, "runs", "notebook", run["id"], "measure"), 4)
    code = "\n".join(cell.source for cell in executed.cells if cell.cell_type == "code")
    for line in (
        f"infile = '{folder}/data/foam.npy'  # greyscale, small is air",
        "extra = 1  # voxels",
        "outfile_insufficent = 'insufficient.npy'",
        "outfile_thresholded = 'thresholded.npy'",
        "threshold = 10000  # voxels",
    ):
        assert line in code, line


@pytest.mark.shows("K82")
def test_an_earlier_run_done_again_from_its_record_gives_the_same_hashes(
    folder: Path, real: RealService, tmp_path: Path
) -> None:
    def record(run: dict[str, Any]) -> dict[str, dict[str, Any]]:
        said = json.loads(command(folder, real, "runs", "record", run["id"]))
        return {entity["@id"]: entity for entity in said["@graph"]}

    def hashes(entities: dict[str, dict[str, Any]]) -> dict[str, str]:
        """Of the notebook, of what went in and what came out, by place."""
        return {id: one["sha256"] for id, one in entities.items() if id.startswith("file:")}

    first = record(submit(folder, real, "porosity.yaml"))
    assert {id.rpartition("/")[2] for id in hashes(first)} == {
        "foam.npy",
        "porosity.ipynb",
        "thresholded.npy",
    }
    for name in ("porosity.ipynb", "thresholded.npy"):
        (folder / "data" / name).unlink()
    # The record has the definition: no file of it is needed, nor its folder.
    (tmp_path / "kept.json").write_text(first["#definition"]["text"])
    assert hashes(record(submit(tmp_path, real, "kept.json"))) == hashes(first)
