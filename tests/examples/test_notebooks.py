"""The example notebooks, run as they are: on a session's cluster, and on a workstation."""

from __future__ import annotations

import difflib
import json
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import nbformat
import pytest

import alongside
from tests.client.real import RealService
from tests.examples.conftest import EXAMPLES

pytestmark = pytest.mark.slow

Run = Callable[..., nbformat.NotebookNode]
ATTACHED = r"client, data = Client(), make(\"data/full\")"
WORKSTATION = (
    r"client, data = Client(n_workers=2, threads_per_worker=1), "
    r"make(\"data/sample\", megabytes=24)"
)
NOTEBOOK = EXAMPLES / "first-cluster.ipynb"


def outputs(notebook: nbformat.NotebookNode) -> dict[str, str]:
    """What each cell showed, by the cell's id."""
    shown = {}
    for cell in notebook.cells:
        if cell.cell_type == "code":
            assert not [o for o in cell.outputs if o.get("name") == "stderr"], cell.outputs
            parts = [
                output.get("text", "") or output.get("data", {}).get("text/plain", "")
                for output in cell.outputs
            ]
            shown[cell.id] = "".join(parts)
    return shown


def with_line(line: str) -> str:
    """The notebook's file with the one line that says where to compute, and on what."""
    source = NOTEBOOK.read_text()
    assert ATTACHED in source
    return source.replace(ATTACHED, line)


@pytest.mark.shows("K4", "K24")
@pytest.mark.timeout(300)
def test_the_first_notebook_runs_on_the_sessions_cluster_with_all_the_data(
    real: RealService, run: Run
) -> None:
    with alongside.Client(real.url, real.token) as hub:
        cluster = hub.launch("dask", session="", workers=2, memory="500 MiB")
        shown = outputs(run(NOTEBOOK.read_text(), real.environment))
        logs = [line for role in cluster.refresh().state.roles for line in cluster.logs(role)]
        cluster.stop(wait=True)
    assert "All done on 2 workers" in shown["done"]
    array, worker = map(float, re.findall(r"([\d.]+) GiB", shown["sizes"])[:2])
    assert array > 4 * worker
    assert not [line for line in logs if "exceeded" in line and "memory" in line]


@pytest.mark.shows("K9")
@pytest.mark.timeout(300)
def test_what_was_developed_on_a_sample_attaches_to_a_cluster_by_changing_one_line(
    real: RealService, run: Run
) -> None:
    local, attached = with_line(WORKSTATION), with_line(ATTACHED)
    changed = [
        line
        for line in difflib.unified_diff(local.splitlines(), attached.splitlines(), n=0)
        if line[0] in "+-" and not line.startswith(("+++", "---"))
    ]
    assert [line[0] for line in changed] == ["-", "+"]

    on_workstation = outputs(run(local, {}))
    on_sample = WORKSTATION.replace("Client(n_workers=2, threads_per_worker=1)", "Client()")
    with alongside.Client(real.url, real.token) as hub:
        cluster = hub.launch("dask", session="", workers=2, memory="500 MiB")
        on_cluster = outputs(run(with_line(on_sample), real.environment))
        cluster.stop(wait=True)
    for cell in ("group-by-code", "join-code", "reduce-code", "done"):
        assert on_workstation[cell] == on_cluster[cell]


def test_notebooks_are_kept_without_outputs() -> None:
    for path in EXAMPLES.rglob("*.ipynb"):
        for cell in json.loads(path.read_text())["cells"]:
            assert not cell.get("outputs"), path.name
            assert cell.get("execution_count") is None, path.name


def test_the_data_are_made_once_and_are_the_same_everywhere(tmp_path: Path) -> None:
    def make(folder: str, megabytes: int) -> dict[str, bytes]:
        subprocess.run(
            [sys.executable, "make_data.py", tmp_path / folder, "--megabytes", str(megabytes)],
            cwd=EXAMPLES,
            check=True,
            timeout=120,
            capture_output=True,
        )
        files = sorted(p for p in (tmp_path / folder).rglob("*") if p.is_file())
        return {str(p.relative_to(tmp_path / folder)): p.read_bytes() for p in files}

    small, large = make("small", 12), make("large", 24)
    assert small.items() <= large.items()
    assert len(large) == 5
    size = sum(map(len, large.values())) / 1e6
    assert 20 < size < 28

    before = {p: p.stat().st_mtime_ns for p in (tmp_path / "large").rglob("*.*")}
    assert make("large", 24) == large
    assert {p: p.stat().st_mtime_ns for p in (tmp_path / "large").rglob("*.*")} == before
