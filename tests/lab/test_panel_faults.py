"""What the panel says and does when something breaks: never blank, never stale, never a storm."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import expect

from tests.lab.panel import PATIENCE
from tests.lab.visit import Visit, picture
from tests.stack import Stack, command, marked_processes
from tests.waiting import wait_until

pytestmark = [pytest.mark.browser, pytest.mark.timeout(300), pytest.mark.slow]

MARKUP = '"><img src=x onerror="window.hit=1"><script>window.hit=1</script>'
AWAY = r"Failed to load resource|WebSocket connection|/dashboard/"
"""What a browser itself writes to the console while a server is away."""


@pytest.mark.shows("K13", "T154")
def test_a_service_that_is_killed_is_told_and_comes_back(stack: Stack, visit: Visit) -> None:
    gil = visit.person(stack, "gil")
    base = gil.start_session()
    id = gil.launch("survivor")
    visit.login(stack, "gil")
    lab = visit.lab(base, "gil")
    card = lab.card("survivor")
    card.says("1 of 1 worker")

    killed = stack.find("-m alongside_service")
    for process in killed:
        process.kill()
    banner = lab.panel.get_by_role("alert").filter(has_text="What is below may be old.")
    expect(banner).to_be_visible(timeout=PATIENCE)
    card.says("1 of 1 worker")  # what was known stays
    expect(card.button("Scale…")).to_have_attribute("aria-disabled", "true")
    expect(lab.launch_button).to_be_disabled()
    expect(banner).to_have_count(0, timeout=PATIENCE)
    expect(card.button("Scale…")).not_to_have_attribute("aria-disabled", "true")
    assert gil.backend(id)["phase"] == "running"
    # and it is live again
    gil.api.patch(f"backends/{id}", json={"options": {"workers": 2}})
    card.says("2 of 2 workers")
    visit.forgive(AWAY)
    visit.assert_quiet()
    lab.page.close()
    gil.stop_session()


@pytest.mark.shows("K13")
def test_a_backend_that_fails_while_a_dialog_is_open(stack: Stack, visit: Visit) -> None:
    hal = visit.person(stack, "hal")
    base = hal.start_session()
    id = hal.launch("train")
    visit.login(stack, "hal")
    lab = visit.lab(base, "hal")
    card = lab.card("train")
    card.says("1 of 1 worker")
    card.button("Scale…").click()
    dialog = lab.dialog("Scale train")
    dialog.get_by_role("spinbutton", name="Workers").fill("2")
    accept = dialog.get_by_role("button", name="Scale")
    expect(accept).to_have_attribute("aria-disabled", "false")
    for process in marked_processes(id):
        if "supervisor" in command(process):
            process.kill()
    expect(accept).to_have_attribute("aria-disabled", "true", timeout=PATIENCE)
    dialog.get_by_role("button", name="Cancel").click()
    card.says("failed")
    trouble = hal.backend(id)
    card.says(trouble["message"])
    card.says(trouble["remedy"])
    for name in ("Attach", "Scale…"):
        expect(card.button(name)).to_have_count(0)
    expect(lab.notification("“train” has failed.")).to_be_visible()
    lab.widen(330)
    picture(lab.page, "panel-failed")

    # the remedy: the same once more
    card.button("Change and retry").click()
    dialog = lab.dialog("Launch")
    expect(dialog.get_by_role("textbox", name="Memory each")).to_have_value("512 MiB")
    dialog.get_by_role("button", name="Launch").click()
    expect(dialog).to_have_count(0, timeout=PATIENCE)
    wait_until("another runs", lambda: [b["phase"] for b in hal.live()] == ["running"], 60)
    failed = lab.panel.get_by_role("article").filter(has_text="failed")
    failed.get_by_role("button", name="Dismiss").click()
    expect(failed).to_have_count(0)
    visit.assert_quiet()
    lab.page.close()
    hal.end_all()
    hal.stop_session()


@pytest.mark.shows("K13")
def test_markup_in_a_name_is_text_everywhere(stack: Stack, visit: Visit) -> None:
    ivy = visit.person(stack, "ivy")
    base = ivy.start_session()
    visit.login(stack, "ivy")
    lab = visit.lab(base, "ivy")
    lab.launch_button.click()
    dialog = lab.dialog("Launch")
    dialog.get_by_role("textbox", name="Memory each").fill("512 MiB")
    name = dialog.get_by_role("textbox", name="Name")
    name.fill("a\u202ename")  # turns the direction of reading
    expect(dialog.get_by_role("alert").filter(has_text="printable characters")).to_be_visible()
    expect(dialog.get_by_role("button", name="Launch")).to_have_attribute("aria-disabled", "true")
    name.fill(MARKUP)
    expect(name).to_have_value(MARKUP[:63])
    written = MARKUP[:63]
    name.fill(written)
    dialog.get_by_role("button", name="Launch").click()
    card = lab.card(written)
    card.says(re.compile("(\\d) of \\1 workers?"))
    lab.new_notebook()
    card.button("Attach").click()
    card.says("attached ✓")
    card.button("Logs").click()
    expect(lab.page.get_by_role("log", name=re.compile("^Log of"))).to_be_visible()
    card.choose(re.compile("^Dashboards of"), "Workers")
    card.button("Scale…").click()
    dialog = lab.dialog(re.compile("^Scale "))
    dialog.get_by_role("button", name="Cancel").click()
    lab.page.get_by_role("tab", name="Running Terminals and Kernels").click()
    lab.page.get_by_role("tab", name="Running Terminals and Kernels").click()
    lab.show()
    card.more("Stop")
    expect(card.node).to_have_count(0, timeout=PATIENCE)
    assert lab.page.evaluate("window.hit") is None
    visit.forgive(r"/dashboard/|422 .*spawn-options")
    visit.assert_quiet()
    lab.page.close()
    ivy.stop_session()


@pytest.mark.shows("K4", "K13")
def test_a_dead_kernel_and_a_slow_network(stack: Stack, visit: Visit) -> None:
    jan = visit.person(stack, "jan")
    base = jan.start_session()
    jan.launch("slow")
    visit.login(stack, "jan")
    lab = visit.lab(base, "jan")
    card = lab.card("slow")
    card.says("1 of 1 worker")
    notebook = lab.new_notebook()
    [kernel] = jan.kernels(base)
    jan.end_kernel(base, kernel["id"])
    expect(lab.page.get_by_role("button", name="No Kernel")).to_be_visible(timeout=PATIENCE)
    card.button("Attach").click()
    asked = lab.page.get_by_role("dialog").filter(has_text="Select Kernel")
    asked.get_by_role("button", name=re.compile("^Select")).click()
    card.says("attached ✓")
    notebook.run("print('the sum is', client.submit(sum, [1, 2]).result())")
    notebook.says("the sum is 3")

    network = lab.page.context.new_cdp_session(lab.page)
    slow = {
        "offline": False,
        "latency": 700,
        "downloadThroughput": 2**16,
        "uploadThroughput": 2**16,
    }
    network.send("Network.emulateNetworkConditions", slow)
    lab.launch_button.click()
    dialog = lab.dialog("Launch")
    expect(dialog.get_by_role("status").first).to_contain_text("Asking what there is")
    dialog.get_by_role("textbox", name="Memory each").fill("512 MiB")
    dialog.get_by_role("textbox", name="Name").fill("one")
    press = dialog.get_by_role("button", name="Launch")
    press.click()
    press.click(force=True)  # a second press is none
    expect(dialog).to_have_count(0, timeout=PATIENCE)
    lab.card("one").says("2 of 2 workers")
    assert sorted(b["name"] for b in jan.live()) == ["one", "slow"]
    visit.forgive("Could not restore the debugger state|Kernel is dead")  # JupyterLab's own
    visit.assert_quiet()
    lab.page.close()
    jan.end_all()
    jan.stop_session()
