"""A platform in a process of its own, which a test kills, or which kills itself after a write.

Arguments: the platform's settings as JSON, a specification, what to do with it (``launch``,
``stop`` or ``watch``), and after how many writes that concern it to die (0: never).
"""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
from typing import Any

from alongside.models import Spec
from alongside.phases import Phase
from alongside.platforms.kubernetes import KubernetesPlatform, objects
from alongside.platforms.kubernetes.api import Cluster
from alongside.platforms.kubernetes.tending import Tending
from alongside.testing import until


def look_after_only(id: str) -> None:
    """Leave all other backends alone."""
    look_after = Tending._look_after

    def narrow(self: Tending, item: dict[str, Any]) -> None:
        if objects.id_of(item) == id:
            look_after(self, item)

    Tending._look_after = narrow  # type: ignore[method-assign]  # the others live


def die_after(writes: int, id: str) -> None:
    """Count what is written of a backend; the last one has been answered when the end comes."""
    ask, left = Cluster._ask, writes

    async def counted(self: Cluster, method: str, *where: Any, **what: Any) -> Any:
        nonlocal left
        answer = await ask(self, method, *where, **what)
        if method != "GET" and id in f"{where} {what}":
            left -= 1
            if not left:
                os.kill(os.getpid(), signal.SIGKILL)
        return answer

    Cluster._ask = counted  # type: ignore[method-assign]  # and dies


async def main(settings: str, spec: str, deed: str, writes: str) -> None:
    wanted = Spec.model_validate_json(spec)
    die_after(int(writes), wanted.id)
    if deed != "watch":
        look_after_only(wanted.id)
    platform = KubernetesPlatform(**json.loads(settings))
    await platform.open()
    await platform.leading()
    print("leading", flush=True)
    if deed == "launch":
        await platform.launch(wanted)
        await until(platform, wanted.id, Phase.RUNNING, 120)
    elif deed == "stop":
        await platform.stop(wanted.id)
        await until(platform, wanted.id, None, 120)
    else:
        await platform.deposed()
    await platform.close()


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
