"""A part of a notebook as a step: chosen cells and functions, and nothing of the rest."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

from alongside.errors import InvalidFields, InvalidRequest
from alongside_workflows import client, digest
from alongside_workflows.choosing import fitted
from alongside_workflows.model import Step
from alongside_workflows.rewriting import InvalidParameters
from alongside_workflows.runs import State
from alongside_workflows.step.opening import executable
from tests.workflows.local_runs import Make
from tests.workflows.notebooks import Attempt
from tests.workflows.test_runner_notebooks import real


def made(*cells: tuple[str, str], kernel: str = "python3", language: str = "python") -> Any:
    """A notebook with these code cells, each with a tag or ''."""
    book = new_notebook(cells=[new_markdown_cell("# Foam", metadata={"tags": ["setup"]})])
    for tag, source in cells:
        book.cells.append(new_code_cell(source, metadata={"tags": [tag]} if tag else {}))
    book.metadata.kernelspec = {"name": kernel, "display_name": kernel, "language": language}
    return book


SMOOTH = """\
def smooth(image, out, radius=2, *, mode='near'):
    trace.append('smooth')
    with open(out, 'w') as file:
        json.dump([open(image).read(), radius, mode], file)
    return radius * threshold
"""
FOAM = (
    ("", "import json\n%precision 3"),
    ("", "import os; trace = ['imported'] ; os.environ['LOADED'] = '1'"),
    ("parameters", "threshold = 0.5"),
    ("setup", "trace = ['setup']"),
    ("", "trace.append('all of it')\n1 / 0"),
    (
        "",
        SMOOTH,
    ),
    ("report", "1 / 0"),
)


def chosen(book: Any) -> list[str]:
    return [cell.source for cell in book.cells if executable(cell)]


def write(path: Path, book: Any) -> Path:
    nbformat.write(book, path)
    return path


@pytest.mark.shows("T118")
def test_one_function_and_one_tagged_cell_on_chosen_data(tmp_path: Path) -> None:
    write(tmp_path / "foam.ipynb", made(*FOAM))
    (tmp_path / "image.txt").write_text("pixels")
    attempt = Attempt(
        tmp_path,
        values={"radius": 3, "threshold": 2.0},
        step={
            "notebook": "foam.ipynb",
            "cells": ["setup"],
            "functions": ["smooth"],
            "inputs": {"image": "image.txt"},
            "outputs": {"out": "smooth.json"},
            "results": ["smooth_result", "trace"],
        },
    )
    outcome = attempt.run()
    assert outcome.succeeded, (outcome, attempt.log)
    assert outcome.results == {"smooth_result": 6.0, "trace": ["setup", "smooth"]}
    assert json.loads((tmp_path / "smooth.json").read_text()) == ["pixels", 3, "near"]
    counts = [c.execution_count for c in attempt.executed.cells if c.cell_type == "code"]
    assert counts == [1, None, 2, 3, None, 4, None, 5]
    nbformat.validate(attempt.executed)
    assert attempt.progress is not None
    assert attempt.progress.cells == 5


def test_a_run_of_two_parts_of_one_notebook(tmp_path: Path, make: Make) -> None:
    write(
        tmp_path / "n.ipynb",
        made(
            ("first", "open('log', 'a').write('a')\nn = 1"),
            ("second", "n = 0\nopen('log', 'a').write(f'b{n}')"),
        ),
    )
    run = real(
        make(
            Step(name="a", notebook="n.ipynb", cells=("first",), results=("n",)),
            Step(name="b", notebook="n.ipynb", cells=("second",), takes={"n": "a.n"}),
        )
    )
    assert run.finish().state is State.SUCCEEDED
    assert (tmp_path / "log").read_text() == "ab1"


def test_a_function_that_is_awaited_and_one_that_is_defined_twice() -> None:
    book = made(
        ("", "async def load(): pass"),
        ("", "%%time\ndef fit(x, y=1): pass"),
        ("", "def fit(x): pass"),
        ("", "!echo load\nimport os"),
    )
    book.nbformat_minor = 4
    found = fitted(book, {"x": "it's"}, functions=["load", "fit"])
    assert chosen(found) == [
        *(cell.source for cell in book.cells[1:4]),
        "load_result = await load()",
        'fit_result = fit(x="it\'s")',
    ]
    assert "id" not in found.cells[-1]


@pytest.mark.shows("T118")
def test_all_that_is_wrong_is_told_at_once(tmp_path: Path) -> None:
    with pytest.raises(InvalidParameters) as caught:
        fitted(
            made(*FOAM, ("late", "lost = 1")),
            {"threshold": "high", "lost": 2, "unknown": 3},
            cells=["setup", "setip"],
            functions=["smoth", "smooth"],
        )
    told = {error.field: error for error in caught.value.errors}
    assert told["cells.1"].message == "No code cell of the notebook has the tag 'setip'."
    assert "setup" in told["cells.1"].remedy
    assert told["functions.0"].remedy == "Did you mean smooth?"
    assert told["parameters.image"].message == "smooth has no value for its argument image."
    assert "parameters.out" in told
    assert "threshold can't be" in told["parameters.threshold"].message
    assert told["parameters.lost"].message == (
        "lost is assigned only in cells that are not executed."
    )
    assert "no variable" in told["parameters.unknown"].message
    assert len(told) == len(caught.value.errors) == 7

    path = write(tmp_path / "foam.ipynb", made(*FOAM))
    with pytest.raises(InvalidFields) as refused:  # before anything is submitted
        client.define(path, {"nothing": 1}, cells=["none"], functions=["smooth"])
    assert len(refused.value.errors) == 4
    flow = client.define(
        path, functions=["smooth"], inputs={"image": "i"}, outputs={"out": "o"}, cells=["setup"]
    )
    assert flow.steps[0].functions == ("smooth",)


def test_functions_are_those_of_python() -> None:
    book = made(("setup", "f <- function(x) x"), kernel="ir", language="R")
    assert chosen(fitted(book, {}, cells=["setup"])) == ["f <- function(x) x"]
    with pytest.raises(InvalidParameters, match="the notebook's language is r"):
        fitted(book, {}, functions=["f"])


def test_a_command_has_no_cells() -> None:
    with pytest.raises((InvalidRequest, ValueError), match="`cells`, `functions`: of notebooks"):
        Step(name="a", command=("true",), cells=("x",), functions=("f",))


def test_what_is_chosen_decides_whether_it_is_done_again(tmp_path: Path) -> None:
    path = write(tmp_path / "n.ipynb", made(("a", "1"), ("b", "2")))

    def one(*cells: str) -> str:
        step = Step(name="n", notebook=str(path), cells=cells)
        return digest.digest(step, {}, "", digest.Memory(), "")

    first = one("a")
    assert first == one("a")
    assert first != one("b")
    write(path, made(("b", "1"), ("a", "2")))  # the same code, other tags
    assert first != one("a")
