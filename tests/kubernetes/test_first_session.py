"""A scientist's first session on Kubernetes: the chart on an empty cluster, and a real browser."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from playwright.sync_api import Page, expect

from tests.e2e.conftest import browser, page
from tests.house.test_source import ROOT
from tests.kubernetes.release import Release, installed, wait_for

__all__ = ["browser", "page"]

pytestmark = [pytest.mark.browser, pytest.mark.timeout(900)]
PICTURES = os.environ.get("ALONGSIDE_PICTURES")
EXAMPLES = ("first-cluster.ipynb", "make_data.py")
MOST = 240_000  # milliseconds for what takes ten seconds, on a machine that does more besides


@pytest.fixture(scope="module")
def release(
    kubeconfig: str,
    dask_definitions: None,
    images: dict[str, str],
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Release]:
    """The chart with a hub of its own, where workers see their users' homes."""
    with installed(
        kubeconfig,
        images,
        tmp_path_factory.mktemp("values"),
        hub__sessions__homeSize="2Gi",
        hub__settings={
            "KubeSpawner": {"storage_access_modes": ["ReadWriteMany"]},
            "AlongsideKubeSpawner": {"shared_volumes": ["home"]},
        },
    ) as one:
        yield one


def picture(page: Page, name: str) -> None:
    if PICTURES:
        page.screenshot(path=Path(PICTURES) / f"{name}.png")


@pytest.fixture(scope="module")
def token(release: Release) -> str:
    """A token of ada's, who has logged in once before."""
    with release.browser("ada") as ada:
        made = ada.hub("POST", "users/ada/tokens", json={"note": "tests"})
        assert made.status_code == 201, made.text
        return str(made.json()["token"])


@pytest.fixture
def ada(release: Release, token: str) -> Iterator[httpx.Client]:
    """The service, as ada."""
    with httpx.Client(
        base_url=f"{release.address()}/services/alongside/api/v1/",
        headers={"Authorization": f"token {token}"},
        timeout=30,
        trust_env=False,
    ) as client:
        yield client


def backends(ada: httpx.Client) -> list[dict[str, Any]]:
    answer = ada.get("backends")
    assert answer.status_code == 200, answer.text
    found: list[dict[str, Any]] = answer.json()
    return found


def bring_examples(release: Release, token: str) -> None:
    """What a user would drag into the file browser."""
    url = f"{release.address()}/user/ada/api/contents/"
    headers = {"Authorization": f"token {token}"}
    with httpx.Client(base_url=url, headers=headers, timeout=60, trust_env=False) as files:
        assert files.put("examples", json={"type": "directory"}).is_success
        for name in EXAMPLES:
            text = (ROOT / "examples" / name).read_text(encoding="utf-8")
            body = {"type": "file", "format": "text", "content": text}
            assert files.put(f"examples/{name}", json=body).is_success


@pytest.mark.shows("K1", "K3", "K4", "K5", "K7", "K12", "K13", "K85")
def test_from_login_to_a_result_on_ones_own_cluster_and_back(
    release: Release, page: Page, token: str, ada: httpx.Client
) -> None:
    before = release.held()
    page.goto(f"{release.address()}/hub/login")
    page.get_by_label("Username").fill("ada")
    page.get_by_label("Password").fill(release.password())
    page.get_by_role("button", name="Sign in").click()
    expect(page.get_by_role("heading", name="Start a session")).to_be_visible()
    page.get_by_role("radio", name=re.compile("^Dask cluster")).check(force=True)
    page.get_by_role("spinbutton", name="Workers").fill("2")
    picture(page, "kubernetes-form")
    page.get_by_role("button", name="Start").click()
    page.wait_for_url(re.compile(r"/hub/spawn-pending/|/user/ada/"))
    if "/hub/spawn-pending/" in page.url:
        expect(page.get_by_text(re.compile("notebook server|Dask cluster")).first).to_be_visible()
        picture(page, "kubernetes-progress")
    page.wait_for_url(re.compile(r"/user/ada/lab"), timeout=MOST)
    page.get_by_role("main").first.wait_for()

    bring_examples(release, token)
    page.goto(f"{release.address()}/user/ada/lab/tree/examples/first-cluster.ipynb")
    idle = page.get_by_text("Python 3 (ipykernel) | Idle")
    expect(idle).to_be_visible(timeout=MOST)
    page.get_by_role("menuitem", name="Run", exact=True).click()
    page.get_by_role("menuitem", name="Run All Cells", exact=True).click()
    expect(page.get_by_text("All done on 2 workers")).to_be_visible(timeout=MOST)
    picture(page, "kubernetes-lab")

    [backend] = backends(ada)
    assert (backend["phase"], backend["platform"]) == ("running", "kubernetes")
    for workers in (3, 2):
        options = {"options": {"workers": workers}}
        assert ada.patch(f"backends/{backend['id']}", json=options).status_code == 200
        wait_for(lambda: settled(ada, workers), f"{workers} workers")  # noqa: B023

    page.goto(f"{release.address()}/hub/home")
    page.get_by_role("button", name=re.compile("Stop My Server", re.IGNORECASE)).click()
    wait_for(lambda: not backends(ada), "the backend is gone", 120)
    # What is in the user's home outlives the session; nothing else does.
    wait_for(
        lambda: (
            {one for one in release.held() if not one.startswith("persistentvolumeclaims/home-")}
            == before
        ),
        "the namespace holds what it held before",
        120,
    )


def settled(ada: httpx.Client, workers: int) -> bool:
    [backend] = backends(ada)
    return (backend["phase"], backend["ready"]) == ("running", workers)
