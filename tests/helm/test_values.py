"""The values of the chart: each is documented, checked and used."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from tests.helm.chart import CHART, Object, defaults, helm, render, schema
from tests.house.scripts import script
from tests.house.test_docs import blocks
from tests.house.test_source import ROOT


def described(part: Object, path: str = "") -> Iterator[tuple[str, Object]]:
    """Every value that the schema knows, by its dotted name."""
    for name, one in part.get("properties", {}).items():
        yield f"{path}{name}", one
        yield from described(one, f"{path}{name}.")


def given(part: Object, known: set[str], path: str = "") -> Iterator[str]:
    """Every value that has a default, by its dotted name, as deep as the schema goes."""
    for name, one in part.items():
        yield f"{path}{name}"
        if isinstance(one, dict) and any(k.startswith(f"{path}{name}.") for k in known):
            yield from given(one, known, f"{path}{name}.")


@pytest.mark.shows("K108")
def test_every_value_is_documented_and_every_documented_one_is_there() -> None:
    """In the schema, and so on the page of the reference."""
    known = dict(described(schema()))
    assert set(given(defaults(), set(known))) == set(known) - {"global"}
    page = script("reference_pages").chart_values()
    for name, one in known.items():
        assert len(one.get("description", "")) > 10, name
        assert one["description"].endswith((".", ")")), name
        if "properties" not in one:
            assert f"`{name}`" in page


def test_the_defaults_are_what_the_schema_allows() -> None:
    """And the schema is one."""
    Draft202012Validator.check_schema(schema())
    assert not list(Draft202012Validator(schema()).iter_errors(defaults()))


def test_every_value_is_used() -> None:
    """By its name in some template."""
    templates = "".join(
        path.read_text(encoding="utf-8")
        for path in (CHART / "templates").rglob("*")
        if path.is_file()
    )
    leaves = [n for n, one in described(schema()) if "properties" not in one and n != "global"]
    unused = [n for n in leaves if not re.search(rf'[."]{n.rpartition(".")[2]}\b', templates)]
    assert not unused


@pytest.mark.parametrize(
    ("values", "complaint"),
    [
        ({"catalog__text": "x"}, "catalog"),
        ({"service__replicas": "two"}, "replicas"),
        ({"service__replicas": -1}, "replicas"),
        ({"images__pullPolicy": "Sometimes"}, "pullPolicy"),
        ({"connection__baseUrl": "no-slashes"}, "baseUrl"),
        ({"connection__apiUrl": "hub:8081"}, "apiUrl"),
        ({"backends__namespace": "Not A Name"}, "namespace"),
        ({"backends__quota__enabled": True}, "hard"),
        ({"hub__login__password": "short"}, "password"),
        ({"hub__proxy__type": "Ingress"}, "type"),
        ({"pods__runAsUser": 0}, "runAsUser"),
        ({"workflows__home__path": "home"}, "path"),
        ({"service__settings": {"AlongsideService": 3}}, "AlongsideService"),
    ],
)
def test_a_mistake_is_refused_by_name(
    tmp_path: Path, values: dict[str, Any], complaint: str
) -> None:
    """Before anything is installed."""
    said = render(tmp_path, False, **values)
    assert "don't meet the specifications of the schema" in said
    assert complaint in said


def test_helm_finds_no_fault() -> None:
    """As it comes, and with the hub."""
    for more in ([], ["--set", "hub.enabled=true"]):
        done = helm("lint", "--strict", str(CHART), "--kube-version", "1.30.0", *more)
        assert "0 chart(s) failed" in done.stdout


def test_the_chart_has_the_projects_version() -> None:
    """Which also is the images' tag, where no other is given."""
    chart = (CHART / "Chart.yaml").read_text(encoding="utf-8")
    project = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    (version,) = re.findall(r'^version = "(.+)"$', project, re.MULTILINE)
    assert re.search(rf"^appVersion: {re.escape(version)}$", chart, re.MULTILINE)
    semantic = re.sub(r"\.(dev|rc)", r"-\1", version)
    assert re.search(rf"^version: {re.escape(semantic)}$", chart, re.MULTILINE)


def test_values_in_the_guides_are_values_of_the_chart() -> None:
    """Those in a block that says so by its first line."""
    from ruamel.yaml import YAML

    found = 0
    for page, text in blocks("{code-block} yaml"):
        if "of alongside" not in text.splitlines()[0]:
            continue
        wrong = list(Draft202012Validator(schema()).iter_errors(YAML(typ="safe").load(text)))
        assert not wrong, f"{page}: {wrong[0].message}"
        found += 1
    assert found >= 4


def test_settings_that_the_guides_name_for_helm_exist() -> None:
    """``--set a.b=c`` in the guides."""
    known = dict(described(schema()))
    named = 0
    for page in (ROOT / "docs" / "how-to").glob("*kubernetes*.md"):
        for name in re.findall(r"--set(?:-file|-string)? ([\w.]+)=", page.read_text("utf-8")):
            assert name in known, f"{page.name}: {name}"
            named += 1
    assert named


def test_the_schema_is_written_as_it_is_read() -> None:
    """Two spaces, sorted by nobody, so that changes are small."""
    text = (CHART / "values.schema.json").read_text(encoding="utf-8")
    assert text == json.dumps(json.loads(text), indent=2) + "\n"
