"""Workflows as steps of others."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from alongside.errors import InvalidFields, InvalidRequest
from alongside_workflows import Workflow, read_workflow, workflow
from alongside_workflows.client import define
from alongside_workflows.course import Course
from alongside_workflows.executors.argo.compile import manifests
from alongside_workflows.runs import State
from tests.workflows.argo_runs import API, SETTINGS, notebook, run_of
from tests.workflows.local_runs import Make
from tests.workflows.test_argo_compile import workflow_of

PREP = """\
name: prep
parameters: {year: 2020, scale: 1, deep: no}
backends:
  cluster: {kind: dask}
steps:
  - {name: fetch, command: [result, got, "{year}"], results: [got]}
  - {name: clean, notebook: clean.ipynb, after: [fetch], backend: cluster, inputs: {raw: raw}}
  - name: fit
    command: [echo, "{got}{scale}{deep}"]
    takes: {got: fetch.got}
    results: [slope]
"""
REPORT = """\
name: report
parameters: {year: 2025}
steps:
  - {name: start, command: ["true"], results: [scale]}
  - name: prep
    workflow: prep.yaml
    after: [start]
    takes: {scale: start.scale}
    parameters: {deep: "yes"}
  - {name: end, command: [echo, "{slope}"], takes: {slope: prep.slope}, after: [prep]}
"""


def written(folder: Path, **texts: str) -> Path:
    """These definitions; the last one's path."""
    folder.mkdir(exist_ok=True)
    for name, text in texts.items():
        path = folder / f"{name}.yaml"
        path.write_text(text)
    return path


def report(folder: Path) -> Workflow:
    return read_workflow(written(folder, prep=PREP, report=REPORT))


@pytest.mark.shows("T119")
def test_its_steps_take_its_place(tmp_path: Path) -> None:
    flow = report(tmp_path)
    assert flow.graph.before == {
        "start": (),
        "prep-fetch": ("start",),
        "prep-clean": ("prep-fetch", "start"),
        "prep-fit": ("prep-fetch", "start"),
        "end": ("prep-clean", "prep-fit"),
    }
    assert flow.step("end").takes == {"slope": "prep-fit.slope"}
    assert list(flow.backends) == ["prep-cluster"]
    assert flow.step("prep-clean").backend == "prep-cluster"
    assert Workflow.model_validate_json(flow.model_dump_json()) == flow


def test_what_its_parameters_are(tmp_path: Path) -> None:
    course = Course(report(tmp_path))
    course.runs["start"] = course.runs["start"].model_copy(update={"results": {"scale": 7}})
    course.runs["prep-fetch"] = course.runs["prep-fetch"].model_copy(update={"results": {"got": 1}})
    assert course.values("prep-fit") == {"year": 2025, "scale": 7, "deep": "yes", "got": 1}
    assert set(course.optional("prep-fit")) == {"year", "scale", "deep"}
    assert course.values("end") == {"year": 2025, "slope": None}
    given = define(tmp_path / "report.yaml", {"year": 2030})
    assert Course(given).values("prep-fetch")["year"] == 2030
    alone = define(tmp_path / "prep.yaml", {"year": 2030})
    assert Course(alone).values("fetch") == {"year": 2030, "scale": 1, "deep": "no"}


@pytest.mark.shows("T119")
def test_it_is_carried_out_as_if_it_had_been_written_so(
    tmp_path: Path, make: Make, importable: None
) -> None:
    write = {"name": "write", "command": ["result", "n", "{n}"], "results": ["n"]}
    twice = workflow("twice", directory=tmp_path)
    first, second = (
        twice.workflow(
            Workflow.model_validate({"name": "w", "parameters": {"n": 1}, "steps": [write]}),
            name=f"w{n}",
            parameters={"n": n},
        )
        for n in (2, 3)
    )
    taken = {"one": first.results["n"], "other": second.results["n"]}
    twice.command("last", ["result", "sum", "{one}{other}"], parameters=taken, results=["sum"])
    status = make(*twice.build().steps).finish()
    assert status.state is State.SUCCEEDED
    assert status.step("last").results == {"sum": 23}


@pytest.mark.shows("T119")
def test_argo_is_told_of_its_steps_only(tmp_path: Path) -> None:
    flow = report(tmp_path)
    spec = run_of(notebook("n")).model_copy(update={"workflow": flow})
    tasks = workflow_of(spec)["spec"]["templates"][0]["dag"]["tasks"]
    assert {task["name"]: task.get("depends") for task in tasks} == {
        "start": None,
        "prep-fetch": "start",
        "prep-clean": "prep-fetch && start",
        "prep-fit": "prep-fetch && start",
        "end": "prep-clean && prep-fit",
    }


def test_argo_is_told_which_of_its_values_are_for_those_that_have_them(tmp_path: Path) -> None:
    spec = run_of(notebook("n")).model_copy(update={"workflow": report(tmp_path)})
    tasks, _ = manifests(spec, SETTINGS, API)
    told = json.loads(tasks["data"]["prep-clean"])
    assert told["takes"] == {"scale": ["start", "scale"]}
    assert told["task"]["values"] == {"year": 2025, "scale": 1, "deep": "yes"}
    assert set(told["task"]["optional"]) == {"year", "scale", "deep"}


