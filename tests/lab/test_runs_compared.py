"""A run that fails is mended in its notebook and gone on with; two runs are compared."""

from __future__ import annotations

import re
from typing import Any

import pytest
from playwright.sync_api import expect

from tests.lab.axe import violations
from tests.lab.panel import PATIENCE
from tests.lab.test_runs_panel import put, run_card
from tests.lab.visit import Person, Visit, picture
from tests.stack import Stack
from tests.waiting import wait_until

pytestmark = [pytest.mark.browser, pytest.mark.timeout(420), pytest.mark.slow]


def depths(column: str) -> dict[str, Any]:
    """A notebook that reads this column of a table that has `depth` only."""
    look = f"print(scale * table[{column!r}][0])"
    sources = ["scale: int = 2", "table = {'depth': [3, 4]}", look]
    cells = [
        {
            "cell_type": "code",
            "source": source,
            "metadata": {"tags": ["parameters"]} if place == 0 else {},
            "outputs": [],
            "execution_count": None,
        }
        for place, source in enumerate(sources)
    ]
    kernel = {"name": "python3", "display_name": "Python 3 (ipykernel)", "language": "python"}
    return {"nbformat": 4, "nbformat_minor": 4, "metadata": {"kernelspec": kernel}, "cells": cells}


def submit(person: Person, name: str, scale: int, directory: str) -> str:
    """Two steps, a command and then the notebook; the run's id."""
    steps = [
        {"name": "fetch", "command": ["true"]},
        {
            "name": "plot",
            "notebook": "plot.ipynb",
            "after": ["fetch"],
            "parameters": {"scale": scale},
        },
    ]
    workflow = {"name": name, "directory": directory, "steps": steps}
    answer = person.api.post("runs", json={"workflow": workflow, "session": ""})
    assert answer.status_code == 202, answer.text
    id: str = answer.json()["id"]
    return id


@pytest.mark.shows("K70", "T113")
def test_a_run_is_mended_and_compared(stack: Stack, visit: Visit) -> None:
    ida = visit.person(stack, "ida")
    base = ida.start_session()
    put(ida, base, "plot.ipynb", depths("height"))
    asked = {"path": "plot.ipynb"}
    described = ida.hub.get(f"{base}alongside/notebook-parameters", params=asked).json()
    submit(ida, "seismic", 2, described["directory"])
    visit.login(stack, "ida")
    lab = visit.lab(base, "ida")
    lab.panel.get_by_role("tab", name=re.compile("^Runs")).click()

    # what went wrong, what to do about it, and the cell where it did
    card = run_card(lab, "seismic")
    card.says("Step plot, cell 3.", PATIENCE)
    card.says("KeyError: 'height'")
    card.says("correct that cell, then resume the run")
    card.button("See cell").click()
    main = lab.page.get_by_role("main")
    executed = main.get_by_role("region", name="Executed notebook of plot")
    expect(executed).to_contain_text("KeyError", timeout=PATIENCE)
    expect(main.get_by_role("button", name=re.compile("✗ plot|plot")).first).to_be_visible()
    picture(lab.page, "run-failed")

    # the notebook is corrected, and the run goes on where it has failed
    put(ida, base, "plot.ipynb", depths("depth"))
    main.get_by_role("button", name="Resume from plot").click()
    card.says("2 of 2", PATIENCE)
    expect(executed).to_contain_text("6", timeout=PATIENCE)
    step = main.get_by_role("region", name="Step plot")
    with lab.page.expect_download() as download:
        step.get_by_role("button", name="Report").click()
    assert download.value.suggested_filename == "seismic-plot.html"
    assert "KeyError" not in download.value.path().read_text()

    # beside a run with another value: that is told, and what stayed the same is not
    other = submit(ida, "seismic-again", 5, described["directory"])
    run_card(lab, "seismic-again").says("2 of 2", PATIENCE)
    run_card(lab, "seismic-again").more("Compare…")
    table = main.get_by_role("table", name="Two runs compared")
    expect(table.get_by_role("combobox", name="First run")).to_have_value(other)
    scale = table.get_by_role("row", name=re.compile("^plot: scale"))
    expect(scale).to_contain_text("differs", timeout=PATIENCE)
    expect(scale.get_by_role("cell")).to_have_text(["5", "2"])
    expect(table.get_by_role("row", name=re.compile("^Python"))).to_be_visible()
    found = violations(lab.page.locator(".alongside-Compare"))
    picture(lab.page, "runs-compared")
    lab.page.get_by_role("checkbox", name="Only what differs").focus()
    lab.page.keyboard.press("Space")
    expect(table.get_by_role("row", name=re.compile("^Python"))).to_have_count(0)

    # by keyboard alone: the run is beside itself, and nothing differs
    table.get_by_role("combobox", name="First run").focus()
    lab.page.keyboard.type("seismic ·")
    expect(lab.page.get_by_text("0 differences")).to_be_visible()
    assert found == []
    for run in ida.api.get("runs").json():
        ida.api.delete(f"runs/{run['id']}")
    wait_until("no run is left", lambda: not ida.api.get("runs").json())
    lab.page.close()
    ida.stop_session()
