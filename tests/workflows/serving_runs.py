"""Fixtures of the tests that submit runs: the service, a notebook to submit."""

from __future__ import annotations

from pathlib import Path

import nbformat.v4
import pytest

from tests.workflows.fake_runs import FakeRuns


@pytest.fixture
def service() -> FakeRuns:
    return FakeRuns()


@pytest.fixture
def notebook(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A notebook in the present directory, which is an empty one."""
    monkeypatch.chdir(tmp_path)
    given = "n: int = 3  # how many\ntitle = 'Wind'\nscale: float\nnames = ['a']\n"
    cell = nbformat.v4.new_code_cell(given, metadata={"tags": ["parameters"]})
    made = nbformat.v4.new_notebook(cells=[cell, nbformat.v4.new_code_cell("print(n)")])
    made.metadata["kernelspec"] = {"name": "python3", "display_name": "Python 3"}
    nbformat.write(made, tmp_path / "plot.ipynb")
    return Path("plot.ipynb")
