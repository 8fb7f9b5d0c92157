"""The words of a command: names in braces stand for parameters, inputs and outputs. Pure."""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from pathlib import Path

from pydantic import JsonValue

from alongside.errors import InvalidRequest

REMEDY = "Correct the command or the parameters."
_TOKEN = re.compile(r"\{\{|\}\}|\{([^\W\d]\w*)\}|[{}]")


def problems(words: Iterable[str], known: Collection[str], wanted: Iterable[str]) -> list[str]:
    """What is wrong with words, each once: a name that isn't `known`, a single brace, and what is
    `wanted` but stands nowhere.

    >>> problems(["{n}", "{{m}}", "}"], {"n", "k"}, ["k"])
    ['there is a single } (write }} for a brace)', "parameter 'k' is given, but {k} stands nowhere"]
    """
    found: dict[str, None] = {}
    used = set()
    for match in (match for word in words for match in _TOKEN.finditer(word)):
        text, name = match[0], match[1]
        if text in ("{{", "}}"):
            continue
        if name is None:
            found[f"there is a single {text} (write {text * 2} for a brace)"] = None
        elif name not in known:
            found[f"{text} is no parameter, input or output"] = None
        else:
            used.add(name)
    for name in wanted:
        if name not in used:
            found[f"parameter {name!r} is given, but {{{name}}} stands nowhere"] = None
    return list(found)


def names(words: Iterable[str]) -> set[str]:
    """What stands in braces in these words.

    >>> sorted(names(["{n}", "{{m}}", "{n}{k}"]))
    ['k', 'n']
    """
    return {match[1] for word in words for match in _TOKEN.finditer(word) if match[1]}


def filled(
    words: Sequence[str],
    values: Mapping[str, JsonValue],
    optional: Collection[str] = (),
    paths: Mapping[str, Path] | None = None,
) -> list[str]:
    """The words with `{name}` replaced by what it stands for; `{{` and `}}` are braces.

    `values` are the parameters, `paths` those of inputs and outputs. A text is put in as it is,
    anything else as JSON. Raises InvalidRequest that tells all that is wrong: see `problems`; a
    parameter that is `optional` may stand nowhere.
    """
    known: dict[str, JsonValue] = {name: str(path) for name, path in (paths or {}).items()}
    known |= values
    if found := problems(words, known, (name for name in values if name not in optional)):
        message = f"The command can't be made: {'; '.join(found)}."
        raise InvalidRequest(message, REMEDY, "command")

    def replaced(match: re.Match[str]) -> str:
        if match[1] is None:
            return match[0][0]
        value = known[match[1]]
        return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)

    complete = [_TOKEN.sub(replaced, word) for word in words]
    if nul := [word for word in complete if "\0" in word]:
        raise InvalidRequest(f"{nul[0]!r} can't be a word of a command.", "Take the NUL out.")
    return complete
