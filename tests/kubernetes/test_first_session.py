"""A scientist's first session on Kubernetes: the chart on an empty cluster, and a real browser."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import partial

import pytest
from playwright.sync_api import Page, expect

from tests.e2e.conftest import browser, page
from tests.house.test_source import ROOT
from tests.kubernetes.release import SHARED_HOMES, Chart, Release, wait_for
from tests.kubernetes.scientist import MOST, Scientist, nothing_new, picture, scientist

__all__ = ["browser", "page"]

pytestmark = [pytest.mark.browser, pytest.mark.timeout(900)]
EXAMPLES = ("first-cluster.ipynb", "make_data.py")


@pytest.fixture(scope="module")
def release(chart: Chart) -> Iterator[Release]:
    """The chart with a hub of its own, where workers see their users' homes."""
    with chart(
        hub__sessions__homeSize="2Gi",
        hub__settings=SHARED_HOMES,
    ) as one:
        yield one


@pytest.fixture
def ada(release: Release) -> Iterator[Scientist]:
    with scientist(release, "ada") as one:
        yield one


@pytest.mark.shows("K1", "K3", "K4", "K5", "K7", "K12", "K13", "K85")
def test_from_login_to_a_result_on_ones_own_cluster_and_back(
    release: Release, page: Page, ada: Scientist
) -> None:
    before = release.held()
    ada.log_in(page)
    page.get_by_role("radio", name=re.compile("^Dask cluster")).check(force=True)
    page.get_by_role("spinbutton", name="Workers").fill("2")
    picture(page, "kubernetes-form")
    ada.start(page, "notebook server|Dask cluster")

    texts = {name: (ROOT / "examples" / name).read_text(encoding="utf-8") for name in EXAMPLES}
    ada.bring("examples", texts)
    ada.run_all(page, "examples/first-cluster.ipynb")
    expect(page.get_by_text("All done on 2 workers")).to_be_visible(timeout=MOST)
    picture(page, "kubernetes-lab")

    [backend] = ada.backends()
    assert (backend["phase"], backend["platform"]) == ("running", "kubernetes")
    for workers in (3, 2):
        options = {"options": {"workers": workers}}
        assert ada.api.patch(f"backends/{backend['id']}", json=options).status_code == 200
        wait_for(partial(settled, ada, workers), f"{workers} workers")

    ada.stop(page)
    nothing_new(release, before)


def settled(ada: Scientist, workers: int) -> bool:
    [backend] = ada.backends()
    return (backend["phase"], backend["ready"]) == ("running", workers)
