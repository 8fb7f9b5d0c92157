"""The local platform does what every platform must do, warm and plain."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from alongside.platforms.local import LocalPlatform
from alongside.testing import PlatformSuite

pytestmark = pytest.mark.slow


@pytest.mark.usefixtures("only_toys")
class _Local(PlatformSuite):
    kind = "toy"
    size = "sleepers"
    broken = {"broken": True}
    log_role = "leader"

    @pytest.fixture
    def another(self, settings: dict[str, Any]) -> Callable[[], LocalPlatform]:
        return lambda: LocalPlatform(**settings)


@pytest.mark.shows("K122")
class TestWarm(_Local):
    """Supervisors and roles are forked from a warm process."""


class TestPlain(_Local):
    """Every process is an interpreter of its own."""

    @pytest.fixture
    def settings(self, settings: dict[str, Any]) -> dict[str, Any]:
        return settings | {"warm": False}
