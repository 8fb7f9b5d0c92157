"""Make a foam to measure, of air in something brighter: ``python make_foam.py foam.npy``."""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np

SEED = 42
SIZE = 48
BUBBLES = 40


def foam() -> np.ndarray:
    """A cube of greyscale, float32; air is dark."""
    random = np.random.default_rng(SEED)
    voxels = np.indices((SIZE,) * 3).reshape(3, -1).T
    grey = np.full(SIZE**3, 200.0)
    for middle, radius in zip(
        random.uniform(0, SIZE, (BUBBLES, 3)), random.uniform(4, 8, BUBBLES), strict=True
    ):
        grey[((voxels - middle) ** 2).sum(axis=1) < radius**2] = 40.0
    noisy: np.ndarray = grey + random.normal(0, 5, grey.shape)
    return noisy.reshape((SIZE,) * 3).astype("f4")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description="Make a foam.")
    parser.add_argument("file", type=Path, help="where to, for instance foam.npy")
    given = parser.parse_args()
    given.file.parent.mkdir(parents=True, exist_ok=True)
    np.save(given.file, foam())
