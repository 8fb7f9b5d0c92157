"""Who reads what is stored of a user to write it anew, and who waits for that."""

from __future__ import annotations

import asyncio

import pytest

from alongside_authenticators import keeping
from alongside_authenticators.keeping import Keeping
from alongside_authenticators.refusals import Refused


async def test_one_at_a_time_of_each_user() -> None:
    """Others don't wait."""
    kept, inside = Keeping(stores=True), 0

    async def change(name: str) -> None:
        nonlocal inside
        async with kept.turn(name):
            inside += 1
            assert inside <= 2
            await asyncio.sleep(0)
            inside -= 1

    async with kept.turn("bob"):
        await asyncio.gather(*(change("ada") for _ in range(20)), change("eve"))
    async with kept.turn("bob"):
        pass


async def test_nobody_waits_for_ever(monkeypatch: pytest.MonkeyPatch) -> None:
    """An operator's own hook may never end; and whoever waited has left nothing locked."""
    kept = Keeping(stores=True)
    monkeypatch.setattr(keeping, "PATIENCE", 0.01)
    async with kept.turn("ada"):
        with pytest.raises(Refused, match="Busy"):
            async with kept.turn("ada"):
                raise AssertionError("two at once")
    async with kept.turn("ada"):
        pass
