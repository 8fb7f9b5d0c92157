"""The local platform: backends as supervised processes of this machine."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from alongside.platforms.local.platform import LocalPlatform

__all__ = ["LocalPlatform"]


def __getattr__(name: str) -> Any:  # a forked process and the spawner need parts of it only
    if name == "LocalPlatform":
        from alongside.platforms.local.platform import LocalPlatform

        return LocalPlatform
    raise AttributeError(name)
