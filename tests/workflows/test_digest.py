"""A step is skipped when nothing that decides about its outcome has changed; else never."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import nbformat
import pytest

from alongside_workflows.digest import (
    Index,
    Memory,
    Outcome,
    Unknowable,
    digest,
    environment,
)
from alongside_workflows.model import Step
from alongside_workflows.step.hashing import sha256


@pytest.fixture
def notebook(tmp_path: Path) -> Path:
    """A notebook with one cell."""
    made = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell("n = 1", id="c")])
    nbformat.write(made, tmp_path / "n.ipynb")
    (tmp_path / "in.csv").write_text("a,b\n")
    return tmp_path / "n.ipynb"


def change(path: Path, **more: Any) -> None:
    """Change the notebook's first cell."""
    content = json.loads(path.read_text())
    content["cells"][0].update(more)
    path.write_text(json.dumps(content))


def of(place: Path, values: dict[str, Any] | None = None, **more: Any) -> str:
    """The digest of a step on the notebook."""
    step = Step(name=more.pop("name", "s"), notebook="n.ipynb", inputs={"data": "in.csv"}, **more)
    return digest(step, values or {}, str(place), Memory(), environment())


ALIKE: list[Callable[[Path], str]] = [
    lambda place: of(place, name="other"),
    lambda place: of(place, retry={"times": 3}),
    lambda place: of(place, timeout="1 h"),
    lambda place: (change(place / "n.ipynb", outputs=[], execution_count=7), of(place))[1],
    lambda place: (os.utime(place / "in.csv", (1, 1)), of(place))[1],
]
DIFFERENT: list[Callable[[Path], str]] = [
    lambda place: of(place, {"n": 2}),
    lambda place: of(place, {"n": "1"}),
    lambda place: of(place, kernel="other"),
    lambda place: of(place, environment={"A": "b"}),
    lambda place: of(place, outputs={"o": "out"}),
    lambda place: of(place, image="other:1"),
    lambda place: (change(place / "n.ipynb", source="n = 2"), of(place))[1],
    lambda place: ((place / "in.csv").write_text("a,c\n"), of(place))[1],
]


@pytest.mark.parametrize("other", ALIKE)
def test_it_stays_with_what_does_not_matter(notebook: Path, other: Callable[[Path], str]) -> None:
    assert of(notebook.parent) == other(notebook.parent)


@pytest.mark.parametrize("other", DIFFERENT)
def test_it_changes_with_what_matters(notebook: Path, other: Callable[[Path], str]) -> None:
    before = of(notebook.parent)
    assert before != other(notebook.parent)


def test_the_environment_matters(notebook: Path) -> None:
    step = Step(name="s", notebook="n.ipynb")
    one, two = (digest(step, {}, str(notebook.parent), Memory(), e) for e in ("x", "y"))
    assert one != two
    assert environment() == environment()


@pytest.mark.parametrize(
    "step",
    [
        Step(name="s", notebook="missing.ipynb"),
        Step(name="s", notebook="s3://bucket/n.ipynb"),
        Step(name="s", command=("true",), inputs={"x": "missing"}),
        Step(name="s", command=("true",), inputs={"x": "https://example.org/x"}),
    ],
)
def test_what_is_not_here_has_none(step: Step, tmp_path: Path) -> None:
    with pytest.raises(Unknowable):
        digest(step, {}, str(tmp_path), Memory(), "e")


def test_a_file_that_has_not_changed_is_not_read_again(tmp_path: Path) -> None:
    data = tmp_path / "data"
    data.write_bytes(b"one")
    os.utime(data, (time.time() - 60,) * 2)
    memory = Memory(tmp_path / "m" / "hashes.json")
    assert memory.sha256(data) == sha256(data)
    memory.save()
    before = data.stat()
    data.write_bytes(b"two")
    os.utime(data, ns=(before.st_atime_ns, before.st_mtime_ns))
    again = Memory(tmp_path / "m" / "hashes.json")
    assert again.sha256(data) != sha256(data), "it was read again"
    data.write_bytes(b"three")
    assert again.sha256(data) == sha256(data)


def test_directories_too(tmp_path: Path) -> None:
    (tmp_path / "d" / "e").mkdir(parents=True)
    (tmp_path / "d" / "e" / "f").write_text("1")
    memory = Memory()
    assert memory.sha256(tmp_path / "d") == sha256(tmp_path / "d")
    (tmp_path / "d" / "e" / "f").write_text("22")
    assert memory.sha256(tmp_path / "d") == sha256(tmp_path / "d")


@pytest.mark.parametrize("content", [b"", b"[]", b'{"a": 1}', b'{"a": [1]}', b"\xff"])
def test_a_spoilt_memory_is_forgotten(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "hashes.json").write_bytes(content)
    (tmp_path / "x").write_text("x")
    assert Memory(tmp_path / "hashes.json").sha256(tmp_path / "x") == sha256(tmp_path / "x")


def test_an_outcome_is_taken_only_while_its_outputs_are_there(tmp_path: Path) -> None:
    index = Index(tmp_path / "index")
    out = tmp_path / "out"
    out.write_text("result")
    outcome = Outcome(run="r", step="s", attempt=2, outputs={str(out): sha256(out)})
    assert index.find("d", Memory()) is None
    index.keep("d", outcome)
    assert index.find("d", Memory()) == outcome
    out.write_text("other")
    assert index.find("d", Memory()) is None
    out.unlink()
    assert index.find("d", Memory()) is None
    (index.path / "d.json").write_text("{")
    assert index.find("d", Memory()) is None
