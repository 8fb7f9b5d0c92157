"""IPython's own syntax in a cell: set aside to read the rest as Python, and put back exactly."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any, cast
from uuid import uuid4

_CELL_MAGIC = re.compile(r"\s*%%(\w+)(?![\w?])[^\n]*")
_OF_PYTHON = {"capture", "debug", "prun", "time"}
"""Cell magics that execute what follows as Python among the notebook's variables."""
_MOST = 500
"""Pieces of one cell; IPython itself stops there."""


@dataclass(frozen=True)
class Masked:
    """A cell in which each piece of IPython's syntax is a name that occurs nowhere else."""

    source: str
    word: str
    pieces: tuple[str, ...]

    def restore(self, source: str) -> str:
        """`source` with the pieces in their places again."""
        if not self.pieces:
            return source
        return re.sub(rf"{self.word}(\d+)_", lambda found: self.pieces[int(found[1])], source)


def is_foreign(source: str) -> bool:
    """Whether a cell magic hands all of it to something other than this Python: ``%%bash``."""
    found = _CELL_MAGIC.match(source)
    return found is not None and found[1] not in _OF_PYTHON


def mask(source: str) -> Masked:
    """Set aside what isn't Python: ``%magic``, ``!command``, ``name?``, ``files = !ls``.

    IPython's own code says where these are. It is imported here because few cells need it.
    """
    from IPython.core import inputtransformer2 as ipython

    make_tokens = cast("Any", ipython.make_tokens_by_line)
    finders: list[Any] = cast("Any", ipython.TransformerManager)().token_transformers
    word = f"masked_{uuid4().hex}_"
    pieces: list[str] = []
    lines = re.findall(r"[^\n]*\n|[^\n]+", source)
    if found := _CELL_MAGIC.match(source):
        pieces.append(found[0])
        first = source[: found.end()].count("\n")
        lines[: first + 1] = [f"{word}0_\n"]
        if found.end() == len(source):
            lines[0] = f"{word}0_"
    while len(pieces) < _MOST:
        tokens = make_tokens(lines)
        places = [place for finder in finders if (place := finder.find(tokens))]
        for place in sorted(places, key=lambda place: cast("tuple[int, ...]", place.sortby())):
            try:
                taken = len(lines) - len(place.transform(lines)) + 1
            except SyntaxError:
                continue
            begin, end = place.start_line, place.start_line + taken
            indent = lines[begin][: place.start_col]
            text = "".join(lines[begin:end])[len(indent) :]
            kept = text.removesuffix("\n")
            lines[begin:end] = [f"{indent}{word}{len(pieces)}_" + text[len(kept) :]]
            pieces.append(kept)
            break
        else:
            break
    return Masked("".join(lines), word, tuple(pieces))
