"""Setting a notebook's parameters: the assignments are rewritten, all else stays as it is.

Only the value of an assignment changes; its comments, annotation, indentation and brackets don't.
Where the value is not for the one name alone (``a = b = 1``, ``a, b = f()``) an assignment is put
after it on the same line. In notebooks of other languages assignments are put at the end of the
cell tagged ``parameters``.
"""

from __future__ import annotations

import copy
import difflib
import re
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from uuid import uuid4

import libcst as cst
from nbformat import NotebookNode
from pydantic import JsonValue

from alongside.errors import InvalidFields, InvalidRequest
from alongside_workflows.assigning import Assignment
from alongside_workflows.assignments import Cell, Found, cells, found, to_set
from alongside_workflows.languages import KNOWN, PARAMETERS, spoken
from alongside_workflows.literals import literal
from alongside_workflows.magics import Masked
from alongside_workflows.parameters import (
    Parameter,
    declared,
    describe,
    language,
    tagged_cells,
)

_SHOWN = 60
_MOST = 20
_WORDS = {
    "int": "a whole number",
    "float": "a number",
    "bool": "true or false",
    "str": "text",
    "list": "a list",
    "dict": "an object of names and values",
}
Settings = dict[cst.CSTNode, list[tuple[Assignment, cst.BaseExpression]]]


class InvalidParameters(InvalidFields):
    """Parameters that can't be set: the message tells all, `errors` each with its name."""

    def __init__(self, errors: list[InvalidRequest]) -> None:
        super().__init__(errors)
        if len(errors) > 1:
            more = [f"And {len(errors) - _MOST} more."] if len(errors) > _MOST else []
            self.message = " ".join([*(str(error) for error in errors[:_MOST]), *more])
            self.remedy = ""


def apply(
    notebook: NotebookNode, values: Mapping[str, JsonValue], optional: Collection[str] = ()
) -> NotebookNode:
    """A new notebook in which the variables have these values; the given one stays as it is.

    `values` go by the name of a variable, any that the notebook's code assigns. Names that are
    `optional` are meant for parameters: in a tagged cell, or with a literal; a variable of that
    name that is computed stays. Raises InvalidParameters, which tells all at once: unknown names,
    values of the wrong type, parameters without a value.
    """
    values = dict(values)
    if language(notebook) != "python":
        return _appended(notebook, values, optional)
    code = cells(notebook, values)
    by_name = found(code)
    chosen: dict[str, list[Found]] = {}
    errors: list[InvalidRequest] = []
    for name, value in values.items():
        places = to_set(by_name.get(name, ()), inner=name not in optional)
        if places and (name not in optional or _is_parameter(name, places)):
            chosen[name] = places
            errors.extend(_unfit(describe(name, places), value))
        elif name not in optional:
            errors.append(_unknown(name, code, _all_names(notebook)))
    errors.extend(_missing(by_name, values))
    if errors:
        raise InvalidParameters(errors)
    return _rewritten(notebook, chosen, values)


def _is_parameter(name: str, places: list[Found]) -> bool:
    return places[0][0].tagged or describe(name, places).literal


def _rewritten(
    notebook: NotebookNode, chosen: Mapping[str, list[Found]], values: Mapping[str, JsonValue]
) -> NotebookNode:
    # Each value is a name until the code is written: none has to be parsed, however big it is.
    of_cells: dict[int, tuple[Cell, Settings]] = {}
    word, texts = f"value_{uuid4().hex}_", list[str]()
    for name, places in chosen.items():
        for cell, assignment in places:
            _, settings = of_cells.setdefault(cell.index, (cell, {}))
            outer = "tuple" if isinstance(assignment.value, cst.Tuple) and assignment.alone else ""
            new = cst.Name(f"{word}{len(texts)}_")
            texts.append(literal(values[name], outer))
            settings.setdefault(assignment.node, []).append((assignment, new))
    result = copy.deepcopy(notebook)
    for index, (cell, settings) in of_cells.items():
        if cell.module is not None:
            code = cell.module.visit(_Setter(settings)).code
            code = cell.masked.restore(code) if cell.masked else code
            result.cells[index].source = Masked("", word, tuple(texts)).restore(code)
    return result


class _Setter(cst.CSTTransformer):
    """Gives assignments new values."""

    def __init__(self, settings: Settings) -> None:
        super().__init__()
        self._settings = settings

    def leave_Assign(
        self, original_node: cst.Assign, updated_node: cst.Assign
    ) -> cst.Assign | cst.FlattenSentinel[cst.BaseSmallStatement]:
        settings = self._settings.get(original_node, [])
        for assignment, new in settings:
            if assignment.alone:
                return updated_node.with_changes(value=_kept(updated_node.value, new))
        if not settings:
            return updated_node
        added: list[cst.BaseSmallStatement] = [
            cst.Assign([cst.AssignTarget(cst.Name(assignment.name))], new)
            for assignment, new in settings
        ]
        apart = cst.Semicolon(whitespace_after=cst.SimpleWhitespace(" "))
        line = [updated_node, *added]
        last = line.pop().with_changes(semicolon=updated_node.semicolon)
        return cst.FlattenSentinel([*(one.with_changes(semicolon=apart) for one in line), last])

    def leave_AnnAssign(
        self, original_node: cst.AnnAssign, updated_node: cst.AnnAssign
    ) -> cst.AnnAssign:
        for _, new in self._settings.get(original_node, []):
            return updated_node.with_changes(value=_kept(updated_node.value, new))
        return updated_node


