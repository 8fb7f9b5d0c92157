"""Which nodes sessions are on: by load, never where none may go, and on new ones as these come."""

from __future__ import annotations

import secrets
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from tests.kubernetes.release import Browser, Chart, Release, wait_for

pytestmark = pytest.mark.timeout(600)
CATALOGUE = """\
profiles:
  quiet:
    title: JupyterLab alone
    platform: kubernetes
    session: {memory: 1 GiB}
"""
# Where sessions are is the matter here, not what runs in them; whatever the hub adds is ignored.
# A node that has it is open to the sessions here; others' pods, which may be there at the same
# time, don't mind. To the scheduler one without it is like one that is cordoned, or isn't there.
OPEN = f"alongside.test/open-{secrets.token_hex(4)}"
SERVER = ["sh", "-c", "exec python -m http.server 8888"]


@pytest.fixture(scope="module")
def release(chart: Chart) -> Iterator[Release]:
    """A hub whose sessions are quick."""
    settings = {
        "KubeSpawner": {
            "cmd": SERVER,
            "http_timeout": 120,
            "delete_grace_period": 1,
            "node_selector": {OPEN: "yes"},
        }
    }
    with chart(catalogue__text=CATALOGUE, hub__settings=settings) as one:
        nodes = list(one.api.get("nodes"))
        if len(nodes) < 2:
            pytest.skip("needs a cluster of two nodes or more")
        mark(nodes, "yes")
        try:
            yield one
        finally:
            mark(nodes, None)


def usable(release: Release) -> list[Any]:
    """The nodes that sessions may be on."""
    return [node for node in release.api.get("nodes") if not node.spec.get("taints")]


@pytest.fixture
def ada(release: Release) -> Iterator[Browser]:
    """Somebody with no session yet, and with none afterwards."""
    with release.browser("ada") as page:
        yield page
        for name in servers(page):
            page.hub("DELETE", f"users/ada/servers/{name}", json={"remove": True})
        wait_for(lambda: not places(release), "all sessions have ended")


def servers(page: Browser) -> dict[str, Any]:
    """The user's sessions, as the hub has them."""
    return dict(page.hub("GET", "users/ada").json()["servers"])


def start(page: Browser, *names: str) -> None:
    """Start sessions of these names; returns when all are ready."""
    for name in names:
        answer = page.hub("POST", f"users/ada/servers/{name}", json={"profile": "quiet"})
        assert answer.status_code in (201, 202), answer.text

    def ready() -> bool:
        found = servers(page)
        return all(found.get(name, {}).get("ready") for name in names)

    wait_for(ready, f"{', '.join(names)} are ready")


def places(release: Release) -> dict[str, str]:
    """Name of each session to its node."""
    found = release.api.get(
        "pods",
        namespace=release.namespace,
        label_selector={"alongside.jupyter.org/component": "session"},
    )
    return {
        pod.annotations["hub.jupyter.org/servername"]: pod.spec.nodeName
        for pod in found
        if "deletionTimestamp" not in pod.metadata
    }


def pods(release: Release) -> set[str]:
    """Unique ids of the sessions' pods."""
    return set(release.pods(component="session").values())


def mark(nodes: list[Any], open: str | None) -> None:
    """Open these nodes, or close them (None)."""
    for node in nodes:
        node.patch({"metadata": {"labels": {OPEN: open}}})


@contextmanager
def closed(nodes: list[Any]) -> Iterator[None]:
    """Nothing new comes to these nodes, as to one that is to be taken out, or isn't there yet."""
    mark(nodes, None)
    try:
        yield
    finally:
        mark(nodes, "yes")


@pytest.mark.shows("T39")
def test_sessions_go_to_nodes_by_load_and_never_to_a_closed_one(
    release: Release, ada: Browser
) -> None:
    """Those that are there go on; what was on a node that is taken out starts again elsewhere."""
    nodes = usable(release)
    start(ada, *(f"early-{n}" for n in range(6)))
    counts = Counter(places(release).values())
    assert counts.keys() == {node.name for node in nodes}
    assert max(counts.values()) - min(counts.values()) <= 2
    gone = nodes[0]
    with closed([gone]):
        before = pods(release)
        start(ada, *(f"late-{n}" for n in range(3)))
        found = places(release)
        assert gone.name not in {found[f"late-{n}"] for n in range(3)}
        assert before <= pods(release)
        lost = next(name for name, node in found.items() if node == gone.name)
        for pod in release.api.get(
            "pods",
            namespace=release.namespace,
            label_selector={"alongside.jupyter.org/component": "session"},
        ):
            if pod.annotations["hub.jupyter.org/servername"] == lost:
                pod.delete(grace_period=0)

        def stopped() -> bool:
            session = servers(ada).get(lost, {})
            return not (session.get("ready") or session.get("pending"))

        wait_for(stopped, "the hub has noticed")
        start(ada, lost)
        assert places(release)[lost] != gone.name


@pytest.mark.shows("T151")
def test_when_nodes_are_added_new_sessions_land_there_and_old_ones_go_on(
    release: Release, ada: Browser
) -> None:
    """With the same requests as before."""
    first, *others = usable(release)
    with closed(others):
        start(ada, "old-1", "old-2")
        assert set(places(release).values()) == {first.name}
        before = pods(release)
    start(ada, "new-1", "new-2")
    found = places(release)
    assert {found["new-1"], found["new-2"]} & {node.name for node in others}
    assert before <= pods(release)
    assert {name for name, server in servers(ada).items() if server["ready"]} == found.keys()
