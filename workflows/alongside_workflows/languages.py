"""Other languages than Python: how a value of JSON is written in them, and assigned.

Text is told character by character, so that whatever is in it, quotes, ``$``, line ends, stays
text, and an assignment is one line, for some kernels read their cells line by line. That is why
these are not papermill's translators, whose texts Julia interpolates and R takes for bytes; plain
values look as theirs do.
"""

from __future__ import annotations

import json
import math
import re
import shlex
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

from pydantic import JsonValue

PARAMETERS = "ALONGSIDE_PARAMETERS"
"""The environment variable with the path of a file in which all parameters are, as JSON: for
notebooks in languages that are not among these, and for commands."""
_DEEPEST = 60
_EXACT = 2**53
"""Whole numbers up to here are exact where all numbers are floating point."""


def _assignment(before: str) -> re.Pattern[str]:
    """A line that assigns; `before`: what may stand before the name."""
    return re.compile(
        rf"""(?:{before})*
        (?P<name>[^\W\d]\w*)\s*(?:::?\s*\w+\s*)?(?:<-|=)(?![=~])\s*
        (?P<value>"[^"]*"|'[^']*'|.*?)\s*;?
        (?:\s+(?:\#|//)+\s*(?P<help>.*?))?\s*""",
        re.VERBOSE,
    )


_KEYWORDS = _assignment(r"(?:const|declare|export|global|let|local|var)\s+")
_TYPES = _assignment(r"[A-Za-z_][\w:]*(?:<[^=;]*>)?[\s&*]+")
_PLAIN = re.compile(r"""(?P<quote>["'])(?P<text>[^"'\\$`]*)(?P=quote)""")
_WHOLE = re.compile(r"(-?(?:0|[1-9]\d*))(L?)")
_BROKEN = re.compile(r"-?\d+(?:\.\d+(?:[eE][-+]?\d+)?|[eE][-+]?\d+)")
_BARE = re.compile(r"[\w./:@%+,-]+")


@dataclass(frozen=True)
class Declared:
    """A variable that a line gives a value to."""

    name: str
    value: JsonValue
    literal: bool
    """Whether `value` is known; else it is computed, or goes on in the next line."""
    source: str
    help: str


@dataclass(frozen=True)
class Language:
    """What values look like in it."""

    text: Callable[[str], str]
    words: tuple[str, str, str]
    """Null, true and false."""
    sequence: str
    mapping: str = ""
    """'': it has none that a parameter could be."""
    pair: str = "{}: {}"
    assignment: str = "{} = {}"
    nests: bool = True
    integers: bool = True
    """Whether it has whole numbers; else those that are written without a mark are not."""
    bare: bool = False
    """Whether a word without quotes is text."""
    line: re.Pattern[str] = _KEYWORDS
    """A line that assigns."""

    def assign(self, name: str, value: JsonValue) -> str:
        """One line that gives the variable this value. Raises ValueError as `literal`."""
        return self.assignment.format(name, self.literal(value))

    def literal(self, value: object, depth: int = 0) -> str:
        """The value as it is written there.

        Raises ValueError, with a sentence's end (``is not a number``), for what it does not have.
        """
        if value is None or isinstance(value, bool):
            return self.words[0 if value is None else 2 - value]
        if isinstance(value, int):
            if not self.integers and abs(value) > _EXACT:
                raise ValueError("is larger than whole numbers can be there")
            return str(value)
        if isinstance(value, float):
            if not math.isfinite(value):
                raise ValueError("is or has a number that JSON does not have (NaN or infinite)")
            return repr(value)
        if isinstance(value, str):
            if "\0" in value or any("\ud800" <= char <= "\udfff" for char in value):
                raise ValueError("is or has text with characters that can't be written there")
            return self.text(value)
        if depth > (_DEEPEST if self.nests else 0):
            raise ValueError("is nested more deeply than it can be there")
        if isinstance(value, list | tuple):
            between = ", " if self.nests else " "
            return self.sequence.format(between.join(self.literal(v, depth + 1) for v in value))
        if isinstance(value, Mapping) and self.mapping:
            pairs = (
                self.pair.format(self.literal(str(key)), self.literal(one, depth + 1))
                for key, one in value.items()
            )
            return self.mapping.format(", ".join(pairs))
        raise ValueError("is or has something that can't be written there")

    def declared(self, source: str) -> Iterator[Declared]:
        """The lines of a cell that begin with an assignment."""
        for line in source.splitlines():
            if found := self.line.fullmatch(line):
                value, literal = self._read(found["value"])
                yield Declared(found["name"], value, literal, found["value"], found["help"] or "")

    def _read(self, source: str) -> tuple[JsonValue, bool]:
        if plain := _PLAIN.fullmatch(source):
            return plain["text"], True
        if source in self.words:
            return (None, True, False)[self.words.index(source)], True
        if whole := _WHOLE.fullmatch(source):
            return (int if self.integers or whole[2] else float)(whole[1]), True
        if _BROKEN.fullmatch(source):
            return float(source), True
        return (source, True) if self.bare and _BARE.fullmatch(source) else (None, False)


def _octal(char: str) -> str:
    return "".join(f"\\{byte:03o}" for byte in char.encode())


def _hexadecimal(char: str) -> str:
    return f"\\u{ord(char):04x}" if ord(char) < 2**16 else f"\\U{ord(char):08x}"


def _quoted(special: str, escaped: Callable[[str], str] = _hexadecimal) -> Callable[[str], str]:
    """Text in double quotes, with a backslash before these characters.

    escaped : how a character is written that can't be printed
    """

    def quoted(text: str) -> str:
        return '"' + "".join(map(one, text)) + '"'

    def one(char: str) -> str:
        if char in special:
            return f"\\{char}"
        return char if char.isprintable() else escaped(char)

    return quoted


def _of_shell(text: str) -> str:
    if text.isprintable():
        return shlex.quote(text)
    parts = (char if char.isprintable() and char not in "\\'!" else _octal(char) for char in text)
    return f"$'{''.join(parts)}'"


_SHELL = Language(
    _of_shell, ("''", "true", "false"), "({})", assignment="{}={}", nests=False, bare=True
)
_SCRIPT = Language(json.dumps, ("null", "true", "false"), "[{}]", "{{{}}}", integers=False)
_LANGUAGES = {
    "bash": _SHELL,
    "c++": Language(
        _quoted('"\\', _octal),
        ("nullptr", "true", "false"),
        "{{{}}}",
        "{{{}}}",
        "{{{}, {}}}",
        "{} = {};",
        line=_TYPES,
    ),
    "javascript": _SCRIPT,
    "typescript": _SCRIPT,
    "julia": Language(
        _quoted('"\\$'), ("nothing", "true", "false"), "[{}]", "Dict({})", "{} => {}"
    ),
    "r": Language(
        _quoted('"\\'),
        ("NULL", "TRUE", "FALSE"),
        "list({})",
        "list({})",
        "{} = {}",
        integers=False,
    ),
}


def spoken(language: str) -> Language | None:
    """How this language writes values, by its name in lower case; None: that isn't known."""
    return _LANGUAGES.get(language)


KNOWN = ("bash", "C++", "JavaScript", "Julia", "Python", "R", "TypeScript")
"""What people call those in which parameters can be set."""
