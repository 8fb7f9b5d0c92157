"""On Kubernetes, a workflow step of 3 to 4 s with a Dask cluster of its own: ours, and a DaskJob.

An attribute of a seismic volume, computed by 1, 1, 2, 3, 4 and 5 workers in turn. Ours is submitted
to the service as a workflow, which Argo carries out. The peer is the way of dasf-argo: a step of
Argo's makes a `DaskJob` of dask-kubernetes' operator and waits for its end; beside it the same
DaskJob alone; and, for what the work and a pod take, a bare pod on a cluster that is there already.
All have the same images, programs, volume and sizes.
``python -m benchmarks.kubernetes --parts workflows``.
"""

from __future__ import annotations

import json
import secrets
import shutil
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
from kr8s.objects import APIObject

from benchmarks.measure import Row, clock, median, quiet
from benchmarks.pod_sessions import service
from benchmarks.pods import IMAGE, OVERCOMMIT, operator
from tests.kubernetes.argo_stage import ACCOUNT, GROUP, account_of_steps
from tests.kubernetes.release import Release, fresh_namespace, installed, wait_for
from tests.kubernetes.volumes import CLAIM, catalogue, made, mounted, shared_directory, volume
from tools import images

WORKERS = (1, 1, 2, 3, 4, 5)
"""As in the source's table; there the first one takes what is not yet on the nodes, too."""
SHAPE = (400, 512, 125)
"""Of the volume, in elements: 3 to 4 s of work for one worker with a processor of its own."""
PROGRAMS = Path(__file__).parents[1] / "examples" / "seismic"
MEMORY = 512 * 2**20
PROMISED = {"cpu": "100m", "memory": "256Mi"}  # to a step's container
_WITHIN = 300.0  # seconds for anything
_LOCKED = {"allowPrivilegeEscalation": False, "capabilities": {"drop": ["ALL"]}}
_RESTRICTED = {
    "runAsNonRoot": True,
    "runAsUser": 1000,
    "seccompProfile": {"type": "RuntimeDefault"},
}


@dataclass
class Times:
    """Seconds from the submission until the result is known, and until nothing of it runs."""

    result: list[float] = field(default_factory=list)
    gone: list[float] = field(default_factory=list)


def command(place: Path) -> list[str]:
    """What the step runs."""
    data = ["-d", str(place / "f3.zarr"), "-o", str(place / "output.zarr")]
    return ["python", str(place / "attribute_extractor.py"), "-a", "envelope", *data]


# -- ours --------------------------------------------------------------------------------------


class Ours:
    """Submitted to the service."""

    def __init__(self, release: Release, api: httpx.Client, place: Path) -> None:
        self.release, self.api, self.place = release, api, place

    def trial(self, workers: int, times: Times) -> None:
        step = {
            "name": "extract",
            "command": command(self.place),
            "backend": {"kind": "dask", "options": {"workers": workers, "memory": MEMORY}},
        }
        flow = {"name": "envelope", "directory": str(self.place), "steps": [step]}
        run: dict[str, Any] = {}

        def over() -> bool:
            run.update(self.api.get(run["url"]).json())
            assert run["state"] not in ("failed", "cancelled"), json.dumps(run, indent=1)
            return bool(run["state"] == "succeeded")

        with clock(times.gone):
            with clock(times.result):
                answer = self.api.post("runs", json={"workflow": flow})
                assert answer.status_code == 202, answer.text
                run["url"] = f"runs/{answer.json()['id']}"
                wait_for(over, "the run has succeeded", _WITHIN)
            until_nothing_runs(self.release.api, self.release.namespace)
        assert self.api.delete(run["url"]).status_code == 204


# -- the peer ----------------------------------------------------------------------------------


def pod(
    words: list[str], place: Path, resources: dict[str, Any] | None = None, **more: Any
) -> dict[str, Any]:
    """What a pod is that runs these words, with `more` for its container."""
    shared = mounted(str(place))
    container = {
        "name": "main",
        "image": IMAGE,
        "imagePullPolicy": "IfNotPresent",
        "command": words,
        "resources": resources or {"requests": PROMISED},
        "volumeMounts": shared["volume_mounts"],
        "securityContext": _LOCKED,
        **more,
    }
    return {
        "containers": [container],
        "volumes": shared["volumes"],
        "securityContext": _RESTRICTED,
    }


