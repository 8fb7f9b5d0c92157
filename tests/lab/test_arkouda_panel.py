"""A scientist's day with Arkouda in a real browser: form, card, notebook, another size, end."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Locator, Page, expect

from alongside.kinds import get_kind
from tests.doubles.arkouda import CLIENT, real, server
from tests.lab.axe import violations
from tests.lab.panel import PATIENCE, Lab, Notebook
from tests.lab.test_panel_reach import set_theme
from tests.lab.visit import Visit, picture
from tests.stack import Stack
from tests.waiting import wait_until

pytestmark = [pytest.mark.browser, pytest.mark.timeout(420), pytest.mark.slow]

CATALOGUE = """
profiles:
  both:
    title: Both
    description: JupyterLab with Dask or Arkouda
    session: {{environment: {environment}}}
    default: dask
    backends:
      dask: {{options: {{workers: {{default: 1, maximum: 4}}, memory: 512 MiB}}}}
      arkouda:
        options:
          locales: {{default: 2, maximum: 8}}
          cores: 1
          memory: {{default: 512 MiB, maximum: 4 GiB}}
        lifetime: {{idle: 2 h, maximum: 12 h}}
quotas:
  default: {{backends: 3, workers: 12, cores: 16, memory: 16 GiB}}
"""
SUM = """\
a = ak.arange(1_000_000)
b = a + 1
print("the sum is", int(b.sum()))
"""


@pytest.fixture(scope="module")
def catalogue(tmp_path_factory: pytest.TempPathFactory) -> Path:
    client = {"PYTHONPATH": str(CLIENT), "ARKOUDA_DOUBLE_AGE": "2026"} if not real() else {}
    given = ", ".join(f"{name}: {value!r}" for name, value in client.items())
    path = tmp_path_factory.mktemp("catalogue") / "catalogue.yaml"
    path.write_text(CATALOGUE.format(environment=f"{{{given}}}"))
    return path


@pytest.fixture(scope="module")
def both(tmp_path_factory: pytest.TempPathFactory, catalogue: Path) -> Iterator[Stack]:
    """A hub whose one profile has Dask and Arkouda."""
    folder = tmp_path_factory.mktemp("both")
    environment = {
        "ALONGSIDE_CATALOGUE": str(catalogue),
        "ALONGSIDE_ARKOUDA_SERVER": str(server(folder / "server", age="2026")),
        "ARKOUDA_DOUBLE_AGE": "2026",
    }
    with Stack(folder / "home", environment=environment) as running:
        yield running


def started(page: Page, stack: Stack, user: str) -> Lab:
    """Start the session that the form has, and open its JupyterLab."""
    page.get_by_role("button", name="Start", exact=True).click()
    page.wait_for_url(re.compile(rf"/user/{user}/"), timeout=PATIENCE)
    lab = Lab(page, f"{stack.url}/user/{user}/")
    return lab.open("lab?reset").show()


def attached(lab: Lab, name: str) -> Notebook:
    """A new notebook that is attached to it."""
    notebook = lab.new_notebook()
    lab.card(name).button("Attach").click()
    lab.card(name).says("attached ✓")
    return notebook


def enough(rows: int, memory: str) -> str:
    """The number of locales that the kind advises: ``75 locales``."""
    kind = get_kind("arkouda")
    said = kind.advice(kind.Options.model_validate({"rows": rows, "memory": memory}))
    found = re.search(r"at least (\d+ locales?)", said)
    assert found is not None, said
    return found[1]


def quiet(part: Locator) -> None:
    assert violations(part) == []


@pytest.mark.shows("K2", "K4", "K12", "K13", "K29", "K47", "T130")
def test_form_attach_compute_scale_and_stop(both: Stack, visit: Visit) -> None:
    gus = visit.person(both, "gus")
    visit.login(both, "gus")
    tab = visit.tab(f"{both.url}/user/gus/", "gus")
    page = tab.page

    # in the form it stands beside Dask
    page.goto(f"{both.url}/hub/spawn")
    page.get_by_role("radio", name="Arkouda locale group").check()
    expect(page.get_by_text("the server's own included")).to_be_visible()
    page.get_by_label("Locales", exact=True).fill("3")
    summary = page.get_by_role("complementary", name="Summary")
    expect(summary).to_contain_text("3 \u00d7 (1 core · 512 MiB)")
    expect(summary).to_contain_text("Workers and locales")
    # how many for a large column, as the kind itself says
    page.get_by_label("Rows of the largest column").fill("1000000000")
    for memory in ("512 MiB", "1 GiB", "3.3 GiB"):
        page.get_by_role("textbox", name="Memory each").fill(memory)
        expect(summary).to_contain_text(f"needs at least {enough(10**9, memory)} of {memory}")
    picture(page, "form-arkouda")
    page.get_by_label("Rows of the largest column").fill("0")
    page.get_by_role("textbox", name="Memory each").fill("512 MiB")
    expect(summary).not_to_contain_text("needs at least")
    lab = started(page, both, "gus")

    # its card: locales, memory of each, facts; no dashboard
    card = lab.card("arkouda")
    card.says("3 of 3 locales")
    card.says("512 MiB each")
    expect(card.node.get_by_role("button", name=re.compile("Dashboard"))).to_have_count(0)
    card.node.get_by_text("About it").click()
    expect(card.node.get_by_role("definition").first).to_be_visible()

    # attached without an address, a port or a token
    notebook = attached(lab, "arkouda")
    expect(lab.page.get_by_role("button", name="Attached to arkouda · 3 locales")).to_be_visible()
    notebook.run(SUM)
    notebook.says(f"the sum is {1_000_000 * 1_000_001 // 2}")
    quiet(lab.panel)
    picture(lab.page, "panel-arkouda")

    # another size: saved, started again, loaded
    card.button("Scale…").click()
    dialog = lab.dialog("Scale arkouda")
    dialog.get_by_role("spinbutton", name="Locales").fill("5")
    expect(dialog).to_contain_text("What Untitled.ipynb has in it is saved to files")
    quiet(dialog)
    picture(lab.page, "resize-arkouda")
    dialog.get_by_role("button", name="Scale").click()
    expect(dialog.get_by_role("list", name="What is done")).to_be_visible()
    picture(lab.page, "resizing-arkouda")
    expect(dialog).to_have_count(0, timeout=PATIENCE)
    card.says("5 of 5 locales")
    card.says("attached ✓")
    notebook.run('print("again", int(b.sum()), "on", ak.get_config()["numLocales"])')
    notebook.says(f"again {1_000_000 * 1_000_001 // 2} on 5")

    # it ends as any other
    card.more("Stop")
    expect(card.node).to_have_count(0, timeout=PATIENCE)
    wait_until("it has ended", lambda: not gus.live(), 60)
    visit.assert_quiet()
    lab.page.close()
    gus.stop_session()


@pytest.mark.shows("K13")
def test_what_cant_be_carried_over_is_said_and_a_saved_one_resumed(
    both: Stack, visit: Visit, tmp_path: Path
) -> None:
    hal = visit.person(both, "hal")
    base = hal.start_session(profile="both")
    group = {"kind": "arkouda", "name": "big", "options": {"locales": 2, "memory": "512 MiB"}}
    launched = hal.api.post("backends", json={**group, "profile": "both", "session": ""})
    assert launched.status_code == 202, launched.text
    visit.login(both, "hal")
    lab = visit.lab(base, "hal")
    set_theme(lab, "dark")
    card = lab.card("big")
    card.says("2 of 2 locales")
    card.node.get_by_text("About it").click()
    quiet(lab.panel)
    picture(lab.page, "panel-arkouda-dark")

    # nobody is attached: a loss that has to be agreed to
    card.button("Scale…").click()
    dialog = lab.dialog("Scale big")
    dialog.get_by_role("spinbutton", name="Locales").fill("1")
    expect(dialog).to_contain_text("No notebook is attached here")
    scale = dialog.get_by_role("button", name="Scale")
    expect(scale).to_have_attribute("aria-disabled", "true")
    quiet(dialog)
    picture(lab.page, "resize-arkouda-dark")
    dialog.get_by_label("That may be lost.").check()
    scale.click()
    expect(dialog).to_have_count(0)
    card.says("1 of 1 locale")

    # nothing to save is a failure that says what to do, and changes nothing
    notebook = attached(lab, "big")
    card.button("Scale…").click()
    dialog.get_by_role("spinbutton", name="Locales").fill("3")
    scale.click()
    expect(dialog).to_contain_text("has nothing in the memory of big", timeout=PATIENCE)
    dialog.get_by_role("button", name="Cancel").click()
    card.says("1 of 1 locale")
    card.button("Dismiss").click()

    # put away with what is in it, and had again
    notebook.run(SUM)
    notebook.says("the sum is")
    card.more("Save and stop")
    expect(lab.notification(re.compile("big is put away"))).to_be_visible(timeout=PATIENCE)
    wait_until("it has ended", lambda: not hal.live(), 60)
    notebook.run('alongside.resume("big")\nprint("back", int(b.sum()))')
    notebook.says(f"back {1_000_000 * 1_000_001 // 2}")
    card = lab.card("big")
    card.says("attached ✓")

    # a notebook that works is waited for, and that can be called off
    done = tmp_path / "done"
    notebook.run(
        f"import pathlib, time\nwhile not pathlib.Path({str(done)!r}).exists():\n"
        "    time.sleep(0.05)\nprint('has worked')"
    )
    card.button("Scale…").click()
    dialog.get_by_role("spinbutton", name="Locales").fill("4")
    scale.click()
    expect(dialog).to_contain_text("Waiting until no cell runs")
    quiet(dialog)
    picture(lab.page, "resizing-arkouda-dark")
    dialog.get_by_role("button", name="Call off").click()
    expect(dialog.get_by_role("spinbutton", name="Locales")).to_have_value("4")
    dialog.get_by_role("button", name="Cancel").click()
    done.touch()
    notebook.says("has worked")
    card.says("1 of 1 locale")
    hal.end_all()
    visit.assert_quiet()
    lab.page.close()
    hal.stop_session()


@pytest.mark.shows("K2")
def test_without_a_server_it_is_shown_with_why(
    catalogue: Path, tmp_path: Path, visit: Visit
) -> None:
    environment = {"ALONGSIDE_CATALOGUE": str(catalogue)}
    with Stack(tmp_path / "bare", environment=environment) as bare:
        ida = visit.person(bare, "ida")
        visit.login(bare, "ida")
        page = visit.tab(f"{bare.url}/user/ida/", "ida").page
        page.goto(f"{bare.url}/hub/spawn")
        choice = page.get_by_role("radio", name="Arkouda locale group")
        expect(choice).to_be_disabled()
        expect(page.get_by_text("There is no Arkouda server on this machine.")).to_be_visible()
        quiet(page.locator("#alongside"))
        picture(page, "form-without-arkouda")
        refused = ida.hub.post("users/ida/server", json={"backend": {"kind": "arkouda"}})
        assert refused.status_code >= 400
        lab = started(page, bare, "ida")
        lab.launch_button.click()
        dialog = lab.dialog("Launch")
        expect(dialog.get_by_role("radio", name="Arkouda locale group")).to_be_disabled()
        expect(dialog).to_contain_text("There is no Arkouda server on this machine.")
        quiet(dialog)
        picture(lab.page, "launch-without-arkouda")
        dialog.get_by_role("button", name="Cancel").click()
        lab.page.close()
        ida.end_all()
        ida.stop_session()
