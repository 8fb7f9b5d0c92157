"""kill -9 of the process that holds the platform (the service): backends live on, nothing else."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from alongside.phases import Phase
from alongside.platforms.local import LocalPlatform
from alongside.platforms.local.process import Identity, wait_gone
from alongside.testing import until

pytestmark = pytest.mark.slow

SERVICE = """
import asyncio, sys
from alongside.phases import Phase
from alongside.platforms.local import LocalPlatform
from alongside.testing import make_spec, until

async def main():
    platform = LocalPlatform(home=sys.argv[1], warm=sys.argv[2] == "warm")
    await platform.open()
    spec = make_spec("toy")
    await platform.launch(spec)
    # It may have gone on from "starting" before anybody looks.
    phases = {Phase(sys.argv[3]), Phase.RUNNING}
    await until(platform, spec.id, lambda status: status.phase in phases)
    print(spec.id, platform._warm.pid if platform._warm else 0, flush=True)
    await asyncio.Event().wait()

asyncio.run(main())
"""


@pytest.mark.usefixtures("only_toys")
@pytest.mark.parametrize("way", ["warm", "plain"])
@pytest.mark.parametrize("phase", ["starting", "running"])
async def test_a_new_service_finds_what_the_killed_one_left_running(
    settings: dict[str, Any], home: Path, way: str, phase: str
) -> None:
    service = subprocess.Popen(
        [sys.executable, "-c", SERVICE, str(home), way, phase], stdout=subprocess.PIPE, text=True
    )
    assert service.stdout is not None
    try:
        with service.stdout as output:
            line = await asyncio.wait_for(asyncio.to_thread(output.readline), 30)
        id, warm = line.split()
        server = Identity.of(int(warm)) if warm != "0" else None
    finally:
        service.kill()
        service.wait(5)
    if server is not None:
        assert not await asyncio.to_thread(wait_gone, [server], 10), "the warm process ends too"
    platform = LocalPlatform(**settings)
    await platform.open()
    try:
        seen = await until(platform, id, Phase.RUNNING, 20)
        assert seen.status.ready == 2
        await platform.stop(id)
        await until(platform, id, None, 20)
    finally:
        await platform.close()
