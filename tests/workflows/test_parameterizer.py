"""The command line of notebook_parameterizer, as its users have it in their scripts."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient

from alongside_workflows.parameterizer import main
from tests.workflows.test_parameters import notebook

LISTING = """\
extra: 1
infile: ENV_WORKFLOW_INPUT_PATH
outfile_insufficent: ENV_outfile_insufficent
outfile_thresholded: ENV_outfile_thresholded
threshold: 10000
"""
POROSITY = (
    "%matplotlib inline\nimport os\ninfile = None  # data\nextra = 0",
    "# Where the results go\noutfile_insufficent = 'discarded.txt'  # too few pores",
    "if True:\n    outfile_thresholded = os.path.join(\n        'ok',\n        'a.npy',\n    )",
    "threshold: int = 20000; bench = 'threshold = 1'\n!true",
    "print(infile, extra, outfile_insufficent, outfile_thresholded, threshold)",
)
PLACES = {
    "WORKFLOW_INPUT_PATH": "/data/foam $1 'x'.npy",
    "outfile_insufficent": "/out/i.txt",
    "outfile_thresholded": "/out/t.npy",
}


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    for name in PLACES:
        monkeypatch.delenv(name, raising=False)
    nbformat.write(notebook(*POROSITY), "porosity.ipynb")
    Path("parameters.yml").write_text(LISTING, encoding="utf-8")
    return tmp_path


def sources(path: str) -> list[str]:
    return [cell.source for cell in nbformat.read(path, as_version=4).cells]


def fails(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    assert main(arguments) == 1
    shown = capsys.readouterr()
    assert shown.out == ""
    return shown.err


@pytest.mark.shows("T110", "T111", "T171")
def test_the_listing_is_applied_to_the_porosity_notebook_and_it_runs(folder: Path) -> None:
    command = [sys.executable, "-m", "alongside_workflows.parameterizer"]
    command += ["-e", "-o", "out.ipynb", "porosity.ipynb", "parameters.yml"]
    subprocess.run(command, check=True, timeout=60, env=os.environ | PLACES)
    assert sources("out.ipynb") == [
        "%matplotlib inline\nimport os\ninfile = \"/data/foam $1 'x'.npy\"  # data\nextra = 1",
        "# Where the results go\noutfile_insufficent = '/out/i.txt'  # too few pores",
        "if True:\n    outfile_thresholded = '/out/t.npy'",
        "threshold: int = 10000; bench = 'threshold = 1'\n!true",
        POROSITY[-1],
    ]
    ready = nbformat.read("out.ipynb", as_version=4)
    ready.cells[0].source = ready.cells[0].source.partition("\n")[2]  # no matplotlib here
    NotebookClient(ready, timeout=60, kernel_name="python3").execute()
    said = ready.cells[-1].outputs[0].text
    assert said == "/data/foam $1 'x'.npy 1 /out/i.txt /out/t.npy 10000\n"


@pytest.mark.shows("T110", "T171")
def test_the_help_has_the_options(capsys: pytest.CaptureFixture[str]) -> None:
    for option in ("-h", "--help"):
        with pytest.raises(SystemExit) as ended:
            main([option])
        assert ended.value.code == 0
        text = capsys.readouterr().out
        assert text.lower().startswith(
            "usage: notebook_parameterizer [options] notebook_path parameters_path"
        )
        for word in ("-o", "--output_notebook_path TEXT", "-e, --expand_env_values", "-h, --help"):
            assert word in text


@pytest.mark.shows("T111")
def test_without_the_option_nothing_is_expanded(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["porosity.ipynb", "parameters.yml", "--output_notebook_path", "out.ipynb"]) == 0
    assert "infile = 'ENV_WORKFLOW_INPUT_PATH'  # data" in sources("out.ipynb")[0]
    assert main(["porosity.ipynb", "parameters.yml"]) == 0
    assert capsys.readouterr().out == Path("out.ipynb").read_text(encoding="utf-8")


@pytest.mark.shows("T111")
def test_all_unset_variables_are_named(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    said = fails(capsys, "-e", "-o", "out.ipynb", "porosity.ipynb", "parameters.yml")
    for name in PLACES:
        assert f"environment variable {name}, which is not set" in said
    assert not Path("out.ipynb").exists()


def test_a_number_in_the_environment_is_a_number(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    Path("parameters.yml").write_text("threshold: ENV_T\nextra: ENV_E\n", encoding="utf-8")
    monkeypatch.setenv("T", "5")
    monkeypatch.setenv("E", "6")
    assert main(["-e", "porosity.ipynb", "parameters.yml", "-o", "out.ipynb"]) == 0
    assert "threshold: int = 5;" in sources("out.ipynb")[3]
    monkeypatch.setenv("T", "many")
    assert "threshold can't be the text 'many'" in fails(
        capsys, "-e", "porosity.ipynb", "parameters.yml"
    )
    Path("parameters.yml").write_text("threshold: ENV_\n", encoding="utf-8")
    assert "without the name" in fails(capsys, "-e", "porosity.ipynb", "parameters.yml")


@pytest.mark.shows("T110")
def test_missing_files_and_unmatched_names_fail_with_a_sentence(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert "There is no notebook no.ipynb." in fails(capsys, "no.ipynb", "parameters.yml")
    assert "no file of parameters no.yml" in fails(capsys, "porosity.ipynb", "no.yml")
    Path("parameters.yml").write_text("treshold: 1\nextra: many\n", encoding="utf-8")
    said = fails(capsys, "porosity.ipynb", "parameters.yml", "-o", "out.ipynb")
    assert "no variable treshold. Did you mean threshold?" in said
    assert "extra can't be the text 'many'" in said
    assert not Path("out.ipynb").exists()
    with pytest.raises(SystemExit) as ended:
        main(["porosity.ipynb"])
    assert ended.value.code == 2


@pytest.mark.parametrize("text", ["", "{", "[]", "{}", '{"cells": 3, "nbformat": 4}', '"a"', "nul"])
def test_what_is_no_notebook_is_refused(
    folder: Path, capsys: pytest.CaptureFixture[str], text: str
) -> None:
    Path("bad.ipynb").write_text(text, encoding="utf-8")
    assert "bad.ipynb is not a notebook." in fails(capsys, "bad.ipynb", "parameters.yml")
    Path("bad.ipynb").write_bytes(b"\xff")
    assert "not text in UTF-8" in fails(capsys, "bad.ipynb", "parameters.yml")
    assert "can't be read" in fails(capsys, ".", "parameters.yml")


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("a: [", "this is not YAML"),
        ("a: 1\na: 2\n", "this is not YAML"),
        ("- a\n", "does not have names with values"),
        ("1: 2\n", "does not have names with values"),
        ("extra: .nan\n", "NaN"),
        ("infile: 2026-01-01\n", "JSON does not have (date)"),
        ("infile: !!python/object:os.system x\n", "this is not YAML"),
    ],
)
def test_what_is_no_file_of_parameters_is_refused(
    folder: Path, capsys: pytest.CaptureFixture[str], text: str, sentence: str
) -> None:
    Path("parameters.yml").write_text(text, encoding="utf-8")
    assert sentence in fails(capsys, "porosity.ipynb", "parameters.yml")


def test_an_output_that_cant_be_written_is_told(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    Path("parameters.yml").write_text("", encoding="utf-8")
    arguments = ["porosity.ipynb", "parameters.yml", "-o"]
    assert "can't be written" in fails(capsys, *arguments, "no/out.ipynb")
    Path("folder.ipynb").mkdir()
    assert "can't be written" in fails(capsys, *arguments, "folder.ipynb")
    assert main([*arguments, "porosity.ipynb"]) == 0
    assert sources("porosity.ipynb") == list(POROSITY)
    assert sorted(path.name for path in folder.iterdir()) == [
        "folder.ipynb",
        "parameters.yml",
        "porosity.ipynb",
    ]
