"""YAML that people write, read strictly: with the line of what is wrong, and bounded in size.

Nothing is built that could grow: no anchors, no towers of lists, no objects, no key twice. JSON is
YAML too.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.constructor import DuplicateKeyError
from ruamel.yaml.error import MarkedYAMLError, YAMLError
from ruamel.yaml.events import (
    AliasEvent,
    CollectionEndEvent,
    CollectionStartEvent,
    NodeEvent,
)
from ruamel.yaml.nodes import MappingNode, Node, SequenceNode

from alongside.errors import AlongsideError

LARGEST = 2**20
"""Bytes."""
DEEPEST = 20

Error = Callable[[str, str], AlongsideError]
"""Makes the error of a sentence and a remedy."""


def read(path: Path, error: Error) -> str:
    """The text of this file. Raises `error`, or OSError when it can't be read."""
    flags = os.O_RDONLY | os.O_NONBLOCK  # a fifo at this place must not stop us for ever
    with open(path, "rb", opener=lambda name, _: os.open(name, flags)) as file:
        data = file.read(LARGEST + 1)
    if len(data) > LARGEST:
        raise error(
            f"{path} is larger than {LARGEST // 2**20} MiB.", "Use fewer or shorter entries."
        )
    try:
        return data.decode()
    except UnicodeDecodeError as wrong:
        line = data[: wrong.start].count(b"\n") + 1
        raise error(f"{path}, line {line}: not UTF-8.", "Save it as UTF-8.") from None


def load(text: str, name: str, error: Error) -> Any:
    """What the text says: mappings, lists and scalars; `name` is what errors call it."""
    try:
        _check_shape(text, name, error)
        return _yaml().load(text)
    except DuplicateKeyError as wrong:
        where = _line(wrong, name)
        key = str(wrong.problem).partition('"')[2].partition('"')[0]
        raise error(
            f"{where}: the key {key!r} is there twice.", "Remove or rename one of them."
        ) from None
    except MarkedYAMLError as wrong:
        what = " ".join(str(wrong.problem).split())[:200]
        raise error(f"{_line(wrong, name)}: {what}.", "Correct the YAML.") from None
    except (YAMLError, ValueError, RecursionError) as wrong:
        what = " ".join(str(wrong).split())[:200]
        raise error(f"{name}: {what}.", "Correct the YAML.") from None


def line_of(text: str, place: tuple[Any, ...]) -> int:
    """The line of the entry at this place, or of the nearest one around it that exists."""
    node: Node | None = _yaml().compose(text)
    line = 1
    for part in place:
        child = _child(node, part)
        if child is None:
            break
        mark, node = child
        line = mark.line + 1
    return line


def _yaml() -> YAML:
    return YAML(typ="safe", pure=True)


def _check_shape(text: str, name: str, error: Error) -> None:
    """Refuse what could grow when it is built: references, and towers of lists."""
    depth = 0
    for event in _yaml().parse(text):
        if isinstance(event, AliasEvent) or (isinstance(event, NodeEvent) and event.anchor):
            line = event.start_mark.line + 1
            raise error(
                f"{name}, line {line}: anchors and aliases (& and *) are not taken.",
                "Write the entry out.",
            )
        if isinstance(event, CollectionStartEvent):
            depth += 1
            if depth > DEEPEST:
                line = event.start_mark.line + 1
                raise error(
                    f"{name}, line {line}: nested more than {DEEPEST} deep.", "Make it flat."
                )
        elif isinstance(event, CollectionEndEvent):
            depth -= 1


def _line(error: MarkedYAMLError, name: str) -> str:
    mark = error.problem_mark or error.context_mark
    return f"{name}, line {mark.line + 1}" if mark else name


def _child(node: Node | None, part: Any) -> tuple[Any, Node] | None:
    if isinstance(node, MappingNode):
        for key, value in node.value:
            if key.value == str(part):
                return key.start_mark, value
    if isinstance(node, SequenceNode) and isinstance(part, int) and part < len(node.value):
        return node.value[part].start_mark, node.value[part]
    return None
