"""Images that workflows may name on a cluster."""

from __future__ import annotations

from dataclasses import replace

import pytest

from alongside.errors import InvalidRequest
from alongside.models import Pod
from alongside_workflows import Workflow
from alongside_workflows.executors.argo.permitting import check
from tests.workflows.argo_runs import SETTINGS, command

TEAMS = replace(SETTINGS, images=("registry.example.org/team/*",))


def flow(image: str | None, pod: str = "") -> Workflow:
    steps = (command("a"), command("b", image=image))
    return Workflow(name="weather", steps=steps, pod=Pod(image=pod))


@pytest.mark.shows("K11", "T37")
def test_each_step_names_an_image_of_those_that_the_operator_allows() -> None:
    """Whoever names none has the operator's own, wherever that is from."""
    check(flow("registry.example.org/team/r:4"), "ada", TEAMS)
    check(flow(None), "ada", TEAMS)
    check(flow("docker.io/library/python:3"), "ada", SETTINGS)


@pytest.mark.shows("T37")
@pytest.mark.parametrize(
    ("workflow", "remedy"),
    [
        (flow("registry.example.org/other/r:4"), "Choose one of: registry.example.org/team/*."),
        (flow(None, "docker.io/library/python:3"), "Choose one of: registry.example.org/team/*."),
    ],
)
def test_another_one_is_refused_in_a_sentence(workflow: Workflow, remedy: str) -> None:
    with pytest.raises(InvalidRequest, match="Workflows may not name the image") as refused:
        check(workflow, "ada", TEAMS)
    first = getattr(refused.value, "errors", [refused.value])[0]
    assert first.remedy == remedy
    assert first.field.endswith(".image")