def test_in_another_folder_it_finds_its_own_files(tmp_path: Path) -> None:
    steps = (
        "steps: [{name: a, notebook: n.ipynb, inputs: {x: in, y: 's3://b/in'}, output: o.ipynb}]"
    )
    written(tmp_path / "inner", inner=f"name: inner\n{steps}")
    path = written(tmp_path, outer="name: o\nsteps: [{name: i, workflow: inner/inner.yaml}]")
    found = read_workflow(path).step("i-a")
    inner = tmp_path / "inner"
    assert (found.notebook, found.output) == (f"{inner}/n.ipynb", f"{inner}/o.ipynb")
    assert found.inputs == {"x": f"{inner}/in", "y": "s3://b/in"}


def test_one_in_another_in_another(tmp_path: Path) -> None:
    text = {
        "name": "a",
        "parameters": {"n": 1},
        "steps": [
            {
                "name": "b",
                "parameters": {"m": 2},
                "workflow": {
                    "parameters": {"m": 0, "k": 0},
                    "steps": [
                        {
                            "name": "c",
                            "workflow": {
                                "parameters": {"m": 5, "n": 6},
                                "steps": [{"name": "d", "notebook": "d.ipynb", "results": ["r"]}],
                            },
                        },
                        {"name": "e", "command": ["x"], "joined": None, "after": ["c"]},
                    ],
                },
            },
            {"name": "f", "command": ["x", "{r}"], "takes": {"r": "b.r"}},
        ],
    }
    flow = read_workflow(written(tmp_path, a=json.dumps(text)))
    assert [step.name for step in flow.steps] == ["b-c-d", "b-e", "f"]
    assert flow.step("f").takes == {"r": "b-c-d.r"}
    assert flow.values_of(flow.step("b-c-d"))[0] == {"n": 6, "m": 2, "k": 0}


@pytest.mark.parametrize(
    ("step", "line", "sentence"),
    [
        ("{name: p, workflow: nothing.yaml}", 4, "nothing.yaml can't be read"),
        ("{name: p, workflow: outer.yaml}", 4, "is a step of itself"),
        ("{name: p, workflow: 5}", 4, "This is no workflow"),
        ("{name: p, workflow: wrong.yaml}", 4, "wrong.yaml, line 3: 'y' comes after 'x'"),
        ("{name: p, workflow: {steps: [{name: y, command: [y], after: [x]}]}}", 4, "'y' comes"),
        ("{name: p, workflow: prep.yaml, parameters: {yaer: 1}}", 4, "prep has no parameter"),
        ("{name: p, workflow: prep.yaml, retry: {times: 1}}", 4, "retry"),
        ("{name: p, workflow: pods.yaml}", 4, "pods sets `pod`"),
        ("{name: p, workflow: other/prep.yaml}", 4, "The commands of prep begin in"),
        ("{name: q-fit, workflow: prep.yaml}", 3, "has a result 'm'"),
        (
            "{name: p-rather-long-a-name-for-what-is-in-it-at-last, workflow: prep.yaml}",
            4,
            "too long",
        ),
    ],
)
def test_what_is_wrong_is_told_with_its_place(
    tmp_path: Path, step: str, line: int, sentence: str
) -> None:
    other = "name: w\nsteps:\n - {name: y, command: [y], after: [x]}\n"
    pods = "name: pods\npod: {image: i}\nsteps: [{name: y, notebook: n.ipynb}]"
    written(tmp_path / "other", prep=PREP)
    end = "{name: end, command: [x, '{n}'], takes: {n: q-fit.m}}" if "q-fit" in step else ""
    text = f"name: outer\nsteps:\n - {end or '{name: e, command: [x]}'}\n - {step}\n"
    path = written(tmp_path, prep=PREP, wrong=other, pods=pods, outer=text)
    with pytest.raises(InvalidRequest) as refused:
        read_workflow(path)
    wrong = refused.value
    messages = [str(one) for one in getattr(wrong, "errors", [wrong])]
    assert all(f"outer.yaml, line {line}: " in message for message in messages), messages
    assert sentence in messages[0]


def test_one_without_end_is_refused(tmp_path: Path) -> None:
    flow: dict[str, Any] = {"steps": [{"name": "a", "command": ["x"]}]}
    for _ in range(300):
        flow = {"steps": [{"name": "a", "workflow": flow}]}
    path = tmp_path / "deep.json"
    path.write_text(json.dumps({"name": "deep", **flow}))
    with pytest.raises(InvalidRequest, match="nested too deeply"):
        read_workflow(path)


def test_a_result_that_two_steps_have_is_asked_for(tmp_path: Path) -> None:
    made: dict[str, Any] = {"command": ["x"], "results": ["n"]}
    both = Workflow.model_validate({"name": "b", "steps": [{"name": n, **made} for n in "ab"]})
    w = workflow("w", directory=tmp_path)
    inner = w.workflow(both)
    w.command("c", ["x", inner.results["n"]])
    with pytest.raises(InvalidFields, match="2 steps of 'b' have a result 'n'") as refused:
        w.build()
    assert refused.value.errors[0].remedy == "Say of which: b-a.n or b-b.n."
