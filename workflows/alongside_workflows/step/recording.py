"""What an attempt leaves: its record and its outcome."""

from __future__ import annotations

import json
import platform
from contextlib import suppress
from importlib.metadata import PackageNotFoundError, version

from alongside.platforms.local.store import write
from alongside_workflows.step.attempt import Attempt
from alongside_workflows.step.crate import Facts, crate
from alongside_workflows.step.hashing import sha256
from alongside_workflows.task import CRATE, LOG, OUTPUT, Outcome

_NOTEBOOK = ("nbclient", "jupyter_client", "ipykernel")
_OURS = "jupyterhub-alongside"


def record(attempt: Attempt, outcome: Outcome) -> None:
    """Write what made what. Raises OSError."""
    executed = attempt.folder / OUTPUT
    facts = Facts(
        task=attempt.task,
        outcome=outcome,
        started=attempt.started,
        notebook=attempt.notebook,
        notebook_hash=attempt.notebook_hash,
        executed_hash=sha256(executed) if executed.exists() else "",
        inputs=attempt.inputs,
        outputs=attempt.outputs,
        backend=attempt.backend,
        software=_software(attempt),
        host=platform.node(),
        log=(attempt.folder / LOG).exists(),
    )
    document = json.dumps(crate(facts), ensure_ascii=False, indent=1)
    write(attempt.folder / CRATE, document.encode(errors="backslashreplace"))


def _software(attempt: Attempt) -> dict[str, str]:
    found = {"Python": platform.python_version()}
    for name in (_OURS, *(_NOTEBOOK if attempt.notebook else ())):
        with suppress(PackageNotFoundError):
            found[name] = version(name)
    if attempt.language.get("name"):
        name = f"kernel ({attempt.language['name']})"
        found[name] = str(attempt.language.get("version", ""))
    return found
