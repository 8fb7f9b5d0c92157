"""What every platform must do."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import aclosing
from typing import Any

import pytest

from alongside.errors import NotFound, NotReady
from alongside.models import Spec, Status
from alongside.phases import USABLE, Phase
from alongside.platforms.base import Observed, Platform
from alongside.testing.waiting import History, make_spec, until

RUNNING, STOPPED, FAILED = Phase.RUNNING, Phase.STOPPED, Phase.FAILED


class PlatformSuite:
    """Subclass it and run it with pytest.

    It needs a fixture ``platform`` (in the class or a conftest): an open platform without any
    backend, which afterwards ends what is left and is closed.

    kind : a kind that starts and ends quickly
    size : the name of the option that is its number of members
    broken : options with which its members end at once; None when it has none
    log_role : a role that writes to its log when it starts
    """

    kind = "dask"
    size = "workers"
    broken: dict[str, Any] | None = None
    log_role = "scheduler"
    timeout = 60.0

    @pytest.fixture
    def another(self, platform: Platform) -> Callable[[], Platform]:
        """Makes a second, not yet open platform object over the same state."""
        pytest.skip("this platform can't be opened twice here")

    @pytest.fixture(autouse=True)
    async def history(self, platform: Platform) -> AsyncIterator[History]:
        """Checks after each test that only allowed phases followed one another."""
        history = History(platform)
        yield history
        await history.close()
        assert not history.forbidden()

    def spec(self, members: int = 1, **changes: Any) -> Spec:
        options = changes.pop("options", {})
        return make_spec(self.kind, {self.size: members} | options, **changes)

    async def running(self, platform: Platform, members: int = 1, **changes: Any) -> Spec:
        spec = self.spec(members, **changes)
        await platform.launch(spec)
        await until(platform, spec.id, RUNNING, self.timeout)
        return spec

    async def find(self, platform: Platform, id: str) -> Observed | None:
        return next((seen for seen in await platform.observed() if seen.spec.id == id), None)

    async def test_a_launched_backend_runs_with_all_its_members(self, platform: Platform) -> None:
        spec = await self.running(platform, 2)
        seen = await until(platform, spec.id, RUNNING)
        assert (seen.status.ready, seen.status.wanted) == (2, 2)
        assert seen.status.started is not None
        assert seen.status.generation == spec.generation
        assert seen.status.stages, "it tells what it did"
        assert seen.spec == spec

    async def test_it_is_seen_as_soon_as_launch_returns(self, platform: Platform) -> None:
        spec = self.spec()
        await platform.launch(spec)
        seen = await self.find(platform, spec.id)
        assert seen is not None
        assert seen.spec == spec

    async def test_launching_it_again_changes_nothing(self, platform: Platform) -> None:
        spec = await self.running(platform)
        await asyncio.gather(*(platform.launch(spec) for _ in range(3)))
        await platform.launch(spec.model_copy(update={"owner": "somebody-else"}))
        seen = await self.find(platform, spec.id)
        assert seen is not None
        assert seen.spec == spec
        assert seen.status.phase is RUNNING

    async def test_launched_twice_at_the_same_time_there_is_one(self, platform: Platform) -> None:
        spec = self.spec()
        await asyncio.gather(platform.launch(spec), platform.launch(spec))
        await until(platform, spec.id, RUNNING, self.timeout)
        assert len(await platform.observed()) == 1

    async def test_a_stopped_and_forgotten_backend_leaves_nothing(self, platform: Platform) -> None:
        spec = await self.running(platform)
        await platform.stop(spec.id)
        await until(platform, spec.id, None, self.timeout)
        assert await self.find(platform, spec.id) is None
        with pytest.raises(NotFound):
            await platform.connection(spec.id)

    async def test_stopping_again_or_the_unknown_is_no_error(self, platform: Platform) -> None:
        spec = await self.running(platform)
        await asyncio.gather(platform.stop(spec.id), platform.stop(spec.id))
        await until(platform, spec.id, None, self.timeout)
        await platform.stop(spec.id)
        await platform.stop("never-heard-of-it")

    async def test_one_that_is_still_starting_can_be_stopped(self, platform: Platform) -> None:
        spec = self.spec(2)
        await platform.launch(spec)
        await platform.stop(spec.id)
        await until(platform, spec.id, None, self.timeout)

    async def test_a_record_and_logs_stay_when_asked_for(self, platform: Platform) -> None:
        spec = await self.running(platform)
        await platform.stop(spec.id, forget=False)
        seen = await until(platform, spec.id, STOPPED, self.timeout)
        assert seen.status.ended is not None
        assert seen.status.reason
        lines = [line async for line in platform.logs(spec.id, self._role(seen), 10, False)]
        assert lines
        with pytest.raises(NotReady):
            await platform.connection(spec.id)
        await platform.stop(spec.id)
        await until(platform, spec.id, None, self.timeout)

    async def test_it_grows_and_shrinks(self, platform: Platform) -> None:
        spec = await self.running(platform, 1)
        for generation, members in enumerate((3, 1), start=2):
            spec = self._resized(spec, members, generation)
            await platform.update(spec)
            seen = await until(platform, spec.id, _has(members), self.timeout)
            assert seen.status.generation == generation

    async def test_an_older_change_is_ignored(self, platform: Platform) -> None:
        spec = await self.running(platform, 1)
        await platform.update(self._resized(spec, 1, 3))
        await platform.update(self._resized(spec, 2, 2))
        seen = await self.find(platform, spec.id)
        assert seen is not None
        assert seen.spec.generation == 3
        assert seen.spec.options[self.size] == 1

    async def test_changing_the_unknown_is_an_error(self, platform: Platform) -> None:
        with pytest.raises(NotFound):
            await platform.update(self.spec())

    async def test_one_that_is_nobodys_is_given_away_once(self, platform: Platform) -> None:
        if not platform.claims:
            pytest.skip("this platform gives no backends away")
        ready = await self.running(platform, owner="")
        wishes = [self._claiming(ready, owner) for owner in ("ada", "bob")]
        done = await asyncio.gather(*(platform.claim(ready.id, wish) for wish in wishes))
        assert sorted(done) == [False, True]
        seen = await self.find(platform, ready.id)
        assert seen is not None
        assert seen.spec == wishes[done.index(True)]
        assert seen.status.phase is RUNNING
        assert (await platform.connection(ready.id)).address
        assert not await platform.claim(ready.id, self._claiming(ready, "eve"))
        assert not await platform.claim("unknown", self._claiming(ready, "eve"))

    async def test_one_that_is_ending_is_not_given_away(self, platform: Platform) -> None:
        if not platform.claims:
            pytest.skip("this platform gives no backends away")
        ready = await self.running(platform, owner="")
        await platform.stop(ready.id)
        assert not await platform.claim(ready.id, self._claiming(ready, "ada"))
        await until(platform, ready.id, None, self.timeout)

    async def test_a_watch_begins_with_all_and_then_tells_changes(self, platform: Platform) -> None:
        first = await self.running(platform)
        async with aclosing(platform.watch()) as one, aclosing(platform.watch()) as two:
            async with asyncio.timeout(self.timeout):
                for changes in (one, two):
                    change = await anext(changes)
                    assert isinstance(change, Observed)
                    assert change.spec.id == first.id
                second = self.spec()
                await platform.launch(second)
                for changes in (one, two):
                    async for change in changes:
                        if isinstance(change, Observed) and change.spec.id == second.id:
                            break

    async def test_logs_are_followed_to_the_end(self, platform: Platform) -> None:
        spec = await self.running(platform)
        seen = await self.find(platform, spec.id)
        assert seen is not None
        lines: list[str] = []

        async def collect() -> None:
            async for line in platform.logs(spec.id, self._role(seen), 1000, True):
                lines.append(line)

        task = asyncio.create_task(collect())
        await platform.stop(spec.id, forget=False)
        await asyncio.wait_for(task, self.timeout)
        assert lines

    async def test_an_unknown_log_is_an_error(self, platform: Platform) -> None:
        spec = await self.running(platform)
        for id, role in ((spec.id, "nobody"), (spec.id, "../spec"), ("unknown", "supervisor")):
            with pytest.raises(NotFound):
                await anext(aiter(platform.logs(id, role, 1, False)))

    async def test_a_connection_has_an_address_and_credentials(self, platform: Platform) -> None:
        spec = await self.running(platform)
        connection = await platform.connection(spec.id)
        assert connection.kind == self.kind
        assert connection.address
        assert all(secret not in repr(connection) for secret in connection.credentials.values())

    async def test_it_ends_at_the_end_of_its_lifetime(self, platform: Platform) -> None:
        spec = self.spec(maximum=4)
        await platform.launch(spec)
        seen = await until(platform, spec.id, STOPPED, self.timeout)
        assert seen.status.reason == "Expired"
        assert seen.status.message

    async def test_it_ends_when_it_is_idle(self, platform: Platform) -> None:
        spec = self.spec(idle=1)
        await platform.launch(spec)
        seen = await until(platform, spec.id, STOPPED, self.timeout)
        assert seen.status.reason == "Idle"

    async def test_a_failure_says_why_and_what_to_do(self, platform: Platform) -> None:
        if self.broken is None:
            pytest.skip("this kind can't be broken by options")
        spec = self.spec(options=self.broken)
        await platform.launch(spec)
        seen = await until(platform, spec.id, FAILED, self.timeout)
        assert seen.status.reason.isalnum()
        assert seen.status.message
        assert seen.status.remedy
        assert seen.status.ready == 0

    async def test_what_runs_takes_from_the_capacity(self, platform: Platform) -> None:
        before = await platform.capacity()
        spec = await self.running(platform)
        during = await platform.capacity()
        assert during.free == before.free - spec.resources
        assert during.total == before.total
        await platform.stop(spec.id, forget=False)
        await until(platform, spec.id, STOPPED, self.timeout)
        assert (await platform.capacity()).free == before.free

    async def test_it_outlives_the_platform_object(
        self, platform: Platform, another: Callable[[], Platform]
    ) -> None:
        spec = await self.running(platform)
        address = (await platform.connection(spec.id)).address
        second = another()
        await second.open()  # as a new service does while the old one is still there
        try:
            await platform.close()
            seen = await until(second, spec.id, lambda s: s.phase in USABLE, self.timeout)
            assert seen.spec == spec
            assert (await second.connection(spec.id)).address == address
            await second.stop(spec.id)
            await until(second, spec.id, None, self.timeout)
        finally:
            await second.close()
            await platform.open()

    async def test_two_platform_objects_see_the_same(
        self, platform: Platform, another: Callable[[], Platform]
    ) -> None:
        second = another()
        await second.open()
        try:
            spec = self.spec()
            await asyncio.gather(platform.launch(spec), second.launch(spec))
            await until(platform, spec.id, RUNNING, self.timeout)
            await until(second, spec.id, RUNNING, self.timeout)
            await second.stop(spec.id)
            await until(platform, spec.id, None, self.timeout)
            await until(second, spec.id, None, self.timeout)
        finally:
            await second.close()

    def _role(self, seen: Observed) -> str:
        return next(role for role in seen.status.roles if role.startswith(self.log_role))

    def _claiming(self, ready: Spec, owner: str) -> Spec:
        """What a launch of this owner makes of one that is kept ready."""
        wish = self.spec(owner=owner, name="mine", idle=3600)
        changes = {"id": ready.id, "claimed": wish.id, "generation": ready.generation + 1}
        return wish.model_copy(update=changes)

    def _resized(self, spec: Spec, members: int, generation: int) -> Spec:
        options = spec.options | {self.size: members}
        return spec.model_copy(update={"options": options, "generation": generation})


def _has(members: int) -> Callable[[Status], bool]:
    return lambda s: s.phase is RUNNING and s.ready == s.wanted == members


__all__ = ["PlatformSuite"]
