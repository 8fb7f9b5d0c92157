"""Everything that can be set, asked for or called is documented, and no link is dead."""

from __future__ import annotations

import argparse
import ast
import inspect
import re
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import pytest

from tests.house.scripts import script
from tests.house.test_source import PACKAGES, ROOT, tracked

pages = script("reference_pages")
lab_page = script("reference_jupyterlab")
python_page = script("reference_python")
LINK = re.compile(r"(?<!\\)\[[^\]]*\]\(([^)\s]+)\)")
# Not part of the checkout: made by the documentation's build, or pictures that come last.
MADE = re.compile(r"docs/(reference/generated|_build|images)/")


@pytest.mark.parametrize("cls", pages.configurables(), ids=lambda cls: cls.__name__)
def test_every_setting_says_what_it_does(cls: type) -> None:
    """A help text of a sentence, and a place on the page."""
    page = pages.configuration()
    for name, trait in pages.settings(cls).items():
        assert len(str(trait.help)) > 15, f"{cls.__name__}.{name}"
        assert str(trait.help).rstrip().endswith((".", "`", ")")), f"{cls.__name__}.{name}"
        assert f"### {cls.__name__}.{name}\n" in page


def test_every_class_with_settings_is_on_the_page() -> None:
    """Also one that nobody thought of when the page was made."""
    from traitlets.config import Configurable

    shown = set(pages.configurables())
    missing = {
        cls
        for cls in every_subclass(Configurable)
        if cls.__module__.split(".")[0] in PACKAGES and pages.settings(cls) and cls not in shown
    }
    assert not missing


def every_subclass(cls: type[object]) -> set[type[object]]:
    """All that derive from a class, directly or not."""
    return {c for direct in cls.__subclasses__() for c in {direct, *every_subclass(direct)}}


def test_every_key_of_the_catalogue_says_what_it_means() -> None:
    """Profiles, quotas, and the options of each kind."""
    from alongside.catalogue import Catalogue
    from alongside.kinds import kinds

    models: list[Any] = [Catalogue, *(kind.Options for kind in kinds().values())]
    page = pages.catalogue()
    silent = []
    for model in models:
        schema = model.model_json_schema()
        for part in [schema, *schema.get("$defs", {}).values()]:
            for name, field in part.get("properties", {}).items():
                if not field.get("description"):
                    silent.append(f"{part.get('title')}.{name}")
                assert f"| `{name}` |" in page
    assert not silent


def test_every_key_of_a_workflow_says_what_it_means() -> None:
    """Of steps, their backends, and the workflow itself."""
    from alongside_workflows import Workflow

    schema = Workflow.model_json_schema()
    page = pages.workflow()
    for part in [schema, *schema["$defs"].values()]:
        for name, field in part.get("properties", {}).items():
            assert field.get("description") or "$ref" in field, f"{part.get('title')}.{name}"
            assert f"| `{name}` |" in page


def test_every_route_says_what_it_does_and_what_it_answers() -> None:
    """A summary, its errors, and a meaning for each parameter."""
    document = pages.openapi()
    page = pages.rest_api()
    found = list(pages.routes(document))
    assert len(found) >= 10
    silent = []
    for method, path, operation in found:
        place = f"{method} {path}"
        assert operation.get("summary"), place
        assert f"## {method} {path.removeprefix('/services/alongside/api/v1')}\n" in page
        for parameter in operation.get("parameters", []):
            if not pages._meaning(parameter):
                silent.append(f"{place}: {parameter['name']}")
    assert not silent


def test_every_command_says_what_it_does_and_so_do_its_options() -> None:
    """In its help, and so on the page."""
    page = pages.command_line()
    found = pages.commands(pages.parser())
    assert {"list", "launch", "scale", "stop", "logs", "show", "doctor"} <= set(found)
    for name, parser in found.items():
        assert f"## alongside {name}\n" in page
        assert parser.description, name
        for action in parser._actions:
            below = isinstance(action, argparse._SubParsersAction)
            assert action.help or below, f"{name} {action.dest}"


