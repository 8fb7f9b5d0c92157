"""Notebooks as steps on a cluster: the chart, a session, Argo's own controller, real backends."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any

import httpx
import pytest
from kr8s import NotFoundError
from kr8s.objects import Pod, Role

from tests.kubernetes.argo_stage import CONTROLLER, GROUP, PATIENCE, WORKFLOWS
from tests.kubernetes.release import CATALOGUE, Chart, Release, wait_for
from tests.kubernetes.scientist import Scientist, nothing_new, scientist

pytestmark = pytest.mark.timeout(1200)
SESSIONS = {
    "storage_access_modes": ["ReadWriteMany"],
    "start_timeout": 300,  # as patient as the tests, on a machine that does more besides
    "http_timeout": 300,
}
DASK = {"kind": "dask", "options": {"workers": 2, "memory": "512 MiB"}}
FIT = """\
from distributed import Client
client = Client()
workers = len(client.scheduler_info()["workers"])
total = client.submit(sum, range(n)).result() * workers
print("the total is", total)"""
TELL = """\
from pathlib import Path
Path(report).write_text(f"it was {total}")"""


def notebook(parameters: str, *sources: str) -> str:
    """A notebook with a cell of parameters, as text."""
    cells: list[dict[str, Any]] = [
        {
            "cell_type": "code",
            "id": f"cell-{number}",
            "metadata": {"tags": ["parameters"]} if not number else {},
            "source": source,
            "outputs": [],
            "execution_count": None,
        }
        for number, source in enumerate((parameters, *sources))
    ]
    kernel = {"name": "python3", "display_name": "Python 3", "language": "python"}
    return json.dumps(
        {"cells": cells, "metadata": {"kernelspec": kernel}, "nbformat": 4, "nbformat_minor": 5}
    )


@pytest.fixture(scope="module")
def release(argo_definitions: None, chart: Chart) -> Iterator[Release]:
    """The chart with a hub of its own; steps have the homes of sessions, runs have no volume."""
    with chart(
        hub__sessions__homeSize="1Gi",
        hub__storage__enabled=True,  # its pod is killed
        hub__settings={"KubeSpawner": SESSIONS},
        # sessions have no backend of their own
        catalogue__text=CATALOGUE.replace("    default: dask\n", ""),
        workflows__enabled=True,
        workflows__home__claim="home-{user_server}",
        workflows__resources={"requests": {"cpu": "50m", "memory": "256Mi"}},
    ) as one:
        yield one


@pytest.fixture(scope="module")
def ada(release: Release) -> Iterator[Scientist]:
    """Somebody with a session, and notebooks in it."""
    with release.browser("ada") as page:
        page.start({"profile": "dask-small"})
    with scientist(release, "ada") as one:
        one.bring(
            "work",
            {
                "fit.ipynb": notebook("n = 3", FIT),
                "tell.ipynb": notebook("total = 0\nreport = ''", TELL),
                "flow.json": json.dumps(FLOW),
            },
        )
        yield one


FLOW: dict[str, Any] = {
    "name": "report",
    "steps": [
        {
            "name": "fit",
            "notebook": "fit.ipynb",
            "parameters": {"n": 10},
            "backend": DASK,
            "results": ["total"],
        },
        {
            "name": "tell",
            "notebook": "tell.ipynb",
            "takes": {"total": "fit.total"},
            "outputs": {"report": "out/report.txt"},
        },
    ],
}


def submitted(api: httpx.Client, *steps: dict[str, Any], **more: Any) -> str:
    """The id of a new run of these steps."""
    answer = api.post("runs", json={"workflow": {"name": "tried", "steps": steps, **more}})
    assert answer.status_code == 202, answer.text
    assert answer.json()["executor"] == "argo"
    return str(answer.json()["id"])


def run_of(ada: Scientist, id: str) -> dict[str, Any]:
    answer = ada.get(f"runs/{id}")
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


def until(ada: Scientist, id: str, state: str) -> dict[str, Any]:
    """The run, when it is in this state."""

    def there() -> dict[str, Any] | None:
        run = run_of(ada, id)
        ended = run["state"] in ("succeeded", "failed", "cancelled")
        assert run["state"] == state or not ended, json.dumps(run, indent=1)
        return run if run["state"] == state else None

    found: dict[str, Any] = wait_for(there, f"{id} is {state}", PATIENCE)
    return found


def phases(ada: Scientist) -> list[str]:
    """Of the backends of runs: the session has none."""
    return [one["phase"] for one in ada.backends()]


def objects_of(release: Release, id: str) -> set[str]:
    """All that the cluster has of a run."""
    selector = {"alongside.jupyter.org/run": id}
    kinds = ("pods", "configmaps", "secrets", WORKFLOWS)
    return {
        f"{kind}/{one.name}"
        for kind in kinds
        for one in release.api.get(kind, namespace=release.namespace, label_selector=selector)
    }


def forget(release: Release, ada: Scientist, id: str) -> None:
    """Delete a run; returns when nothing of it is left, and the next one has its place."""
    assert ada.api.delete(f"runs/{id}").status_code == 204
    wait_for(lambda: not objects_of(release, id), "nothing of the run is left")


@pytest.mark.shows("K55", "K56", "K57", "K77", "K81")
def test_fr3_fr4_fr5_a_workflow_from_a_session_is_carried_out_with_a_backend_of_its_own(
    release: Release, ada: Scientist
) -> None:
    """By the session's own token; it begins when both workers have joined, and the plain step,
    which has no backend, has what it has found."""
    (name,) = release.pods(component="session")
    session = Pod.get(name, namespace=release.namespace, api=release.api)
    done = session.exec(["alongside", "submit", "work/flow.json", "--json"], check=False)
    assert done.returncode == 0, (done.stdout, done.stderr)
    id = json.loads(done.stdout)["id"]

    wait_for(lambda: "running" in phases(ada), "its backend runs", PATIENCE)
    run = until(ada, id, "succeeded")
    fit, tell = run["steps"]
    assert (run["executor"], fit["results"]) == ("argo", {"total": 90})
    assert (fit["cells"], tell["state"]) == (2, "succeeded")
    assert fit["backend"]
    assert tell["backend"] == ""
    wait_for(lambda: not phases(ada), "its backend is gone")

    executed = ada.api.get(f"runs/{id}/steps/fit/notebook").json()
    assert "the total is 90" in json.dumps(executed["cells"][-1]["outputs"])
    record = ada.api.get(f"runs/{id}/record").json()
    known = {entity["@id"] for entity in record["@graph"]}
    assert {"steps/fit/", "steps/tell/"} <= known
    log = ada.api.get(f"runs/{id}/steps/fit/log")
    assert log.status_code == 200
    shown = session.exec(["cat", "work/out/report.txt"])
    assert shown.stdout == b"it was 90"

    forget(release, ada, id)


COUNT = """\
import sys
from distributed import Client
name = sys.argv[1]
with Client() as client:
    futures = [client.submit(abs, -n, key=name + "-" + str(n)) for n in range(20)]
    total = sum(client.gather(futures))
    seen = client.run_on_scheduler(lambda dask_scheduler: sorted(dask_scheduler.task_prefixes))
