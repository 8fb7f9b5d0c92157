"""The runner's process: one at a time for each run."""

from __future__ import annotations

import signal
import sys
from pathlib import Path

from alongside.errors import AlongsideError
from alongside.platforms.local.process import adopt_orphans
from alongside.platforms.local.store import Corrupt
from alongside_workflows.runner.folder import RunFolder
from alongside_workflows.runner.running import Runner
from alongside_workflows.runner.settings import Settings


def main() -> int:
    """Carry the run out whose folder is named; 0 when it has ended or has another runner."""
    folder = RunFolder(Path(sys.argv[1]))
    settings = Settings.model_validate_json(sys.argv[2]) if sys.argv[2:] else Settings()
    try:
        spec = folder.load_spec()
        if spec is None:
            raise Corrupt(f"{folder.path} has no specification")
        signal.signal(signal.SIGUSR1, signal.SIG_IGN)  # who holds the lock may get it
        if not folder.take():
            return 0
        adopt_orphans()
        Runner(folder, spec, settings).run()
    except (AlongsideError, Corrupt, OSError) as error:
        print(f"The run can't be carried out: {error}", file=sys.stderr)
        return 1
    return 0
