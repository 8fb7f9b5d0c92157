"""From a notebook to a run and back: form, live progress, executed notebook, failure, resume."""

from __future__ import annotations

import re
from typing import Any

import pytest
from playwright.sync_api import Locator, expect

from tests.lab.axe import violations
from tests.lab.panel import PATIENCE, Card, Lab
from tests.lab.visit import Person, Visit, picture
from tests.stack import Stack
from tests.waiting import wait_until

pytestmark = [pytest.mark.browser, pytest.mark.timeout(420), pytest.mark.slow]

PARAMETERS = """\
n: int = 3  # how many
station = "Aarhus"
"""
SLOWLY = """\
import time
from pathlib import Path
for i in range(n):
    print("step", i)
    time.sleep(0.5)
"""
MAYBE = """\
assert not Path("forbidden").exists(), "Somebody has forbidden it."
print(f"{station} has {n}")
"""


def put(person: Person, base: str, path: str, content: Any) -> None:
    """Write a notebook, or a text, into the session's folder."""
    notebook = not isinstance(content, str)
    body = {
        "type": "notebook" if notebook else "file",
        "format": "json" if notebook else "text",
        "content": content,
    }
    answer = person.hub.put(f"{base}api/contents/{path}", json=body)
    assert answer.status_code in (200, 201), answer.text


def notebook() -> dict[str, Any]:
    def cell(source: str, **metadata: Any) -> dict[str, Any]:
        nothing: dict[str, Any] = {"outputs": [], "execution_count": None}
        return {"cell_type": "code", "source": source, "metadata": metadata, **nothing}

    title = {"cell_type": "markdown", "source": "# Depths", "metadata": {}}
    kernel = {"name": "python3", "display_name": "Python 3 (ipykernel)", "language": "python"}
    return {
        "nbformat": 4,
        "nbformat_minor": 4,
        "metadata": {"kernelspec": kernel, "language_info": {"name": "python"}},
        "cells": [title, cell(PARAMETERS, tags=["parameters"]), cell(SLOWLY), cell(MAYBE)],
    }


def run_form(lab: Lab) -> Locator:
    """The form for the notebook in front, by its toolbar."""
    lab.page.get_by_role("main").get_by_role("button", name="Run as step").click()
    dialog = lab.dialog("Run “depths.ipynb”")
    expect(dialog.get_by_role("textbox", name="n", exact=True)).to_be_visible(timeout=PATIENCE)
    return dialog


def run_card(lab: Lab, name: str) -> Card:
    return Card(lab, lab.panel.get_by_role("article", name=name, exact=True))


@pytest.mark.shows("K70", "T113", "T129")
def test_a_notebook_is_run_seen_and_resumed(stack: Stack, visit: Visit) -> None:
    ada = visit.person(stack, "ada")
    base = ada.start_session()
    put(ada, base, "depths.ipynb", notebook())
    put(ada, base, "forbidden", "")
    visit.login(stack, "ada")
    lab = visit.lab(base, path="lab/tree/depths.ipynb?reset")

    # asked for with a value of its own, told before what happens
    dialog = run_form(lab)
    expect(dialog).to_contain_text("how many")
    number = dialog.get_by_role("textbox", name="n", exact=True)
    number.fill("many")
    expect(dialog).to_contain_text("Write a whole number.")
    number.fill("4")
    dialog.get_by_role("textbox", name="Name of the run").fill("depths of four")
    dialog.get_by_role("textbox", name="Executed notebook").fill("done-{run}.ipynb")
    expect(dialog.get_by_role("status").last).to_contain_text("Begins at once.")
    found = {"form": violations(dialog)}
    picture(lab.page, "run-form")
    dialog.get_by_role("button", name="Run", exact=True).click()

    # live, in the section that has opened; it fails as it must
    card = run_card(lab, "depths of four")
    card.says(re.compile(r"cell \d of 3|failed"), PATIENCE)
    card.says("Somebody has forbidden it.", PATIENCE)
    expect(lab.notification("has failed")).to_be_visible()
    found["failed"] = violations(lab.panel)

    # the executed notebook says why; what had been printed is there
    card.button("See cell").click()
    executed = lab.page.get_by_role("region", name="Executed notebook of depths")
    expect(executed).to_contain_text("step 3", timeout=PATIENCE)
    expect(executed).to_contain_text("AssertionError")
    tab = lab.page.get_by_role("main").get_by_role("region", name="Step depths")
    tab.get_by_role("tab", name="Attempts").click()
    expect(tab.get_by_role("row")).to_have_count(2)
    tab.get_by_role("tab", name="Log").click()
    tab.get_by_role("tab", name="Inputs and outputs").click()
    expect(tab.get_by_role("row", name=re.compile("^n"))).to_contain_text("4")
    found["tab"] = violations(lab.page.locator(".alongside-RunTab"))
    picture(lab.page, "run")

    # mended, and gone on with
    ada.hub.delete(f"{base}api/contents/forbidden").raise_for_status()
    card.button(re.compile("^Resume")).click()
    card.says("done", PATIENCE)
    tab.get_by_role("tab", name=re.compile("^Notebook")).click()
    expect(executed).to_contain_text("Aarhus has 4", timeout=PATIENCE)
    expect(tab.get_by_role("combobox", name="Attempt")).to_contain_text("attempt 2 of 2")
    (run,) = ada.api.get("runs").json()
    assert [run["state"], run["steps"][0]["attempts"][-1]["number"]] == ["succeeded", 2]
    put_back = ada.hub.get(f"{base}api/contents/done-{run['id']}.ipynb")
    assert "Aarhus has 4" in put_back.text

    # again with other values, cancelled, and all of it deleted
    card.button("Run again…").click()
    dialog = lab.dialog("Run “depths.ipynb”")
    number = dialog.get_by_role("textbox", name="n", exact=True)
    expect(number).to_have_value("4", timeout=PATIENCE)
    number.fill("500")
    dialog.get_by_role("textbox", name="Name of the run").fill("depths of many")
    dialog.get_by_role("button", name="Run", exact=True).click()
    many = run_card(lab, "depths of many")
    many.says(re.compile(r"cell 2 of 3"), PATIENCE)
    expect(lab.status.filter(has_text="1 run")).to_be_visible()
    found["live"] = violations(lab.panel)
    many.button("Open depths of many").click()
    live = lab.page.get_by_role("region", name="Executed notebook of depths").last
    expect(live).to_contain_text("step 1", timeout=PATIENCE)
    many.button("Cancel depths of many").click()
    many.says("cancelled", PATIENCE)
    for one in (card, many):
        one.more("Delete…")
        lab.dialog(re.compile("^Delete")).get_by_role("button", name="Delete").click()
        expect(one.node).to_have_count(0, timeout=PATIENCE)
    wait_until("no run is left", lambda: not ada.api.get("runs").json())
    assert {name: one for name, one in found.items() if one} == {}
    lab.page.close()
    ada.stop_session()
