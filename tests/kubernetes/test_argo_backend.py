"""The backend of a run, and the steps that compute on it: with network policies in force."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from kubernetes_asyncio.client import ApiClient

from alongside_workflows.executors.argo.executor import ArgoExecutor
from alongside_workflows.model import Step
from alongside_workflows.runs import State
from tests.kubernetes import backends
from tests.kubernetes.argo_stage import PATIENCE, Stage
from tests.workflows.executor_suite import ACCESS, make_run, until

PROBE = Path(__file__).with_name("probe.py")
OWNER = "al"  # of the runs that `make_run` makes


@pytest.mark.shows("K102")
@pytest.mark.timeout(2 * PATIENCE)
async def test_the_steps_of_a_run_reach_its_backend_and_those_of_another_do_not(
    argo: ArgoExecutor,
    argo_stage: Stage,
    kubernetes: ApiClient,
    images: dict[str, str],
    dask_definitions: None,
) -> None:
    """Where clients connect, and nowhere else; also the owner's other runs stay outside."""
    place = argo_stage.directory()
    (place / PROBE.name).write_bytes(PROBE.read_bytes())

    async def say(run: str, **wishes: Any) -> Any:
        command = ("python", PROBE.name, "{wishes}")
        step = Step(name="a", command=command, parameters={"wishes": json.dumps(wishes)})
        await argo.submit(make_run(run, place, step), ACCESS)
        await until(argo, run, State.SUCCEEDED, PATIENCE)
        return json.loads(await argo.log(run, "a", 1, 1))

    async with backends.bench(
        argo_stage.kubeconfig,
        kubernetes,
        argo_stage.settings.namespace,
        images["session"],
        service_peers=await backends.this_host(kubernetes),
        client_peers=[],
    ) as bench:
        spec = await bench.running(owner=OWNER, run="its-own")
        scheduler, worker = [
            (await bench.pod(spec, name))["status"]["podIP"] for name in ("scheduler", "worker-1")
        ]
        clients = [scheduler, 8786]
        inner = [[scheduler, 8787], [worker, 8788]]
        found = await say("its-own", open=[clients], closed=inner)
        assert (found["open"], found["closed"]) == ([True], [False, False])
        found = await say("another", closed=[clients, *inner])
        assert found["closed"] == [False] * 3
