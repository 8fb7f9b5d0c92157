"""Make the data that the example notebooks work on: weather of stations that don't exist.

``python make_data.py data/full --megabytes 300``, or `make` in Python. The same folder and size
give the same bytes on every machine, a smaller size is the beginning of a larger one, and what is
there already is not made again.

::

    stations.csv              station, name, region, height
    readings/part-000.parquet time, station, temperature, rain
    fields/part-000.npy       temperature on a grid, float32, (hours, rows, columns)
"""

from __future__ import annotations

import argparse
import os
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd

SEED = 20_261_121
MEGABYTES = 300
MEGABYTES_A_PART = 12
STATIONS = 400
READINGS = 300_000
GRID = (100, 100, 200)
REGIONS = ("coast", "forest", "mountains", "plain", "town")


def make(folder: str | Path, megabytes: int = MEGABYTES) -> Path:
    """Make about that much data in a folder, unless it is there; the folder's absolute path."""
    path = Path(folder).resolve()
    for name in ("readings", "fields"):
        (path / name).mkdir(parents=True, exist_ok=True)
    _once(path / "stations.csv", lambda target: stations().to_csv(target, index=False))
    for part in range(max(1, megabytes // MEGABYTES_A_PART)):
        _once(
            path / f"readings/part-{part:03}.parquet",
            lambda target, part=part: readings(part).to_parquet(target, index=False),
        )
        _once(path / f"fields/part-{part:03}.npy", lambda target, part=part: _save(target, part))
    return path


def stations() -> pd.DataFrame:
    """A row for each station."""
    random = np.random.default_rng(SEED)
    numbers = np.arange(STATIONS)
    return pd.DataFrame(
        {
            "station": numbers,
            "name": [f"Station {number:03}" for number in numbers],
            "region": random.choice(REGIONS, STATIONS),
            "height": random.gamma(2.0, 200.0, STATIONS).round(),
        }
    )


def readings(part: int) -> pd.DataFrame:
    """The readings of one part, in the order of time."""
    random = np.random.default_rng((SEED, 1, part))
    start = pd.Timestamp("2020-01-01") + pd.Timedelta(days=30 * part)
    seconds = np.sort(random.integers(0, 30 * 86400, READINGS))
    season = 10 * np.sin(2 * np.pi * (part / 12 - 0.25))
    return pd.DataFrame(
        {
            "time": start + pd.to_timedelta(seconds, unit="s"),
            "station": random.integers(0, STATIONS, READINGS),
            "temperature": (12 + season + random.normal(0, 5, READINGS)).round(3),
            "rain": random.exponential(0.4, READINGS).round(3),
        }
    )


def field(part: int) -> np.ndarray:
    """Temperature on the grid, an hour a layer, for one part."""
    random = np.random.default_rng((SEED, 2, part))
    return random.normal(12, 5, GRID).astype("float32")


def _save(target: Path, part: int) -> None:
    with target.open("wb") as file:
        np.save(file, field(part))


def _once(path: Path, write: Callable[[Path], object]) -> None:
    """Write a file if it isn't there; it appears whole or not at all."""
    if path.exists():
        return
    unfinished = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        write(unfinished)
        unfinished.replace(path)
    finally:
        unfinished.unlink(missing_ok=True)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description="Make the data of the example notebooks.")
    parser.add_argument("folder", help="where to, for instance data/full")
    parser.add_argument("--megabytes", type=int, default=MEGABYTES, help="about how much")
    given = parser.parse_args()
    print(make(given.folder, given.megabytes))
