"""A part of a notebook as a step: cells by their tags, and functions that are called. Pure.

All other cells stay in the notebook, tagged so that they are not executed.
"""

from __future__ import annotations

import ast
import copy
import difflib
import warnings
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass

from nbformat import NotebookNode
from nbformat.v4 import new_code_cell
from pydantic import JsonValue

from alongside.errors import InvalidRequest
from alongside_workflows import parameters
from alongside_workflows.assignments import TAGS
from alongside_workflows.literals import literal
from alongside_workflows.magics import is_foreign, mask
from alongside_workflows.rewriting import InvalidParameters, apply
from alongside_workflows.step.opening import SKIP

RESULT = "{}_result"
"""The variable that keeps what a function has returned."""
_Function = ast.FunctionDef | ast.AsyncFunctionDef


def fitted(
    notebook: NotebookNode,
    values: Mapping[str, JsonValue],
    optional: Collection[str] = (),
    *,
    cells: Sequence[str] = (),
    functions: Sequence[str] = (),
) -> NotebookNode:
    """A new notebook in which the variables have these values, and only what was chosen is done.

    values, optional : as in `rewriting.apply`; a name may be an argument of a called function too
    cells : tags; code cells that have none of them are not executed
    functions : names; each is called at the end with the values that it has arguments for

    Where functions are called, the cells that define them are executed, and those that do nothing
    but import. The cell tagged ``parameters`` is executed in any case. Without `cells` and
    `functions` it is the whole notebook. Raises InvalidParameters, which tells all at once.
    """
    if not cells and not functions:
        return apply(notebook, values, optional)
    errors = [*_unknown_tags(notebook, cells)]
    known: dict[str, _Function] = {}
    chosen = _tagged(notebook, cells)
    if functions and (spoken := parameters.language(notebook)) != "python":
        message = f"Functions can't be called: the notebook's language is {spoken}."
        errors.append(InvalidRequest(message, "Choose cells by their tags.", "functions"))
    elif functions:
        read = _Functions(notebook, functions)
        known = read.known
        chosen |= read.cells
        errors += read.unknown()
    calls = [_Call(name, known[name], values) for name in functions if name in known]
    errors += [problem for call in calls for problem in call.problems()]
    arguments = {name for call in calls for name in call.given}
    try:
        result = _apply(notebook, chosen, values, {*optional, *arguments})
    except InvalidParameters as wrong:
        errors += wrong.errors
    if errors:
        raise InvalidParameters(errors)
    for call in calls:
        cell = new_code_cell(call.source())
        if result.get("nbformat_minor", 0) < 5:
            del cell["id"]  # cells have none there
        result.cells.append(cell)
    return result


def _apply(
    notebook: NotebookNode,
    chosen: Collection[int],
    values: Mapping[str, JsonValue],
    optional: Collection[str],
) -> NotebookNode:
    """Set the values in the chosen cells, and have the others left out."""
    part = copy.deepcopy(notebook)
    others = [
        (index, cell.source)
        for index, cell in enumerate(part.cells)
        if cell.cell_type == "code" and index not in chosen
    ]
    for index, _ in others:
        part.cells[index].source = ""
    try:
        result = apply(part, values, optional)
    except InvalidParameters as wrong:
        there, here = (parameters.find(book, list(values)) for book in (notebook, part))
        elsewhere = {f"parameters.{name}": name for name in there.keys() - here.keys()}
        raise InvalidParameters([_placed(one, elsewhere) for one in wrong.errors]) from None
    for index, source in others:
        cell = result.cells[index]
        cell.source = source
        cell.metadata["tags"] = [*_tags(cell), SKIP]
    return result


def _placed(wrong: InvalidRequest, elsewhere: Mapping[str, str]) -> InvalidRequest:
    """The same, unless it misses a variable that is in a cell which was not chosen."""
    if wrong.field not in elsewhere:
        return wrong
    return InvalidRequest(
        f"{elsewhere[wrong.field]} is assigned only in cells that are not executed.",
        "Choose that cell too, or leave the parameter out.",
        wrong.field,
    )


def _tagged(notebook: NotebookNode, tags: Sequence[str]) -> set[int]:
    """The code cells that have one of these tags, or hold the parameters."""
    return {
        index
        for index, cell in enumerate(notebook.cells)
        if cell.cell_type == "code" and not {*tags, *TAGS}.isdisjoint(_tags(cell))
    }


def _tags(cell: NotebookNode) -> list[str]:
    return [str(tag) for tag in cell.get("metadata", {}).get("tags") or ()]


