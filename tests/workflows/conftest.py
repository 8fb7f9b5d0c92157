"""What tests of workflows share."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from alongside_workflows.model import Step
from tests.workflows.local_runs import ROOT, Make, Run, nothing_left


@pytest.fixture
def importable(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let processes that are started import what lies beside the tests."""
    monkeypatch.setenv("PYTHONPATH", str(ROOT), prepend=os.pathsep)


@pytest.fixture
def make(tmp_path: Path) -> Iterator[Make]:
    """Makes runs in the test's directory, of which no process is left."""
    made: list[Run] = []

    def one(*steps: Step, **more: Any) -> Run:
        made.append(Run(tmp_path, *steps, **more))
        return made[-1]

    yield one
    for runner in (runner for run in made for runner in run.runners):
        if runner.poll() is None:
            runner.kill()
        runner.wait(10)
    nothing_left(tmp_path)
