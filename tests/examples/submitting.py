"""The command line of a session, as the examples' users have it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

from tests.client.real import RealService

LIMIT = 240
PROGRAMS = Path(sys.executable).parent


def environment(real: RealService) -> dict[str, str]:
    """What a terminal of the session has."""
    kept = {k: v for k, v in os.environ.items() if not k.startswith(("ALONG", "DASK_", "JUPY"))}
    path = f"{PROGRAMS}{os.pathsep}{kept['PATH']}"
    return kept | real.environment | {"PATH": path}


def command(folder: Path, real: RealService, *words: str, code: int = 0) -> str:
    """What a command of ours prints; it ends with this code."""
    done = subprocess.run(
        ["alongside", *words],
        cwd=folder,
        env=environment(real),
        executable=PROGRAMS / "alongside",
        capture_output=True,
        text=True,
        timeout=LIMIT,
        check=False,
    )
    assert done.returncode == code, done.stdout + done.stderr
    return done.stdout


def submit(folder: Path, real: RealService, *words: str) -> dict[str, Any]:
    """What the command line says of a run that has succeeded."""
    run: dict[str, Any] = json.loads(command(folder, real, "submit", *words, "--wait", "--json"))
    assert run["state"] == "succeeded"
    return run


def log(folder: Path, real: RealService, run: dict[str, Any], step: str) -> str:
    """What a step has printed."""
    return command(folder, real, "runs", "log", run["id"], step).strip()


def steps(run: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """The steps of a run by name."""
    return {step["name"]: step for step in run["steps"]}
