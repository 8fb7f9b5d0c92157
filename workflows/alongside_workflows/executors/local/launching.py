"""Starting a runner."""

from __future__ import annotations

import os

from alongside.platforms.local.forked import Program
from alongside.platforms.local.process import Identity
from alongside.platforms.local.starting import Starter
from alongside_workflows.runner.folder import RunFolder
from alongside_workflows.runner.settings import Settings

_RUNNER = "alongside_workflows.runner"
_ENTRY = f"{_RUNNER}.beginning:main"


def preloaded(module: str) -> tuple[str, ...]:
    """What a warm process imports, so that neither runner nor steps have to."""
    return (f"{_RUNNER}.beginning", f"{module}.__main__")


async def start_runner(
    starter: Starter, folder: RunFolder, account: str, settings: Settings
) -> Identity:
    """Start the runner of a run. Raises StartFailed."""
    account = account if os.geteuid() == 0 else ""
    words = (_RUNNER, str(folder.path), settings.model_dump_json())
    env = starter.environment(account)
    return await starter.begin(Program(_ENTRY, words, env, "/", str(folder.log), account))


__all__ = ["preloaded", "start_runner"]
