"""The parameters of a notebook, read from its code: names, types, defaults. Nothing is executed.

Those of the cell tagged ``parameters`` come first; then every variable that the notebook gives a
literal at the top of any code cell and does not change afterwards. Beyond these any variable that
is assigned anywhere can be set (`rewriting`); they are working variables, so no form offers them.
Of a notebook in another language they are what begins a line of the cell tagged ``parameters``.
"""

from __future__ import annotations

import ast
import json
import math
import re
import warnings
from collections.abc import Collection, Sequence
from typing import Any

from nbformat import NotebookNode
from pydantic import Field, JsonValue

from alongside.models import Record
from alongside_workflows.annotations import Kind, Type, annotated, type_of
from alongside_workflows.assignments import TAGS, Cell, Found, cells, found, to_set
from alongside_workflows.languages import spoken

_LONGEST = 1000
"""Characters of a shown default."""


class Parameter(Record):
    """A variable of a notebook that a run may set."""

    name: str
    type: Type = Field("any", description="From the annotation, else from the default.")
    nullable: bool = Field(False, description="Whether null can be given besides.")
    choices: tuple[JsonValue, ...] = Field((), description="All values that it can have, if few.")
    default: JsonValue = Field(None, description="The value in the notebook, if it is a literal.")
    literal: bool = Field(False, description="Whether `default` is known; else it is computed.")
    source: str = Field("", description="The default as it is written; may be cut.")
    required: bool = Field(False, description="Whether the notebook has no value for it.")
    cell: int = Field(description="Index of the cell where it is assigned first, from 0.")
    tagged: bool = Field(False, description="Whether that cell is tagged `parameters`.")
    help: str = Field("", description="From the comment at the end of its line.")

    def fits(self, value: JsonValue) -> bool:
        """Whether it can have this value. An int is a float, but a bool is no int."""
        if self.choices:
            return any(type(value) is type(one) and value == one for one in self.choices)
        if value is None:
            return self.nullable or self.type == "any"
        given = type_of(value)
        return self.type in ("any", given) or (self.type, given) == ("float", "int")

    def from_text(self, text: str) -> JsonValue:
        """What `text` means for it: "10" is a number for an int. If it means nothing: the text."""
        if self.type == "str" or (self.type == "any" and not self.choices):
            return text
        plain = text.strip()
        try:
            value: JsonValue = json.loads(plain.lower() if plain in ("True", "False") else plain)
        except (ValueError, RecursionError):
            return text
        return value if self.fits(value) else text


def read(notebook: NotebookNode) -> list[Parameter]:
    """The parameters that a form offers, in the order of the code, tagged ones first."""
    if language(notebook) != "python":
        return list(declared(notebook).values())
    code = cells(notebook)
    changed = {name for cell in code for name in cell.changed}
    tagged, others = [], []
    for name, places in found(code).items():
        chosen = to_set(places, inner=False)
        if not chosen or not chosen[0][1].top:
            continue
        parameter = describe(name, chosen)
        if parameter.tagged:
            tagged.append(parameter)
        elif (
            name not in changed
            and parameter.literal
            and not chosen[0][1].derived
            and all(_default(cell, one)[1] for cell, one in chosen)
        ):
            others.append(parameter)
    return tagged + others


def find(notebook: NotebookNode, names: Collection[str]) -> dict[str, Parameter]:
    """Those of these variables that can be set at all, offered in a form or not."""
    if language(notebook) != "python":
        return {name: one for name, one in declared(notebook).items() if name in names}
    by_name = found(cells(notebook, names))
    chosen = {name: to_set(by_name.get(name, ())) for name in names}
    return {name: describe(name, places) for name, places in chosen.items() if places}


def language(notebook: NotebookNode) -> str:
    """The language of its code cells in lower case; Python if it does not say."""
    metadata = notebook.get("metadata", {})
    kernel = metadata.get("kernelspec") or {}
    info = metadata.get("language_info") or {}
    named = str(info.get("name") or kernel.get("language") or "python").lower()
    if re.fullmatch(r"c\+\+\d*", named):
        return "c++"
    return "python" if named in ("ipython", "python2", "python3") else named


