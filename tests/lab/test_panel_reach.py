"""axe-core finds nothing in panel, dialogs, logs and cards, in light and in dark."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import expect

from tests.lab.axe import violations
from tests.lab.panel import PATIENCE, Lab
from tests.lab.visit import Visit, picture
from tests.stack import Stack, command, marked_processes

pytestmark = [pytest.mark.browser, pytest.mark.timeout(300), pytest.mark.slow]

THEMES = ("light", "dark")


def set_theme(lab: Lab, theme: str) -> None:
    """As the settings keep it, then loaded anew."""
    name = {"light": "JupyterLab Light", "dark": "JupyterLab Dark"}[theme]
    lab.page.evaluate(
        """async ([url, name]) => {
            const xsrf = document.cookie.match(/(?:^|; )_xsrf=([^;]*)/)?.[1] ?? '';
            const answer = await fetch(url, {
                method: 'PUT',
                headers: {'Content-Type': 'application/json', 'X-XSRFToken': xsrf},
                body: JSON.stringify({raw: JSON.stringify({theme: name})}),
            });
            if (!answer.ok) throw new Error(answer.status);
        }""",
        [f"{lab.base}lab/api/settings/@jupyterlab/apputils-extension:themes", name],
    )
    lab.page.goto(lab.base + "lab?reset")
    lab.loaded().show()
    expect(
        lab.page.locator(f"body[data-jp-theme-light={str(theme == 'light').lower()}]")
    ).to_have_count(1)


@pytest.mark.parametrize("theme", THEMES)
@pytest.mark.shows("K121")
def test_axe_finds_nothing(stack: Stack, visit: Visit, theme: str) -> None:
    user = f"fay-{theme}"
    fay = visit.person(stack, user)
    base = fay.start_session()
    visit.login(stack, user)
    lab = visit.lab(base, user)
    if theme == "dark":
        set_theme(lab, theme)
    lab.widen(330)
    found = {"empty": violations(lab.panel)}
    expect(lab.main_tab("Launcher")).to_be_visible()
    if theme == "light":
        picture(lab.page, "panel-empty")

    train = fay.launch("train")
    etl = fay.launch("etl", options={"workers": 2})
    lab.card("train").says("1 of 1 worker")
    lab.card("etl").says("2 of 2 workers")
    notebook = lab.new_notebook()
    lab.card("etl").button("Attach").click()
    lab.card("etl").says("attached ✓")
    found["running"] = violations(lab.panel)
    fay.api.patch(f"backends/{etl}", json={"options": {"workers": 3}})
    lab.card("etl").says("scaling")
    found["scaling"] = violations(lab.panel)
    supervisors = [p for p in marked_processes(train) if "supervisor" in command(p)]
    for process in supervisors:
        process.kill()
    lab.card("train").says("failed")
    found["failed"] = violations(lab.panel)
    lab.card("etl").says("3 of 3 workers")
    notebook.run(
        "work = client.map(lambda n: sum(range(n)), range(20_000_000, 20_000_040), pure=False)\n"
        "alongside.Client().backend('etl')"
    )
    widget = notebook.cells.get_by_role("article", name="etl")
    expect(widget).to_be_visible(timeout=PATIENCE)
    found["widget"] = violations(widget)
    if theme == "light":
        picture(notebook.cells, "widget")
    line = lab.card("etl").node.get_by_role("img", name=re.compile("^CPU")).locator("polyline")
    expect(line).to_have_attribute("points", re.compile(r"(\S+ ){2}"), timeout=PATIENCE)
    picture(lab.page, f"panel-{theme}")

    for opened, name in (
        (lambda: lab.launch_button.click(), "Launch"),
        (lambda: lab.card("etl").button("Scale…").click(), "Scale etl"),
        (lambda: lab.card("etl").more("Share…"), "Share etl"),
    ):
        opened()
        dialog = lab.dialog(re.compile(f"^{name}"))
        expect(dialog.get_by_role("button", name="Cancel")).to_be_visible()
        expect(dialog.get_by_text("Asking what there is")).to_have_count(0)
        found[name] = violations(dialog)
        dialog.get_by_role("button", name="Cancel").click()
        expect(dialog).to_have_count(0)
    lab.card("etl").button("More about etl").click()
    found["menu"] = violations(lab.page.get_by_role("menu", name="More about etl"))
    lab.page.keyboard.press("Escape")
    lab.card("etl").button("Logs").click()
    log = lab.page.get_by_role("log", name="Log of etl, scheduler")
    expect(log).to_contain_text("Register worker addr")
    found["logs"] = violations(lab.page.get_by_role("tabpanel", name="etl: Logs"))
    # a log that is still followed may be asked for when there is none any more
    lab.close_tab("etl: Logs")
    lab.card("etl").more("Stop")
    found["undo"] = violations(lab.panel)
    expect(lab.card("etl").node).to_have_count(0, timeout=PATIENCE)
    assert {place: what for place, what in found.items() if what} == {}
    visit.assert_quiet()
    lab.page.close()
    fay.end_all()
    fay.stop_session()
