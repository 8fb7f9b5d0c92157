"""What a notebook has in an Arkouda server: found, saved, verified and loaded, in all ages."""

from __future__ import annotations

import errno
import gc
import json
import os
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from alongside.errors import AlongsideError, Conflict, InvalidRequest, NotFound, StorageFailed
from alongside.kinds.arkouda import client as clients
from alongside.kinds.arkouda import files, objects, saving
from tests.client.arkouda_kernel import DOUBLE_ONLY, age, ak, connection, group
from tests.doubles.arkouda.started import Started

pytestmark = pytest.mark.slow

__all__ = ["age", "ak"]


@pytest.fixture
def three(tmp_path: Path, age: str, ak: Any) -> Iterator[Started]:
    """A group of three locales that the kernel is attached to."""
    with group(tmp_path / "three", age, 3) as server:
        clients.connect(connection(server), "etl")
        yield server


class Told:
    """Progress, as it was told."""

    def __init__(self) -> None:
        self.lines: list[tuple[str, int, int]] = []

    def __call__(self, message: str, done: int, of: int) -> None:
        self.lines.append((message, done, of))


def values(array: Any) -> list[Any]:
    return list(array.to_ndarray().tolist())


@pytest.mark.shows("K39")
def test_everything_comes_back_with_another_number_of_locales(
    tmp_path: Path, age: str, ak: Any, three: Started
) -> None:
    numbers = ak.arange(0, 10, 1)
    kept: dict[str, Any] = {"squares": numbers * numbers, "label": "a"}
    names = {
        "numbers": numbers,
        "same": numbers,
        "halves": numbers / 2,
        "kept": kept,
        "rows": [ak.arange(0, 4, 1), ak.arange(4, 8, 1)],
        "pair": (ak.arange(0, 3, 1), 7),
        "n": 5,
        "_": numbers,
        "Out": {1: numbers},
        "ak": ak,
    }
    del numbers
    told = Told()
    saved = saving.snapshot(names, tmp_path / "saved", told)
    assert saved == ("halves", "kept", "numbers", "pair", "rows", "same")
    assert told.lines[-1][1:] == (6, 6)
    assert [done for _, done, _ in told.lines] == list(range(7))
    # the server has it all still, and every object has a file of each locale
    assert values(names["halves"])[9] == 4.5
    assert len([p for p in (tmp_path / "saved").iterdir() if p.name != files.MANIFEST]) == 6 * 3
    rows = names["rows"]
    with group(tmp_path / "two", age, 2) as other:
        clients.connect(connection(other), "etl")
        loaded = saving.restore(names, tmp_path / "saved", told)
        gc.collect()  # the old objects go, and take nothing of the new server with them
        assert set(loaded) == set(saved)
        assert values(names["numbers"]) == list(range(10))
        assert names["same"] is names["numbers"]
        assert values(names["halves"])[9] == 4.5
        assert names["kept"] is kept
        assert values(kept["squares"])[3] == 9
        assert kept["label"] == "a"
        assert names["rows"] is rows
        assert values(rows[1]) == [4, 5, 6, 7]
        assert values(names["pair"][0]) == [0, 1, 2]
        assert (names["pair"][1], names["n"]) == (7, 5)
        # in a kernel that knows nothing of them any more
        fresh: dict[str, Any] = {}
        saving.restore(fresh, tmp_path / "saved", told)
        assert fresh["same"] is fresh["numbers"]
        assert values(fresh["kept"]["squares"])[3] == 9
        assert fresh["kept"]["label"] == "a"
        names.clear(), fresh.clear(), kept.clear(), rows.clear()


def test_an_old_object_is_not_taken_for_one_of_another_server(
    tmp_path: Path, age: str, ak: Any, three: Started
) -> None:
    old = ak.arange(0, 5, 1)
    with group(tmp_path / "other", age) as other:
        clients.connect(connection(other), "other")
        new = ak.ones(3)
        with pytest.raises(RuntimeError):
            old.sum()
        del old
        gc.collect()
        assert new.sum() == 3
        del new


def test_attaching_again_to_the_same_server_leaves_its_objects(ak: Any, three: Started) -> None:
    mine = ak.arange(0, 5, 1)
    clients.connect(connection(three), "etl")
    assert mine.sum() == 10
    del mine


def test_nothing_to_save_is_no_error_and_leaves_no_file(tmp_path: Path, three: Started) -> None:
    assert saving.snapshot({"n": 5, "text": "x"}, tmp_path / "saved", Told()) == ()
    assert not (tmp_path / "saved").exists()


