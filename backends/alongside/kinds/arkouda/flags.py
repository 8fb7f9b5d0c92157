"""How the server is told what it shall be, whatever its age. Pure.

A Chapel program takes ``--name=value`` for each of its configuration variables and refuses what it
doesn't know. All of these were there in 2021. The ports for status and metrics of newer servers
stay closed on one machine: who asks there needs no token, and is told it.
"""

from __future__ import annotations

from alongside.kinds.arkouda.options import ArkoudaOptions, limit

PORT, STATUS_PORT, METRICS_PORT, EXPORTER_PORT = 5555, 5557, 5556, 5080
"""Those of Arkouda's own documents, where every group has an address of its own."""
CONNECTION_FILE = "ARKOUDA_SERVER_CONNECTION_INFO"
"""Variable: where the server writes its address once it listens."""
TOKENS = ".arkouda/tokens.txt"
"""Where it looks for its token, below its working directory."""


def arguments(options: ArkoudaOptions, port: int) -> tuple[str, ...]:
    """What follows the name of the server; nothing secret is in it."""
    return (
        *("-nl", str(options.locales)),
        f"--ServerPort={port}",
        "--authenticate=true",
        "--memTrack=true",  # without it an old server does not look at its limit
        f"--memMax={limit(options.memory)}",
    )


def environment(options: ArkoudaOptions, connection_file: str) -> dict[str, str]:
    """Variables of the server; nothing secret is in them."""
    return {
        CONNECTION_FILE: connection_file,
        "CHPL_RT_NUM_THREADS_PER_LOCALE": str(options.cores),
    }
