"""A notebook as it is on disk: read, checked, and made fit to be executed."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pydantic import JsonValue

from alongside_workflows.step.failing import StepFailed, cause
from alongside_workflows.task import BAD_INPUT, Task

LARGEST = 200 * 2**20
"""Bytes of a notebook."""
SKIP = "skip-execution"
"""Tag of cells that are not executed."""
_OLDEST, _NEWEST = 3, 4  # major versions of the format
_CHECK = "rfc3987_syntax"
_SAVE = "Open it in JupyterLab and save it again."


def read(path: Path) -> dict[str, Any]:
    """The JSON of a notebook that can be executed. Raises StepFailed that says why it can't."""
    try:
        with path.open("rb") as file:
            content = file.read(LARGEST + 1)
    except FileNotFoundError:
        raise _wrong(f"There is no notebook {path}.", "Correct the path.") from None
    except OSError as error:
        raise _wrong(f"The notebook {path} can't be read: {cause(error)}.", "") from error
    if len(content) > LARGEST:
        raise _wrong(
            f"The notebook {path} is larger than {LARGEST // 2**20} MiB.", "Clear its outputs."
        )
    try:
        notebook: dict[str, Any] = json.loads(content)
    except (ValueError, RecursionError) as error:
        raise _wrong(f"{path} is not JSON: {cause(error)}.", _SAVE) from error
    _check(notebook, path)
    return notebook


def kernel_name(notebook: dict[str, Any], wanted: str | None) -> str:
    """The kernel that it is for. Raises StepFailed when that isn't said."""
    metadata = notebook.get("metadata")
    spec = metadata.get("kernelspec") if isinstance(metadata, dict) else None
    name = wanted or (spec.get("name") if isinstance(spec, dict) else None)
    if not isinstance(name, str) or not name:
        raise _wrong(
            "The notebook does not say which kernel it is for.",
            "Choose one in JupyterLab and save it, or give the step a `kernel`.",
        )
    return name


def parsed(notebook: dict[str, Any]) -> Any:
    """The notebook in the newest version of the format (a NotebookNode), without its outputs."""
    nbformat = import_nbformat()
    try:
        node = nbformat.reader.reads(json.dumps(notebook))
        if notebook["nbformat"] < _NEWEST:
            node = nbformat.convert(node, _NEWEST)
    except Exception as error:  # its readers raise whatever a malformed notebook makes them
        raise _wrong(f"The notebook is malformed: {cause(error)}.", _SAVE) from error
    for cell in node.cells:
        cell.setdefault("metadata", nbformat.NotebookNode())
        if cell.cell_type == "code":
            cell.outputs = []
            cell.execution_count = None
            cell.metadata.pop("execution", None)
    return node


def fitted(
    notebook: dict[str, Any], task: Task, paths: Mapping[str, Path], language: str = ""
) -> Any:
    """The notebook as `parsed`, with the values of its parameters, and cut to what is chosen of it.

    paths : of inputs and outputs; those that the notebook has no parameter for are left out
    language : of the kernel that it is executed by; default: what the notebook says

    Raises StepFailed, and InvalidParameters with all that is wrong.
    """
    node, step = parsed(notebook), task.step
    if language:
        node.metadata.setdefault("language_info", {})["name"] = language
    places: dict[str, JsonValue] = {name: str(path) for name, path in paths.items()}
    if task.values or places or step.cells or step.functions:
        from alongside_workflows import choosing  # parses Python: a while to import

        optional = {*task.optional, *(places.keys() - task.values.keys())}
        values = places | task.values
        node = choosing.fitted(node, values, optional, cells=step.cells, functions=step.functions)
    return node


def import_nbformat() -> Any:
    """The package, a second sooner than by just importing it.

    jsonschema, which it imports, takes that long for a check that notebooks have no use for; where
    the package for it is missing, it does without.
    """
    there = sys.modules.setdefault(_CHECK, None)  # type: ignore[arg-type]  # as if missing
    try:
        import nbformat
    finally:
        if there is None:
            del sys.modules[_CHECK]
    return nbformat


def executable(cell: Any) -> bool:
    """Whether the cell is one that is executed."""
    return (
        cell.cell_type == "code"
        and bool(cell.source.strip())
        and SKIP not in (cell.metadata.get("tags") or ())
    )


def _check(notebook: Any, path: Path) -> None:
    if not isinstance(notebook, dict) or not isinstance(notebook.get("nbformat"), int):
        raise _wrong(f"{path} is JSON, but no notebook.", "Correct the path.")
    version = notebook["nbformat"]
    if not _OLDEST <= version <= _NEWEST:
        raise _wrong(
            f"{path} is a notebook in version {version} of the format; "
            f"{_OLDEST} and {_NEWEST} are understood.",
            _SAVE,
        )
    if version < _NEWEST:
        cells, text = _of_sheets(notebook.get("worksheets")), "input"
    else:
        cells, text = notebook.get("cells"), "source"
    if not isinstance(cells, list) or not all(_is_cell(cell, text) for cell in cells):
        raise _wrong(f"The notebook {path} is malformed: its cells are not cells.", _SAVE)
    if not any(cell["cell_type"] == "code" and "".join(cell[text]).strip() for cell in cells):
        raise _wrong(f"The notebook {path} has no code to execute.", "Correct the path.")


def _of_sheets(sheets: Any) -> list[Any] | None:
    """The cells of an old notebook; None when it hasn't got that form."""
    cells: list[Any] = []
    for sheet in sheets if isinstance(sheets, list) else [None]:
        if not isinstance(sheet, dict) or not isinstance(sheet.get("cells"), list):
            return None
        cells += sheet["cells"]
    return cells


def _is_cell(cell: Any, text: str) -> bool:
    if not isinstance(cell, dict) or not isinstance(cell.get("cell_type"), str):
        return False
    source = cell.get(text if cell["cell_type"] == "code" else "source", "")
    if cell["cell_type"] == "code" and text not in cell:
        return False
    if not isinstance(cell.get("metadata", {}), dict):
        return False
    return isinstance(source, str) or (
        isinstance(source, list) and all(isinstance(line, str) for line in source)
    )


def _wrong(message: str, remedy: str) -> StepFailed:
    return StepFailed(message, remedy, BAD_INPUT)
