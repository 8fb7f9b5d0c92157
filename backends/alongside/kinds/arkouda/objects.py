"""Which variables of a notebook are kept in an Arkouda server. Pure, and without its client.

An object counts when its class comes from the client, whatever its version. It is found in a
variable, and in lists, tuples and dicts (also in each other); in attributes of other objects it is
found too, but can't be put back there, so that it is told instead of lost.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, MutableMapping
from dataclasses import dataclass, field
from types import BuiltinFunctionType, FunctionType, MethodType, ModuleType
from typing import Any, Final

PACKAGE: Final = "arkouda"
_HISTORY: Final = re.compile(r"_+|_i+|_i?\d+|_[iod]h|In|Out|__\w*__|exit|quit|get_ipython")
_DEEPEST: Final = 6  # containers within containers; deeper ones aren't anybody's arrays
_OPAQUE: Final = (ModuleType, type, FunctionType, BuiltinFunctionType, MethodType)
_PLAIN: Final = (str, bytes, int, float, complex, bool, type(None))

Shape = dict[str, Any]
"""How a variable is made, as JSON: ``{"object": key}``; ``{"list": [...]}``, ``{"tuple": [...]}``
or ``{"dict": [[key, shape], ...]}`` of shapes; ``{"value": v}`` and ``{"other": class}`` for what
isn't in the server."""


@dataclass
class Found:
    """What of a namespace is in the server.

    `objects` has each object once, by a name that is good for a file; `shapes` the variables that
    are made of them; `elsewhere` how one would write those that can't be put back.
    """

    objects: dict[str, Any] = field(default_factory=dict)
    shapes: dict[str, Shape] = field(default_factory=dict)
    elsewhere: list[str] = field(default_factory=list)


def is_kept(value: object) -> bool:
    """Whether it is an object that an Arkouda server keeps."""
    kind = type(value)
    return (
        str(kind.__module__).partition(".")[0] == PACKAGE
        and not isinstance(value, (*_OPAQUE, BaseException))
        and any(hasattr(value, name) for name in ("objType", "objtype", "size", "columns", "keys"))
    )


def is_history(name: str) -> bool:
    """Whether a notebook keeps this variable by itself: ``_``, ``Out``, ``_i3``…"""
    return _HISTORY.fullmatch(name) is not None


def find(namespace: Mapping[str, Any]) -> Found:
    """The variables that are in the server, or are made of objects that are."""
    search = _Search()
    for name, value in sorted(namespace.items()):
        if not is_history(name) and not isinstance(value, _OPAQUE):
            shape = search.shape(name, value)
            if next(keys_of(shape), None) is not None:
                search.found.shapes[name] = shape
    return search.found


class _Search:
    def __init__(self) -> None:
        self.found = Found()
        self._keys: dict[int, str] = {}
        self._within: set[int] = set()  # containers on the way to where we are

    def shape(self, path: str, value: Any) -> Shape:
        if is_kept(value):
            return {"object": self._key(path, value)}
        if isinstance(value, _PLAIN):
            return {"value": value} if _is_json(value) else _other(value)
        if id(value) in self._within or len(self._within) >= _DEEPEST:
            return _other(value)
        self._within.add(id(value))
        try:
            return self._inside(path, value)
        finally:
            self._within.discard(id(value))

    def _inside(self, path: str, value: Any) -> Shape:
        kind = type(value)
        if kind in (list, tuple):
            if {*map(type, value)} <= {*_PLAIN}:  # long ones mostly are
                return _other(value)
            parts = [self.shape(f"{path}[{n}]", part) for n, part in enumerate(value)]
            return {kind.__name__: parts}
        if kind is dict:
            if {*map(type, value.values())} <= {*_PLAIN}:
                return _other(value)
            return {
                "dict": [
                    [key, self.shape(f"{path}[{key!r}]", part)]
                    for key, part in value.items()
                    if _is_json(key) or self._lost(f"{path}[{key!r}]", part)
                ]
            }
        for attribute, part in _attributes(value):
            self._lost(f"{path}.{attribute}", part)
        return _other(value)

    def _lost(self, path: str, value: Any) -> bool:
        """Note what is in there that can't be put back. False."""
        if is_kept(value):
            self.found.elsewhere.append(path)
        elif type(value) in (list, tuple, set, frozenset):
            for part in value:
                if is_kept(part):
                    self.found.elsewhere.append(path)
                    break
        elif type(value) is dict:
            for key, part in value.items():
                if is_kept(part):
                    self.found.elsewhere.append(f"{path}[{key!r}]")
        return False

    def _key(self, path: str, value: Any) -> str:
        if id(value) not in self._keys:
            plain = re.sub(r"\W+", "_", path).strip("_") or "unnamed"
            key, number = plain, 1
            while key in self.found.objects:
                number += 1
                key = f"{plain}_{number}"
            self._keys[id(value)] = key
            self.found.objects[key] = value
        return self._keys[id(value)]


def keys_of(shape: Shape) -> Iterator[str]:
    """The keys of the objects that a variable is made of."""
    if "object" in shape:
        yield shape["object"]
    for part in (*shape.get("list", ()), *shape.get("tuple", ())):
        yield from keys_of(part)
    for _, part in shape.get("dict", ()):
        yield from keys_of(part)


def put_back(
    namespace: MutableMapping[str, Any], shapes: Mapping[str, Shape], objects: Mapping[str, Any]
) -> None:
    """Give the variables their objects. Lists and dicts that are still there stay the same ones."""
    for name, shape in shapes.items():
        namespace[name] = _made(shape, namespace.get(name), objects)


def _made(shape: Shape, present: Any, objects: Mapping[str, Any]) -> Any:
    if "object" in shape:
        return objects[shape["object"]]
    if "value" in shape:
        return shape["value"]
    if "dict" in shape:
        known = present if type(present) is dict else {}
        for key, part in shape["dict"]:
            known[key] = _made(part, known.get(key), objects)
        return known
    if "list" in shape or "tuple" in shape:
        wanted: list[Shape] = shape.get("list") or shape.get("tuple") or []
        same = type(present) in (list, tuple) and len(present) == len(wanted)
        old = present if same else [None] * len(wanted)
        parts = [_made(part, old[n], objects) for n, part in enumerate(wanted)]
        if "tuple" in shape:
            return tuple(parts)
        if type(present) is not list:
            return parts
        present[:] = parts
    return present


def _attributes(value: Any) -> list[tuple[str, Any]]:
    try:
        return list(vars(value).items())
    except TypeError:
        return []


def _other(value: Any) -> Shape:
    return {"other": type(value).__name__}


def _is_json(value: Any) -> bool:
    """Whether JSON gives it back as it is."""
    if isinstance(value, float):
        return value - value == 0
    return type(value) in (str, int, bool, type(None)) and (
        not isinstance(value, str) or value.isascii() or value.isprintable()
    )
