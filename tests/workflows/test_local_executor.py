"""The local executor does what every executor must, with real processes."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from alongside_workflows.executors.base import Executor
from alongside_workflows.executors.local import LocalExecutor
from tests.workflows.executor_suite import (
    ExecutorSuite,
)
from tests.workflows.local_runs import nothing_left


class TestLocalExecutor(ExecutorSuite):
    @pytest.fixture
    def place(self, tmp_path: Path) -> Path:
        return tmp_path

    @pytest.fixture
    async def executor(self, tmp_path: Path) -> AsyncIterator[Executor]:
        executor = LocalExecutor(tmp_path / "home", warm=True, grace=5)
        await executor.open()
        try:
            yield executor
        finally:
            for one in await executor.observed():
                await executor.forget(one.spec.id)
            await until_empty(executor)
            await executor.close()
            nothing_left(tmp_path)


async def until_empty(executor: Executor) -> None:
    """Until no run is left."""
    async with asyncio.timeout(60):
        while await executor.observed():
            await asyncio.sleep(0.02)
