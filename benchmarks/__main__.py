"""Run every measurement and print the table: ``python -m benchmarks``."""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path

import psutil

from benchmarks import clusters, locale_groups, login, panel, steps
from benchmarks.measure import HEAD, Row
from tests.stack import Stack


def idle_memory(stack: Stack) -> Row:
    """Proportional set size of everything that runs when nobody is logged in."""
    mebibytes = sum(p.memory_full_info().pss for p in stack.processes()) / 2**20
    return Row("memory of the idle stack (PSS)", mebibytes, "", 0.0, unit="MiB")


def main() -> None:
    parser = argparse.ArgumentParser(prog="make bench", description=__doc__)
    parser.add_argument("--rounds", type=int, default=5, help="rounds a measurement (median)")
    parser.add_argument("--write", type=Path, help="also write the table to this file")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as directory, Stack(Path(directory) / "home") as stack:
        rows = [idle_memory(stack)]
        rows += clusters.measure(stack, options.rounds)
        rows += clusters.recovery(stack, options.rounds)
        rows += login.measure(stack, Path(directory) / "plain", options.rounds)
    rows += locale_groups.measure(options.rounds)
    rows += panel.measure(options.rounds)
    rows += steps.measure(options.rounds)
    table = "\n".join([HEAD, *(row.markdown() for row in rows)])
    cores, memory = psutil.cpu_count(), psutil.virtual_memory().total / 2**30
    machine = f"{cores} cores, {memory:.0f} GiB"
    text = f"{table}\n\nMedians of {options.rounds} alternating rounds on {machine}.\n"
    print(text)
    if options.write:
        options.write.write_text(text)


if __name__ == "__main__":
    main()
