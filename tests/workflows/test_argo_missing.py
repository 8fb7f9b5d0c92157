"""A cluster without Argo, which gets it later: what is said meanwhile, and that nothing is written.

The API server is a double, because a real one that others use can't be without its definitions for
a while; what it answers is what a real one does.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Mapping
from typing import Any, ClassVar

import pytest

from alongside.errors import Unavailable
from alongside.platforms.kubernetes.answers import refusal
from alongside.platforms.kubernetes.api import Cluster
from alongside.platforms.kubernetes.resources import Object, Resource
from alongside_workflows.executors.argo import executor as executors
from alongside_workflows.executors.argo.naming import WORKFLOWS
from alongside_workflows.executors.base import Credentials
from tests.workflows.argo_runs import API, SETTINGS, command, run_of

SPEC = run_of(command("a"))
UNDEFINED = 404, {"message": "the server could not find the requested resource", "details": {}}
FORBIDDEN = 403, {"message": "workflows.argoproj.io is forbidden: User can't list"}


class Double(Cluster):
    """Has no Workflows until it does."""

    answer: ClassVar[tuple[int, Mapping[str, Any]] | None] = None
    made: ClassVar[list[str]] = []

    async def open(self) -> None:
        """It is there."""

    async def list(
        self, resource: Resource, namespace: str, labels: str = "", fields: str = ""
    ) -> tuple[list[Object], str]:
        if resource == WORKFLOWS and self.answer is not None:
            raise refusal(*self.answer, resource)
        return [], "1"

    async def watch(
        self, resource: Resource, namespace: str, labels: str, version: str, fields: str = ""
    ) -> AsyncGenerator[tuple[str, Object], None]:
        await asyncio.Event().wait()
        yield "", {}

    async def create(self, resource: Resource, namespace: str, body: Object) -> Object:
        self.made.append(body["kind"])
        more = {"namespace": namespace, "uid": str(len(self.made)), "resourceVersion": "2"}
        return {**body, "metadata": {**body["metadata"], **more}}

    async def patch(
        self, resource: Resource, namespace: str, name: str, patch: Mapping[str, Any]
    ) -> None:
        return None


@pytest.mark.parametrize(
    ("answer", "said"), [(UNDEFINED, "has no workflows"), (FORBIDDEN, "does not let the service")]
)
async def test_runs_are_refused_until_it_is_there(
    monkeypatch: pytest.MonkeyPatch, answer: tuple[int, dict[str, Any]], said: str
) -> None:
    monkeypatch.setattr(executors, "Cluster", Double)
    monkeypatch.setattr(Double, "made", [])
    monkeypatch.setattr(Double, "answer", answer)
    access = Credentials(API, "token")
    executor = executors.ArgoExecutor(SETTINGS)
    await executor.open()  # that is no reason not to begin
    try:
        assert said in executor.obstacle()
        with pytest.raises(Unavailable) as refused:
            await executor.submit(SPEC, access)
        assert refused.value.message == executor.obstacle()
        assert "workflows.enabled" in refused.value.remedy
        assert not Double.made
        monkeypatch.setattr(Double, "answer", None)
        await executor.submit(SPEC, access)
        assert executor.obstacle() == ""
        assert Double.made == ["ConfigMap", "Secret", "ConfigMap", "Workflow"]
        assert [run.spec for run in await executor.observed()] == [SPEC]
    finally:
        await executor.close()
