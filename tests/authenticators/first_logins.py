"""Many people who start their first session at once: the step of a hub, in a process of its own.

    python -m tests.authenticators.first_logins

reads a line of JSON (url, ca_file, names), says that it is ready, and begins with the next line.
"""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
from types import SimpleNamespace, TracebackType
from typing import Any

from tests.authenticators.slapd import Slapd
from tests.spawners.live_hub import ROOT

READY = "ready"


class FirstLogins:
    """Such a process, for `number` people whose names begin so. Use as a context manager."""

    def __init__(self, slapd: Slapd, prefix: str, number: int) -> None:
        self._told = {
            "url": slapd.url,
            "ca_file": str(slapd.ca_file),
            "names": [f"{prefix}{one}" for one in range(number)],
        }

    def __enter__(self) -> FirstLogins:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.authenticators.first_logins"],
            cwd=ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        self._say(json.dumps(self._told))
        assert self._hear() == READY
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._process.kill()
        self._process.communicate()

    def begin(self) -> None:
        """Have all of them start their sessions."""
        self._say("begin")

    def numbers(self) -> list[int]:
        """The numbers that they have been given, once all have."""
        found: list[int] = json.loads(self._hear())
        return found

    def _say(self, line: str) -> None:
        self._process.stdin.write(line + "\n")
        self._process.stdin.flush()

    def _hear(self) -> str:
        return self._process.stdout.readline().strip()


async def _numbers(told: dict[str, Any]) -> list[int]:
    from tests.authenticators.directory import spawn

    there: Any = SimpleNamespace(url=told["url"], ca_file=told["ca_file"])
    given = await asyncio.gather(*(spawn(there, name, timeout=150.0) for name in told["names"]))
    return [int(one["NB_UID"]) for one in given]


def _main() -> None:
    told = json.loads(sys.stdin.readline())
    import tests.authenticators.directory  # noqa: F401  # so that it takes no time afterwards

    print(READY, flush=True)
    sys.stdin.readline()
    print(json.dumps(asyncio.run(_numbers(told))), flush=True)


if __name__ == "__main__":
    _main()
