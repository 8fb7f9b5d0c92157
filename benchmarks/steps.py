"""What a step costs beyond its work: a notebook against bare papermill, and a thousand steps.

``python -m benchmarks.steps`` measures it alone. Neither a hub nor the service takes part: what is
measured is from an executor's `submit` until it is told that the run has succeeded.
"""

from __future__ import annotations

import argparse
import asyncio
import itertools
import subprocess
import sys
import tempfile
from pathlib import Path

import nbformat
import papermill

from alongside.models import now
from alongside_workflows.executors.base import Credentials, ObservedRun
from alongside_workflows.executors.local import LocalExecutor
from alongside_workflows.model import Step, Workflow
from alongside_workflows.runs import RunSpec, State
from benchmarks.measure import HEAD, Row, alternate, clock, median

ON_TOP = 0.3  # seconds that a step may take longer than papermill within a process that has it
STEPS = 1_000
EACH = 0.05  # seconds of scheduling for each of these
WIDTH = 25  # steps in a layer of the graph; each comes after one of the layer above
CELLS = ("n = 1", "import json", "total = sum(range(n))", "print(json.dumps(total))")
NOBODY = Credentials("", "")


def notebook(path: Path) -> Path:
    """One with a parameter, an import and an output."""
    cells = [nbformat.v4.new_code_cell(source) for source in CELLS]
    cells[0].metadata["tags"] = ["parameters"]
    made = nbformat.v4.new_notebook(cells=cells)
    spec = {"name": "python3", "display_name": "Python 3", "language": "python"}
    made.metadata["kernelspec"] = spec
    nbformat.write(made, path)
    return path


def layered(steps: int) -> tuple[Step, ...]:
    """A graph of commands that do nothing, `WIDTH` beside each other."""
    return tuple(
        Step(
            name=f"s{number}",
            command=("true",),
            after=(f"s{number - WIDTH}",) if number >= WIDTH else (),
        )
        for number in range(steps)
    )


class Runs:
    """Runs of the local executor, as its service has them."""

    def __init__(self, place: Path) -> None:
        self._place = place
        self._numbers = itertools.count()
        self._loop = asyncio.new_event_loop()
        self._executor = LocalExecutor(place / "home")
        self._loop.run_until_complete(self._executor.open())

    def carry_out(self, *steps: Step, parallel: int = 4, limit: float = 240) -> None:
        """From the submission to the success. Raises RuntimeError, TimeoutError."""
        work = self._carry_out(steps, parallel)
        self._loop.run_until_complete(asyncio.wait_for(work, limit))

    async def _carry_out(self, steps: tuple[Step, ...], parallel: int) -> None:
        flow = Workflow(name="bench", steps=steps, directory=str(self._place), parallel=parallel)
        id = f"r-{next(self._numbers)}"
        changes = self._executor.watch()
        spec = RunSpec(id=id, owner="ada", workflow=flow, executor="local", created=now())
        await self._executor.submit(spec, NOBODY)
        async for change in changes:
            if isinstance(change, ObservedRun) and change.status.state.final:
                if change.status.state is not State.SUCCEEDED:
                    raise RuntimeError(change.status.message)
                return

    def close(self) -> None:
        """End the executor; its runs have ended."""
        self._loop.run_until_complete(self._executor.close())
        self._loop.close()


def measure(rounds: int, steps: int = STEPS) -> list[Row]:
    """The rows of the table."""
    ours: list[float] = []
    within: list[float] = []
    shell: list[float] = []
    many: list[float] = []
    with tempfile.TemporaryDirectory(prefix="al-") as directory:
        place = Path(directory)
        source, executed = notebook(place / "n.ipynb"), str(place / "executed.ipynb")
        runs = Runs(place)
        try:

            def with_us() -> None:
                with clock(ours):
                    runs.carry_out(Step(name="n", notebook="n.ipynb", parameters={"n": 10}))

            def papermill_within() -> None:
                with clock(within):
                    papermill.execute_notebook(source, executed, {"n": 10}, progress_bar=False)

            def papermill_shell() -> None:
                words = [sys.executable, "-m", "papermill", "--no-progress-bar", "-p", "n", "10"]
                with clock(shell):
                    subprocess.run(
                        [*words, str(source), executed], check=True, capture_output=True, timeout=60
                    )

            alternate(rounds, with_us, papermill_within, papermill_shell)
            with clock(many):
                runs.carry_out(*layered(steps))
        finally:
            runs.close()
    budget = median(within) + ON_TOP
    return [
        Row(
            "a notebook as a step", median(ours), "papermill within a process + 0.3 s", budget, 1.0
        ),
        Row("a notebook as a step", median(ours), "papermill in a shell", median(shell)),
        Row(f"a run of {steps:,} commands", many[0], "0.05 s for each", EACH * steps, 1.0),
    ]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=5, help="rounds a measurement (median)")
    parser.add_argument("--steps", type=int, default=STEPS, help="steps of the large run")
    options = parser.parse_args()
    rows = measure(options.rounds, options.steps)
    print("\n".join([HEAD, *(row.markdown() for row in rows)]))


if __name__ == "__main__":
    main()
