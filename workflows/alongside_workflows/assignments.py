"""Where the code of a notebook assigns its variables. Pure: nothing is executed.

Cells are read with libcst, which keeps every space and comment. What isn't Python is set aside
(`magics`); a cell that can't be read at all is passed over and says so.
"""

from __future__ import annotations

import ast
import re
import warnings
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field

import libcst as cst
from nbformat import NotebookNode

from alongside_workflows.assigning import Assignment, assigned
from alongside_workflows.magics import Masked, is_foreign, mask

TAGS = frozenset({"parameters", "injected-parameters"})
"""Tags of the cell with the parameters, and of the one that papermill has put after it."""

_DEEPEST = 200
"""Levels of Python's syntax tree."""


@dataclass(frozen=True)
class Cell:
    """A code cell, as far as it can be read."""

    index: int
    """Place among all cells, from 0."""
    number: int
    """Place among the code cells, from 1: what people are told."""
    tagged: bool
    source: str
    masked: Masked | None = None
    module: cst.Module | None = None
    """None: it could not be read, or it is not Python."""
    foreign: bool = False
    assignments: tuple[Assignment, ...] = ()
    changed: frozenset[str] = field(default_factory=frozenset)
    """Variables that it changes in other ways: ``for``, ``with``, ``+=``."""

    def text(self, node: cst.CSTNode | None) -> str:
        """The source of a part of it."""
        if node is None:
            return ""
        code = cst.Module([]).code_for_node(node)
        return self.masked.restore(code) if self.masked else code

    def mentions(self, name: str) -> bool:
        """Whether an assignment to this name may be in it, readable or not."""
        return re.search(rf"(?<!\w){re.escape(name)}\s*[:=](?!=)", self.source) is not None


Found = tuple[Cell, Assignment]


def cells(notebook: NotebookNode, names: Collection[str] | None = None) -> list[Cell]:
    """The code cells in order.

    With `names` only those are read that are tagged or have one of the names in their text.
    """
    read = []
    words = "|".join(map(re.escape, names or ()))
    named = re.compile(rf"(?<!\w)(?:{words})(?!\w)")
    code = ((i, cell) for i, cell in enumerate(notebook.cells) if cell.cell_type == "code")
    for number, (index, cell) in enumerate(code, start=1):
        tagged = not TAGS.isdisjoint(cell.get("metadata", {}).get("tags", ()))
        source = cell.source
        if names is not None and not tagged and not (names and named.search(source)):
            continue
        read.append(_read(Cell(index, number, tagged, source)))
    return read


def found(cells: Iterable[Cell]) -> dict[str, list[Found]]:
    """All assignments by name, in the order of the code."""
    by_name: dict[str, list[Found]] = {}
    for cell in cells:
        for assignment in cell.assignments:
            by_name.setdefault(assignment.name, []).append((cell, assignment))
    return by_name


def to_set(found: Sequence[Found], inner: bool = True) -> list[Found]:
    """Of all assignments of a name those that are replaced when it is set.

    In a tagged cell, if it is assigned there; else all of the notebook's variable of this name;
    else, with `inner`, those in functions and classes. ``n = n + 1`` goes on counting, unless there
    is nothing else.
    """
    ranks: list[list[Found]] = [[], [], [], [], []]
    for cell, assignment in found:
        if cell.tagged and not assignment.local and not assignment.derived:
            rank = 0
        elif assignment.value is None:
            continue  # a declaration is a parameter in a tagged cell only
        else:
            rank = 1 + 2 * assignment.local + assignment.derived
        ranks[rank].append((cell, assignment))
    for chosen in ranks if inner else ranks[:2]:
        if chosen:
            return chosen
    return []


def _read(cell: Cell) -> Cell:
    if is_foreign(cell.source):
        return _with(cell, foreign=True)
    masked = None
    module = _parsed(cell.source)
    if module is None:
        masked = mask(cell.source)
        module = _parsed(masked.source) if masked.pieces else None
    if module is None:
        return cell
    try:
        assignments, changed = assigned(module)
    except RecursionError:  # a sum of a thousand terms
        return cell
    return _with(cell, masked=masked, module=module, assignments=assignments, changed=changed)


def _with(cell: Cell, **parts: object) -> Cell:
    return Cell(**{**cell.__dict__, **parts})


def _parsed(source: str) -> cst.Module | None:
    """None unless the very same text can be made of it again."""
    if not _is_shallow(source):
        return None
    try:
        module = cst.parse_module(source)
        same = module.code == source
    except (cst.ParserSyntaxError, RecursionError, UnicodeError):
        return None
    return module if same else None


def _is_shallow(source: str) -> bool:
    """Whether it is Python, and not nested so deeply that libcst would crash.

    Python's own parser refuses that with an exception where libcst's runs out of its stack.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # about backslashes in text
            left: list[tuple[ast.AST, int]] = [(ast.parse(source), 1)]
    except (SyntaxError, ValueError, MemoryError, RecursionError):
        return False
    while left:
        node, depth = left.pop()
        if depth > _DEEPEST:
            return False
        left.extend((child, depth + 1) for child in ast.iter_child_nodes(node))
    return True