def test_every_public_name_has_a_docstring() -> None:
    """What `import alongside` offers, and the methods of its classes."""
    silent = []
    for name, one in python_page.documented_objects():
        if not inspect.getdoc(one):
            silent.append(name)
        if inspect.isclass(one) and not issubclass(one, Exception):
            silent += [
                f"{name}.{m}" for m, f in python_page.public_methods(one) if not inspect.getdoc(f)
            ]
    assert not silent


def test_everything_of_the_lab_extension_is_told() -> None:
    """What can be set, done and asked for in JupyterLab."""
    page = lab_page.jupyterlab()
    schema = lab_page.settings()
    assert schema["properties"]
    for name, field in schema["properties"].items():
        assert field["description"].endswith("."), name
        assert "default" in field, name
        assert f"| `{name}` |" in page
    text = (ROOT / "labextension" / "src" / "tokens.ts").read_text(encoding="utf-8")
    ids = set(re.findall(r"'(alongside:[\w-]+)'", text))
    assert ids == set(lab_page.commands())
    routes = list(lab_page.routes())
    assert len(routes) >= 3
    assert all(inspect.getdoc(handler) for _, handler in routes)


def markdown() -> list[Path]:
    """Every page, in the documentation and beside it."""
    return [name for name in tracked() if name.suffix == ".md"]


def test_no_link_within_the_project_is_dead() -> None:
    """Files, and headings in them."""
    dead = []
    for name in markdown():
        for target in LINK.findall((ROOT / name).read_text(encoding="utf-8")):
            if re.match(r"[a-z]+:", target):
                continue
            path, _, anchor = unquote(target).partition("#")
            place = (ROOT / name.parent / path).resolve() if path else ROOT / name
            inside = place.is_relative_to(ROOT) and place.relative_to(ROOT).as_posix()
            if inside and MADE.match(inside):
                continue
            if not place.is_file() or (anchor and anchor not in anchors(place)):
                dead.append(f"{name}: {target}")
    assert not dead


def anchors(page: Path) -> set[str]:
    """Headings as links name them."""
    titles = re.findall(r"^#+ (.+)$", page.read_text(encoding="utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-") for title in titles}


def blocks(language: str) -> list[tuple[str, str]]:
    """The examples in a language, with the page that they are on."""
    pattern = re.compile(rf"^([ ]*)```{language}\n(.*?)^\1```", re.MULTILINE | re.DOTALL)
    return [
        (str(name), inspect.cleandoc("\n" + code))
        for name in markdown()
        for _, code in pattern.findall((ROOT / name).read_text(encoding="utf-8"))
    ]


def test_examples_in_python_are_python() -> None:
    """At least for the compiler; those of the tutorial are run in a browser."""
    for page, code in blocks("python"):
        if "\n..." not in code:
            try:
                ast.parse(code)
            except SyntaxError as error:
                pytest.fail(f"{page}: {error}\n{code}")


def test_definitions_in_the_guides_are_such() -> None:
    """Catalogues whole or in part, and workflows: read as the service reads them."""
    from ruamel.yaml import YAML

    from alongside.catalogue import Catalogue
    from alongside_workflows import Workflow

    whole = 0
    for page, text in blocks("yaml"):
        data = YAML(typ="safe").load(text)
        if "steps" in data:
            assert Workflow.model_validate(data), page
            continue
        if {"backends", "session"} & data.keys():
            data = {"profiles": {"x": {"title": "X", **data}}}
        data.setdefault("profiles", {})
        assert Catalogue.model_validate(data), page
        whole += 1
    assert whole >= 3


@pytest.mark.parametrize("decision", sorted((ROOT / "docs/explanation/decisions").glob("0*.md")))
def test_a_decision_has_its_number_and_its_price(decision: Path) -> None:
    """And is short."""
    text = decision.read_text(encoding="utf-8")
    number = int(decision.name[:4])
    assert text.startswith(f"# {number}. ")
    assert "Price:" in text
    assert len(text.splitlines()) < 20
