"""A backend that comes and goes by the clock, from the Launch dialog to the end of its schedule."""

from __future__ import annotations

from collections.abc import Iterator

import httpx
import pytest
from playwright.sync_api import expect

from alongside.endpoint import complete
from tests.client.real import RealService
from tests.lab.axe import violations
from tests.lab.jupyter import TOKEN, Jupyter
from tests.lab.panel import PATIENCE, Lab
from tests.lab.visit import Visit, picture

pytestmark = [pytest.mark.browser, pytest.mark.timeout(300), pytest.mark.slow]


@pytest.fixture
def lab(
    service: RealService, tmp_path_factory: pytest.TempPathFactory, visit: Visit
) -> Iterator[Lab]:
    """JupyterLab in ada's session; nothing of this needs a hub."""
    environment = {**service.environment, "JUPYTERHUB_SERVICE_PREFIX": "/user/ada/"}
    extensions = {"alongside_lab": True, "jupyterlab": True}
    folder = tmp_path_factory.mktemp("jupyter")
    with Jupyter(folder, environment, extensions=extensions) as jupyter:
        visit.window("ada")
        found = visit.tab(jupyter.url, "ada").open(f"lab?reset&token={TOKEN}").show()
        yield found
        found.page.close()


@pytest.mark.shows("K74")
def test_a_schedule_is_made_paused_and_deleted_in_the_panel(
    service: RealService, lab: Lab, visit: Visit
) -> None:
    headers = {"Authorization": f"token {service.token}"}
    api = httpx.Client(base_url=complete(service.url), headers=headers, timeout=30)
    lab.launch_button.click()
    dialog = lab.dialog("Launch")
    dialog.get_by_role("textbox", name="Name").fill("office hours")
    dialog.get_by_label("Starts").select_option("every working day")
    dialog.get_by_label("From").fill("07:00")
    dialog.get_by_label("Until").fill("18:30")
    dialog.get_by_label("Time zone").fill("Nowhere/Here")
    assert violations(dialog) == []
    dialog.get_by_role("button", name="Schedule").click()
    expect(dialog.get_by_role("alert").filter(has_text="Europe/Berlin")).to_be_visible()
    dialog.get_by_label("Time zone").fill("America/New_York")
    picture(dialog, "launch-schedule")
    dialog.get_by_role("button", name="Schedule").click()
    expect(dialog).to_have_count(0)

    (made,) = api.get("schedules").json()
    assert (made["name"], made["start"], made["stop"]) == (
        *("office hours", "0 7 * * 1-5"),
        "30 18 * * 1-5",
    )
    assert (made["zone"], made["suspended"]) == ("America/New_York", False)
    group = lab.panel.get_by_role("region", name="By the clock")
    card = group.get_by_role("article", name="office hours")
    expect(card).to_contain_text("every working day 07:00\u201318:30 · America/New York")
    expect(card).to_contain_text("Dask cluster · 2 workers")
    expect(card).to_contain_text("starts")
    assert violations(lab.panel) == []
    picture(group, "panel-schedule")

    # what is done elsewhere is seen here, and the other way round
    card.get_by_role("button", name="Pause office hours").click()
    expect(card).to_contain_text("paused", timeout=PATIENCE)
    (found,) = api.get("schedules").json()
    assert found["suspended"]
    api.patch(f"schedules/{made['id']}", json={"suspended": False}).raise_for_status()
    expect(card.get_by_role("button", name="Pause office hours")).to_be_visible(timeout=PATIENCE)

    card.get_by_role("button", name="Delete office hours").click()
    asked = lab.page.get_by_role("dialog").filter(has_text="Delete the schedule “office hours”?")
    asked.get_by_role("button", name="Delete").click()
    expect(group).to_have_count(0, timeout=PATIENCE)
    assert api.get("schedules").json() == []
    visit.forgive("422")  # the browser's own line about the zone that there is not
    api.close()
