"""Many steps at once, and what one costs: hundreds of jobs so many at a time, and a notebook as a
step against papermill (NFR2). With the real executor and real steps.
"""

from __future__ import annotations

import asyncio
import statistics
import subprocess
import sys
import time
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import pytest

from alongside_workflows.executors.local import LocalExecutor
from alongside_workflows.model import Step, Throttle
from alongside_workflows.runs import RunStatus, State
from tests.workflows.executor_suite import ACCESS, make_run, until
from tests.workflows.local_runs import nothing_left
from tests.workflows.notebooks import notebook

pytestmark = pytest.mark.slow

STEPS, AT_ONCE = 300, 10
ROUNDS = 3


@pytest.fixture
async def executor(tmp_path: Path) -> AsyncIterator[LocalExecutor]:
    executor = LocalExecutor(tmp_path / "home")
    await executor.open()
    try:
        yield executor
    finally:
        await executor.close()
        nothing_left(tmp_path)


def busiest(status: RunStatus) -> int:
    """How many steps there were at the same time."""
    moments = []
    for step in status.steps:
        for one in step.attempts:
            assert one.ended is not None
            moments += [(one.started, 1), (one.ended, -1)]
    now = most = 0
    for _, change in sorted(moments):
        now += change
        most = max(most, now)
    return most


@pytest.mark.shows("T53")
@pytest.mark.timeout(300)
async def test_hundreds_of_jobs_and_never_more_than_so_many_at_once(
    executor: LocalExecutor, tmp_path: Path
) -> None:
    jobs = [Step(name=f"j{n}", command=("sh", "-c", "echo x >> done")) for n in range(STEPS)]
    await executor.submit(make_run("many", tmp_path, *jobs, parallel=AT_ONCE), ACCESS)
    status = await until(executor, "many", State.SUCCEEDED, 250)
    assert 1 < busiest(status) <= AT_ONCE
    assert len((tmp_path / "done").read_text().split()) == STEPS
    assert all(len(step.attempts) == 1 for step in status.steps)


@pytest.mark.shows("T53")
async def test_so_many_begin_in_any_span_of_time(executor: LocalExecutor, tmp_path: Path) -> None:
    span = 2.0
    throttle = Throttle(starts=3, per=timedelta(seconds=span))
    jobs = [Step(name=f"j{n}", command=("true",)) for n in range(8)]
    run = make_run("campaign", tmp_path, *jobs, parallel=100, throttle=throttle)
    await executor.submit(run, ACCESS)
    status = await until(executor, "campaign", State.SUCCEEDED, 60)
    begun = sorted(one.started for step in status.steps for one in step.attempts)
    apart = [
        (later - first).total_seconds() for first, later in zip(begun, begun[3:], strict=False)
    ]
    assert min(apart) >= span, apart


@pytest.mark.shows("K61")
@pytest.mark.timeout(300)
async def test_nfr2_a_notebook_as_a_step_takes_no_longer_than_papermill(
    executor: LocalExecutor, tmp_path: Path
) -> None:
    path = notebook(tmp_path / "n.ipynb", "n = 1", "total = sum(range(n))", "print(total)")
    words = [sys.executable, "-m", "papermill", "--no-progress-bar", "-k", "python3"]
    words += ["--language", "python", "-p", "n", "10", str(path), str(tmp_path / "out.ipynb")]
    ours, theirs = [], []
    for number in range(ROUNDS):
        step = Step(name="n", notebook="n.ipynb", parameters={"n": 10})
        began = time.monotonic()
        await executor.submit(make_run(f"r{number}", tmp_path, step), ACCESS)
        await until(executor, f"r{number}", State.SUCCEEDED, 60)
        ours.append(time.monotonic() - began)
        began = time.monotonic()
        await asyncio.to_thread(subprocess.run, words, check=True, capture_output=True, timeout=100)
        theirs.append(time.monotonic() - began)
    assert statistics.median(ours) <= statistics.median(theirs), (ours, theirs)