def _kept(old: cst.BaseExpression | None, new: cst.BaseExpression) -> cst.BaseExpression:
    """The brackets around a value stay, and so do the comments in them; a tuple brings its own."""
    if old is None or isinstance(old, cst.Tuple | cst.GeneratorExp):
        return new
    return new.with_changes(lpar=[*old.lpar, *new.lpar], rpar=[*new.rpar, *old.rpar])


def _unfit(
    parameter: Parameter, value: JsonValue, written: Callable[[JsonValue], str] = literal
) -> Iterator[InvalidRequest]:
    name, field = parameter.name, f"parameters.{parameter.name}"
    try:
        written(value)
    except ValueError as error:
        yield InvalidRequest(f"The value of {name} {error}.", "Give plain values.", field)
        return
    if parameter.fits(value):
        return
    if parameter.choices:
        listed = ", ".join(_short(one) for one in parameter.choices)
        yield InvalidRequest(f"{name} can't be {_short(value)}.", f"Give one of {listed}.", field)
        return
    expected = _WORDS[parameter.type] + (" or null" if parameter.nullable else "")
    remedy = f"Give {expected}"
    if parameter.source:
        remedy += f", as in the notebook: {_cut(parameter.source)}"
    yield InvalidRequest(f"{name} can't be {_short(value)}.", f"{remedy}.", field)


def _missing(
    by_name: Mapping[str, Sequence[Found]], values: Mapping[str, JsonValue]
) -> Iterator[InvalidRequest]:
    for name, places in by_name.items():
        if name in values or not any(cell.tagged for cell, _ in places):
            continue
        chosen = to_set(places, inner=False)
        if chosen and chosen[0][0].tagged and describe(name, chosen).required:
            yield InvalidRequest(
                f"The notebook has no value for its parameter {name}.",
                "Give one.",
                f"parameters.{name}",
            )


def _unknown(name: str, code: Sequence[Cell], known: Sequence[str]) -> InvalidRequest:
    field = f"parameters.{name}"
    for cell in code:
        if cell.module is None and not cell.foreign and cell.mentions(name):
            return InvalidRequest(
                f"{name} can't be set: code cell {cell.number}, where it seems to be assigned, "
                "can't be read as Python.",
                "Correct the cell.",
                field,
            )
    close = difflib.get_close_matches(name, known, n=1)
    otherwise = "Assign it in a code cell, or leave it out."
    remedy = f"Did you mean {close[0]}?" if close else otherwise
    return InvalidRequest(f"The notebook has no variable {name}.", remedy, field)


def _all_names(notebook: NotebookNode) -> list[str]:
    """Words that are assigned, as far as a quick look tells: for suggestions only."""
    sources = (cell.source for cell in notebook.cells if cell.cell_type == "code")
    return sorted({w for text in sources for w in re.findall(r"(?m)^\s*([^\W\d]\w*)\s*[:=]", text)})


def _appended(
    notebook: NotebookNode, values: Mapping[str, JsonValue], optional: Collection[str]
) -> NotebookNode:
    """As `apply`, for a notebook in another language."""
    known, name = declared(notebook), language(notebook)
    result, tongue = copy.deepcopy(notebook), spoken(name)
    chosen = {name: value for name, value in values.items() if name in known}
    wanted = [name for name in values if name not in known and name not in optional]
    if tongue is None and _reads_them(notebook):
        wanted = []
    errors = [_undeclared(one, known, "" if tongue else name) for one in wanted]
    if tongue is not None:
        for one, value in chosen.items():
            errors.extend(_unfit(known[one], value, tongue.literal))
    if errors:
        raise InvalidParameters(errors)
    if tongue is not None and chosen:
        cell = result.cells[tagged_cells(notebook)[-1]]
        lines = [tongue.assign(one, value) for one, value in chosen.items()]
        cell.source = "\n".join([cell.source.rstrip("\n"), *lines])
    return result


def _undeclared(name: str, known: Collection[str], unknown: str) -> InvalidRequest:
    """The error for a variable that can't be set in a language other than Python.

    unknown : that language, if how it writes values isn't known
    """
    field = f"parameters.{name}"
    if unknown:
        return InvalidRequest(
            f"{name} can't be set: the notebook's language is {unknown}.",
            f"Read it from the JSON file at ${PARAMETERS}, as notebooks do that are not in "
            f"{', '.join(KNOWN)}.",
            field,
        )
    close = difflib.get_close_matches(name, known, n=1)
    otherwise = "Assign it there, at the beginning of a line, or leave it out."
    return InvalidRequest(
        f"No cell of the notebook that is tagged `parameters` assigns {name}.",
        f"Did you mean {close[0]}?" if close else otherwise,
        field,
    )


def _reads_them(notebook: NotebookNode) -> bool:
    """Whether its code reads the file with all parameters."""
    return any(PARAMETERS in cell.source for cell in notebook.cells if cell.cell_type == "code")


def _short(value: object) -> str:
    match value:
        case None:
            return "null"
        case str():
            return f"the text {_cut(value)!r}"
        case bool():
            return str(value).lower()
        case list():
            return "a list"
        case dict():
            return "an object"
    return _cut(literal(value))


def _cut(text: str) -> str:
    text = text.replace("\n", " ")
    return text if len(text) <= _SHOWN else text[: _SHOWN - 1] + "…"