def _unknown_tags(notebook: NotebookNode, wanted: Sequence[str]) -> Iterator[InvalidRequest]:
    code = (cell for cell in notebook.cells if cell.cell_type == "code")
    there = list(dict.fromkeys(tag for cell in code for tag in _tags(cell)))
    for number, tag in enumerate(wanted):
        if tag not in there:
            known = f"Tags of its code cells: {', '.join(there[:20])}." if there else ""
            yield InvalidRequest(
                f"No code cell of the notebook has the tag {tag!r}.",
                known or "Give the cells tags in JupyterLab, under Common Tools.",
                f"cells.{number}",
            )


class _Functions:
    """What there is of these functions in a notebook, and the cells that they need."""

    def __init__(self, notebook: NotebookNode, wanted: Sequence[str]) -> None:
        self.known: dict[str, _Function] = {}
        """Each as it is defined last."""
        self.cells: set[int] = set()
        self._wanted = wanted
        self._all: dict[str, None] = {}
        for index, cell in enumerate(notebook.cells):
            if cell.cell_type == "code" and not is_foreign(cell.source):
                self._read(index, cell.source)

    def unknown(self) -> Iterator[InvalidRequest]:
        for number, name in enumerate(self._wanted):
            if name not in self.known:
                close = difflib.get_close_matches(name, self._all, n=1)
                remedy = f"Did you mean {close[0]}?" if close else "Define it in a code cell."
                message = f"The notebook has no function {name}."
                yield InvalidRequest(message, remedy, f"functions.{number}")

    def _read(self, index: int, source: str) -> None:
        statements, magics = _statements(source)
        functions = {one.name: one for one in statements if isinstance(one, _Function)}
        self._all |= dict.fromkeys(functions)
        wanted = {name: one for name, one in functions.items() if name in self._wanted}
        self.known |= wanted
        if wanted or _only_imports(statements, magics):
            self.cells.add(index)


def _statements(source: str) -> tuple[list[ast.stmt], dict[str, str]]:
    """What a cell consists of, as far as it can be read; and IPython's own syntax by its names."""
    if (found := _parsed(source)) is not None:
        return found, {}
    masked = mask(source)
    magics = {f"{masked.word}{number}_": text for number, text in enumerate(masked.pieces)}
    return _parsed(masked.source) or [], magics


def _parsed(source: str) -> list[ast.stmt] | None:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # about backslashes in text
            return ast.parse(source).body
    except (SyntaxError, ValueError, MemoryError, RecursionError):
        return None


def _only_imports(statements: Sequence[ast.stmt], magics: Mapping[str, str]) -> bool:
    """Whether it imports, and does nothing else but to set IPython up (``%matplotlib inline``)."""
    imports = [one for one in statements if isinstance(one, ast.Import | ast.ImportFrom)]
    others = [one for one in statements if one not in imports]
    return bool(imports) and all(_is_idle(one, magics) for one in others)


def _is_idle(statement: ast.stmt, magics: Mapping[str, str]) -> bool:
    match statement:
        case ast.Expr(ast.Constant()):
            return True
        case ast.Expr(ast.Name(name)):
            return magics.get(name, "").startswith("%")
    return False


@dataclass
class _Call:
    """One function, called with those of the values that it has arguments for."""

    name: str
    function: _Function
    values: Mapping[str, JsonValue]

    @property
    def given(self) -> list[str]:
        """The arguments that get a value."""
        told = self.function.args
        arguments = [*told.posonlyargs, *told.args, *told.kwonlyargs]
        return [one.arg for one in arguments if one.arg in self.values]

    def problems(self) -> Iterator[InvalidRequest]:
        told = self.function.args
        positional = [one.arg for one in (*told.posonlyargs, *told.args)]
        required = positional[: len(positional) - len(told.defaults)]
        pairs = zip(told.kwonlyargs, told.kw_defaults, strict=True)
        required += [one.arg for one, default in pairs if default is None]
        for name in required:
            if name not in self.values:
                yield InvalidRequest(
                    f"{self.name} has no value for its argument {name}.",
                    f"Give the step a parameter, an input or an output called {name}.",
                    f"parameters.{name}",
                )
        if told.posonlyargs:
            yield InvalidRequest(
                f"{self.name} has arguments without a name.",
                "Take the slash out of its definition.",
                "functions",
            )
        for name in self.given:
            try:
                literal(self.values[name])
            except ValueError as error:
                field = f"parameters.{name}"
                yield InvalidRequest(f"The value of {name} {error}.", "Give plain values.", field)

    def source(self) -> str:
        waits = "await " if isinstance(self.function, ast.AsyncFunctionDef) else ""
        arguments = ", ".join(f"{name}={literal(self.values[name])}" for name in self.given)
        return f"{RESULT.format(self.name)} = {waits}{self.name}({arguments})"


__all__ = ["RESULT", "fitted"]
