"""Definitions and notebooks in files."""

from __future__ import annotations

import doctest
import json
import os
from pathlib import Path

import pytest

from alongside.errors import InvalidFields, InvalidRequest, StorageFailed
from alongside_workflows import files, read_workflow, to_yaml, write_workflow
from alongside_workflows.files import parse_workflow, read_notebook, value_of

EXAMPLES = Path(__file__).parents[2] / "examples"
GOOD = "name: x\nsteps:\n  - {name: a, command: [echo, a]}\n"


@pytest.mark.parametrize("example", ["diamond", "weather"])
@pytest.mark.parametrize("suffix", ["yaml", "json"])
def test_what_is_written_is_read_again(tmp_path: Path, example: str, suffix: str) -> None:
    flow = read_workflow(EXAMPLES / f"{example}.yaml")
    write_workflow(flow, tmp_path / f"flow.{suffix}")
    assert read_workflow(tmp_path / f"flow.{suffix}") == flow
    assert parse_workflow(to_yaml(flow)) == flow


def test_values_of_all_types_survive_yaml(tmp_path: Path) -> None:
    values = {
        "text": 'a "b"\n$HOME ü 1e3',
        "yes": "yes",
        "number": "10",
        "float": 0.1,
        "none": None,
    }
    values |= {"date": "2026-01-01", "list": [1, [2.5, True]], "object": {"key": "~"}}
    flow = parse_workflow(GOOD).model_copy(update={"parameters": values})
    assert parse_workflow(to_yaml(flow)).parameters == values


@pytest.mark.parametrize(
    ("directory", "expected"), [("", "."), ("directory: data\n", "data"), ("directory: ..\n", "..")]
)
def test_paths_are_meant_from_the_files_folder(
    tmp_path: Path, directory: str, expected: str
) -> None:
    (tmp_path / "flow.yaml").write_text(GOOD + directory)
    assert read_workflow(tmp_path / "flow.yaml").directory == str((tmp_path / expected).resolve())


def test_a_date_is_the_text_that_was_written() -> None:
    assert parse_workflow(f"{GOOD}parameters: {{day: 2026-01-01}}").parameters == {
        "day": "2026-01-01"
    }


@pytest.mark.parametrize(
    ("text", "line", "sentence"),
    [
        ("name: x\nname: y\n", 2, "'name' is there twice"),
        ("a: &a [x]\nb: *a\n", 1, "anchors and aliases"),
        ("name: " + "[" * 50, 1, "nested more than 20 deep"),
        ("name: x\nsteps: [\n", 3, "expected|flow"),
        (GOOD + "parrallel: 3\n", 4, "parrallel is not known"),
        ("name: x\nsteps:\n  - name: a\n    comand: [x]\n", 4, "comand is not known"),
        ("name: x\nsteps:\n  - {name: A b, command: [x]}\n", 3, "can't be the name of a step"),
        (GOOD + "  - {name: b, command: [x], after: [q]}\n", 4, "which is no step"),
        (GOOD + "  - name: a\n    command: [x]\n", 4, "two steps 'a'"),
        (GOOD + "timeout: soon\n", 4, "not a length of time"),
        (GOOD + "  - {name: b, command: [x], backend: {kinds: dask}}\n", 4, "kinds is not known"),
        ("name: x\nsteps:\n  - {name: a, command: [x], after: [a]}\n", 2, "is a circle"),
        ("name: x\nsteps:\n  - {name: a}\n", 3, "give either `notebook` or `command`"),
    ],
)
def test_a_bad_definition_is_refused_with_line_and_sentence(
    text: str, line: int, sentence: str
) -> None:
    with pytest.raises(InvalidRequest, match=sentence) as caught:
        parse_workflow(text, "flow.yaml")
    found = getattr(caught.value, "errors", [caught.value])
    assert f"flow.yaml, line {line}:" in found[0].message
    assert all(one.remedy or "either" in one.message for one in found)


def test_all_that_is_wrong_is_told_at_once() -> None:
    text = "name: x\nsteps:\n- {name: a, command: []}\n- {name: b, command: [x], cache: 3}\nz: 1\n"
    with pytest.raises(InvalidFields) as caught:
        parse_workflow(text, "flow.yaml")
    lines = sorted(error.message.partition(":")[0] for error in caught.value.errors)
    assert lines == ["flow.yaml, line 3", "flow.yaml, line 4", "flow.yaml, line 5"]


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ('{"name": "x",\n"name": "y"}', "'name' is there twice"),
        ('{"name": "x",\n\n oh', "line 3"),
        ("[" * 100_000, "nested too deeply"),
        ('{\n\t"name": "x",\n\t"steps": [],\n\t"z": 1}', "z is not known"),
    ],
)
def test_bad_json_is_refused(text: str, sentence: str) -> None:
    with pytest.raises(InvalidRequest) as caught:
        parse_workflow(text, "flow.json")
    found = getattr(caught.value, "errors", [caught.value])
    assert any(sentence in one.message for one in found)


@pytest.mark.parametrize("text", ["", "words", "- a\n", "\x07"])
def test_what_is_no_definition_at_all_is_refused(tmp_path: Path, text: str) -> None:
    (tmp_path / "flow.yaml").write_text(text)
    with pytest.raises(InvalidRequest) as caught:
        read_workflow(tmp_path / "flow.yaml")
    assert caught.value.remedy


def test_what_can_not_be_read_or_written_is_told(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.yaml")
    (tmp_path / "large.yaml").write_text("#" * (2**20 + 1))
    for name in ("missing.yaml", "pipe.yaml", "large.yaml"):
        with pytest.raises(InvalidRequest, match=name.partition(".")[0]):
            read_workflow(tmp_path / name)
    with pytest.raises(StorageFailed, match="can't be written"):
        write_workflow(parse_workflow(GOOD), tmp_path / "no" / "flow.yaml")


@pytest.mark.parametrize(
    "content",
    [b"", b"not JSON", b"[]", b"{}", b"3", b"\xff\xfe", b'{"nbformat": 4}', b"[" * 100_000],
)
def test_a_file_that_is_no_notebook_is_refused(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "x.ipynb").write_bytes(content)
    with pytest.raises(InvalidRequest, match=r"x\.ipynb"):
        read_notebook(tmp_path / "x.ipynb")


def test_an_old_notebook_is_read_in_the_newest_form(tmp_path: Path) -> None:
    old = {"nbformat": 3, "nbformat_minor": 0, "metadata": {"name": ""}}
    cell = {"cell_type": "code", "input": ["1"], "language": "python", "outputs": []}
    old["worksheets"] = [{"cells": [cell]}]
    (tmp_path / "x.ipynb").write_text(json.dumps(old))
    assert read_notebook(tmp_path / "x.ipynb").cells[0].source == "1"


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("10", 10),
        ("0.5", 0.5),
        ("true", True),
        ("yes", "yes"),
        ("null", None),
        ("[1, a]", [1, "a"]),
        ("{a: 1}", {"a": 1}),
        ("'10'", "10"),
        ("a: b: c", "a: b: c"),
        ("*", "*"),
        (".nan", ".nan"),
        ("2026-01-01", "2026-01-01"),
        ("$HOME", "$HOME"),
    ],
)
def test_a_value_on_the_command_line_is_what_yaml_means_by_it(text: str, value: object) -> None:
    assert value_of(text) == value
    assert type(value_of(text)) is type(value)


def test_examples_in_docstrings_are_right() -> None:
    assert doctest.testmod(files).failed == 0
