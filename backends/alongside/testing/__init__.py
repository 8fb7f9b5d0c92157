"""Conformance suites for kinds and platforms of your own; needs pytest and pytest-asyncio.

Subclass a suite in a test module and say in its fixtures what to test::

    from alongside.testing import PlatformSuite

    class TestMyPlatform(PlatformSuite):
        @pytest.fixture
        async def platform(self, tmp_path):
            platform = MyPlatform(...)
            await platform.open()
            yield platform
            await platform.close()
"""

from alongside.testing.kinds import KindSuite
from alongside.testing.platforms import PlatformSuite
from alongside.testing.waiting import History, make_spec, until

__all__ = ["History", "KindSuite", "PlatformSuite", "make_spec", "until"]
