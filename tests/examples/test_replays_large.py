"""A volume as large as the sources', on workers that could not hold it (V7, V14)."""

from __future__ import annotations

import difflib
import json
import os
from collections.abc import Callable
from pathlib import Path

import nbformat
import numpy as np
import pytest
from nbformat.v4 import new_code_cell, new_notebook

import alongside
from tests.client.real import RealService

pytestmark = [pytest.mark.long, pytest.mark.slow, pytest.mark.timeout(900)]

Run = Callable[..., nbformat.NotebookNode]
SAMPLE, FULL = (384, 384, 136), (2432, 2432, 136)  # 80 MB and 3.2 GB
ON_A_WORKSTATION = 'client, name = Client(n_workers=2, threads_per_worker=1), "sample"'
ATTACHED = 'client, name = Client(), "full"'
ENVELOPE = """\
import json
import sys

sys.path.insert(0, "seismic")
import attribute_extractor
import blocks
import dask.array as da
import numpy as np
from distributed import Client

LINE
for module in (blocks, attribute_extractor):  # workers have none of our files
    client.upload_file(module.__file__)
source = blocks.Blocks.open(f"large/{name}.zarr")


def strongest_and_mean(block_id):
    envelope = attribute_extractor.attribute("envelope", source.read(block_id[:3]))
    return np.array([[[envelope.max(), envelope.mean(dtype="f8")]]])


counts = tuple((1,) * len(sizes) for sizes in source.chunks()[:2])
found = da.map_blocks(
    strongest_and_mean, chunks=(*counts, (2,)), dtype="f8", meta=np.empty((0, 0, 0))
)
print(json.dumps(found.compute().tolist()))
client.close()
"""


@pytest.fixture
def volumes(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A sample, and the whole: the sample over and over, by links, so that it takes no room."""
    monkeypatch.syspath_prepend(str(folder / "seismic"))
    from blocks import Blocks
    from make_volume import make

    sample = make(folder / "large" / "sample.zarr", SAMPLE)
    across, along, _ = (len(sizes) for sizes in sample.chunks())
    full = Blocks(folder / "large" / "full.zarr", FULL, sample.block, sample.dtype).create()
    for x, y, z in full.indices():
        os.link(sample.path / f"{x % across}.{y % along}.{z}", full.path / f"{x}.{y}.{z}")


def found(run: Run, line: str, environment: dict[str, str]) -> np.ndarray:
    """The strongest and the mean of the envelope, for each block."""
    notebook = new_notebook(cells=[new_code_cell(ENVELOPE.replace("LINE", line))])
    (output,) = run(nbformat.writes(notebook), environment, timeout=600).cells[0].outputs
    return np.array(json.loads(output.text))


@pytest.mark.shows("K9", "K24")
def test_v14_from_80_megabytes_to_3_gigabytes_by_one_line(
    volumes: None, real: RealService, hub: alongside.Client, run: Run
) -> None:
    changed = [
        line
        for line in difflib.ndiff(
            ENVELOPE.replace("LINE", ON_A_WORKSTATION).splitlines(),
            ENVELOPE.replace("LINE", ATTACHED).splitlines(),
        )
        if line[0] in "+-"
    ]
    assert [line[0] for line in changed] == ["-", "+"]

    sample = found(run, ON_A_WORKSTATION, {})
    cluster = hub.launch("dask", session="", workers=4, memory="1 GiB")
    full = found(run, ATTACHED, real.environment)
    state = cluster.refresh().state
    logs = [line for role in state.roles for line in cluster.logs(role)]

    across, along, _ = sample.shape
    np.testing.assert_array_equal(full[:across, :along], sample)
    again = [np.arange(size) % len(sample) for size in full.shape[:2]]
    np.testing.assert_array_equal(full, sample[np.ix_(*again)])
    assert full.shape[0] * full.shape[1] * 128 * 128 * FULL[2] * 4 > 3e9
    told = [stage.message for stage in state.stages] + logs
    assert not [line for line in told if "memory" in line and ("exceed" in line or "more" in line)]
