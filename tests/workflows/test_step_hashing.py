"""Files and directories have one hash, wherever they are."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

import pytest

from alongside_workflows.step.hashing import sha256


def tree(root: Path, names: list[str]) -> Path:
    for name in names:
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(name)
    return root


def test_a_file_has_the_hash_that_sha256sum_tells(tmp_path: Path) -> None:
    path = tmp_path / "data"
    path.write_bytes(b"x" * 3_000_000)
    assert sha256(path) == hashlib.sha256(b"x" * 3_000_000).hexdigest()


def test_the_hash_of_a_directory_knows_no_order_no_place_no_time(tmp_path: Path) -> None:
    names = ["b", "a/z", "a/y", "a.b", "ünïcode"]
    first = tree(tmp_path / "first", names)
    second = tree(tmp_path / "second", names[::-1])
    os.utime(second / "b", (1, 1))
    assert sha256(first) == sha256(second)


@pytest.mark.parametrize("change", ["content", "name", "empty", "link", "extra"])
def test_whatever_changes_in_a_directory_changes_its_hash(tmp_path: Path, change: str) -> None:
    root = tree(tmp_path / "tree", ["a/b", "c"])
    before = sha256(root)
    if change == "content":
        (root / "c").write_text("other")
    elif change == "name":
        (root / "c").rename(root / "d")
    elif change == "empty":
        (root / "nothing").mkdir()
    elif change == "link":
        (root / "c").unlink()
        (root / "c").symlink_to("a/b")
    else:
        (root / "a" / "c").write_text("")
    assert sha256(root) != before


def test_a_link_to_itself_ends(tmp_path: Path) -> None:
    root = tree(tmp_path / "tree", ["a"])
    (root / "loop").symlink_to(root)
    assert len(sha256(root)) == 64


def test_what_is_no_file_is_an_error_and_nothing_waits(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(OSError, match="neither"):
        sha256(tmp_path / "pipe")
    tree(tmp_path, ["file"])
    assert sha256(tmp_path)  # the pipe counts for nothing
