"""The Argo executor does what every executor must, on a cluster with the real Argo."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from kubernetes_asyncio.client import ApiClient

from alongside_workflows import Step
from alongside_workflows.executors.argo.executor import ArgoExecutor
from alongside_workflows.executors.base import Executor
from alongside_workflows.runs import State
from tests.kubernetes.argo_stage import PATIENCE, Objects, Stage
from tests.workflows.executor_suite import (
    ACCESS,
    ExecutorSuite,
    lines,
    make_run,
    shell,
    status_of,
)


@pytest.mark.timeout(2 * PATIENCE)
@pytest.mark.shows("K77")
class TestArgoExecutor(ExecutorSuite):
    patience = PATIENCE

    @pytest.fixture
    def place(self, argo_stage: Stage) -> Path:
        return argo_stage.directory()

    @pytest.fixture
    def executor(self, argo: Executor) -> Executor:
        return argo

    @pytest.mark.shows("K62")
    async def test_nfr3_a_step_sees_no_account_of_the_cluster(
        self, executor: Executor, place: Path
    ) -> None:
        account = "/var/run/secrets/kubernetes.io/serviceaccount"
        spec = make_run("closed", place, shell("a", f"test ! -e {account}"))
        await executor.submit(spec, ACCESS)
        await self.until(executor, "closed", State.SUCCEEDED)

    @pytest.mark.shows("K59")
    async def test_a_bare_command_runs_in_an_image_of_its_own(
        self, executor: Executor, place: Path, argo_stage: Stage
    ) -> None:
        said = "$HOME $$ it's ü"
        words = ("sh", "-c", 'echo "$0" > said', "{text}")
        image = argo_stage.settings.image
        step = Step(name="a", command=words, parameters={"text": said}, image=image)
        await executor.submit(make_run("bare", place, step), ACCESS)
        await self.until(executor, "bare", State.SUCCEEDED)
        assert (place / "said").read_text() == f"{said}\n"

    async def test_a_workflow_that_is_deleted_when_it_has_ended(
        self, executor: Executor, kubernetes: ApiClient, place: Path, argo_stage: Stage
    ) -> None:
        """By Argo itself here, at once: the run has ended as it has, and nothing is repeated."""
        objects = Objects(kubernetes, argo_stage.settings.namespace)
        brief = replace(argo_stage.settings, keep_workflows=timedelta())
        tells = "echo {name} >> log; echo n=3 >> $ALONGSIDE_RESULTS; test -e {needs}"
        steps = (
            shell("one", tells, parameters={"name": "one", "needs": "."}, results=("n",)),
            shell("two", tells, parameters={"name": "two", "needs": "go"}, after=("one",)),
        )
        spec = make_run("brief", place, *steps)
        submitting = ArgoExecutor(brief, argo_stage.kubeconfig)
        await submitting.open()
        try:
            await submitting.submit(spec, ACCESS)
            failed = await self.until(submitting, "brief", State.FAILED)
            await objects.until_no_workflow_is_left("brief")
            assert await status_of(submitting, "brief") == failed
            (place / "go").touch()
            await submitting.resume("brief", ACCESS)
            await self.until(submitting, "brief", State.SUCCEEDED)
            await objects.until_no_workflow_is_left("brief")
        finally:
            await submitting.close()
        # who never saw any of its Workflows
        status = await self.until(executor, "brief", State.SUCCEEDED)
        assert status.step("one") == failed.step("one")
        assert [a.state for a in status.step("two").attempts] == [State.FAILED, State.SUCCEEDED]
        assert status.started == failed.started
        await executor.submit(spec, ACCESS)
        await executor.resume("brief", ACCESS)
        assert await status_of(executor, "brief") == status
        assert lines(place / "log") == ["one", "two", "two"]
        assert await executor.log("brief", "two", 2, 10) == ""
