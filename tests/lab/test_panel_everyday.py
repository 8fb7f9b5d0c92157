"""What stays when a page or a session begins anew, two windows at once, and keys alone."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import expect

from tests.lab.panel import PATIENCE, Notebook
from tests.lab.visit import Visit
from tests.stack import Stack
from tests.waiting import wait_until

pytestmark = [pytest.mark.browser, pytest.mark.timeout(300), pytest.mark.slow]


@pytest.mark.shows("K13", "T130")
def test_a_reload_and_a_new_session_keep_all(stack: Stack, visit: Visit) -> None:
    cleo = visit.person(stack, "cleo")
    base = cleo.start_session()
    cleo.launch("tied", session="")
    cleo.launch("free", session=None)
    visit.login(stack, "cleo")
    lab = visit.lab(base, "cleo")
    lab.card("tied").says("1 of 1 worker")
    lab.card("free").says("1 of 1 worker")
    lab.new_notebook()
    lab.card("free").button("Attach").click()
    lab.card("free").says("attached ✓")
    lab.card("free").choose("Dashboards of free", "Status")
    lab.card("tied").button("Logs").click()
    log = lab.page.get_by_role("log", name="Log of tied, scheduler")
    expect(log).to_contain_text("Register worker addr")
    # the layout is written a moment after its last change
    with lab.page.expect_response(re.compile("/lab/api/workspaces/"), timeout=PATIENCE):
        lab.main_tab("Untitled.ipynb").click()

    # what is kept is kept in one's own home
    assert list((stack.home / "home" / "cleo" / ".jupyter" / "lab" / "workspaces").iterdir())
    lab.reload()
    expect(lab.panel).to_be_visible()
    Notebook(lab)
    lab.card("free").says("attached ✓")
    lab.card("tied").says("1 of 1 worker")

    def in_front() -> bool:
        lab.main_tab("tied: Logs").click()
        return log.is_visible()

    # JupyterLab brings the tab that was in front there once more when it has restored them all
    wait_until("the log is in front", in_front, 60, every=0.5)
    expect(log).to_contain_text("Register worker addr")
    lab.main_tab("free: Status").click()
    dashboard = lab.page.frame_locator('iframe[title="free: Status"]')
    expect(dashboard.get_by_role("link", name="Workers")).to_be_visible(timeout=PATIENCE)
    visit.assert_quiet()

    # the session ends, and with it what belongs to it; the other goes on without it
    cleo.stop_session()
    cleo.start_session()
    lab.page.goto(base + "lab?reset")
    lab.loaded().show()
    visit.forgive("")  # JupyterLab's own, while its server was away
    lab.card("free").says("1 of 1 worker")
    expect(lab.card("tied").node).to_have_count(0)
    notebook = lab.new_notebook()
    lab.card("free").button("Attach").click()
    lab.card("free").says("attached ✓")
    notebook.run("print('the sum is', client.submit(sum, [1, 2]).result())")
    notebook.says("the sum is 3")
    visit.assert_quiet()
    lab.page.close()
    cleo.end_all()
    cleo.stop_session()


@pytest.mark.shows("K12", "T130")
def test_two_windows_see_the_same_and_may_act_at_once(stack: Stack, visit: Visit) -> None:
    dora = visit.person(stack, "dora")
    base = dora.start_session()
    id = dora.launch("both")
    visit.login(stack, "dora")
    one = visit.lab(base, "dora", "lab/workspaces/one")
    two = visit.lab(base, "dora", "lab/workspaces/two")
    for lab in (one, two):
        lab.card("both").says("1 of 1 worker")

    # what one does the other sees
    one.card("both").button("Scale…").click()
    dialog = one.dialog("Scale both")
    dialog.get_by_role("spinbutton", name="Workers").fill("2")
    dialog.get_by_role("button", name="Scale").click()
    two.card("both").says("2 of 2 workers")

    # both at the same time: the later wins, nobody fails
    dialogs = []
    for lab, workers in ((one, "3"), (two, "1")):
        lab.card("both").button("Scale…").click()
        dialogs.append(lab.dialog("Scale both"))
        dialogs[-1].get_by_role("spinbutton", name="Workers").fill(workers)
    for dialog in dialogs:
        dialog.get_by_role("button", name="Scale").click()
        expect(dialog).to_have_count(0)
    for lab in (one, two):
        lab.card("both").says("1 of 1 worker")
    assert dora.backend(id)["options"]["workers"] == 1

    # one ends it while the other has a dialog about it open
    two.card("both").button("Scale…").click()
    dialog = two.dialog("Scale both")
    one.card("both").more("Stop")
    expect(one.card("both").node).to_have_count(0, timeout=PATIENCE)
    expect(dialog.get_by_role("button", name="Scale")).to_have_attribute("aria-disabled", "true")
    expect(dialog).to_contain_text(re.compile("not there any more|has ended|is being stopped"))
    dialog.get_by_role("button", name="Cancel").click()
    expect(two.card("both").node).to_have_count(0)

    # both stop the same one
    dora.launch("again")
    for lab in (one, two):
        lab.card("again").says("1 of 1 worker")
    for lab in (one, two):
        lab.card("again").more("Stop")
    for lab in (one, two):
        expect(lab.card("again").node).to_have_count(0, timeout=PATIENCE)
        expect(lab.panel).to_contain_text("Nothing runs alongside yet.")
        expect(lab.notification(re.compile("wrong|unexpected|cannot"))).to_have_count(0)
    visit.forgive("404.*/api/backends/again-")  # the later of two stops may find nothing left
    visit.assert_quiet()
    for lab in (one, two):
        lab.page.close()
    dora.stop_session()


@pytest.mark.shows("K13", "K121")
def test_everything_by_keys(stack: Stack, visit: Visit) -> None:
    eve = visit.person(stack, "eve")
    base = eve.start_session()
    visit.login(stack, "eve")
    lab = visit.tab(base, "eve").open("lab?reset")
    keys = lab.page.keyboard
    expect(lab.page.get_by_role("tabpanel", name="Launcher").locator(":focus")).to_have_count(1)
    keys.press("Alt+Shift+A")
    expect(lab.panel).to_be_visible()
    expect(lab.launch_button).to_be_focused()

    keys.press("Alt+Shift+L")
    dialog = lab.dialog("Launch")
    workers = dialog.get_by_role("spinbutton", name="Workers")
    expect(workers).to_be_visible()
    lab.tab_to(workers)
    keys.press("ControlOrMeta+a")
    keys.type("1")
    lab.tab_to(dialog.get_by_role("textbox", name="Memory each"))
    keys.press("ControlOrMeta+a")
    keys.type("512 MiB")
    lab.tab_to(dialog.get_by_role("textbox", name="Name"))
    keys.type("keys")
    expect(dialog.get_by_role("status")).to_contain_text("Fits now")
    lab.tab_to(dialog.get_by_role("button", name="Launch"))
    keys.press("Enter")
    expect(dialog).to_have_count(0)
    card = lab.card("keys")
    card.says("1 of 1 worker")

    keys.press("Alt+Shift+A")
    lab.tab_to(card.button("Dashboards of keys"))
    keys.press("Enter")
    keys.press("ArrowDown")
    item = lab.page.get_by_role("menuitem", name="Task stream", exact=True)
    expect(item).to_be_focused()
    keys.press("Escape")
    expect(card.button("Dashboards of keys")).to_be_focused()
    keys.press("ArrowDown")
    keys.press("Enter")
    expect(lab.main_tab("keys: Status")).to_be_visible()

    keys.press("Alt+Shift+A")
    lab.tab_to(card.button("Scale…"))
    keys.press("Enter")
    dialog = lab.dialog("Scale keys")
    lab.tab_to(dialog.get_by_role("spinbutton", name="Workers"))
    keys.press("ArrowUp")
    keys.press("Enter")
    expect(dialog).to_have_count(0)
    card.says("2 of 2 workers")

    keys.press("Alt+Shift+A")
    lab.tab_to(card.button("More about keys"))
    keys.press("ArrowUp")  # the last item
    stop = lab.page.get_by_role("menuitem", name="Stop", exact=True)
    expect(stop).to_be_focused()
    keys.press("Enter")
    expect(card.button("Undo stopping keys")).to_be_focused()
    keys.press("Enter")
    expect(card.button("More about keys")).to_be_visible()
    expect(card.node.locator(":focus")).to_have_count(1)
    lab.tab_to(card.button("More about keys"))
    keys.press("ArrowUp")
    keys.press("Enter")
    expect(card.node).to_have_count(0, timeout=PATIENCE)
    wait_until("it has ended", lambda: not eve.live(), 60)
    visit.forgive(r"/dashboard/")
    visit.assert_quiet()
    lab.page.close()
    eve.stop_session()
