"""A scientist's day with the panel, in a real browser, found by role and label."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import expect

from tests.lab.panel import PATIENCE
from tests.lab.visit import Visit, picture
from tests.stack import Stack
from tests.waiting import wait_until

pytestmark = [pytest.mark.browser, pytest.mark.timeout(420)]

COMPUTE = """\
import time

def slow(n):
    time.sleep(0.25)
    return n * n

futures = client.map(slow, range(200), pure=False)
print("begun on", len(client.scheduler_info(-1)["workers"]), "workers")
total = client.submit(sum, futures).result()
print("the total is", total, "on", len(client.scheduler_info(-1)["workers"]), "workers")
"""
"""Long enough to be scaled meanwhile, twice."""
MEASURE = """\
def measured(n):
    time.sleep(0.1)
    return n

client.gather(client.map(measured, range(40), pure=False))
"""
"""Its name is in what the dashboard is told of tasks."""


@pytest.mark.shows("K4", "K12", "K13", "K14", "K121", "T130", "T131")
def test_launch_attach_compute_scale_look_and_stop(stack: Stack, visit: Visit) -> None:
    ada = visit.person(stack, "ada")
    base = ada.start_session()
    visit.login(stack, "ada")
    lab = visit.lab(base)
    expect(lab.main_tab("Launcher")).to_be_visible()
    expect(lab.panel).to_contain_text("Nothing runs alongside yet.")

    # launch, told before what it comes to
    lab.launch_button.click()
    dialog = lab.dialog("Launch")
    dialog.get_by_role("spinbutton", name="Workers").fill("2")
    dialog.get_by_role("textbox", name="Memory each").fill("512 MiB")
    dialog.get_by_role("textbox", name="Name").fill("etl")
    effect = dialog.get_by_role("complementary", name="You will get")
    expect(effect).to_contain_text("2 cores · 1 GiB")
    expect(effect).to_contain_text("0 used + 1 GiB of 16 GiB")
    expect(effect.get_by_role("status")).to_contain_text("Fits now")
    picture(lab.page, "launch")
    dialog.get_by_role("button", name="Launch").click()
    card = lab.card("etl")
    card.says("2 of 2 workers")
    wait_until("the quota is told anew", lambda: lab.meter("Cores") == "2 / 32")

    # attach without an address, a port or a token
    notebook = lab.new_notebook()
    card.button("Attach").click()
    card.says("attached ✓")
    expect(lab.page.get_by_role("button", name="Attached to etl · 2 workers")).to_be_visible()

    # scale while it computes, up and down
    notebook.run(COMPUTE)
    notebook.says("begun on 2 workers")
    for workers in (4, 2):
        card.button("Scale…").click()
        dialog = lab.dialog("Scale etl")
        dialog.get_by_role("spinbutton", name="Workers").fill(str(workers))
        dialog.get_by_role("button", name="Scale").click()
        card.says(f"{workers} of {workers} workers")
        wait_until("the quota is told anew", lambda: lab.meter("Cores") == f"{workers} / 32")  # noqa: B023 - now
    notebook.says(f"the total is {sum(n * n for n in range(200))} on 2 workers")

    # how it went is drawn as it goes
    line = card.node.get_by_role("img", name=re.compile("^CPU")).locator("polyline")
    expect(line).to_have_attribute("points", re.compile(r"(\S+ ){2}"), timeout=PATIENCE)

    # Dask's own page, through the hub with this login
    with lab.page.expect_websocket(lambda socket: "/dashboard/" in socket.url) as opened:
        card.choose("Dashboards of etl", "Status")
    expect(lab.main_tab("etl: Status")).to_be_visible()
    dashboard = lab.page.frame_locator('iframe[title="etl: Status"]')
    expect(dashboard.get_by_role("link", name="Workers")).to_be_visible(timeout=PATIENCE)
    # drawn by what its websocket brings, which is what is computed now
    expect(dashboard.get_by_text("Processing", exact=True)).to_be_visible(timeout=PATIENCE)
    lab.main_tab("Untitled.ipynb").click()
    with opened.value.expect_event(
        "framereceived", lambda frame: "measured" in str(frame), timeout=PATIENCE
    ):
        notebook.run(MEASURE)

    # logs, followed and searched
    card.button("Logs").click()
    log = lab.page.get_by_role("log", name="Log of etl, scheduler")
    expect(log).to_contain_text("Register worker addr")
    expect(log).not_to_contain_text("a word from the notebook")
    lab.main_tab("Untitled.ipynb").click()
    notebook.run(
        "def word(dask_scheduler):\n"
        "    import logging\n"
        "    logging.getLogger('distributed.scheduler').warning('a word from the notebook')\n"
        "client.run_on_scheduler(word)"
    )
    lab.main_tab("etl: Logs").click()
    expect(log).to_contain_text("a word from the notebook")
    tools = lab.page.get_by_role("toolbar", name="Logs of etl")
    tools.get_by_role("searchbox", name="Find").fill("a word from")
    expect(tools.get_by_role("status")).to_have_text("1 line")
    tools.get_by_role("checkbox", name="Only these").check()
    expect(log).not_to_contain_text("Register worker addr")
    tools.get_by_role("combobox", name="Process").select_option("worker-1")
    tools.get_by_role("searchbox", name="Find").fill("")
    worker = lab.page.get_by_role("log", name="Log of etl, worker-1")
    expect(worker).to_contain_text("distributed.worker")

    # a stop that is taken back, and one that isn't
    card.more("Stop")
    card.says(re.compile(r"Stopping in \d s"))
    card.button("Undo stopping etl").click()
    expect(card.button("Scale…")).to_be_visible()
    assert [backend["phase"] for backend in ada.live()] == ["running"]
    card.more("Stop")
    expect(card.node).to_have_count(0, timeout=PATIENCE)
    wait_until("her backends have ended", lambda: not ada.live(), 60)
    wait_until("the quota is told anew", lambda: lab.meter("Cores") == "0 / 32")
    lab.main_tab("etl: Status").click()
    expect(lab.page.get_by_role("status").filter(has_text="“etl” has ended")).to_be_visible()
    # Bokeh's page may have called once more for a scheduler that has just ended
    assert sum(map(len, visit.complaints)) <= 2, visit.complaints
    visit.forgive(r"/dashboard/")
    lab.page.close()
    ada.stop_session()


@pytest.mark.slow
@pytest.mark.shows("K13", "T130")
def test_backends_made_elsewhere_appear_by_themselves(stack: Stack, visit: Visit) -> None:
    bob = visit.person(stack, "bob")
    # the session's own, asked for in the hub's form
    base = bob.start_session(
        backend={"kind": "dask", "options": {"workers": 1, "memory": "512 MiB"}}
    )
    visit.login(stack, "bob")
    lab = visit.lab(base, "bob")
    lab.card("dask").says("1 of 1 worker")
    here = lab.panel.get_by_role("region", name="This session")
    expect(here.get_by_role("article")).to_have_count(1)

    id = bob.launch("from-code", session=None)
    other = lab.card("from-code")
    other.says("1 of 1 worker")
    elsewhere = lab.panel.get_by_role("region", name="Other sessions and free-standing")
    expect(elsewhere.get_by_role("article", name="from-code")).to_be_visible()
    expect(here.get_by_role("article")).to_have_count(1)

    bob.api.patch(f"backends/{id}", json={"options": {"workers": 2}})
    other.says("2 of 2 workers")

    # attached by code that says nothing to who only reads it; a page that knows nothing asks
    notebook = lab.new_notebook()
    notebook.run("import alongside\nclient = alongside.attach('-'.join(['from', 'code']))")
    pill = lab.page.get_by_role("button", name="Attached to from-code · 2 workers")
    expect(pill).to_be_visible(timeout=PATIENCE)
    # shown in a cell it has the panel's own card, which needs no kernel
    notebook.run("alongside.backends()[0]")
    shown = notebook.cells.get_by_role("article", name="from-code", exact=True)
    expect(shown).to_contain_text("2 of 2 workers", timeout=PATIENCE)
    expect(shown.get_by_role("button", name="Attach")).to_be_visible()
    # the layout is written a moment after its last change
    with lab.page.expect_response(re.compile("/lab/api/workspaces/"), timeout=PATIENCE):
        lab.main_tab("Untitled.ipynb").click()
    lab.page.evaluate("localStorage.clear()")
    lab.reload()
    expect(pill).to_be_visible(timeout=PATIENCE)

    bob.api.delete(f"backends/{id}")
    expect(other.node).to_have_count(0, timeout=PATIENCE)
    lab.page.close()
    bob.stop_session()
    wait_until("his backends have ended", lambda: not bob.live(), 60)
