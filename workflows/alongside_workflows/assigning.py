"""Which statements of a piece of Python give variables their values. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import libcst as cst


@dataclass(frozen=True)
class Assignment:
    """One statement that gives a variable a value."""

    name: str
    node: cst.Assign | cst.AnnAssign
    value: cst.BaseExpression | None
    """None: only declared, ``n: int``."""
    alone: bool
    """Whether the value is for this name only: not ``a = b = 1``, not ``a, b = 1, 2``."""
    top: bool
    """Whether it is a statement of the cell itself, not of an ``if`` or a loop."""
    local: bool
    """Whether it is in a function or a class, and so no variable of the notebook."""
    derived: bool
    """Whether the value is made from the variable's earlier one: ``n = n + 1``."""
    comment: str = ""


def assigned(module: cst.Module) -> tuple[tuple[Assignment, ...], frozenset[str]]:
    """All assignments, and the variables that it changes in other ways.

    Raises RecursionError for what is nested too deeply.
    """
    finder = _Finder()
    module.visit(finder)
    return tuple(finder.assignments), frozenset(finder.changed)


class _Finder(cst.CSTVisitor):
    """Collects assignments; does not go into expressions where it can be helped."""

    def __init__(self) -> None:
        super().__init__()
        self.assignments: list[Assignment] = []
        self.changed: set[str] = set()
        self._depth = 0
        self._scopes: list[set[str]] = []
        """Of each function or class around: the names that it has declared global."""
        self._comment = ""

    def visit_Assign(self, node: cst.Assign) -> bool:
        alone = len(node.targets) == 1 and isinstance(node.targets[0].target, cst.Name)
        for target in node.targets:
            for name in _names(target.target):
                self._add(name, node, node.value, alone)
        return False

    def visit_AnnAssign(self, node: cst.AnnAssign) -> bool:
        for name in _names(node.target):
            self._add(name, node, node.value, alone=True)
        return False

    def _add(
        self,
        name: str,
        node: cst.Assign | cst.AnnAssign,
        value: cst.BaseExpression | None,
        alone: bool,
    ) -> None:
        derived = value is not None and _uses(value, name)
        top = self._depth == 0
        local = self._is_local(name)
        self.assignments.append(
            Assignment(name, node, value, alone, top, local, derived, self._comment)
        )

    def visit_AugAssign(self, node: cst.AugAssign) -> bool:
        self._change(node.target)
        return False

    def visit_For(self, node: cst.For) -> None:
        self._change(node.target)

    def visit_AsName(self, node: cst.AsName) -> None:
        self._change(node.name)

    def visit_Expr(self, node: cst.Expr) -> bool:
        return False

    def visit_Global(self, node: cst.Global) -> bool:
        if self._scopes:
            self._scopes[-1].update(item.name.value for item in node.names)
        return False

    def visit_SimpleStatementLine(self, node: cst.SimpleStatementLine) -> None:
        comment = node.trailing_whitespace.comment
        alone = comment is not None and len(node.body) == 1
        self._comment = comment.value.lstrip("#").strip() if comment and alone else ""

    def visit_IndentedBlock(self, node: cst.IndentedBlock) -> None:
        self._depth += 1

    def leave_IndentedBlock(self, original_node: cst.IndentedBlock) -> None:
        self._depth -= 1

    def visit_SimpleStatementSuite(self, node: cst.SimpleStatementSuite) -> None:
        self._comment = ""
        self._depth += 1

    def leave_SimpleStatementSuite(self, original_node: cst.SimpleStatementSuite) -> None:
        self._depth -= 1

    def visit_FunctionDef(self, node: cst.FunctionDef) -> None:
        self._scopes.append(set())

    def leave_FunctionDef(self, original_node: cst.FunctionDef) -> None:
        self._scopes.pop()

    def visit_ClassDef(self, node: cst.ClassDef) -> None:
        self._scopes.append(set())

    def leave_ClassDef(self, original_node: cst.ClassDef) -> None:
        self._scopes.pop()

    def _is_local(self, name: str) -> bool:
        return bool(self._scopes) and name not in self._scopes[-1]

    def _change(self, target: cst.BaseExpression) -> None:
        self.changed.update(name for name in _names(target) if not self._is_local(name))


def _names(target: cst.BaseExpression) -> Iterator[str]:
    """The variables that are assigned: not those of ``a[i]`` and ``a.b``."""
    if isinstance(target, cst.Name):
        yield target.value
    elif isinstance(target, cst.Tuple | cst.List):
        for element in target.elements:
            yield from _names(element.value)


def _uses(value: cst.BaseExpression, name: str) -> bool:
    reader = _Reader()
    value.visit(reader)
    return name in reader.names


class _Reader(cst.CSTVisitor):
    """The variables of an expression: not the `n` of ``a.n`` and ``f(n=1)``.

    Not by libcst's matchers: they take half a second to import.
    """

    def __init__(self) -> None:
        super().__init__()
        self.names: set[str] = set()

    def visit_Name(self, node: cst.Name) -> None:
        self.names.add(node.value)

    def visit_Attribute(self, node: cst.Attribute) -> bool:
        node.value.visit(self)
        return False

    def visit_Arg(self, node: cst.Arg) -> bool:
        node.value.visit(self)
        return False


__all__ = ["Assignment", "assigned"]
