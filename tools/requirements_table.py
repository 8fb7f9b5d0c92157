"""Makes ``docs/reference/requirements.md``: what the product is to do and which tests show it.

The lines are in ``docs/reference/requirements.yaml``; the tests say themselves what they show, by
``@pytest.mark.shows("K1")`` on a function, a class or, as ``pytestmark``, a module. With
``--check`` nothing is written and a page that isn't current is an error.
"""

from __future__ import annotations

import ast
import sys
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML

ROOT = Path(__file__).resolve().parent.parent
LINES = ROOT / "docs" / "reference" / "requirements.yaml"
PAGE = ROOT / "docs" / "reference" / "requirements.md"
INTRODUCTION = """\
# Requirements

<!-- Made by tools/requirements_table.py; edit requirements.yaml and the tests instead. -->

What the complete product is to do, and the tests that show that it does: with the real
components, not with stand-ins. *In part* says what of the line is yet to come; *double*, that it
was shown with a double of Arkouda's server, as the real one can't be installed from a package index
(see `tests/README.md`); *superseded*, what has made it needless.
"""


def shown_by(folder: Path) -> dict[str, list[str]]:
    """Names of tests by the id that they show."""
    found: dict[str, list[str]] = defaultdict(list)
    for path in sorted(folder.rglob("test_*.py")):
        place = path.relative_to(folder).with_suffix("").as_posix()
        for id, test in _marked(ast.parse(path.read_text(encoding="utf-8"))):
            found[id].append(f"{place}::{test}" if test else place)
    return found


def _marked(module: ast.Module) -> Iterator[tuple[str, str]]:
    """Id and test of every mark in a module; the test is "" where it is all of them."""
    for node in module.body:
        if isinstance(node, ast.Assign) and any(
            isinstance(target, ast.Name) and target.id == "pytestmark" for target in node.targets
        ):
            yield from ((id, "") for id in _ids(node.value))
    for below in ast.walk(module):
        if isinstance(below, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            for decorator in below.decorator_list:
                yield from ((id, below.name) for id in _ids(decorator))


def _ids(expression: ast.expr) -> Iterator[str]:
    for node in ast.walk(expression):
        if (
            isinstance(node, ast.Call)
            and isinstance(node.func, ast.Attribute)
            and node.func.attr == "shows"
        ):
            values = [a.value for a in node.args if isinstance(a, ast.Constant)]
            yield from (value for value in values if isinstance(value, str))


def page(lines: dict[str, Any], tests: dict[str, list[str]]) -> str:
    """The whole page. ValueError for an id that a test names and no line has."""
    known = {id for group in lines["groups"].values() for id in group}
    strangers = {id: names for id, names in tests.items() if id not in known}
    strangers |= {
        id: [key] for key in ("in_part", "superseded", "double") for id in set(lines[key]) - known
    }
    if strangers:
        raise ValueError(f"no such requirement: {strangers}")
    counts: dict[str, int] = defaultdict(int)
    text = []
    for title, group in lines["groups"].items():
        text += [f"\n## {title}\n", "| Id | What | State | Shown by |", "|---|---|---|---|"]
        for id, what in group.items():
            names = tests.get(id, [])
            state, clause = _state(id, lines, names)
            counts[state] += 1
            said = f"{state}: {clause}" if clause else state
            text.append(f"| {id} | {what} | {said} | {_names(names)} |")
    states = ("shown", "double", "in part", "open", "superseded")
    total = ", ".join(f"{counts[state]} {state}" for state in states)
    return f"{INTRODUCTION}\n{sum(counts.values())} lines: {total}.\n" + "\n".join(text) + "\n"


def _state(id: str, lines: dict[str, Any], names: list[str]) -> tuple[str, str]:
    """The state of a line, and what is to be said of it, if anything."""
    if id in lines["superseded"]:
        return "superseded", lines["superseded"][id]
    if not names:
        return "open", ""
    if id in lines["in_part"]:
        return "in part", lines["in_part"][id]
    return ("double" if id in lines["double"] else "shown"), ""


def _names(names: list[str]) -> str:
    return "<br>".join(f"`{name}`" for name in sorted(set(names)))


def main(arguments: list[str]) -> int:
    """Write or check; the exit code."""
    lines = YAML(typ="safe").load(LINES.read_text(encoding="utf-8"))
    try:
        fresh = page(lines, shown_by(ROOT / "tests"))
    except ValueError as error:
        print(error, file=sys.stderr)
        return 1
    if "--check" in arguments:
        if PAGE.exists() and PAGE.read_text(encoding="utf-8") == fresh:
            return 0
        print(f"{PAGE.relative_to(ROOT)} is not current; run: make lists", file=sys.stderr)
        return 1
    PAGE.write_text(fresh, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
