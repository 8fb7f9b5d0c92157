"""On Kubernetes, from the request for a session until it can be used.

Two releases of the chart with a hub each and the same images: ours, whose session comes with a
Dask cluster of two workers and counts as there when both are; and a hub with KubeSpawner as it is,
whose session comes alone. Asked for by the hub's REST API, in turns.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import httpx

from benchmarks.measure import Row, alternate, clock, median
from tests.kubernetes.release import Browser, Release, installed, wait_for
from tools import images

WORKERS = 2
OURS = {
    "profile": "dask-small",
    "backend": {"kind": "dask", "options": {"workers": WORKERS, "memory": "512 MiB"}},
}
# The same image and the same standard for its pod as ours has.
PLAIN = """\
c.JupyterHub.spawner_class = "kubespawner.KubeSpawner"
c.KubeSpawner.cmd = ["jupyterhub-singleuser"]
c.KubeSpawner.uid = 1000
c.KubeSpawner.extra_labels = {"alongside.jupyter.org/component": "session"}
c.KubeSpawner.container_security_context = {
    "runAsNonRoot": True,
    "allowPrivilegeEscalation": False,
    "capabilities": {"drop": ["ALL"]},
    "seccompProfile": {"type": "RuntimeDefault"},
}
"""
# Without a promise Kubernetes gives a session next to nothing of a processor that others use too,
# which would measure nothing but that.
PROMISED = {"KubeSpawner": {"cpu_guarantee": 0.5}}
_LOOK = 0.05  # seconds
_LIMIT = 180.0


def measure(kubeconfig: str, folder: Path, rounds: int) -> list[Row]:
    """The row about sessions."""
    names = {target: images.name_of(target) for target in images.TARGETS}
    with ExitStack() as stack:
        trials = []
        for who, extra in (("ours", ""), ("KubeSpawner", PLAIN)):
            place = folder / who
            place.mkdir()
            release = stack.enter_context(
                installed(kubeconfig, names, place, hub__extraConfig=extra, hub__settings=PROMISED)
            )
            browser = stack.enter_context(release.browser("ada"))
            client = stack.enter_context(service(release, browser))
            trials.append(Session(who, release, browser, client, OURS if who == "ours" else {}))
        alternate(rounds, *(each.trial for each in trials))
        ours, plain = (median(each.times) for each in trials)
    what = f"session with its Dask cluster, {WORKERS} workers ready"
    return [Row(what, ours, "KubeSpawner, session alone", plain, 1.2)]


@contextmanager
def service(release: Release, browser: Browser) -> Iterator[httpx.Client]:
    """The service's API, with a token of the user's."""
    made = browser.hub("POST", f"users/{browser.user}/tokens", json={"note": "measurement"})
    assert made.status_code == 201, made.text
    with httpx.Client(
        base_url=f"{release.address()}/services/alongside/api/v1/",
        headers={"Authorization": f"token {made.json()['token']}"},
        timeout=30,
        trust_env=False,
    ) as client:
        yield client


class Session:
    """Starts and ends a session; `times` has the seconds of each start."""

    def __init__(
        self,
        who: str,
        release: Release,
        browser: Browser,
        client: httpx.Client,
        options: dict[str, Any],
    ) -> None:
        self.times: list[float] = []
        self._who = who
        self._release = release
        self._browser = browser
        self._client = client
        self._options = options

    def trial(self) -> None:
        """One start and one end; only the start is timed."""
        place, alone = f"users/{self._browser.user}/server", list[float]()
        with clock(self.times):
            with clock(alone):
                answer = self._browser.hub("POST", place, json=self._options)
                assert answer.status_code in (201, 202), answer.text
                soon(self._ready, "the session")
            if self._options:
                soon(self._complete, "its workers")
        print(f"{self._who}: {self.times[-1]:.2f}, session {alone[0]:.2f}", flush=True)
        self._browser.stop()
        wait_for(lambda: not self._release.pods(component="session"), "the pod is gone")
        if self._options:
            wait_for(lambda: not self._client.get("backends").json(), "the cluster is gone")

    def _ready(self) -> bool:
        servers = self._browser.hub("GET", f"users/{self._browser.user}").json()["servers"]
        assert servers, "the session has ended"
        return bool(servers[""]["ready"])

    def _complete(self) -> bool:
        [backend] = self._client.get("backends").json()
        return (backend["phase"], backend["ready"]) == ("running", WORKERS)


def soon(condition: Callable[[], bool], what: str) -> None:
    """Return as soon as it is so."""
    end = time.monotonic() + _LIMIT
    while not condition():
        assert time.monotonic() < end, f"not within {_LIMIT:g} s: {what}"
        time.sleep(_LOOK)
