"""A notebook that is to run later, from its toolbar to the run that nobody has begun."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from playwright.sync_api import expect

from tests.lab.axe import violations
from tests.lab.panel import PATIENCE
from tests.lab.test_runs_panel import notebook, put, run_form
from tests.lab.visit import Visit, picture
from tests.stack import Stack

pytestmark = [pytest.mark.browser, pytest.mark.timeout(420), pytest.mark.slow]

MINUTE = timedelta(minutes=1)


def soon() -> datetime:
    """The next full minute for which there is time enough left to ask."""
    return (datetime.now(UTC) + timedelta(seconds=20) + MINUTE).replace(second=0, microsecond=0)


def test_a_notebook_runs_at_the_time_that_was_said_in_its_form(stack: Stack, visit: Visit) -> None:
    """Once; by the real clock. The card of its schedule leads to the run."""
    ada = visit.person(stack, "ada")
    base = ada.start_session()
    put(ada, base, "depths.ipynb", notebook())
    visit.login(stack, "ada")
    lab = visit.lab(base, path="lab/tree/depths.ipynb?reset")

    dialog = run_form(lab)
    dialog.get_by_role("textbox", name="n", exact=True).fill("1")
    dialog.get_by_role("textbox", name="Name of the run").fill("depths tonight")
    dialog.get_by_label("Starts").select_option("tonight, or at another time")
    dialog.get_by_label("At", exact=True).fill("tonight")
    begin = dialog.get_by_role("button", name="Schedule", exact=True)
    expect(begin).to_be_disabled()
    dialog.get_by_label("Time zone").fill("UTC")
    dialog.get_by_label("At", exact=True).fill(f"{soon():%H:%M}")
    assert violations(dialog) == []
    picture(lab.page, "run-tonight")
    begin.click()
    expect(dialog).to_have_count(0, timeout=PATIENCE)

    group = lab.panel.get_by_role("region", name="By the clock")
    card = group.get_by_role("article", name="depths tonight")
    expect(card).to_contain_text("once, ", timeout=PATIENCE)
    expect(card).to_contain_text("Workflow depths tonight")
    picture(lab.panel, "panel-tonight")
    expect(card).to_contain_text("Last run: done", timeout=150_000)
    assert violations(lab.panel) == []
    picture(lab.panel, "panel-last-night")
    card.get_by_role("button", name="done").click()
    tab = lab.page.get_by_role("main").get_by_role("region", name="Step depths")
    expect(tab).to_contain_text("Aarhus has 1", timeout=PATIENCE)
