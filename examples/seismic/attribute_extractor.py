"""Compute an attribute of a seismic volume, block by block, on the cluster that is there.

``python attribute_extractor.py -a envelope -d data/f3.zarr -o data/output.zarr``
"""

from __future__ import annotations

import argparse
from pathlib import Path

import blocks
import dask.array as da
import numpy as np
from blocks import Blocks, Index
from distributed import Client

STEP = 0.004  # seconds between two samples


def analytic(traces: np.ndarray) -> np.ndarray:
    """The analytic signal along the last axis: the trace, and its Hilbert transform beside it."""
    size = traces.shape[-1]
    keep = np.zeros(size)
    keep[0] = 1
    keep[1 : (size + 1) // 2] = 2
    if size % 2 == 0:
        keep[size // 2] = 1
    return np.fft.ifft(np.fft.fft(traces) * keep)


def frequency(signal: np.ndarray) -> np.ndarray:
    """Of each moment, in hertz."""
    return np.gradient(np.unwrap(np.angle(signal)), STEP, axis=-1) / (2 * np.pi)


ATTRIBUTES = {
    "envelope": np.abs,
    "hilbert": np.imag,
    "phase": np.angle,
    "cosine": lambda signal: np.cos(np.angle(signal)),
    "frequency": frequency,
}


def attribute(name: str, traces: np.ndarray) -> np.ndarray:
    """One of `ATTRIBUTES`, of traces along the last axis."""
    values: np.ndarray = ATTRIBUTES[name](analytic(traces.astype("f8")))
    return values.astype("<f4")


def extract(client: Client, name: str, source: Blocks, target: Blocks) -> None:
    """Compute all blocks of `target`; they are written where they are computed."""
    client.upload_file(blocks.__file__)  # workers have none of our files

    def one(traces: np.ndarray, block_id: Index) -> np.ndarray:
        target.write(block_id, attribute(name, traces))
        return np.zeros((1, 1, 1), "i1")

    volume = da.map_blocks(
        lambda block_id: source.read(block_id),
        chunks=source.chunks(),
        meta=np.empty((0, 0, 0), source.dtype),
    )
    written = volume.rechunk(target.chunks()).map_blocks(
        one, chunks=(1, 1, 1), meta=np.empty((0, 0, 0), "i1")
    )
    written.compute()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("-x", type=int, default=128, help="lines across in a block")
    parser.add_argument("-y", type=int, default=128, help="lines along in a block")
    parser.add_argument("-z", type=int, default=-1, help="samples in a block; -1 is all")
    parser.add_argument("-a", "--attribute", choices=ATTRIBUTES, default="envelope")
    parser.add_argument("-r", "--run", choices=["cpu"], default="cpu", help="what to compute on")
    parser.add_argument("-d", "--data", required=True, help="the volume")
    parser.add_argument("-o", "--output", required=True, help="where the attribute goes")
    given = parser.parse_args()
    source = Blocks.open(Path(given.data).resolve())
    if given.z not in (-1, source.shape[2]):
        parser.error("-z: attributes need whole traces; give -1")
    block = (given.x, given.y, source.shape[2])
    target = Blocks(Path(given.output).resolve(), source.shape, block, np.dtype("<f4")).create()
    with Client() as client:
        extract(client, given.attribute, source, target)
        workers = len(client.scheduler_info(n_workers=-1)["workers"])
    print(f"{given.attribute} of {source.path.name} on {workers} workers: {target.path}")


if __name__ == "__main__":
    main()