print(name, total, *seen)
"""
ONE = {"kind": "dask", "options": {"workers": 1, "memory": "512 MiB"}}
ADAPTIVE = {
    "kind": "dask",
    "options": {"adaptive": {"minimum": 1, "maximum": 2}, "memory": "512 MiB"},
}


@pytest.mark.shows("K22")
def test_five_steps_side_by_side_have_a_cluster_each_and_two_share_one(
    release: Release, ada: Scientist
) -> None:
    """From one template, in one namespace, with the same ports; none sees another's tasks."""

    def step(name: str, backend: Any) -> dict[str, Any]:
        command = ["python", "-c", COUNT, "{name}"]
        return {"name": name, "command": command, "parameters": {"name": name}, "backend": backend}

    apart, sharing = [f"apart{n}" for n in range(5)], ["one", "two"]
    id = submitted(ada.api, *(step(name, ONE) for name in apart))
    run = until(ada, id, "succeeded")
    assert len({one["backend"] for one in run["steps"]}) == len(apart)
    for name in apart:
        said = ada.api.get(f"runs/{id}/steps/{name}/log").text
        assert said.split() == [name, "190", name], said
    forget(release, ada, id)

    steps = [step(name, "shared") for name in sharing]
    id = submitted(ada.api, *steps, backends={"shared": ADAPTIVE})
    run = until(ada, id, "succeeded")
    assert len({one["backend"] for one in run["steps"]}) == 1
    for name in sharing:
        said = ada.api.get(f"runs/{id}/steps/{name}/log").text
        assert said.split()[:2] == [name, "190"], said
        assert name in said.split()[2:]
    forget(release, ada, id)
    wait_for(lambda: not phases(ada), "their clusters are gone")


SLEEP = {"name": "sleep", "command": ["sleep", "600"], "backend": DASK}


