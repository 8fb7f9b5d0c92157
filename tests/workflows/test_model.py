"""Definitions of workflows: what is one, what isn't and why, and the graph of its steps."""

from __future__ import annotations

import json
from datetime import timedelta
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alongside.errors import InvalidRequest
from alongside.requests import parse
from alongside_workflows.graph import Graph
from alongside_workflows.model import Retry, Workflow


def workflow(*steps: dict[str, Any], **more: Any) -> Workflow:
    return parse(Workflow, {"name": "w", "steps": steps, **more})


def told(error: InvalidRequest) -> str:
    """All that it says, as a problem of the API."""
    return json.dumps(error.problem(), ensure_ascii=False)


def command(name: str, **more: Any) -> dict[str, Any]:
    return {"name": name, "command": ["true"], **more}


def notebook(name: str, **more: Any) -> dict[str, Any]:
    return {"name": name, "notebook": f"{name}.ipynb", **more}


@pytest.mark.parametrize(
    ("steps", "word"),
    [
        ([{"name": "a"}], "either `notebook` or `command`"),
        ([{**command("a"), "notebook": "a.ipynb"}], "either `notebook` or `command`"),
        ([command("A")], "lower case"),
        ([command("a"), command("a")], "There are two steps 'a'."),
        ([command("a", after=["b"])], "'a' comes after 'b', which is no step."),
        ([command("a", after=["b"]), command("b", after=["a"])], "a → b → a"),
        ([command("a", after=["a"])], "a → a"),
        ([command("a", backend="big")], "which is not under `backends`"),
        ([command("a"), notebook("b", takes={"n": "a.n"})], "which has no such result"),
        ([notebook("b", takes={"n": "a"})], "write `step.result`"),
        ([notebook("b", takes={"n": "a.n"}, parameters={"n": 1})], "'n': given under"),
        ([command("a", kernel="ir")], "`kernel`: of notebooks only"),
        ([command("a"), notebook("b", joined="a")], "'a', which is no notebook"),
        ([], "at least 1"),
    ],
)
def test_what_is_no_workflow_says_why(steps: list[dict[str, Any]], word: str) -> None:
    with pytest.raises(InvalidRequest) as caught:
        workflow(*steps)
    assert word in told(caught.value)


@pytest.mark.shows("K66")
@pytest.mark.parametrize(
    ("step", "word"),
    [
        ({"command": ["echo", "{n}"]}, "{n} is no parameter, input or output"),
        ({"command": ["echo"], "parameters": {"n": 1}}, "{n} stands nowhere"),
        ({"command": ["awk", "{ print }"]}, "single { (write {{ for a brace)"),
    ],
)
def test_an_unknown_or_unused_parameter_of_a_command_is_an_error(
    step: dict[str, Any], word: str
) -> None:
    with pytest.raises(InvalidRequest) as caught:
        workflow({"name": "say", **step})
    assert "The command of 'say' can't be made" in told(caught.value)
    assert word in told(caught.value)


def test_what_stands_in_the_words_of_a_command_may_come_from_anywhere() -> None:
    words = ["{own} {taken} {read} {made} {all}", "{{}}"]
    it = workflow(
        command("a", results=["n"]),
        {
            "name": "b",
            "command": words,
            "parameters": {"own": 1},
            "takes": {"taken": "a.n"},
            "inputs": {"read": "x"},
            "outputs": {"made": "y"},
        },
        parameters={"all": 1, "other": 2},
    )
    assert it.step("b").command == tuple(words)


@pytest.mark.parametrize("pause", ["-1 s", "soon", 0])
def test_a_pause_is_a_time(pause: Any) -> None:
    with pytest.raises(InvalidRequest):
        workflow(command("a", retry={"times": 1, "pause": pause}))


def test_all_problems_are_told_at_once() -> None:
    with pytest.raises(InvalidRequest) as caught:
        workflow(command("a", after=["x"], backend="big"), command("b", after=["y"]))
    assert all(word in told(caught.value) for word in ("'x'", "'y'", "'big'"))


@pytest.mark.shows("K68")
def test_who_takes_a_result_comes_after_it() -> None:
    it = workflow(command("a", results=["n"]), notebook("b", takes={"m": "a.n"}))
    assert it.step("b").needs == ("a",)
    assert it.step("b").sources == {"m": ("a", "n")}


def test_a_definition_is_the_same_after_it_was_written() -> None:
    it = workflow(
        command("a", results=["n"], retry={"times": 2, "pause": "1.5 s"}, timeout="1 h"),
        notebook("b", takes={"m": "a.n"}, backend={"kind": "dask", "options": {"workers": 2}}),
        backends={"big": {"wait": "3 min"}},
    )
    assert Workflow.model_validate_json(it.model_dump_json()) == it


def test_how_long_a_backend_is_waited_for() -> None:
    it = workflow(
        command("own", backend={"wait": "1 min"}),
        command("shared", backend="big"),
        command("session", backend="session"),
        command("patient", backend="session", wait="2 h"),
        backends={"big": {"wait": "2 min"}},
    )
    waits = {step.name: it.wait_of(step) for step in it.steps}
    assert waits == {
        "own": timedelta(minutes=1),
        "shared": timedelta(minutes=2),
        "session": timedelta(minutes=15),
        "patient": timedelta(hours=2),
    }


@pytest.mark.parametrize("said", [{"wait": "1 h"}, {"together": True}])
def test_what_is_said_of_a_backend_that_others_name_is_refused_for_an_own_one(
    said: dict[str, object],
) -> None:
    (name,) = said
    with pytest.raises(InvalidRequest, match=f"`{name}`: of a backend that others name too"):
        workflow(command("own", backend={"kind": "dask"}, **said))


def test_pauses_grow_up_to_the_longest() -> None:
    retry = Retry(times=20, pause=timedelta(seconds=2), factor=3, longest=timedelta(seconds=30))
    pauses = [retry.pause_before(attempt).total_seconds() for attempt in range(1, 6)]
    assert pauses == [0, 2, 6, 18, 30]
    assert retry.pause_before(10_000) == timedelta(seconds=30)


@st.composite
def graphs(draw: st.DrawFn) -> dict[str, list[str]]:
    """Without a circle: each node comes after some of those with a smaller number."""
    size = draw(st.integers(1, 12))
    return {
        str(node): draw(st.lists(st.sampled_from([str(n) for n in range(node)]), unique=True))
        if node
        else []
        for node in range(size)
    }


@given(graphs())
def test_every_step_comes_after_those_before_it(before: dict[str, list[str]]) -> None:
    graph = Graph(before)
    assert graph.cycle() == []
    order = graph.order()
    assert sorted(order) == sorted(before)
    for node, others in before.items():
        assert all(order.index(other) < order.index(node) for other in others)
        assert all(node in graph.below(other) for other in others)
    done: set[str] = set()
    while left := list(graph.ready(done, done)):
        done.add(left[0])
    assert done == set(before)


@given(graphs(), st.data())
def test_a_circle_is_named(before: dict[str, list[str]], data: st.DataObject) -> None:
    last = str(len(before) - 1)
    reached = {"0"} | Graph(before).below("0")
    end = data.draw(st.sampled_from(sorted(reached)))
    before["0"] = [end]
    cycle = Graph(before).cycle()
    assert cycle[0] == cycle[-1]
    assert all(first in before[second] for first, second in pairwise(cycle))
    assert last in before
