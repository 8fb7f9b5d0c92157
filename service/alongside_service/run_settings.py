"""Who carries out runs, by the platforms that there are, and where their steps find us."""

from __future__ import annotations

from collections.abc import Mapping
from ipaddress import ip_address
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from alongside.endpoint import is_loopback
from alongside.errors import CatalogueError
from alongside.platforms.base import Platform
from alongside_service.run_token import RunTokens

if TYPE_CHECKING:
    from alongside_workflows.executors.base import Executor

_LOCAL = "local"
_KEY_FILE = "runs.key"


def local_runs(
    platforms: Mapping[str, Platform],
) -> tuple[dict[str, Executor], RunTokens | None]:
    """The executor that keeps its runs beside the backends of the platform `local`, if that is
    used, and the tokens of these runs, whose secret lies there too."""
    if _LOCAL not in platforms:
        return {}, None
    from alongside.platforms.local import LocalPlatform
    from alongside_workflows.executors.local import LocalExecutor

    platform = platforms[_LOCAL]
    assert isinstance(platform, LocalPlatform)
    home = Path.cwd() / platform.home
    executor = LocalExecutor(home)
    return {executor.name: executor}, RunTokens(home / _KEY_FILE)


def step_api(api: str, url: str, prefix: str, executors: Mapping[str, Executor]) -> str:
    """The URL of the API as steps reach it: what was set, else where we listen on this machine.

    Raises CatalogueError when that would mean another machine to those who are told it.
    """
    found = api or f"{reachable(url)}{prefix}api/v1"
    if is_loopback(found) and any(name != _LOCAL for name in executors):
        raise CatalogueError(
            f"The pods of steps can't reach the service at {found}.",
            "Set AlongsideService.api to its address in the cluster.",
        )
    return found


def reachable(url: str) -> str:
    """The address of a server on this machine that listens at a URL, which may say "anywhere".

    >>> reachable("http://0.0.0.0:8790/services/alongside/")
    'http://127.0.0.1:8790'
    """
    parts = urlsplit(url)
    host = parts.hostname or "127.0.0.1"
    try:
        if (address := ip_address(host)).is_unspecified:
            host = "::1" if address.version == 6 else "127.0.0.1"
    except ValueError:
        pass
    shown = f"[{host}]" if ":" in host else host
    return f"http://{shown}:{parts.port or 80}"
