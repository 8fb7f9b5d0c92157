"""A scientist's first session on Kubernetes: the chart on an empty cluster, and a real browser."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest
from kr8s.objects import Pod
from playwright.sync_api import Page, expect

from tests.e2e.conftest import browser, page
from tests.house.test_source import ROOT
from tests.kubernetes.dask_operator import dask_operator
from tests.kubernetes.release import SHARED_HOMES, Chart, Release, wait_for
from tests.kubernetes.scientist import MOST, Scientist, nothing_new, picture, scientist
from tests.workflows.notebooks import notebook

__all__ = ["browser", "page"]

pytestmark = [pytest.mark.browser, pytest.mark.timeout(900)]
EXAMPLES = ("first-cluster.ipynb", "make_data.py")
PROBE = Path(__file__).with_name("probe.py").read_text(encoding="utf-8")
# Nobody answers there: what works all the same goes past it.
PROXY = "http://192.0.2.1:3128"
FRESH = (
    """
from distributed import Client
print(len(Client().scheduler_info()["workers"]), "workers")
""",
    """
import dask.array as da
print("the sum is", da.arange(1_000_000, chunks=100_000).sum().compute())
""",
    """
from IPython.display import HTML
from math import pi
wave = da.sin(da.linspace(0, 2 * pi, 200, chunks=20)).compute()
line = " ".join(f"{x},{50 - 40 * y:.1f}" for x, y in enumerate(wave))
HTML(f'<svg role="img" aria-label="A wave" width="200" height="100">'
     f'<polyline points="{line}" fill="none" stroke="navy"/></svg>')
""",
)


@pytest.fixture(scope="module")
def release(chart: Chart, kubeconfig: str) -> Iterator[Release]:
    """The chart with a hub of its own at a site behind a proxy, where workers see their users'
    homes and the Dask operator is at work. Argo is not."""
    with (
        chart(
            hub__sessions__homeSize="2Gi",
            hub__settings=SHARED_HOMES,
            workflows__enabled=False,
            outgoingProxy__http=PROXY,
            outgoingProxy__https=PROXY,
        ) as one,
        dask_operator(kubeconfig, one.namespace),
    ):
        yield one


@pytest.fixture
def ada(release: Release) -> Iterator[Scientist]:
    with scientist(release, "ada") as one:
        yield one


@pytest.mark.shows("K1", "K3", "K4", "K5", "K7", "K12", "K13", "K14", "K85", "K115")
def test_from_login_to_a_result_on_ones_own_cluster_and_back(
    release: Release, page: Page, ada: Scientist, tmp_path: Path
) -> None:
    before = release.held()
    ada.log_in(page)
    page.get_by_role("radio", name=re.compile("^Dask cluster")).check(force=True)
    page.get_by_role("spinbutton", name="Workers").fill("3")
    picture(page, "kubernetes-form")
    ada.start(page, "notebook server|Dask cluster")
    wait_for(partial(settled, ada, 3), "3 workers")

    fresh = notebook(tmp_path / "fresh.ipynb", *FRESH)
    ada.bring("fresh", {fresh.name: fresh.read_text(encoding="utf-8")})
    ada.run_all(page, f"fresh/{fresh.name}")
    expect(page.get_by_text("3 workers", exact=True)).to_be_visible(timeout=MOST)
    expect(page.get_by_text("the sum is 499999500000")).to_be_visible(timeout=MOST)
    expect(page.get_by_role("img", name="A wave")).to_be_visible(timeout=MOST)

    texts = {name: (ROOT / "examples" / name).read_text(encoding="utf-8") for name in EXAMPLES}
    ada.bring("examples", texts)
    ada.run_all(page, "examples/first-cluster.ipynb")
    expect(page.get_by_text("All done on 3 workers")).to_be_visible(timeout=MOST)
    picture(page, "kubernetes-lab")

    [backend] = ada.backends()
    assert (backend["phase"], backend["platform"]) == ("running", "kubernetes")
    assert all(proxied(release).values()), proxied(release)
    own_code_has_no_rights(release)
    connection = ada.api.get(f"backends/{backend['id']}/connection").json()
    page.goto(f"{release.address()}{connection['dashboard']}")
    expect(page.get_by_role("link", name="Workers")).to_be_visible()
    for workers in (4, 2):
        options = {"options": {"workers": workers}}
        assert ada.api.patch(f"backends/{backend['id']}", json=options).status_code == 200
        wait_for(partial(settled, ada, workers), f"{workers} workers")

    ada.stop(page)
    nothing_new(release, before)
    page.get_by_role("button", name="Logout").click()
    expect(page.get_by_label("Username")).to_be_visible()


def settled(ada: Scientist, workers: int) -> bool:
    [backend] = ada.backends()
    return (backend["phase"], backend["ready"]) == ("running", workers)


def proxied(release: Release) -> dict[str, bool]:
    """Whether each pod is told of the proxy, but for the hub's own, which asks nobody outside."""
    found = {}
    for pod in release.api.get("pods", namespace=release.namespace):
        said = {one["name"]: one.get("value") for one in pod.spec.containers[0].get("env", [])}
        if pod.labels.get("app.kubernetes.io/component") != "proxy":
            found[pod.name] = said.get("HTTPS_PROXY") == said.get("https_proxy") == PROXY
    assert len(found) >= 7  # hub, service, session, scheduler and workers
    return found


def own_code_has_no_rights(release: Release) -> None:
    """In the user's pod there is no account, and the cluster's API tells nothing without one."""
    (name,) = release.pods(component="session")
    pod = Pod.get(name, namespace=release.namespace, api=release.api)
    paths = [f"/api/v1/namespaces/{release.namespace}/{kind}" for kind in ("pods", "secrets")]
    done = pod.exec(["python", "-c", PROBE, json.dumps({"api": ["/api/v1/pods", *paths]})])
    said = json.loads(done.stdout)
    assert not said["account"]
    assert set(said["api"]) <= {401, 403}
