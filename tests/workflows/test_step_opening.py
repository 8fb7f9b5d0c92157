"""Notebooks that can't be executed are told as that; the others are read, however old."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from alongside_workflows.step import opening
from alongside_workflows.step.failing import StepFailed
from alongside_workflows.task import BAD_INPUT
from tests.workflows.notebooks import notebook

CODE = {"cell_type": "code", "source": ["x = 1\n", "x"], "metadata": {}, "outputs": []}


def written(path: Path, **changes: Any) -> Path:
    made = {"nbformat": 4, "nbformat_minor": 4, "metadata": {}, "cells": [CODE]} | changes
    path.write_text(json.dumps(made))
    return path


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (None, "There is no notebook"),
        (b"", "is not JSON"),
        (b"import numpy", "is not JSON"),
        (b"\xff\xfe{", "is not JSON"),
        (b"[" * 100_000, "is not JSON"),
        (b"[]", "is JSON, but no notebook"),
        (b'{"a": 1}', "is JSON, but no notebook"),
        (b'{"nbformat": 2, "worksheets": []}', "in version 2"),
        (b'{"nbformat": 5, "cells": []}', "in version 5"),
        (b'{"nbformat": 4}', "malformed"),
        (b'{"nbformat": 4, "cells": [1]}', "malformed"),
        (b'{"nbformat": 4, "cells": [{"cell_type": "code"}]}', "malformed"),
        (b'{"nbformat": 3, "worksheets": [1]}', "malformed"),
        (b'{"nbformat": 4, "cells": []}', "no code"),
        (b'{"nbformat": 4, "cells": [{"cell_type": "markdown", "source": "x"}]}', "no code"),
        (b'{"nbformat": 4, "cells": [{"cell_type": "code", "source": [" \\n"]}]}', "no code"),
    ],
)
def test_what_is_no_notebook_is_told(tmp_path: Path, content: bytes | None, message: str) -> None:
    path = tmp_path / "n.ipynb"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(StepFailed) as error:
        opening.read(path)
    assert message in error.value.message
    assert error.value.exit_code == BAD_INPUT


def test_a_directory_is_no_notebook(tmp_path: Path) -> None:
    with pytest.raises(StepFailed, match="can't be read: Is a directory"):
        opening.read(tmp_path)


def test_a_notebook_that_is_too_large_is_told(tmp_path: Path) -> None:
    path = tmp_path / "n.ipynb"
    with path.open("wb") as file:
        file.truncate(opening.LARGEST + 1)
    with pytest.raises(StepFailed, match="Clear its outputs"):
        opening.read(path)


def test_the_kernel_is_the_steps_or_the_notebooks(tmp_path: Path) -> None:
    raw = opening.read(notebook(tmp_path / "n.ipynb", "1", kernel="own"))
    assert opening.kernel_name(raw, None) == "own"
    assert opening.kernel_name(raw, "other") == "other"
    unnamed: list[Any] = [{}, {"kernelspec": {}}, {"kernelspec": "x"}, {"kernelspec": {"name": 1}}]
    for metadata in [*unnamed, []]:
        with pytest.raises(StepFailed, match="which kernel"):
            opening.kernel_name(raw | {"metadata": metadata}, None)


def test_earlier_outputs_are_left_out(tmp_path: Path) -> None:
    output = {"output_type": "stream", "name": "stdout", "text": "old"}
    path = written(tmp_path / "n.ipynb", cells=[CODE | {"outputs": [output], "execution_count": 7}])
    cell = opening.parsed(opening.read(path)).cells[0]
    assert (cell.outputs, cell.execution_count, cell.source) == ([], None, "x = 1\nx")


def test_a_notebook_of_version_3_is_understood(tmp_path: Path) -> None:
    cell = {"cell_type": "code", "language": "python", "input": ["x = 1"], "outputs": []}
    path = tmp_path / "n.ipynb"
    sheet = {"cells": [cell], "metadata": {}}
    old = {"nbformat": 3, "nbformat_minor": 0, "metadata": {"name": ""}, "worksheets": [sheet]}
    path.write_text(json.dumps(old))
    node = opening.parsed(opening.read(path))
    assert (node.nbformat, node.cells[0].source) == (4, "x = 1")


def test_cells_may_be_skipped(tmp_path: Path) -> None:
    skipped = CODE | {"metadata": {"tags": [opening.SKIP]}}
    path = written(tmp_path / "n.ipynb", cells=[CODE, skipped, CODE | {"source": "\n"}])
    node = opening.parsed(opening.read(path))
    assert [opening.executable(cell) for cell in node.cells] == [True, False, False]
