"""Groups and exporters by the variables of Arkouda's own workflows, on a cluster (V26, V28, V29).

The group is smaller than in the sources, as the cluster may be; all else is what they say.
"""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
import urllib.request
from pathlib import Path
from typing import Any

import httpx
import pytest
from kubernetes_asyncio.client import AppsV1Api

from alongside.endpoint import complete
from alongside_workflows.files import read_workflow
from tests.client.real import real_service
from tests.doubles.arkouda.started import Started, started
from tests.house.test_source import ROOT
from tests.kubernetes import watching
from tests.kubernetes.arkouda_place import Place, definition, place
from tests.operators.test_parameters import V26, V29, variables
from tests.stack import free_port
from tests.waiting import wait_until

__all__ = ["definition", "place"]

pytestmark = pytest.mark.timeout(400)
HOST = "198.19.255.1"  # this machine, as pods see it
SMALL = {
    "ARKOUDA_CPU_CORES": "20m",
    "ARKOUDA_MEMORY": "256Mi",
    "CHPL_NUM_THREADS_PER_LOCALE": "1",
    "CHPL_MEM_MAX": "100000000",
}
EXAMPLES = ROOT / "examples" / "arkouda"


class Deployer:
    """The command, with an environment as a shell has it that has read the sources' block."""

    def __init__(self, place: Place, given: dict[str, str]) -> None:
        self.environment = {
            **os.environ,
            "KUBECONFIG": place.kubeconfig,
            **given,
            "ARKOUDA_NAMESPACE": place.namespace,
        }

    async def __call__(self, *words: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "alongside_operator.deploy", *words]
        return await asyncio.to_thread(
            subprocess.run,
            command,
            env=self.environment,
            capture_output=True,
            text=True,
            check=False,
            timeout=200,
        )


@pytest.mark.shows("K73")
async def test_v26_and_v28_the_very_group_comes_and_goes(place: Place) -> None:
    image, _, tag = place.image.rpartition(":")
    named = {"ARKOUDA_IMAGE": image, "ARKOUDA_VERSION": tag}
    deploy = Deployer(place, variables(V26) | named | SMALL)
    refused = await deploy("up", "group", "--total-number-of-locales=1")
    assert refused.returncode == 2
    assert "but 2 and the server's own make 3" in refused.stderr
    up = await deploy("up", "group")
    assert up.returncode == 0, up.stderr
    name = "arkouda-on-k8s"
    assert f"{name}.{place.namespace}:5555" in up.stdout
    item = await place.customs.get_namespaced_custom_object(*place.where, name)
    assert item["status"]["localesReady"] == 3
    pods = await place.pods(name)
    assert set(pods) == {f"{name}-server", f"{name}-locale-0", f"{name}-locale-1"}
    assert pods[f"{name}-server"].spec.security_context.run_as_user == 1005
    again = await deploy("up", "group")
    assert again.returncode == 0, again.stderr
    assert {p.metadata.uid for p in (await place.pods(name)).values()} == {
        p.metadata.uid for p in pods.values()
    }
    down = await deploy("down", "group")
    assert down.returncode == 0, down.stderr
    await place.until_gone(name)
    secrets = await place.core.list_namespaced_secret(place.namespace)
    assert {one.metadata.name for one in secrets.items} <= {"token"}
    assert (await deploy("down", "group")).returncode == 0


@pytest.fixture
def slurm(tmp_path: Path) -> Any:
    """A server that runs outside of the cluster, with a port for metrics."""
    metrics = free_port()
    kinds = ",".join(f"ServerDaemonType.{name}" for name in ("DEFAULT", "METRICS"))
    flags = ("--authenticate", f"--ServerDaemon.daemonTypes={kinds}")
    env = {"METRICS_SERVER_PORT": str(metrics)}
    with started(tmp_path, "2026", *flags, env=env) as server:
        server.listening()
        yield server, metrics


