"""What an annotation (``list[str] | None``) says about the values that a parameter can have."""

from __future__ import annotations

import ast
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal

from pydantic import JsonValue

Type = Literal["int", "float", "bool", "str", "list", "dict", "any"]

_NAMES: dict[str, Type] = {
    "int": "int",
    "float": "float",
    "bool": "bool",
    "str": "str",
    **dict.fromkeys(("list", "List", "tuple", "Tuple", "Sequence", "Iterable"), "list"),
    **dict.fromkeys(("dict", "Dict", "Mapping", "MutableMapping"), "dict"),
}
_DEEPEST = 20


@dataclass(frozen=True)
class Kind:
    """Which values there are."""

    type: Type
    nullable: bool = False
    choices: tuple[JsonValue, ...] = ()

    def or_none(self) -> Kind:
        """The same with None besides."""
        choices = (*self.choices, None) if self.choices and None not in self.choices else ()
        return replace(self, nullable=True, choices=choices or self.choices)


def type_of(value: JsonValue) -> Type:
    """The type of a value; None has none of its own."""
    named: dict[type, Type] = {bool: "bool", int: "int", float: "float", str: "str"}
    if isinstance(value, list | dict):
        return "list" if isinstance(value, list) else "dict"
    return named.get(type(value), "any")


def annotated(text: str, depth: int = 0) -> Kind | None:
    """What the annotation says; None when it leaves that to the default (``Final``)."""
    try:
        return _kind(ast.parse(text.strip(), mode="eval").body, depth)
    except (SyntaxError, ValueError, RecursionError):
        return Kind("any")


def _kind(node: ast.expr, depth: int) -> Kind | None:
    if depth > _DEEPEST:
        return Kind("any")
    match node:
        case ast.Constant(value=str(text)):  # 'int', as a forward reference
            return annotated(text, depth + 1)
        case ast.Name(id=name) | ast.Attribute(attr=name):
            return None if name in ("Final", "ClassVar") else Kind(_NAMES.get(name, "any"))
        case ast.BinOp(left=left, op=ast.BitOr(), right=right):
            return _union([left, right], depth)
        case ast.Subscript(value=ast.Name(id=name) | ast.Attribute(attr=name), slice=inner):
            parts = list(inner.elts) if isinstance(inner, ast.Tuple) else [inner]
            if name == "Literal":
                return _choices(parts)
            if name == "Optional":
                return _union([*parts, ast.Constant(None)], depth)
            if name == "Union":
                return _union(parts, depth)
            if name in ("Annotated", "Final", "ClassVar"):
                return _kind(parts[0], depth + 1)
            return Kind(_NAMES.get(name, "any"))
    return Kind("any")


def _union(parts: Sequence[ast.expr], depth: int) -> Kind:
    nullable = any(isinstance(part, ast.Constant) and part.value is None for part in parts)
    others = [
        _kind(part, depth + 1) or Kind("any")
        for part in parts
        if not (isinstance(part, ast.Constant) and part.value is None)
    ]
    nullable = nullable or any(kind.nullable for kind in others)
    types = {kind.type for kind in others}
    if len(others) == 1:
        return others[0].or_none() if nullable else others[0]
    if types == {"int", "float"}:
        types = {"float"}
    return Kind(types.pop() if len(types) == 1 else "any", nullable)


def _choices(parts: Sequence[ast.expr]) -> Kind:
    values: list[JsonValue] = []
    for part in parts:
        try:
            value = ast.literal_eval(part)
        except (ValueError, TypeError):
            return Kind("any")
        if not isinstance(value, bool | int | str | None):
            return Kind("any")
        values.append(value)
    types = {type_of(value) for value in values if value is not None}
    return Kind(types.pop() if len(types) == 1 else "any", None in values, tuple(values))
