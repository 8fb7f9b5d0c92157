"""kill -9 of each process of a Dask cluster at each phase: nothing is left that nobody owns."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import Awaitable, Callable
from pathlib import Path

import psutil
import pytest

from alongside.models import Spec, Status
from alongside.phases import ENDED, Phase
from alongside.platforms.base import Observed
from alongside.platforms.local import LocalPlatform
from alongside.platforms.local.process import MARK
from alongside.testing import make_spec, until
from tests.waiting import wait_until

from .local_home import leftovers

pytestmark = pytest.mark.slow

SMALL = {"workers": 2, "memory": "512 MiB"}


async def starting(platform: LocalPlatform) -> Spec:
    spec = make_spec("dask", SMALL)
    await platform.launch(spec)
    # Or already further: a phase may be over before anybody looks.
    await until(platform, spec.id, lambda status: status.phase is not Phase.PENDING)
    return spec


async def running(platform: LocalPlatform) -> Spec:
    spec = await starting(platform)
    await until(platform, spec.id, Phase.RUNNING)
    return spec


async def growing(platform: LocalPlatform) -> Spec:
    spec = await running(platform)
    more = spec.model_copy(update={"options": spec.options | {"workers": 4}, "generation": 2})
    await platform.update(more)
    await until(platform, spec.id, lambda s: s.phase is Phase.SCALING or s.ready == 4)
    return spec


async def shrinking(platform: LocalPlatform) -> Spec:
    spec = await running(platform)
    less = spec.model_copy(update={"options": spec.options | {"workers": 1}, "generation": 2})
    await platform.update(less)
    await until(platform, spec.id, lambda s: s.phase is Phase.SCALING or s.ready == 1)
    return spec


async def stopping(platform: LocalPlatform) -> Spec:
    spec = await running(platform)
    await platform.stop(spec.id, forget=False)
    return spec


def processes(spec: Spec, what: str) -> list[psutil.Process]:
    """The processes of a backend that are this: all, or one sort of them."""
    found = []
    for process in psutil.process_iter():
        try:
            words = process.cmdline()
            mine = process.environ().get(MARK) == spec.id
        except (psutil.Error, OSError):
            continue
        names = {"supervisor", "scheduler", "worker"} & {w.rsplit(".", 1)[-1] for w in words[:4]}
        if mine and (what == "all" or what in names):
            found.append(process)
    return found


def ports(found: list[psutil.Process]) -> set[int]:
    """The TCP ports that these listen on."""
    listening = set()
    for process in found:
        try:
            connections = process.net_connections("tcp")
        except psutil.Error:
            continue
        listening |= {c.laddr.port for c in connections if c.status == psutil.CONN_LISTEN}
    return listening


def open_ports() -> set[int]:
    """The TCP ports of this machine that somebody listens on."""
    return {c.laddr.port for c in psutil.net_connections("tcp") if c.status == "LISTEN"}


def _has_settled(status: Status) -> bool:
    return status.phase in ENDED or (
        status.phase is Phase.RUNNING and status.ready == status.wanted
    )


@pytest.mark.shows("K23")
@pytest.mark.parametrize("what", ["supervisor", "scheduler", "worker", "all"])
@pytest.mark.parametrize("phase", [starting, running, growing, shrinking, stopping])
async def test_nothing_is_left(
    platform: LocalPlatform,
    home: Path,
    phase: Callable[[LocalPlatform], Awaitable[Spec]],
    what: str,
) -> None:
    spec = await phase(platform)
    victims = processes(spec, what)
    assert victims or phase in (starting, stopping)
    listening = ports(processes(spec, "all"))
    for victim in victims:
        try:
            os.kill(victim.pid, signal.SIGKILL)
        except ProcessLookupError:
            continue
    if victims:
        await asyncio.to_thread(psutil.wait_procs, victims, 5)
    status = (await _settled(platform, spec)).status
    if status.phase is Phase.FAILED:
        assert status.reason in ("SupervisorLost", "SchedulerLost")
        assert status.remedy
    if status.phase in ENDED:
        assert not processes(spec, "all")
        assert not (home / "backends" / spec.id / "run").exists()
    await platform.stop(spec.id)
    await until(platform, spec.id, None)
    assert not processes(spec, "all")
    assert not [line for line in leftovers(home) if spec.id in line]
    # A process that was killed gives up its memory, by which it is found, before its sockets.
    await asyncio.to_thread(
        wait_until, "its ports are closed", lambda: not listening & open_ports(), 10
    )
    # a record that is removed gets another name first, and then goes file by file
    await asyncio.to_thread(
        wait_until, "its files are gone", lambda: not list((home / "backends").iterdir()), 10
    )


async def _settled(platform: LocalPlatform, spec: Spec) -> Observed:
    """Ended or well again; a phase that nothing was killed in may still be on its way."""
    return await until(platform, spec.id, _has_settled)
