"""A notebook as a step: what it is given, what it gives, and what is recorded of it."""

from __future__ import annotations

import json
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest

from alongside_workflows.task import BAD_INPUT, CRATE, FAILED
from tests.workflows.notebooks import Attempt, notebook

LOOK = """
import json, os
import numpy
from beside import answer
n = 1
label = "default"
"""
MAKE = """
total = numpy.float64(n * answer)
many = list(range(2000))
nested = {"label": label, "ok": True, "nothing": None, "text": "it's \\"ünï\\"\\n"}
open(os.environ["made"], "w").write(f"{total} {open(source).read()}")
names = ("ALONGSIDE_RUN", "ALONGSIDE_STEP", "ALONGSIDE_ATTEMPT", "WORKFLOW_INPUT_PATH", "EXTRA")
environment = {name: os.environ.get(name) for name in names}
print(n, label)
"""


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Attempt:
    """An attempt that uses all that there is, at its end."""
    root = tmp_path_factory.mktemp("step")
    notebook(root / "notebooks" / "work.ipynb", "source = ''", LOOK, MAKE)
    (root / "notebooks" / "beside.py").write_text("answer = 42\n")
    (root / "data.txt").write_text("data")
    attempt = Attempt(
        root,
        attempt=3,
        values={"n": 2, "label": 'a "quoted" $HOME\nünï'},
        step={
            "notebook": "notebooks/work.ipynb",
            "inputs": {"source": "data.txt"},
            "outputs": {"made": "out/made.txt"},
            "results": ["total", "many", "nested", "environment"],
            "environment": {"EXTRA": "more"},
            "output": "executed/{run}.ipynb",
        },
    )
    outcome = attempt.run()
    assert outcome.succeeded, (outcome, attempt.log)
    return attempt


@pytest.mark.shows("K68")
def test_results_are_values_with_their_types(finished: Attempt) -> None:
    results = finished.outcome.results
    assert results["total"] == 84.0
    assert isinstance(results["total"], float)
    assert results["many"] == list(range(2000))
    nested = results["nested"]
    assert isinstance(nested, dict)
    assert nested["label"] == 'a "quoted" $HOME\nünï'
    assert (nested["ok"], nested["nothing"], nested["text"]) == (True, None, 'it\'s "ünï"\n')


@pytest.mark.shows("T111")
def test_the_environment_tells_where_inputs_and_outputs_are(finished: Attempt) -> None:
    root = finished.folder.parent
    assert finished.outcome.results["environment"] == {
        "ALONGSIDE_RUN": "r1",
        "ALONGSIDE_STEP": "test",
        "ALONGSIDE_ATTEMPT": "3",
        "WORKFLOW_INPUT_PATH": str(root / "data.txt"),
        "EXTRA": "more",
    }
    assert (root / "out" / "made.txt").read_text() == "84.0 data"


@pytest.mark.shows("T113")
def test_the_executed_notebook_is_kept_and_put_where_it_was_wanted(finished: Attempt) -> None:
    wanted = finished.folder.parent / "executed" / "r1.ipynb"
    assert wanted.read_bytes() == (finished.folder / "output.ipynb").read_bytes()
    code = [cell for cell in finished.executed.cells if cell.cell_type == "code"]
    assert [cell.execution_count for cell in code] == [1, 2, 3]
    assert code[2].outputs[-1].text.startswith("2 a")
    assert "n = 2" in code[1].source


def test_progress_names_the_cell(finished: Attempt) -> None:
    progress = finished.progress
    assert progress is not None
    assert (progress.phase, progress.cell, progress.cells) == ("collecting", 3, 3)


@pytest.mark.shows("K81")
def test_the_record_tells_what_made_the_result(finished: Attempt) -> None:
    root = finished.folder.parent
    entities = read_crate(finished.folder / CRATE)
    action = entities["#attempt"]
    assert action["actionStatus"]["@id"].endswith("CompletedActionStatus")
    assert action["startTime"] < action["endTime"]
    source = entities[action["instrument"]["@id"]]
    assert source["sha256"] == sha256((root / "notebooks/work.ipynb").read_bytes()).hexdigest()
    given = [entities[item["@id"]] for item in action["object"]]
    assert {"name": "source", "sha256": sha256(b"data").hexdigest()}.items() <= given[0].items()
    assert {item["name"]: item.get("value") for item in given[1:]} == {
        "n": 2,
        "label": 'a "quoted" $HOME\nünï',
    }
    made = {entities[item["@id"]]["name"]: entities[item["@id"]] for item in action["result"]}
    assert made["made"]["sha256"] == sha256(b"84.0 data").hexdigest()
    assert made["total"]["value"] == 84.0
    versions = {entities[i["@id"]]["name"] for i in source["softwareRequirements"]}
    assert {"Python", "ipykernel", "nbclient", "jupyterhub-alongside"} <= versions
    assert [finished.outcome.inputs["source"], finished.outcome.outputs["made"]] == [
        sha256(b"data").hexdigest(),
        sha256(b"84.0 data").hexdigest(),
    ]


def read_crate(path: Path) -> dict[str, Any]:
    """The entities of a record, all of whose references resolve."""
    document = json.loads(path.read_text())
    entities = {entity["@id"]: entity for entity in document["@graph"]}
    assert len(entities) == len(document["@graph"])
    outside = ("http://schema.org/", "https://w3id.org/ro/crate/", "https://w3id.org/ro/terms/")

    def check(value: Any) -> None:
        if isinstance(value, list):
            for item in value:
                check(item)
        elif isinstance(value, dict):
            assert set(value) == {"@id"}, "entities are flat"
            assert value["@id"] in entities or value["@id"].startswith(outside), value

    for entity in entities.values():
        assert entity["@type"]
        for name, value in entity.items():
            if name not in ("@id", "@type"):
                check(value)
    about = entities["ro-crate-metadata.json"]
    assert about["about"] == {"@id": "./"}
    assert entities["./"]["conformsTo"]["@id"].startswith("https://w3id.org/ro/wfrun/process/")
    return entities


def test_it_is_done_once(finished: Attempt) -> None:
    before = finished.outcome
    assert finished.run() == before  # a pod that was started again


def test_a_notebook_that_ends_itself_has_succeeded(tmp_path: Path) -> None:
    path = notebook(tmp_path / "n.ipynb", "done = 1", "import sys; sys.exit()", "1 / 0")
    outcome = Attempt(tmp_path, step={"notebook": str(path), "results": ["done"]}).run()
    assert outcome.results == {"done": 1}


@pytest.mark.parametrize(
    ("code", "message"),
    [
        ("pass", "There is no variable 'x' at the end of the notebook"),
        ("x = print", "The result 'x' can't be kept as JSON (it is a builtin_function"),
        ("x = 'a' * 70_000", "The result 'x' is larger than 64 KiB."),
    ],
)
def test_results_that_cannot_be(tmp_path: Path, code: str, message: str) -> None:
    path = notebook(tmp_path / "n.ipynb", code)
    outcome = Attempt(tmp_path, step={"notebook": str(path), "results": ["x"]}).run()
    assert outcome.exit_code == FAILED
    assert outcome.message.startswith(message)
    assert outcome.remedy


def test_an_unknown_parameter_is_bad_input(tmp_path: Path) -> None:
    path = notebook(tmp_path / "n.ipynb", "n = 1")
    attempt = Attempt(tmp_path, values={"m": 1}, step={"notebook": str(path)})
    outcome = attempt.run()
    assert outcome.exit_code == BAD_INPUT
    assert "m" in outcome.message
    assert not (attempt.folder / "output.ipynb").exists()
