"""On Kubernetes, from the request for a session until it can be used.

Two releases of the chart with a hub each and the same images: ours, whose session comes with a
Dask cluster of two workers, started for it or kept warm, and counts as there when both are; and a
hub with KubeSpawner as it is, whose session comes alone. Asked for by the hub's REST API, in turns.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx

from benchmarks.measure import Row, alternate, clock, median, quiet
from tests.kubernetes.release import Browser, Release, installed, wait_for
from tools import images

WORKERS = 2
PROFILES = """\
profiles:
  cold:
    title: Started for it
    platform: kubernetes
    default: dask
    backends:
      dask: {options: {workers: 2, cores: 1, memory: 512 MiB}}
  warm:
    title: Kept warm
    platform: kubernetes
    default: dask
    backends:
      dask: {warm: 1, options: {workers: 2, cores: 1, memory: 512 MiB}}
"""
SERVICE = {
    "KubernetesPlatform": {"core_overcommit": 20.0},
    "AlongsideService": {"metrics_without_token": True},
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
    """The rows about sessions."""
    names = {target: images.name_of(target) for target in images.TARGETS}
    with ExitStack() as stack:

        def start(who: str, extra: str = "") -> Place:
            folder.joinpath(who).mkdir()
            values = {"hub__extraConfig": extra, "hub__settings": PROMISED}
            values |= {"catalogue__text": PROFILES, "service__settings": SERVICE}
            release = stack.enter_context(installed(kubeconfig, names, folder / who, **values))
            browser = stack.enter_context(release.browser("ada"))
            return Place(release, browser, stack.enter_context(service(release, browser)))

        ours = start("ours")
        cold, warm = Session(ours, "cold"), Session(ours, "warm")
        plain = Session(start("KubeSpawner", PLAIN), "")
        alternate(rounds, cold.trial, warm.trial, plain.trial)
    peer = "KubeSpawner, session alone", median(plain.times)
    what = f"session with its Dask cluster, {WORKERS} workers ready"
    return [
        Row("session, its Dask cluster on the way", median(cold.alone), *peer, 1.2),
        Row(what, median(cold.times), *peer, 1.2),
        Row("the same, the cluster kept warm", median(warm.times), *peer, 1.2),
    ]


@dataclass(frozen=True)
class Place:
    """A release, and a user's ways to its hub and to its service."""

    release: Release
    browser: Browser
    client: httpx.Client


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
    """Starts and ends a session of a profile.

    times, alone : of each start, the seconds until all of it is there, and until the session is
    """

    def __init__(self, place: Place, profile: str) -> None:
        self.times: list[float] = []
        self.alone: list[float] = []
        self._place = place
        self._profile = profile

    def trial(self) -> None:
        """One start and one end; only the start is timed."""
        release, browser, client = self._place.release, self._place.browser, self._place.client
        if self._profile:
            soon(self._stocked, "a cluster that is kept warm")
            quiet()
        place = f"users/{browser.user}/server"
        with clock(self.times):
            with clock(self.alone):
                options = {"profile": self._profile} if self._profile else {}
                answer = browser.hub("POST", place, json=options)
                assert answer.status_code in (201, 202), answer.text
                soon(self._ready, "the session")
            if self._profile:
                soon(self._complete, "its workers")
        name = self._profile or "KubeSpawner"
        print(f"{name}: {self.times[-1]:.2f}, session {self.alone[-1]:.2f}", flush=True)
        browser.stop()
        wait_for(lambda: not release.pods(component="session"), "the pod is gone")
        if self._profile:
            wait_for(lambda: not client.get("backends").json(), "the cluster is gone")

    def _stocked(self) -> bool:
        """Whether the cluster that is to be claimed is there."""
        text = self._place.client.get("metrics").text
        return any(
            line.startswith("alongside_warm_backends{") and 'phase="running"' in line
            for line in text.splitlines()
        )

    def _ready(self) -> bool:
        user = self._place.browser.user
        servers = self._place.browser.hub("GET", f"users/{user}").json()["servers"]
        assert servers, "the session has ended"
        return bool(servers[""]["ready"])

    def _complete(self) -> bool:
        [backend] = self._place.client.get("backends").json()
        return (backend["phase"], backend["ready"]) == ("running", WORKERS)


def soon(condition: Callable[[], bool], what: str) -> None:
    """Return as soon as it is so."""
    end = time.monotonic() + _LIMIT
    while not condition():
        assert time.monotonic() < end, f"not within {_LIMIT:g} s: {what}"
        time.sleep(_LOOK)