@pytest.mark.shows("K60")
def test_nfr1_hub_service_and_argo_are_killed_in_turn_during_a_run(
    release: Release, ada: Scientist
) -> None:
    """What a step does meanwhile is seen when they are back: each is carried out once, the last one
    on one backend, and no pod is there that should not be."""
    (name,) = release.pods(component="session")
    session = Pod.get(name, namespace=release.namespace, api=release.api)
    before = release.held()
    victims = {
        "hub": lambda: kill(release, "app.kubernetes.io/component=hub", release.namespace),
        "service": lambda: begin_anew(release, ada),
        "argo": lambda: kill(release, CONTROLLER[1], CONTROLLER[0]),
    }
    hold = "echo {name} >> turns; while ! test -e go-{name}; do sleep 0.2; done"
    steps = [
        {
            "name": name,
            "command": ["sh", "-c", hold],
            "parameters": {"name": name},
            "after": list(victims)[:number][-1:],
            **({"backend": DASK} if name == "argo" else {}),
        }
        for number, name in enumerate(victims)
    ]
    id = submitted(ada.api, *steps)

    def turns() -> list[str]:
        return str(session.exec(["sh", "-c", "cat turns || true"]).stdout.decode()).split()

    for number, (name, kill_it) in enumerate(victims.items()):
        wanted = list(victims)[: number + 1]
        wait_for(lambda: turns() == wanted, f"{name} has begun", PATIENCE)  # noqa: B023 - now
        kill_it()
        session.exec(["touch", f"go-{name}"])
    run = until(ada, id, "succeeded")
    assert turns() == list(victims)
    assert [len(step["attempts"]) for step in run["steps"]] == [1, 1, 1]
    assert sum(one.startswith("pods/") for one in objects_of(release, id)) == len(victims)
    wait_for(lambda: not phases(ada), "its backend is gone")
    forget(release, ada, id)
    nothing_new(release, before)


@pytest.mark.shows("K63")
def test_nfr4_what_is_cancelled_leaves_nothing_that_runs(release: Release, ada: Scientist) -> None:
    """Nor does anything at all stay when it is deleted; the service may have died meanwhile."""
    before = release.held()
    id = submitted(ada.api, SLEEP, {**SLEEP, "name": "later", "after": ["sleep"]})
    wait_for(lambda: "running" in phases(ada), "its backend runs", PATIENCE)
    begin_anew(release, ada)
    assert run_of(ada, id)["state"] == "running"
    assert ada.api.post(f"runs/{id}/cancel").status_code == 202
    run = until(ada, id, "cancelled")
    assert [step["state"] for step in run["steps"]] == ["cancelled", "waiting"]
    wait_for(lambda: not phases(ada), "its backend is gone")

    def still() -> list[str]:
        found = release.api.get(
            "pods",
            namespace=release.namespace,
            label_selector={"alongside.jupyter.org/run": id},
        )
        return [one.name for one in found if one.status.phase in ("Pending", "Running")]

    wait_for(lambda: not still(), "its pods have ended")
    forget(release, ada, id)
    nothing_new(release, before)


@contextmanager
def without_argo(release: Release) -> Iterator[None]:
    """The service has no rights on Workflows, as where `workflows.enabled` came before Argo."""
    role = Role.get("alongside-backends", namespace=release.namespace, api=release.api)
    rules = role.raw["rules"]
    kept = [rule for rule in rules if GROUP[0] not in rule["apiGroups"]]
    assert len(kept) == len(rules) - 1
    role.patch({"rules": kept})
    try:
        yield
    finally:
        role.patch({"rules": rules})


def begin_anew(release: Release, ada: Scientist) -> None:
    """Kill the service; returns when another one answers."""
    labels = "app.kubernetes.io/component=service"
    kill(release, labels, release.namespace)

    def another() -> bool:
        pods = release.api.get("pods", namespace=release.namespace, label_selector=labels)
        return any(pod.ready() for pod in pods)

    wait_for(another, "the service is there again")
    assert ada.get("me").status_code == 200


def kill(release: Release, labels: str, namespace: str) -> None:
    """Kill the pods with these labels; returns when they are gone."""
    for pod in release.api.get("pods", namespace=namespace, label_selector=labels):
        with suppress(NotFoundError):  # others kill Argo's too
            pod.delete(grace_period=0)
        wait_for(lambda: not pod.exists(), "it is gone")  # noqa: B023 - now


def test_without_argo_the_service_works_and_says_what_is_missing(
    release: Release, ada: Scientist
) -> None:
    """And has runs carried out as soon as it may, without being begun anew."""
    step = {"name": "a", "command": ["true"]}
    with without_argo(release):
        begin_anew(release, ada)
        said = ada.api.get("me").json()["executors"]["argo"]
        assert said.startswith("Argo Workflows can't be used here.")
        answer = ada.api.post("runs", json={"workflow": {"name": "no", "steps": [step]}})
        assert answer.status_code == 503
        assert answer.json()["detail"] == said
        assert "workflows.enabled" in answer.json()["remedy"]
        assert ada.api.get("runs").json() == []
    id = submitted(ada.api, step)
    until(ada, id, "succeeded")
    assert ada.api.get("me").json()["executors"] == {"argo": ""}
    forget(release, ada, id)
