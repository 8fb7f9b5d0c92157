"""What made a file: asked in the file browser and of a run, followed through runs by keyboard."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Locator, expect

import alongside
from alongside_workflows import submit, workflow
from tests.client.real import RealService
from tests.lab.axe import violations
from tests.lab.crowd import lab_server
from tests.lab.jupyter import TOKEN, Jupyter
from tests.lab.panel import PATIENCE, Lab
from tests.lab.visit import Visit, picture
from tests.workflows.notebooks import notebook

pytestmark = [pytest.mark.browser, pytest.mark.timeout(300), pytest.mark.slow]

SEGMENT = """
voxels = [int(word) for word in open(image).read().split()]
open(segments, "w").write(" ".join(str(one) for one in voxels if one > threshold))
"""


@pytest.fixture(scope="module")
def server(service: RealService) -> Iterator[Jupyter]:
    """JupyterLab where two runs, one after the other, have made a report of an image."""
    with lab_server(service) as it:
        place = it.folder / "foam"
        place.mkdir()
        notebook(place / "segment.ipynb", "threshold = 5\nimage = ''\nsegments = ''", SEGMENT)
        (place / "image.txt").write_text("1 9 3 8 7")
        (place / "own.txt").write_text("mine")
        first = workflow("segmentation", directory=place)
        first.notebook(
            "segment.ipynb",
            parameters={"threshold": 6},
            inputs={"image": "image.txt"},
            outputs={"segments": "segments.txt"},
        )
        second = workflow("report", directory=place)
        second.command(
            "count",
            ["sh", "-c", 'wc -w < "$segments" > "$report"'],
            inputs={"segments": "segments.txt"},
            outputs={"report": "report.txt"},
        )
        with alongside.Client(service.url, service.token) as client:
            for flow in (first, second):
                submit(flow, service=client, wait=True, wait_for=60)
        yield it


def ask(lab: Lab, file: str) -> Locator:
    """What the file browser's menu tells of a file: the tab in front."""
    files = lab.page.get_by_role("region", name="File Browser Section")
    files.get_by_text(file, exact=True).click(button="right")
    lab.page.get_by_role("menuitem", name="What made this file?").click()
    expect(lab.main_tab(f"What made {file}")).to_be_visible()
    return lab.page.locator(".alongside-Trace:visible")


@pytest.mark.shows("T122")
def test_from_a_file_back_to_all_that_it_was_made_of(server: Jupyter, visit: Visit) -> None:
    visit.window("ada")
    lab = visit.tab(server.url, "ada").open(f"lab/tree/foam/image.txt?reset&token={TOKEN}")
    tab = ask(lab, "report.txt")
    steps = tab.get_by_role("article")
    expect(steps.get_by_role("heading")).to_have_text(["count", "segment"], timeout=PATIENCE)
    expect(tab.get_by_text("It goes back to 2 steps.")).to_be_visible()
    expect(steps.last).to_contain_text("threshold = 6")
    assert violations(lab.page.locator(".alongside-RunTab")) == []
    picture(lab.page, "trace")

    # by keyboard to the step that made what was read, and on to its executed notebook
    lab.tab_to(steps.first.get_by_role("button", name="Go to step segment"))
    lab.page.keyboard.press("Enter")
    expect(steps.last).to_be_focused()
    lab.tab_to(steps.last.get_by_role("button", name="Executed notebook of segment"))
    lab.page.keyboard.press("Enter")
    executed = lab.page.get_by_role("region", name="Executed notebook of segment")
    expect(executed).to_contain_text("threshold = 6", timeout=PATIENCE)

    # an input was changed meanwhile: that is told, also where it is asked of the run
    Path(server.folder, "foam", "image.txt").write_text("1 2 3")
    step = lab.page.get_by_role("region", name="Step segment")
    step.get_by_role("tab", name="Inputs and outputs").click()
    step.get_by_role("button", name="What made it? segments").click()
    expect(steps.get_by_role("heading")).to_have_text("segment", timeout=PATIENCE)
    expect(steps).to_contain_text("changed since")
    tab.get_by_role("tab", name="What was made of it").click()
    expect(steps.get_by_role("heading")).to_have_text("count")

    # what nobody knows of is told as such, and all is there again after a reload
    tab = ask(lab, "own.txt")
    expect(tab).to_contain_text("Nothing in 2 runs is known that made it.", timeout=PATIENCE)
    lab.reload()
    lab.main_tab("What made report.txt").click()
    expect(steps.get_by_role("heading")).to_have_text(["count", "segment"], timeout=PATIENCE)
    expect(steps.last).to_contain_text("changed since")
