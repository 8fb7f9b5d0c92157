"""Make a seismic volume to work on: echoes from made-up layers.

``python make_volume.py data/f3.zarr``. The same bytes on every machine.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
from blocks import Blocks, Index

SEED = 20_231_215
SHAPE = (200, 256, 125)  # lines across, lines along, samples of time
BLOCK = (128, 128, 125)  # whole traces in each
STEP = 0.004  # seconds between two samples
LAYERS = 14


def make(folder: str | Path, shape: tuple[int, ...] = SHAPE) -> Blocks:
    """Make it; blocks that are there are made again, the same."""
    volume = Blocks(Path(folder), shape, (*BLOCK[:2], shape[2]), np.dtype("<f4")).create()
    for index in volume.indices():
        volume.write(index, echoes(volume, index))
    return volume


def echoes(volume: Blocks, index: Index) -> np.ndarray:
    """One block: layers that rise and fall, each with a wavelet where it begins."""
    layers = np.random.default_rng(SEED)
    depth = np.sort(layers.uniform(0.08, 0.92, LAYERS)) * volume.shape[2] * STEP
    strength, rise = layers.normal(0, 1, LAYERS), layers.normal(0, 0.02, (LAYERS, 2))
    sizes = [chunk[i] for chunk, i in zip(volume.chunks(), index, strict=True)]
    across, along, time = (
        np.arange(size) + i * block
        for size, i, block in zip(sizes, index, volume.block, strict=True)
    )
    x, y = np.meshgrid(across / volume.shape[0], along / volume.shape[1], indexing="ij")
    values = np.random.default_rng((SEED, *index)).normal(0, 0.02, sizes)
    for layer in range(LAYERS):
        top = depth[layer] + rise[layer, 0] * np.sin(5 * x) + rise[layer, 1] * np.cos(4 * y)
        values += strength[layer] * ricker(time * STEP - top[..., None])
    return values.astype("<f4")


def ricker(seconds: np.ndarray, hertz: float = 25.0) -> np.ndarray:
    """The wavelet of a source, by the time from its middle."""
    square = (np.pi * hertz * seconds) ** 2
    return (1 - 2 * square) * np.exp(-square)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description="Make a seismic volume.")
    parser.add_argument("folder", help="where to, for instance data/f3.zarr")
    print(make(parser.parse_args().folder).path)