def test_what_is_in_an_object_of_ones_own_is_named_instead_of_lost(
    tmp_path: Path, ak: Any, three: Started
) -> None:
    class Model:
        weights: Any

    model = Model()
    model.weights = ak.ones(3)
    with pytest.raises(Conflict, match=r"model\.weights") as raised:
        saving.snapshot({"model": model}, tmp_path / "saved", Told())
    assert "model_weights = model.weights" in raised.value.remedy
    assert not (tmp_path / "saved").exists()
    del model


@DOUBLE_ONLY
def test_fewer_files_than_locales_abort_and_name_the_array(
    tmp_path: Path, ak: Any, three: Started, monkeypatch: pytest.MonkeyPatch
) -> None:
    written = files._check

    def lost(name: str, directory: Path, found: Any, *rest: Any) -> None:
        if name == "second":
            found.popitem()
        written(name, directory, found, *rest)

    monkeypatch.setattr(files, "_check", lost)
    names = {"first": ak.ones(2), "second": ak.ones(4)}
    with pytest.raises(StorageFailed, match="second has 2 files instead of 3"):
        saving.snapshot(names, tmp_path / "saved", Told())
    assert not (tmp_path / "saved").exists()
    assert names["second"].sum() == 4
    names.clear()


@DOUBLE_ONLY
def test_a_full_disk_aborts_names_the_array_and_leaves_the_group(
    tmp_path: Path, age: str, ak: Any
) -> None:
    import resource

    with group(tmp_path / "small", age, 2) as server:
        for process in [server.process.pid, *(one.pid for one in server.members())]:
            resource.prlimit(process, resource.RLIMIT_FSIZE, (100_000, 100_000))
        clients.connect(connection(server), "etl")
        names = {"small": ak.ones(10), "large": ak.ones(1_000_000)}
        with pytest.raises(StorageFailed, match="large") as raised:
            saving.snapshot(names, tmp_path / "saved", Told())
        assert "space" in raised.value.remedy
        assert not (tmp_path / "saved").exists()
        assert names["large"].sum() == 1_000_000
        names.clear()


def test_arrays_of_another_notebook_are_told_of(
    tmp_path: Path, ak: Any, three: Started, monkeypatch: pytest.MonkeyPatch
) -> None:
    names = {"a": ak.ones(3)}
    table = ["another_1", "another_2", names["a"].name]
    monkeypatch.setattr(ak, "list_symbol_table", lambda: table, raising=False)
    told = Told()
    saving.snapshot(names, tmp_path / "saved", told)
    assert "2 more arrays in it are of no variable here" in told.lines[-1][0]
    names.clear()


