"""What the browser is told of a notebook that is to be run: its parameters, and where it is."""

from __future__ import annotations

import json

import httpx
import pytest

from tests.lab.jupyter import Jupyter

ROUTE = "alongside/notebook-parameters"


@pytest.fixture
def notebook(jupyter: Jupyter) -> str:
    """A path as the file browser has it."""
    cell: dict[str, object] = {
        "cell_type": "code",
        "source": "n: int = 3  # how many",
        "metadata": {"tags": ["parameters"]},
        "outputs": [],
        "execution_count": None,
    }
    kernel = {"name": "python3", "display_name": "Python 3", "language": "python"}
    content = {
        "nbformat": 4,
        "nbformat_minor": 4,
        "metadata": {"kernelspec": kernel},
        "cells": [cell],
    }
    path = jupyter.folder / "a b" / "Größe.ipynb"
    path.parent.mkdir(exist_ok=True)
    path.write_text(json.dumps(content), encoding="utf-8")
    return "a b/Größe.ipynb"


@pytest.mark.shows("K70")
def test_parameters_and_place_are_told(
    browser: httpx.Client, jupyter: Jupyter, notebook: str
) -> None:
    told = browser.get(ROUTE, params={"path": notebook}).json()
    assert told["notebook"] == "Größe.ipynb"
    assert told["directory"] == str(jupyter.folder / "a b")
    assert told["kernel"] == "python3"
    (parameter,) = told["parameters"]
    assert parameter["name"] == "n"
    assert parameter["type"] == "int"
    assert parameter["default"] == 3
    assert parameter["tagged"] is True
    assert parameter["help"] == "how many"
    # a run knows it by its absolute path only
    again = browser.get(ROUTE, params={"file": f"{told['directory']}/{told['notebook']}"})
    assert again.json() == told


def test_what_travels_with_a_run_is_what_is_executed(
    browser: httpx.Client, jupyter: Jupyter, notebook: str
) -> None:
    path = jupyter.folder / notebook
    content = json.loads(path.read_text(encoding="utf-8"))
    shown = {"output_type": "stream", "name": "stdout", "text": "x" * 10_000}
    content["cells"][0] |= {"outputs": [shown], "execution_count": 7}
    path.write_text(json.dumps(content), encoding="utf-8")
    found = browser.get("alongside/notebook-content", params={"path": notebook}).json()
    (cell,) = found["cells"]
    assert cell["source"] == "n: int = 3  # how many"
    assert cell["outputs"] == []
    assert cell["execution_count"] is None
    assert cell["metadata"] == {"tags": ["parameters"]}
    assert found["metadata"]["kernelspec"]["name"] == "python3"


@pytest.mark.parametrize("route", [ROUTE, "alongside/notebook-content"])
@pytest.mark.parametrize(
    ("named", "status"),
    [
        ({}, 422),
        ({"path": "missing.ipynb"}, 404),
        ({"path": "server.log"}, 422),
        ({"file": "/etc/passwd"}, 422),
        ({"path": "../../etc/passwd"}, 404),
    ],
)
def test_what_is_no_notebook_of_the_session_is_refused_with_a_remedy(
    browser: httpx.Client, route: str, named: dict[str, str], status: int
) -> None:
    answer = browser.get(route, params=named)
    assert answer.status_code == status
    assert answer.json()["detail"]
    assert answer.json()["remedy"]
