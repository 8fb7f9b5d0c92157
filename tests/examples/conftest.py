"""Runs example notebooks as they are, in kernels of their own."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient

import alongside
from tests.client.real import CATALOGUE, RealService, real_service

EXAMPLES = Path(__file__).resolve().parent.parent.parent / "examples"


@pytest.fixture(scope="session")
def real() -> Iterator[RealService]:
    with real_service(CATALOGUE.replace("maximum: 6", "maximum: 8")) as service:
        yield service


@pytest.fixture
def hub(real: RealService) -> Iterator[alongside.Client]:
    """The session's client; backends of the session end with the test."""
    with alongside.Client(real.url, real.token) as client:
        yield client
        for backend in client.backends():
            backend.stop(wait=True)


@pytest.fixture(scope="session")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the examples, so that their data are made outside of the checkout."""
    copy = tmp_path_factory.mktemp("examples") / "examples"
    shutil.copytree(EXAMPLES, copy, ignore=shutil.ignore_patterns("data", "__pycache__"))
    return copy


@pytest.fixture
def run(folder: Path) -> Callable[..., nbformat.NotebookNode]:
    """Run a notebook's text in a kernel with these variables; the notebook with its outputs.

    Each cell has `timeout` seconds.
    """

    def run(
        source: str, environment: dict[str, str], timeout: float = 150
    ) -> nbformat.NotebookNode:
        kept = {k: v for k, v in os.environ.items() if not k.startswith(("ALONG", "DASK_", "JUPY"))}
        notebook = nbformat.reads(source, as_version=4)
        client = NotebookClient(
            notebook, timeout=timeout, resources={"metadata": {"path": str(folder)}}
        )
        client.execute(env=kept | environment)
        return notebook

    return run