def declared(notebook: NotebookNode) -> dict[str, Parameter]:
    """The parameters of a notebook in another language, if it is one whose values are known."""
    found: dict[str, Parameter] = {}
    if (tongue := spoken(language(notebook))) is None:
        return found
    for index in tagged_cells(notebook):
        for one in tongue.declared(notebook.cells[index].source):
            kind = _kind_of([(one.value, one.literal)])
            earlier = found.get(one.name)
            found[one.name] = Parameter(
                name=one.name,
                type=kind.type,
                default=one.value,
                literal=one.literal,
                source=one.source[:_LONGEST],
                cell=index if earlier is None else earlier.cell,
                tagged=True,
                help=one.help or ("" if earlier is None else earlier.help),
            )
    return found


def tagged_cells(notebook: NotebookNode) -> list[int]:
    """Indices of the code cells that hold parameters."""
    return [
        index
        for index, cell in enumerate(notebook.cells)
        if cell.cell_type == "code"
        and not TAGS.isdisjoint(cell.get("metadata", {}).get("tags", ()))
    ]


def describe(name: str, places: Sequence[Found]) -> Parameter:
    """What there is to know about a variable from the assignments that would be replaced."""
    first = places[0][0]
    kind, help = _declared(places)
    defaults = [(cell, one) for cell, one in places if cell.text(one.value) not in ("", "...")]
    shown = Parameter(name=name, cell=first.index, tagged=first.tagged, help=help)
    if defaults:
        # papermill's own cell comes after the tagged one, and what is in it holds
        cell, one = defaults[-1 if first.tagged else 0]
        default, literal = _default(cell, one)
        source = cell.text(one.value)[:_LONGEST]
        shown = shown.model_copy(update={"default": default, "literal": literal, "source": source})
    if kind is None:
        kind = _kind_of([_default(cell, one) for cell, one in defaults])
    elif shown.literal and shown.default is None:
        kind = kind.or_none()  # `n: int = None`, as many write it
    return shown.model_copy(
        update={
            "type": kind.type,
            "nullable": kind.nullable and kind.type != "any",
            "choices": kind.choices,
            "required": not defaults,
        }
    )


def _declared(places: Sequence[Found]) -> tuple[Kind | None, str]:
    """The type that an annotation or a comment ``# type: int`` gives, and the first help."""
    kind, help = None, ""
    for cell, one in places:
        comment = one.comment
        annotation = getattr(one.node, "annotation", None)
        said = cell.text(annotation.annotation) if annotation else ""
        if comment.startswith("type:"):
            word, _, comment = comment.removeprefix("type:").strip().partition(" ")
            said = said or word
            comment = comment.strip().lstrip("#").strip()
        kind = kind or (annotated(said) if said else None)
        help = help or comment
    return kind, help


def _default(cell: Cell, one: Any) -> tuple[JsonValue, bool]:
    """The value that is written, and whether it is one that JSON has."""
    if not one.alone or one.value is None:
        return None, False
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # about backslashes in text
            value = _plain(ast.literal_eval(cell.text(one.value)))
    except (ValueError, SyntaxError, TypeError, MemoryError, RecursionError):
        return None, False
    return value, True


def _plain(value: object) -> JsonValue:
    """Raises ValueError for what JSON does not have."""
    match value:
        case None | bool() | int() | str():
            return value
        case float() if math.isfinite(value):
            return value
        case list() | tuple():
            return [_plain(item) for item in value]
        case dict() if all(isinstance(key, str) for key in value):
            return {key: _plain(item) for key, item in value.items()}
    raise ValueError("not a value of JSON")


def _kind_of(defaults: Sequence[tuple[JsonValue, bool]]) -> Kind:
    """The type that fits all defaults."""
    if not all(literal for _, literal in defaults):
        return Kind("any")
    types: set[Type] = {type_of(value) for value, _ in defaults if value is not None}
    if types == {"int", "float"}:
        types = {"float"}
    if len(types) != 1:
        return Kind("any")
    nullable = any(value is None for value, _ in defaults)
    return Kind(types.pop(), nullable)
