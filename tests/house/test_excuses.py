"""What is let off a rule says why, and what nobody needs any more is found."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

from tests.house.test_source import PACKAGES, ROOT, text_of, tracked

# Built from pieces, so that this file has none of them.
EXCUSE = re.compile("# ?(?:no" + "qa|type: ?" + "ignore)(?P<rest>.*)")
CODE_AND_REASON = re.compile(r"(?:\[[\w-]+\]|: [A-Z]+\d+)\s*(?:[-(#]\s*\w.*)")
LONGEST = 320  # lines
LONG = {"alongside_authenticators/header.py": "half of it are settings and what they mean"}
"""Modules that are longer, a quarter at the most, each with the reason."""


def python() -> Iterator[Path]:
    """The modules and scripts of the project."""
    return (name for name in tracked() if name.suffix == ".py")


def test_what_a_checker_is_told_to_overlook_is_named_and_says_why() -> None:
    """In one line: the rule, and after it the reason."""
    bare = [
        f"{name}:{number}: {line.strip()}"
        for name in python()
        for number, line in enumerate(text_of(name).splitlines(), start=1)
        if (found := EXCUSE.search(line)) and not CODE_AND_REASON.match(found["rest"])
    ]
    assert not bare


def test_a_module_of_a_package_fits_on_few_screens() -> None:
    """What is longer is listed, and what is listed needs to be."""
    lengths = {
        path.relative_to(folder.parent).as_posix(): len(path.read_text("utf-8").splitlines())
        for folder in PACKAGES.values()
        for path in (ROOT / name for name in python())
        if path.is_relative_to(folder)
    }
    assert LONG.keys() == {name for name, lines in lengths.items() if lines > LONGEST}
    assert max(lengths.values()) <= LONGEST * 1.25


def test_every_fixture_is_asked_for() -> None:
    """By a test, by another fixture, or by its name."""
    made: dict[str, str] = {}
    wanted: set[str] = set()
    for name in python():
        if name.parts[0] != "tests" and "testing" not in name.parts:
            continue
        for node in ast.walk(ast.parse(text_of(name))):
            if isinstance(node, ast.Constant) and isinstance(node.value, str):
                wanted.add(node.value)
            elif isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                wanted |= {one.arg for one in (*node.args.args, *node.args.kwonlyargs)}
                said = " ".join(ast.unparse(decorator) for decorator in node.decorator_list)
                if "pytest.fixture" in said and "autouse=True" not in said:
                    made[node.name] = f"{name}: {node.name}"
    assert made
    assert not [made[name] for name in made.keys() - wanted]
