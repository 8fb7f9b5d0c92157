"""One definition, two executors: what comes out is the same, and the records can be compared."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from kubernetes_asyncio.client import ApiClient

from alongside.models import now
from alongside_workflows import Step, Workflow
from alongside_workflows.executors.argo.executor import ArgoExecutor
from alongside_workflows.executors.base import Executor
from alongside_workflows.executors.local import LocalExecutor
from alongside_workflows.files import read_workflow
from alongside_workflows.runs import RunSpec, RunStatus, State
from alongside_workflows.task import CRATE, OUTPUT
from tests.kubernetes.argo_stage import PATIENCE, Objects, Stage
from tests.workflows.executor_suite import ACCESS, until
from tests.workflows.notebooks import notebook

pytestmark = pytest.mark.timeout(2 * PATIENCE)
EXAMPLES = Path(__file__).parents[2] / "examples"
# When, where, and by which versions: what two executions of the same may differ in.
OF_THE_MOMENT = ("startTime", "endTime", "datePublished", "softwareVersion", "containerImage")
PRINTS = ("a", "b", "c", "d")


@pytest.fixture
async def local(tmp_path: Path) -> AsyncIterator[Executor]:
    executor = LocalExecutor(tmp_path / "home", warm=True, grace=5)
    await executor.open()
    try:
        yield executor
        for one in await executor.observed():
            await executor.forget(one.spec.id)
    finally:
        await executor.close()


async def carried_out(executor: Executor, workflow: Workflow, place: Path) -> RunStatus:
    """The workflow's only run on this executor, in this directory, when it has succeeded."""
    spec = RunSpec(
        id=workflow.name,
        owner="al",
        workflow=workflow.model_copy(update={"directory": str(place)}),
        executor=executor.name,
        created=now(),
    )
    await executor.submit(spec, ACCESS)
    return await until(executor, workflow.name, State.SUCCEEDED, PATIENCE)


async def record(executor: Executor, run: str, step: str, place: Path) -> dict[str, Any]:
    """The entities of an attempt's record, without what is of the moment or the place."""
    text = (await executor.file(run, step, 1, CRATE)).decode()
    graph = json.loads(text.replace(str(place), "/place"))["@graph"]
    return {
        each["@id"]: {key: value for key, value in each.items() if key not in OF_THE_MOMENT}
        for each in graph
        if each["@id"] not in ("#image", "#circumstance-host") and "unitText" not in each
    }


@pytest.mark.shows("K63", "K64", "K77")
async def test_the_diamond_of_the_examples(
    argo: ArgoExecutor, local: Executor, argo_stage: Stage, kubernetes: ApiClient, tmp_path: Path
) -> None:
    diamond = read_workflow(EXAMPLES / "diamond.yaml")
    place = argo_stage.directory()
    there = await carried_out(argo, diamond, place)
    here = await carried_out(local, diamond, tmp_path)
    for step in PRINTS:
        one, other = there.step(step).attempts, here.step(step).attempts
        assert [(a.number, a.state, a.exit_code) for a in one] == [(1, State.SUCCEEDED, 0)]
        assert [(a.number, a.state, a.exit_code) for a in other] == [(1, State.SUCCEEDED, 0)]
        logs = [await executor.log(diamond.name, step, 1, 10) for executor in (argo, local)]
        assert [log.split() for log in logs] == [[step.upper()]] * 2
        assert await record(argo, diamond.name, step, place) == await record(
            local, diamond.name, step, tmp_path
        )
    objects = Objects(kubernetes, argo_stage.settings.namespace)
    assert len(await objects.pods(diamond.name)) == len(diamond.steps)  # and no other container


@pytest.mark.shows("K68", "K77")
async def test_a_result_a_notebook_and_a_file(
    argo: ArgoExecutor, local: Executor, argo_stage: Stage, tmp_path: Path
) -> None:
    """The notebook gets a number as a number, reads what was written, and writes itself."""
    count = 'seq 4 > numbers.txt; echo n=4 >> "$ALONGSIDE_RESULTS"'
    flow = Workflow(
        name="sums",
        steps=(
            Step(
                name="count",
                command=("sh", "-c", count),
                results=("n",),
                outputs={"numbers": "numbers.txt"},
            ),
            Step(
                name="add",
                notebook="add.ipynb",
                takes={"n": "count.n"},
                inputs={"numbers": "numbers.txt"},
                outputs={"made": "sum.txt"},
                results=("total",),
                after=("count",),
            ),
        ),
    )
    written = notebook(
        tmp_path / "add.ipynb",
        'n = 0\nnumbers = ""\nmade = ""',
        "total = sum(map(int, open(numbers).read().split())) * n",
        'open(made, "w").write(f"{total}\\n")\nprint(type(n).__name__, total)',
    ).read_bytes()
    found, crates = [], []
    for executor, place in ((argo, argo_stage.directory()), (local, tmp_path)):
        (place / "add.ipynb").write_bytes(written)
        status = await carried_out(executor, flow, place)
        executed = json.loads(await executor.file("sums", "add", 1, OUTPUT))
        printed = [
            output["text"] for cell in executed["cells"] for output in cell.get("outputs", ())
        ]
        crate = await record(executor, "sums", "add", place)
        # the executed notebook has the times of its cells in it
        assert crate[OUTPUT].pop("sha256")
        crates.append(crate)
        made = (place / "sum.txt").read_text()
        found.append([status.step("count").results, status.step("add").results, made, printed])
    assert found == [[{"n": 4}, {"total": 40}, "40\n", [["int 40\n"]]]] * 2
    assert crates[0] == crates[1]
