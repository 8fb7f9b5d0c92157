"""The fixtures of `local_home`, for every test here."""

from __future__ import annotations

from tests.platforms.local_home import _installed_toy, home, only_toys, platform, settings

__all__ = ["_installed_toy", "home", "only_toys", "platform", "settings"]
