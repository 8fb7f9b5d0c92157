"""What nodes pull beforehand: all that pods are made of later, and nothing twice."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.helm.chart import Object, named, objects, render

CATALOGUE = """\
profiles:
  lab: {title: JupyterLab}
  imaging:
    title: Imaging
    images: ["team/named:1", "team/course/*"]
    pod: {image: "team/imaging:3", image_pull_secrets: [imaging]}
    session: {cores: 2, pod: {image: "team/imaging-lab:3"}}
    backends:
      dask:
      arkouda: {pod: {image: "team/arkouda:1"}}
  again:
    title: Again
    pod: {image: "team/imaging:3", image_pull_secrets: [imaging]}
"""
EVERYTHING: dict[str, Any] = {
    "prePuller__enabled": True,
    "prePuller__extraImages": ["team/course/week:1"],
    "images__arkouda": "team/arkouda:0",
    "images__pullSecrets": ["registry"],
    "workflows__enabled": True,
    "workflows__image": "team/steps:1",
    "catalogue__text": CATALOGUE,
}
SESSION = "alongside-session:0.1.0.dev0"


def pulled(folder: Path, **values: Any) -> Object:
    """The pod that is on every node."""
    puller = named(objects(render(folder, **values)), "DaemonSet", "alongside-images")
    return dict(puller["spec"]["template"]["spec"])


def images(pod: Object) -> list[str]:
    return [container["image"] for container in pod["initContainers"]]


@pytest.mark.shows("T150")
def test_every_node_pulls_what_sessions_backends_and_steps_run_in(tmp_path: Path) -> None:
    """Once each, with the credentials of all; the pod that stays needs no image of its own."""
    pod = pulled(tmp_path, **EVERYTHING)
    assert images(pod) == [
        SESSION,
        "team/arkouda:0",
        "team/steps:1",
        # profiles by name
        "team/imaging:3",
        "team/imaging-lab:3",
        "team/arkouda:1",
        "team/named:1",
        "team/course/week:1",
    ]
    assert {c["image"] for c in pod["containers"]} <= set(images(pod))
    assert pod["imagePullSecrets"] == [{"name": "registry"}, {"name": "imaging"}]
    assert len({c["name"] for c in pod["initContainers"]}) == len(images(pod))


@pytest.mark.shows("T150")
def test_an_image_that_is_not_named_any_more_is_not_held(tmp_path: Path) -> None:
    """So that a node may remove it; the new one is there instead."""
    changed = CATALOGUE.replace("imaging:3", "imaging:4")
    found = images(pulled(tmp_path, **EVERYTHING | {"catalogue__text": changed}))
    assert "team/imaging:4" in found
    assert "team/imaging:3" not in found


def test_what_the_operator_has_set_for_hub_and_service_is_pulled(tmp_path: Path) -> None:
    """Where that goes before the chart's own image."""
    pod = pulled(
        tmp_path,
        prePuller__enabled=True,
        hub__enabled=True,
        hub__settings={"KubeSpawner": {"image": "team/lab:1"}},
        service__settings={"KubernetesPlatform": {"image": "team/workers:1"}},
    )
    assert images(pod) == ["team/workers:1", "team/lab:1"]


def test_it_runs_where_it_is_told_to_and_asks_for_next_to_nothing(tmp_path: Path) -> None:
    pod = pulled(
        tmp_path,
        prePuller__enabled=True,
        prePuller__nodeSelector={"pool": "sessions"},
        prePuller__tolerations=[{"key": "sessions", "operator": "Exists"}],
        prePuller__priorityClassName="low",
    )
    assert pod["nodeSelector"] == {"pool": "sessions"}
    assert pod["tolerations"] == [{"key": "sessions", "operator": "Exists"}]
    assert pod["priorityClassName"] == "low"
    asked = [c["resources"]["requests"] for c in pod["initContainers"] + pod["containers"]]
    assert all(each == {"cpu": "1m", "memory": "8Mi"} for each in asked)


def test_a_catalogue_that_cant_be_read_is_said(tmp_path: Path) -> None:
    said = render(tmp_path, False, prePuller__enabled=True, catalogue__text="profiles: [")
    assert "The catalogue can't be read, so its images aren't known" in said
