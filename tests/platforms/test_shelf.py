"""Shelves: small documents beside the backends. The same for every place where they can lie."""

from __future__ import annotations

import asyncio
import stat
from pathlib import Path

import pytest

from alongside.errors import AlongsideError, Conflict, InvalidRequest, NotFound, StorageFailed
from alongside.platforms.kubernetes.shelf import body, name_of, parse
from alongside.platforms.local.shelf import LocalShelf
from alongside.platforms.shelf import LARGEST, Shelf
from tests.doubles.memory_platform import MemoryShelf


class ShelfSuite:
    """What every shelf must do. It needs a fixture `shelf`, empty, and `other`, over the same
    place."""

    async def test_what_is_put_is_there(self, shelf: Shelf) -> None:
        assert await shelf.documents("schedule") == []
        assert await shelf.get("schedule", "a") is None
        text = '{"name": "Ünï", "lines": "a\\nb"}'
        put = await shelf.put("schedule", "a", text, None)
        assert (put.sort, put.id, put.text) == ("schedule", "a", text)
        assert await shelf.get("schedule", "a") == put
        assert await shelf.documents("schedule") == [put]

    async def test_sorts_are_apart_and_documents_in_order(self, shelf: Shelf) -> None:
        for sort, id in (("schedule", "b"), ("run", "a"), ("schedule", "a")):
            await shelf.put(sort, id, sort, None)
        assert [d.id for d in await shelf.documents("schedule")] == ["a", "b"]
        assert [d.text for d in await shelf.documents("run")] == ["run"]
        await shelf.delete("run", "a")
        assert [d.id for d in await shelf.documents("schedule")] == ["a", "b"]

    async def test_only_who_knows_the_last_version_may_write(
        self, shelf: Shelf, other: Shelf
    ) -> None:
        first = await shelf.put("schedule", "a", "1", None)
        with pytest.raises(Conflict):
            await other.put("schedule", "a", "2", None)
        second = await other.put("schedule", "a", "2", first.version)
        with pytest.raises(Conflict):
            await shelf.put("schedule", "a", "3", first.version)
        assert await shelf.get("schedule", "a") == second

    async def test_of_many_writers_at_once_one_wins(self, shelf: Shelf, other: Shelf) -> None:
        first = await shelf.put("schedule", "a", "new", None)
        writers = (shelf, other) * 4
        done = await asyncio.gather(
            *(w.put("schedule", "a", str(n), first.version) for n, w in enumerate(writers)),
            return_exceptions=True,
        )
        (won,) = (d for d in done if not isinstance(d, BaseException))
        assert all(isinstance(d, Conflict) for d in done if d is not won)
        assert await other.get("schedule", "a") == won

    async def test_what_is_gone_can_not_be_changed_and_is_deleted_again(self, shelf: Shelf) -> None:
        first = await shelf.put("schedule", "a", "1", None)
        await shelf.delete("schedule", "a")
        await shelf.delete("schedule", "a")
        with pytest.raises(NotFound):
            await shelf.put("schedule", "a", "2", first.version)
        again = await shelf.put("schedule", "a", "3", None)
        with pytest.raises(Conflict):
            await shelf.put("schedule", "a", "4", first.version)
        assert await shelf.get("schedule", "a") == again

    async def test_odd_names_are_refused(self, shelf: Shelf) -> None:
        for id in ("", "../a", "A", "a/b", "a.b", "-a", "x" * 41, "a\0"):
            for call in (
                shelf.get("schedule", id),
                shelf.put("schedule", id, "", None),
                shelf.delete("schedule", id),
            ):
                with pytest.raises(InvalidRequest):
                    await call
        with pytest.raises(InvalidRequest):
            await shelf.documents("../backends")

    async def test_documents_are_small(self, shelf: Shelf) -> None:
        await shelf.put("schedule", "a", "x" * LARGEST, None)
        with pytest.raises(InvalidRequest, match="512 KiB"):
            await shelf.put("schedule", "b", "ü" * (LARGEST // 2 + 1), None)


class TestInMemory(ShelfSuite):
    @pytest.fixture
    def shelf(self) -> Shelf:
        return MemoryShelf()

    @pytest.fixture
    def other(self, shelf: Shelf) -> Shelf:
        return shelf


class TestLocal(ShelfSuite):
    @pytest.fixture
    def shelf(self, tmp_path: Path) -> Shelf:
        return LocalShelf(tmp_path / "home")

    @pytest.fixture
    def other(self, tmp_path: Path, shelf: Shelf) -> Shelf:
        return LocalShelf(tmp_path / "home")

    async def test_nobody_else_can_read_it(self, shelf: Shelf, tmp_path: Path) -> None:
        await shelf.put("schedule", "a", "1", None)
        folder = tmp_path / "home" / "shelf"
        for path in (folder, folder / "schedule"):
            assert stat.S_IMODE(path.stat().st_mode) == 0o700
        assert stat.S_IMODE((folder / "schedule" / "a.json").stat().st_mode) == 0o600

    @pytest.mark.parametrize("content", [b"", b"{", b"[]", b'{"version": "1"}', b"\xff", None])
    async def test_what_is_spoilt_is_left_out(
        self, shelf: Shelf, tmp_path: Path, content: bytes | None
    ) -> None:
        good = await shelf.put("schedule", "a", "1", None)
        spoilt = tmp_path / "home" / "shelf" / "schedule" / "b.json"
        if content is None:
            spoilt.symlink_to(tmp_path / "home" / "shelf" / "schedule" / "a.json")
        else:
            spoilt.write_bytes(content)
        (spoilt.parent / ".c.json.draft").write_text("half")
        assert await shelf.documents("schedule") == [good]
        assert await shelf.get("schedule", "b") is None

    async def test_a_place_that_is_none_is_told(self, tmp_path: Path) -> None:
        (tmp_path / "home").write_text("a file")
        shelf = LocalShelf(tmp_path / "home")
        with pytest.raises(StorageFailed) as error:
            await shelf.put("schedule", "a", "1", None)
        assert error.value.remedy
        assert isinstance(error.value, AlongsideError)


def test_the_config_map_of_a_document() -> None:
    item = body("schedule", "etl-x", "text")
    assert item["metadata"]["name"] == name_of("schedule", "etl-x") == "alongside.schedule.etl-x"
    assert item["metadata"]["labels"]["alongside.jupyter.org/component"] != "record"
    assert parse({**item, "metadata": {**item["metadata"], "resourceVersion": "7"}}) is not None
    for spoilt in (
        {**item, "data": {}},
        {**item, "metadata": {**item["metadata"], "labels": {}}},
        {**item, "metadata": {**item["metadata"], "name": "alongside.schedule.other"}},
    ):
        assert parse(spoilt) is None
