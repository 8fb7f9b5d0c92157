"""A scientist's day with Arkouda on Kubernetes: the chart with its operator, real pods and sshd, a
real browser; the server and the client are the doubles."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.doubles.arkouda import CLIENT
from tests.e2e.conftest import browser, page
from tests.kubernetes.arkouda_groups import PLURAL
from tests.kubernetes.release import SHARED_HOMES, Chart, Release, wait_for
from tests.kubernetes.scientist import MOST, Scientist, nothing_new, picture, scientist
from tests.workflows.notebooks import notebook

__all__ = ["browser", "page"]

pytestmark = [pytest.mark.browser, pytest.mark.timeout(900)]
CATALOGUE = """\
profiles:
  both:
    title: Both
    description: JupyterLab with Dask or Arkouda.
    platform: kubernetes
    default: dask
    session:
      environment: {PYTHONPATH: /home/jovyan/client, ARKOUDA_DOUBLE_AGE: "2021"}
    backends:
      dask: {options: {memory: {default: 512 MiB}}}
      arkouda:
        options:
          locales: {default: 2, maximum: 6}
          memory: {default: 256 MiB, maximum: 1 GiB}
        pod: {image: "IMAGE"}
        start_timeout: 10 min
  needed:
    title: Arkouda for sure
    platform: kubernetes
    default: arkouda
    backends:
      arkouda:
        options: {locales: {default: 3, maximum: 6}, memory: 256 MiB}
        pod: {image: "IMAGE"}
        required: true
  nowhere:
    title: Where no node is
    platform: kubernetes
    default: arkouda
    backends:
      arkouda:
        options: {locales: {default: 3, maximum: 6}, memory: 256 MiB}
        pod: {image: "IMAGE", node_selector: {alongside.test/such: none}}
        start_timeout: 20 s
        required: true
"""
DAY = (
    """
import alongside
ak = alongside.attach()
a = ak.arange(1_000_000)
b = a + 1
print("the sum is", int(b.sum()), "on", ak.get_config()["numLocales"], "locales")
""",
    """
[group] = alongside.backends()
group.scale(5)
""",
    """
print("the sum is still", int(b.sum()), "on", ak.get_config()["numLocales"], "locales")
""",
)
SUM = 500_000_500_000


@pytest.fixture(scope="module")
def release(chart: Chart, images: dict[str, str]) -> Iterator[Release]:
    """The chart with hub and operator, where locales see their users' homes."""
    image = images["service"].replace("service", "arkouda-double")
    with chart(
        catalogue__text=CATALOGUE.replace("IMAGE", image),
        operator__enabled=True,
        hub__sessions__homeSize="1Gi",
        hub__settings=SHARED_HOMES,
    ) as one:
        yield one


@pytest.fixture
def gus(release: Release) -> Iterator[Scientist]:
    with scientist(release, "gus") as one:
        yield one


@pytest.mark.shows("K2", "K3", "K4", "K5", "K12", "K13", "K29")
def test_form_attach_compute_scale_with_what_is_in_memory_and_stop(
    release: Release, page: Page, gus: Scientist, tmp_path: Path
) -> None:
    before = release.held()
    gus.log_in(page)
    page.get_by_role("radio", name=re.compile("^Arkouda locale group")).check(force=True)
    page.get_by_role("spinbutton", name="Locales").fill("3")
    gus.start(page, "notebook server|Arkouda|locale")

    gus.bring("client", {})
    package = CLIENT / "arkouda"
    gus.bring("client/arkouda", {path.name: path.read_text() for path in package.glob("*.py")})
    wait_for(lambda: size(gus) == ("running", 3), "three locales")
    day = notebook(tmp_path / "day.ipynb", *DAY)
    gus.bring("day", {"day.ipynb": day.read_text(encoding="utf-8")})
    gus.run_all(page, "day/day.ipynb")
    expect(page.get_by_text(f"the sum is {SUM} on 3 locales")).to_be_visible(timeout=MOST)
    expect(page.get_by_text(f"the sum is still {SUM} on 5 locales")).to_be_visible(timeout=MOST)
    picture(page, "kubernetes-arkouda")
    assert size(gus) == ("running", 5)

    gus.stop(page)
    nothing_new(release, before)
    assert not list(release.api.get(f"{PLURAL}.alongside.jupyter.org", namespace=release.namespace))


STAGES = (
    "Asking for the Arkouda locale group",
    "of 2 locales beside the server's accept SSH",
    "the server is being started",
    "the server has not answered yet",
    "Running with 3 locales",
    "The Arkouda locale group is ready",
)
SOON = 10.0  # seconds


@pytest.mark.shows("K3")
def test_the_spawner_tells_each_stage_of_three_locales_and_what_the_scheduler_refuses(
    release: Release, gus: Scientist
) -> None:
    before = release.held()
    told = [text for _, text in gus.told({"profile": "needed", "backend": {"kind": "arkouda"}})]
    places = [next(n for n, text in enumerate(told) if stage in text) for stage in STAGES]
    assert places == sorted(places), told
    assert told[-1].startswith("Server ready"), told
    gus.leave()

    times = gus.told({"profile": "nowhere", "backend": {"kind": "arkouda"}})
    asked = next(at for at, text in times if "Asking for" in text)
    refused = next(at for at, text in times if "node affinity/selector" in text)
    assert refused - asked < SOON, times
    assert "Spawn failed" in times[-1][1], times
    gus.leave()
    nothing_new(release, before)


def size(gus: Scientist) -> tuple[str, int]:
    [group] = gus.backends()
    assert group["kind"] == "arkouda"
    return group["phase"], group["ready"]