@pytest.mark.shows("K42", "K73")
async def test_v29_an_exporter_for_a_server_outside_is_there_and_gone(
    place: Place, slurm: tuple[Started, int], images: dict[str, str]
) -> None:
    server, port = slurm
    there = {
        "ARKOUDA_METRICS_SERVICE_HOST": HOST,
        "ARKOUDA_METRICS_SERVICE_PORT": str(port),
        "ALONGSIDE_EXPORTER_IMAGE": images["service"],
    }
    deploy = Deployer(place, variables(V29) | there)
    up = await deploy("up", "exporter")
    assert up.returncode == 0, up.stderr
    name = "arkouda-on-slurm-exporter"
    service = await place.core.read_namespaced_service(name, place.namespace)
    url = f"http://{service.spec.cluster_ip}:5080/metrics"

    def figures() -> str:
        server.ask("ruok", token=server.token)
        with urllib.request.urlopen(url, timeout=10) as answer:
            return str(answer.read().decode())

    labels = '{arkouda_server_name="arkouda-on-slurm",launcher="slurm"}'

    def told() -> bool:
        try:
            text = figures()
        except OSError:  # nodes learn of a Service's pods a moment after they are ready
            return False
        return f"arkouda_server_up{labels} 1.0" in text and (
            f"arkouda_total_number_of_requests{labels}" in text
        )

    await asyncio.to_thread(wait_until, "its figures are there", told, 60)
    down = await deploy("down", "exporter")
    assert down.returncode == 0, down.stderr
    await watching.until_gone(
        place.core.list_namespaced_pod,
        place.namespace,
        label_selector=f"app.kubernetes.io/name={name}",
    )
    assert not (await AppsV1Api(place.api).list_namespaced_deployment(place.namespace)).items
    assert not (await place.core.list_namespaced_service(place.namespace)).items
    assert (await deploy("down", "exporter")).returncode == 0


@pytest.mark.shows("K72")
async def test_the_four_are_workflows_that_succeed_also_when_nothing_is_to_be_done(
    place: Place,
    slurm: tuple[Started, int],
    images: dict[str, str],
    tmp_path: Path,
) -> None:
    """Submitted as any other; carried out on this machine, which may deploy."""
    image, _, tag = place.image.rpartition(":")
    where = {"namespace": place.namespace}
    small = {"cores": "20m", "memory": "256Mi", "locales": 1}
    given: dict[str, dict[str, Any]] = {
        "deploy-group": where | small | {"image": image, "version": tag},
        "delete-group": where,
        "deploy-exporter": where | {"host": HOST, "port": slurm[1], "image": images["service"]},
        "delete-exporter": where,
    }

    def submit(name: str) -> None:
        flow = read_workflow(EXAMPLES / f"{name}.yaml").model_dump(mode="json", exclude_unset=True)
        flow |= {"directory": str(tmp_path), "parameters": {**flow["parameters"], **given[name]}}
        flow["steps"][0]["environment"] = {"KUBECONFIG": place.kubeconfig}
        headers = {"Authorization": f"token {service.token}"}
        with httpx.Client(base_url=complete(service.url), headers=headers, timeout=30) as client:
            answer = client.post("runs", json={"workflow": flow})
            assert answer.status_code == 202, answer.text
            id = answer.json()["id"]

            def over() -> Any:
                run = client.get(f"runs/{id}").json()
                return run if run["state"] in ("succeeded", "failed", "cancelled") else None

            run = wait_until(f"{name} is over", over, 200)
            assert run["state"] == "succeeded", (run, logs(client, run))

    with real_service() as service:
        for name in ("deploy-group", "deploy-exporter"):
            await asyncio.to_thread(submit, name)
        await place.running("arkouda-on-k8s", 2)
        apps, exporter = AppsV1Api(place.api), "arkouda-on-slurm-exporter"
        deployment = await apps.read_namespaced_deployment(exporter, place.namespace)
        assert deployment.status.available_replicas == 1
        for name in ("delete-group", "delete-exporter", "delete-group", "delete-exporter"):
            await asyncio.to_thread(submit, name)
        await place.until_gone("arkouda-on-k8s", 1)
        assert not (await apps.list_namespaced_deployment(place.namespace)).items


def logs(client: httpx.Client, run: dict[str, Any]) -> list[str]:
    """What its steps have printed."""
    return [client.get(f"runs/{run['id']}/steps/{s['name']}/log").text for s in run["steps"]]
