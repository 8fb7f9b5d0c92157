"""The catalogue's YAML file: read strictly, kept fresh, never lost to a bad edit."""

from __future__ import annotations

import os
import threading
from pathlib import Path
from typing import Any

from pydantic import ValidationError
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

from alongside.catalogue import Catalogue
from alongside.errors import AlongsideError, CatalogueError
from alongside.requests import invalid

LARGEST = 2**20
DEEPEST = 20
_Signature = tuple[int, int, int, int]


class CatalogueFile:
    """A catalogue that follows its file.

    `current` is the newest good one; while there has been none, it has no profile, so that
    nothing can be launched but everything that runs can be looked after. `problem` says why the
    newest edit is not in use, and is empty when it is. `refresh` looks at the file: by its
    identity, size and time, so that an editor's rename and the swapped symbolic link of a
    Kubernetes ConfigMap are seen too.
    """

    def __init__(self, path: Path | str) -> None:
        self.path = Path(path)
        self.problem = ""
        self._current = Catalogue(profiles={})
        self._signature: _Signature | None = None
        self._lock = threading.Lock()
        self.refresh()

    def current(self) -> Catalogue:
        """The newest good catalogue. Never touches the disk."""
        return self._current

    def fresh(self) -> Catalogue:
        """`refresh`, then `current`: for those who ask now and then."""
        self.refresh()
        return self._current

    def refresh(self) -> bool:
        """Read the file if it has changed; whether what `current` or `problem` say has changed.

        One `stat` when it has not; else reading 1 MiB can take seconds, so not in an event loop.
        """
        with self._lock:
            try:
                signature = _signature(self.path)
                if signature == self._signature:
                    return False
                self._signature = signature
                found = load(self.path)
            except CatalogueError as error:
                changed = str(error) != self.problem
                self.problem = str(error)
                return changed
            except OSError as error:
                self._signature = None
                sentence = f"{self.path} can't be read: {error.strerror}. Put the catalogue there."
                changed = sentence != self.problem
                self.problem = sentence
                return changed
            self._current, self.problem = found, ""
            return True


def _signature(path: Path) -> _Signature:
    stat = path.stat()  # follows links: the target's identity is what changes in a ConfigMap
    return stat.st_dev, stat.st_ino, stat.st_size, stat.st_mtime_ns


def load(path: Path) -> Catalogue:
    """The catalogue in this file. Raises CatalogueError, or OSError when it can't be read."""
    flags = os.O_RDONLY | os.O_NONBLOCK  # a fifo at this place must not stop us for ever
    with open(path, "rb", opener=lambda name, _: os.open(name, flags)) as file:
        data = file.read(LARGEST + 1)
    if len(data) > LARGEST:
        raise CatalogueError(
            f"{path} is larger than {LARGEST // 2**20} MiB.", "Use fewer or shorter entries."
        )
    try:
        text = data.decode()
    except UnicodeDecodeError as error:
        line = data[: error.start].count(b"\n") + 1
        raise CatalogueError(f"{path}, line {line}: not UTF-8.", "Save it as UTF-8.") from None
    return parse_catalogue(text, str(path))


def parse_catalogue(text: str, name: str = "catalogue") -> Catalogue:
    """The catalogue in this text; `name` is what errors call it. Raises CatalogueError."""
    try:
        _check_shape(text, name)
        content = _yaml().load(text)
    except DuplicateKeyError as error:
        where = _line(error, name)
        key = str(error.problem).partition('"')[2].partition('"')[0]
        raise CatalogueError(
            f"{where}: the key {key!r} is there twice.", "Remove or rename one of them."
        ) from None
    except MarkedYAMLError as error:
        what = " ".join(str(error.problem).split())[:200]
        raise CatalogueError(f"{_line(error, name)}: {what}.", "Correct the YAML.") from None
    except (YAMLError, ValueError, RecursionError) as error:
        what = " ".join(str(error).split())[:200]
        raise CatalogueError(f"{name}: {what}.", "Correct the YAML.") from None
    if not isinstance(content, dict):
        raise CatalogueError(
            f"{name} has no entries.", "Begin with `profiles:` and a profile below it."
        )
    try:
        return Catalogue.model_validate(content)
    except ValidationError as error:
        found = error.errors(include_url=False)
        # a misspelt key comes first: it explains why another one is missing
        first_place = min(range(len(found)), key=lambda i: found[i]["type"] != "extra_forbidden")
        first = invalid([found[first_place]]).errors[0]
        place = _find(text, found[first_place]["loc"])
        more = f" ({error.error_count() - 1} more)" if error.error_count() > 1 else ""
        raise CatalogueError(
            f"{name}, line {place}: {first.message}{more}", first.remedy, first.field
        ) from None
    except AlongsideError as error:
        raise CatalogueError(f"{name}: {error.message}", error.remedy, error.field) from None


def _yaml() -> YAML:
    return YAML(typ="safe", pure=True)


def _check_shape(text: str, name: str) -> None:
    """Refuse what could grow when it is built: references, and towers of lists."""
    depth = 0
    for event in _yaml().parse(text):
        if isinstance(event, AliasEvent) or (isinstance(event, NodeEvent) and event.anchor):
            line = event.start_mark.line + 1
            raise CatalogueError(
                f"{name}, line {line}: anchors and aliases (& and *) are not taken.",
                "Write the entry out.",
            )
        if isinstance(event, CollectionStartEvent):
            depth += 1
            if depth > DEEPEST:
                line = event.start_mark.line + 1
                raise CatalogueError(
                    f"{name}, line {line}: nested more than {DEEPEST} deep.", "Make it flat."
                )
        elif isinstance(event, CollectionEndEvent):
            depth -= 1


def _line(error: MarkedYAMLError, name: str) -> str:
    mark = error.problem_mark or error.context_mark
    return f"{name}, line {mark.line + 1}" if mark else name


def _find(text: str, place: tuple[Any, ...]) -> int:
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


def _child(node: Node | None, part: Any) -> tuple[Any, Node] | None:
    if isinstance(node, MappingNode):
        for key, value in node.value:
            if key.value == str(part):
                return key.start_mark, value
    if isinstance(node, SequenceNode) and isinstance(part, int) and part < len(node.value):
        return node.value[part].start_mark, node.value[part]
    return None