def dask_cluster(name: str, workers: int, place: Path) -> dict[str, Any]:
    """The specification of a DaskCluster."""
    named = {"tcp-comm": 8786, "http-dashboard": 8787}
    inside = [{"containerPort": number, "name": port} for port, number in named.items()]
    outside = [
        {"port": number, "name": port, "protocol": "TCP", "targetPort": port}
        for port, number in named.items()
    ]
    member = {
        "requests": {"cpu": f"{1 / OVERCOMMIT}", "memory": f"{MEMORY}"},
        "limits": {"cpu": "1", "memory": f"{MEMORY}"},
    }
    dask = ["python", "-m", "dask"]
    joining = [*dask, "worker", "--name", "$(DASK_WORKER_NAME)", "--nthreads", "1"]
    return {
        "scheduler": {
            "spec": pod([*dask, "scheduler", "--host", "0.0.0.0"], place, ports=inside),
            "service": {
                "type": "ClusterIP",
                "selector": {"dask.org/cluster-name": name, "dask.org/component": "scheduler"},
                "ports": outside,
            },
        },
        "worker": {"replicas": workers, "spec": pod(joining, place, member)},
    }


def dask_job(name: str, workers: int, place: Path) -> dict[str, Any]:
    """The step as a DaskJob: its program, and the cluster."""
    job = {**pod(command(place), place), "restartPolicy": "Never"}
    return {
        "apiVersion": "kubernetes.dask.org/v1",
        "kind": "DaskJob",
        "metadata": {"name": name},
        "spec": {
            "job": {"spec": job},
            "cluster": {"spec": dask_cluster(name, workers, place)},
        },
    }


def workflow(name: str, job: dict[str, Any]) -> dict[str, Any]:
    """A Workflow of one step, which makes the job and is over when, and as, that is."""
    resource = {
        "action": "create",
        "setOwnerReference": True,
        "manifest": json.dumps(job),
        "successCondition": "status.jobStatus == Successful",
        "failureCondition": "status.jobStatus == Failed",
    }
    return {
        "apiVersion": "/".join(GROUP),
        "kind": "Workflow",
        "metadata": {"name": name},
        "spec": {
            "entrypoint": "job",
            "serviceAccountName": ACCOUNT,
            "templates": [{"name": "job", "resource": resource}],
        },
    }


class Peer:
    """A DaskJob: made by a step of Argo's, or by nobody in particular."""

    def __init__(self, api: Any, namespace: str, place: Path, *, argo: bool) -> None:
        self.api, self.namespace, self.place, self.argo = api, namespace, place, argo

    def trial(self, workers: int, times: Times) -> None:
        name = f"peer-{secrets.token_hex(3)}"
        job = dask_job(name, workers, self.place)
        key, wanted = ("phase", "Succeeded") if self.argo else ("jobStatus", "Successful")
        manifest = workflow(name, job) if self.argo else job
        manifest["metadata"]["namespace"] = self.namespace
        item = made(self.api, manifest)

        def over() -> bool:
            item.refresh()
            state = item.raw.get("status", {}).get(key, "")
            assert state not in ("Failed", "Error"), json.dumps(item.raw["status"], indent=1)
            return bool(state == wanted)

        with gone_afterwards(item), clock(times.gone):
            with clock(times.result):
                item.create()
                wait_for(over, f"{name} has succeeded", _WITHIN)
            until_nothing_runs(self.api, self.namespace)


class Bare:
    """The program in a pod of its own, while its cluster is there: what can't be less."""

    def __init__(self, api: Any, namespace: str, place: Path) -> None:
        self.api, self.namespace, self.place = api, namespace, place

    def trial(self, workers: int, times: Times) -> None:
        name = f"bare-{secrets.token_hex(3)}"
        metadata = {"name": name, "namespace": self.namespace}
        kind = {"apiVersion": "kubernetes.dask.org/v1", "kind": "DaskCluster"}
        spec = dask_cluster(name, workers, self.place)
        cluster = made(self.api, {**kind, "metadata": metadata, "spec": spec})
        said = {
            "name": "DASK_SCHEDULER_ADDRESS",
            "value": f"tcp://{name}-scheduler.{self.namespace}:8786",
        }
        body = {**pod(command(self.place), self.place, env=[said]), "restartPolicy": "Never"}
        runner = made(
            self.api, {"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": body}
        )

        def over() -> bool:
            runner.refresh()
            phase = runner.raw["status"].get("phase")
            assert phase != "Failed", f"{name} has failed"
            return bool(phase == "Succeeded")

        with gone_afterwards(cluster), gone_afterwards(runner):
            cluster.create()
            wait_for(lambda: self._joined(name) == workers, "the cluster is there", _WITHIN)
            with clock(times.result):
                runner.create()
                wait_for(over, f"{name} has succeeded", _WITHIN)
        times.gone.append(times.result[-1])
        until_nothing_runs(self.api, self.namespace)

    def _joined(self, cluster: str) -> int:
        """How many workers its scheduler tells of."""
        part = {"dask.org/cluster-name": cluster, "dask.org/component": "scheduler"}
        return sum(
            "Register worker addr" in line
            for found in self.api.get("pods", namespace=self.namespace, label_selector=part)
            if found.status.get("phase") == "Running"
            for line in found.logs()
        )


