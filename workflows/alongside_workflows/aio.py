"""`submit`, `schedule`, `check`, `find_run`, `list_runs` and `trace` for asyncio, awaited.

>>> from alongside.async_client import AsyncClient  # doctest: +SKIP
>>> from alongside_workflows import aio  # doctest: +SKIP
>>> async with AsyncClient() as service:  # doctest: +SKIP
...     run = await aio.submit("plot.ipynb", {"n": 10}, service=service)
...     await run.wait()
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Unpack

from pydantic import JsonValue

from alongside import scheduling
from alongside_workflows import client, running, scheduled, trace_lookup
from alongside_workflows.handle import WAIT, AsyncRunHandle
from alongside_workflows.runs import NewRun
from alongside_workflows.tracing import Trace

if TYPE_CHECKING:
    from alongside.async_client import AsyncClient
    from alongside.schedules import Schedule
    from alongside_workflows.model import Workflow


async def submit(
    what: client.What,
    parameters: Mapping[str, JsonValue] | None = None,
    *,
    service: AsyncClient,
    wait: bool = False,
    wait_for: float = WAIT,
    **said: Unpack[client.Said],
) -> AsyncRunHandle:
    """See `client.submit`."""
    new = client.new_run(service, what, parameters, said)
    handle = AsyncRunHandle(service, await service.run(running.submit(new)))
    return await handle.wait(wait_for) if wait else handle


async def schedule(
    what: client.What,
    parameters: Mapping[str, JsonValue] | None = None,
    *,
    service: AsyncClient,
    times: Mapping[str, Any],
    **said: Unpack[client.Said],
) -> Schedule:
    """See `scheduled.schedule`."""
    new = scheduled.wish(service, what, parameters, times, said)
    return await service.run(scheduling.make(new))


async def check(
    what: client.What,
    parameters: Mapping[str, JsonValue] | None = None,
    *,
    service: AsyncClient,
) -> Workflow:
    """See `client.check`."""
    flow = client.define(what, parameters)
    await service.run(running.check(NewRun(workflow=flow)))
    return flow


async def find_run(wanted: str, *, service: AsyncClient) -> AsyncRunHandle:
    """See `client.find_run`."""
    return AsyncRunHandle(service, await service.run(running.find(wanted)))


async def trace(
    file: str | os.PathLike[str],
    *,
    service: AsyncClient,
    derived: bool = False,
    limit: int = trace_lookup.LIMIT,
) -> Trace:
    """See `client.trace`."""
    wanted = await asyncio.to_thread(trace_lookup.meant, file)
    known = await service.run(trace_lookup.known(limit))
    return await asyncio.to_thread(trace_lookup.traced, wanted, known, derived=derived)


async def list_runs(*, service: AsyncClient) -> list[AsyncRunHandle]:
    """See `client.list_runs`."""
    return [AsyncRunHandle(service, run) for run in await service.run(running.runs())]
