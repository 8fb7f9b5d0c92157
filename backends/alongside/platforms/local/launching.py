"""Starting a supervisor."""

from __future__ import annotations

import asyncio
import os

from alongside.models import Spec
from alongside.platforms.local.forked import Program
from alongside.platforms.local.home import Folder
from alongside.platforms.local.process import MARK, Identity
from alongside.platforms.local.settings import Settings
from alongside.platforms.local.starting import Starter

_MODULE = "alongside.platforms.local.supervisor"


async def start_supervisor(
    starter: Starter, folder: Folder, spec: Spec, settings: Settings
) -> Identity:
    """Start the supervisor of a backend. Raises StartFailed."""
    account = spec.account if os.geteuid() == 0 else ""
    # accounts may be in a directory on the network
    env = await asyncio.to_thread(starter.environment, account) | {MARK: spec.id}
    words = (_MODULE, str(folder.path), settings.model_dump_json())
    log = folder.logs / "supervisor.log"
    program = Program(f"{_MODULE}:main", words, env, "/", str(log), account)
    cold = settings.model_copy(update={"warm": False})
    return await starter.begin(program, (str(folder.path), cold.model_dump_json()))


__all__ = ["start_supervisor"]