def test_a_disk_without_room_is_told_before_anything_is_written(
    tmp_path: Path, ak: Any, three: Started, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(saving, "_SPARE", 2**62)
    names = {"a": ak.ones(10)}
    with pytest.raises(StorageFailed, match="not enough space"):
        saving.snapshot(names, tmp_path / "saved", Told())
    assert not (tmp_path / "saved").exists()
    names.clear()


def test_a_directory_that_the_server_does_not_see_is_told(
    tmp_path: Path, ak: Any, three: Started, monkeypatch: pytest.MonkeyPatch
) -> None:
    names = {"a": ak.ones(10)}
    seen = files._check
    monkeypatch.setattr(files, "_check", lambda n, d, found, *rest: seen(n, d, {}, *rest))
    with pytest.raises(StorageFailed, match="another directory"):
        saving.snapshot(names, tmp_path / "saved", Told())
    names.clear()


def test_a_directory_in_use_or_with_odd_characters_is_refused(
    tmp_path: Path, age: str, ak: Any, three: Started
) -> None:
    names = {"a": ak.ones(3)}
    (tmp_path / "used").mkdir()
    (tmp_path / "used" / "mine").write_text("x")
    with pytest.raises(Conflict, match="not empty"):
        saving.snapshot(names, tmp_path / "used", Told())
    assert (tmp_path / "used" / "mine").read_text() == "x"
    for odd in ("a[1]", "a*", *(["a b"] if age == "2021" else [])):
        with pytest.raises(InvalidRequest, match="characters"):
            saving.snapshot(names, tmp_path / odd, Told())
    names.clear()


def test_files_that_are_not_as_they_were_are_told_and_nothing_changes(
    tmp_path: Path, ak: Any, three: Started
) -> None:
    saved = tmp_path / "saved"
    names = {"a": ak.arange(0, 9, 1), "b": ak.ones(5)}
    saving.snapshot(names, saved, Told())
    before = dict(names)
    one = next(path for path in sorted(saved.iterdir()) if "_b" in path.name)
    whole = one.read_bytes()
    one.write_bytes(whole[:-20])
    with pytest.raises(StorageFailed, match="bytes instead of"):
        saving.restore(names, saved, Told())
    one.unlink()
    with pytest.raises(StorageFailed, match="is missing"):
        saving.restore(names, saved, Told())
    one.write_bytes(whole)
    manifest = json.loads((saved / files.MANIFEST).read_text())
    manifest["objects"]["b"]["sum"] = 77.0
    (saved / files.MANIFEST).write_text(json.dumps(manifest))
    with pytest.raises(StorageFailed, match="b is not what was saved"):
        saving.restore(names, saved, Told())
    assert all(names[name] is before[name] for name in before)
    (saved / files.MANIFEST).unlink()
    with pytest.raises(NotFound, match="Nothing is saved"):
        saving.restore(names, saved, Told())
    before.clear(), names.clear()


@DOUBLE_ONLY
@pytest.mark.parametrize("moment", ["saving", "loading"])
def test_a_server_that_is_killed_in_the_middle_is_told_within_seconds(
    tmp_path: Path, ak: Any, three: Started, moment: str
) -> None:
    names = {"a": ak.ones(3), "b": ak.ones(4)}
    saved = tmp_path / "saved"
    if moment == "loading":
        saving.snapshot(names, saved, Told())

    def kill(message: str, done: int, of: int) -> None:
        if done == 1:
            os.killpg(three.process.pid, signal.SIGKILL)
            three.process.wait(10)

    work = saving.snapshot if moment == "saving" else saving.restore
    with pytest.raises(AlongsideError, match="ended"):
        work(names, saved, kill)
    assert saved.exists() == (moment == "loading")
    names.clear()


@DOUBLE_ONLY
def test_an_object_of_an_unknown_class_is_named(tmp_path: Path, ak: Any, three: Started) -> None:
    class Odd:
        size = 3

    Odd.__module__ = "arkouda.odd"
    with pytest.raises(Conflict, match=r"strange can't be saved: .*class Odd"):
        saving.snapshot({"strange": Odd()}, tmp_path / "saved", Told())


@DOUBLE_ONLY
def test_tables_come_back_as_tables(tmp_path: Path, age: str, ak: Any, three: Started) -> None:
    if age == "2021":
        pytest.skip("that client has no tables")
    frame = ak.DataFrame({"a": ak.arange(0, 4, 1), "b": ak.ones(4)})
    names = {"frame": frame}
    del frame
    saving.snapshot(names, tmp_path / "saved", Told())
    saving.restore(names, tmp_path / "saved", Told())
    assert type(names["frame"]).__name__ == "DataFrame"
    assert values(names["frame"]["a"]) == [0, 1, 2, 3]
    names.clear()


class Composed:
    """Stands for the client's composed classes, of which the double has none."""

    def __init__(self, *parts: Any, **named: Any) -> None:
        self.parts = (*parts, *named.values())

    @classmethod
    def from_codes(cls, codes: Any, categories: Any) -> Composed:
        return cls(codes, categories)

    @property
    def values(self) -> Any:
        return self.parts[-1] if type(self).__name__ == "SegArray" else self.parts[0]

    codes = segments = keys = levels = property(lambda self: self.parts[0])
    categories = index = property(lambda self: self.parts[1])


@DOUBLE_ONLY
@pytest.mark.parametrize(
    "name",
    ["Datetime", "Timedelta", "Categorical", "SegArray", "GroupBy", "MultiIndex", "Index"],
)
def test_what_a_client_cannot_write_by_itself_is_saved_in_parts(
    tmp_path: Path, ak: Any, three: Started, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    kind: Any = type(name, (Composed,), {"__module__": "arkouda.composed"})
    monkeypatch.setattr(ak, name, kind, raising=False)
    one, two = ak.arange(0, 5, 1), ak.ones(5)
    several = name in ("MultiIndex", "GroupBy")
    whole = kind([one, two]) if several else kind(one, two)
    names = {"whole": whole, "one": one}
    saving.snapshot(names, tmp_path / "saved", Told())
    saving.restore(names, tmp_path / "saved", Told())
    made = names["whole"]
    assert type(made) is kind
    assert made is not whole
    first = made.parts[0][0] if several else made.parts[0]
    assert values(first) == [0, 1, 2, 3, 4]
    made.parts = whole.parts = ()
    names.clear()


def test_the_manifest_is_written_in_one_step(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / files.MANIFEST
    files.write_manifest(tmp_path, {"format": 1, "n": 1})

    def full(fd: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="space"):
        files.write_manifest(tmp_path, {"format": 1, "n": 2})
    assert json.loads(path.read_text())["n"] == 1


@pytest.mark.parametrize("name", ["_", "__", "_3", "_i", "_i12", "_ih", "_oh", "Out", "In"])
def test_what_a_notebook_remembers_by_itself_is_not_saved(name: str) -> None:
    assert objects.is_history(name)


@pytest.mark.parametrize("name", ["a", "_private", "Input", "_import", "i1", "out"])
def test_what_a_person_named_is_saved(name: str) -> None:
    assert not objects.is_history(name)