# -- all ---------------------------------------------------------------------------------------


@contextmanager
def gone_afterwards(item: APIObject) -> Iterator[None]:
    """Delete it at the end, if it is there."""
    try:
        yield
    finally:
        if item.exists():
            item.delete()
            wait_for(lambda: not item.exists(), f"{item.name} is gone", _WITHIN)


def until_nothing_runs(api: Any, namespace: str) -> None:
    """Until no pod of the namespace has anything to do, but those of a release of the chart."""

    def still() -> list[str]:
        return [
            pod.name
            for pod in api.get("pods", namespace=namespace)
            if "helm.sh/chart" not in pod.labels
            and pod.status.get("phase") in ("Pending", "Running")
        ]

    wait_for(lambda: not still(), "nothing runs", _WITHIN)


def prepare(place: Path) -> None:
    """Put the programs and the seismic volume there."""
    for program in PROGRAMS.glob("*.py"):
        shutil.copy(program, place)
    sys.path.insert(0, str(place))
    import make_volume

    make_volume.make(place / "f3.zarr", SHAPE)
    sys.path.remove(str(place))


def measure(kubeconfig: str, folder: Path, rounds: int) -> list[Row]:
    """The table once for each three rounds, in turns."""
    names = {target: images.name_of(target) for target in images.TARGETS}
    with ExitStack() as stack:
        place = stack.enter_context(shared_directory())
        prepare(place)
        release = stack.enter_context(
            installed(
                kubeconfig,
                names,
                folder,
                catalogue__text=catalogue(str(place), max(WORKERS)),
                service__settings={"KubernetesPlatform": {"core_overcommit": OVERCOMMIT}},
                workflows__enabled=True,
                workflows__resources={"requests": PROMISED},
                workflows__home={"claim": CLAIM, "path": str(place)},
            )
        )
        stack.enter_context(volume(release.api, release.namespace, place))
        browser = stack.enter_context(release.browser("ada"))
        ours = Ours(release, stack.enter_context(service(release, browser)), place)
        api, namespace = stack.enter_context(fresh_namespace(kubeconfig, labels={}))
        stack.enter_context(volume(api, namespace, place))
        jobs = {"apiGroups": ["kubernetes.dask.org"], "resources": ["daskjobs"]}
        for item in account_of_steps(namespace, {**jobs, "verbs": ["create", "get", "list"]}):
            made(api, item).create()
        stack.enter_context(operator())
        trials: dict[str, Callable[[int, Times], None]] = {
            "ours": ours.trial,
            "DaskJob by Argo": Peer(api, namespace, place, argo=True).trial,
            "DaskJob": Peer(api, namespace, place, argo=False).trial,
            "bare": Bare(api, namespace, place).trial,
        }
        times = {who: Times() for who in trials}
        for workers in WORKERS * max(1, rounds // 3):
            for who, trial in trials.items():
                quiet(40.0, 20.0)
                trial(workers, times[who])
                seen = times[who]
                said = f"{seen.result[-1]:.2f} {seen.gone[-1]:.2f}"
                print(f"workflows, {workers} workers, {who}: {said}", flush=True)
    result = {who: median(each.result) for who, each in times.items()}
    gone = {who: median(each.gone) for who, each in times.items()}
    what = "step of 3 to 4 s with a Dask cluster of its own"
    argo, alone = "DaskJob as a step of Argo's", "DaskJob alone"
    bare = "a bare pod, its cluster there"
    return [
        Row(f"{what} → result", result["ours"], argo, result["DaskJob by Argo"], 0.5),
        Row(f"{what} → result", result["ours"], alone, result["DaskJob"]),
        Row(f"{what} → result", result["ours"], bare, result["bare"], 1.3),
        Row("the same → nothing runs", gone["ours"], argo, gone["DaskJob by Argo"], 0.5),
        Row("the same → nothing runs", gone["ours"], alone, gone["DaskJob"]),
    ]
