"""The catalogue's file: read strictly, followed, never lost to a bad edit."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from alongside.catalogue_file import CatalogueFile, parse_catalogue
from alongside.errors import CatalogueError

GOOD = "profiles:\n  small:\n    title: Small\n"


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "catalogue.yaml"
    path.write_text(GOOD)
    return path


def bomb(width: int = 9, depth: int = 9) -> str:
    """The classical one: each list is nine times the one before."""
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x]"]
    for level in range(1, depth):
        references = ", ".join([f"*a{level - 1}"] * width)
        lines.append(f"a{level}: &a{level} [{references}]")
    return "\n".join(lines)


@pytest.mark.parametrize(
    ("text", "line", "sentence"),
    [
        (bomb(), 1, "anchors and aliases"),
        ("profiles: &x {}\n", 1, "anchors and aliases"),
        ("profiles:\n  a:\n    title: A\n  a:\n    title: B\n", 4, "'a' is there twice"),
        ("profiles:\n  a: {title: A, title: B}\n", 2, "'title' is there twice"),
        ("profiles:\n  a:\n    title: A\n    colour: red\n", 4, "profiles.a.colour is not known"),
        ("profiles:\n  a:\n    descr", 2, "profiles.a is not a mapping"),
        ("profiles:\n  a: [\n", 3, "Correct the YAML"),
        ("profiles: !!python/object:os.system {}\n", 1, "Correct the YAML|could not determine"),
        ("profiles: " + "[" * 50 + "]" * 50, 1, "nested more than 20 deep"),
        ("profiles:\n  a:\n    title: [x]\n", 3, "profiles.a.title"),
        ("quotas:\n  default: {backends: -1}\nprofiles: {}\n", 2, "backends is too small"),
        ("tabs:\n\t- x\n", 2, "Correct the YAML"),
    ],
)
def test_a_bad_file_is_refused_with_line_and_sentence(text: str, line: int, sentence: str) -> None:
    with pytest.raises(CatalogueError, match=sentence) as caught:
        parse_catalogue(text, "catalogue.yaml")
    assert f"catalogue.yaml, line {line}:" in caught.value.message
    assert caught.value.remedy


@pytest.mark.parametrize("text", ["", "just words", "- a\n- b\n", "--- a\n--- b\n", "\x07"])
def test_what_is_no_catalogue_at_all_is_refused(text: str) -> None:
    with pytest.raises(CatalogueError) as caught:
        parse_catalogue(text, "catalogue.yaml")
    assert caught.value.remedy


@pytest.mark.shows("T26")
def test_an_edit_is_seen_and_a_bad_one_keeps_the_last_good(path: Path) -> None:
    file = CatalogueFile(path)
    assert list(file.current().profiles) == ["small"]
    assert not file.refresh()
    path.write_text(GOOD + "  large:\n    title: Large\n")
    assert file.refresh()
    assert list(file.current().profiles) == ["small", "large"]
    path.write_text(GOOD + "  broken: [\n")
    assert file.refresh()
    assert list(file.current().profiles) == ["small", "large"]
    assert f"{path}, line 5" in file.problem
    path.write_text(GOOD)
    assert file.refresh()
    assert file.problem == ""
    assert list(file.current().profiles) == ["small"]


@pytest.mark.shows("T26")
def test_the_swapped_link_of_a_config_map_is_seen(tmp_path: Path) -> None:
    for version, title in (("1", "Old"), ("2", "New")):
        (tmp_path / version).mkdir()
        (tmp_path / version / "catalogue.yaml").write_text(GOOD.replace("Small", title))
    os.utime(tmp_path / "2" / "catalogue.yaml", ns=(1, 1))
    os.utime(tmp_path / "1" / "catalogue.yaml", ns=(1, 1))
    (tmp_path / "..data").symlink_to("1")
    (tmp_path / "catalogue.yaml").symlink_to("..data/catalogue.yaml")
    file = CatalogueFile(tmp_path / "catalogue.yaml")
    assert file.current().profiles["small"].title == "Old"
    (tmp_path / "..new").symlink_to("2")
    (tmp_path / "..new").rename(tmp_path / "..data")
    assert file.refresh()
    assert file.current().profiles["small"].title == "New"


def test_a_missing_file_offers_nothing_until_it_is_there(tmp_path: Path) -> None:
    file = CatalogueFile(tmp_path / "catalogue.yaml")
    assert not file.current().profiles
    assert "No such file" in file.problem
    (tmp_path / "catalogue.yaml").write_text(GOOD)
    assert list(file.fresh().profiles) == ["small"]
    (tmp_path / "catalogue.yaml").unlink()
    assert list(file.fresh().profiles) == ["small"]
    assert file.problem


def test_a_file_of_more_than_a_mebibyte_is_refused(path: Path) -> None:
    path.write_text("#" * (2**20 + 1))
    assert "larger than 1 MiB" in CatalogueFile(path).problem


def test_a_file_that_is_not_text_is_refused(path: Path) -> None:
    path.write_bytes(GOOD.encode() + b"  \xff: x\n")
    assert "line 4: not UTF-8" in CatalogueFile(path).problem


def test_a_fifo_does_not_hold_us_up(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "catalogue.yaml")
    assert CatalogueFile(tmp_path / "catalogue.yaml").problem


@pytest.mark.shows("T26")
def test_the_embedded_catalogue_is_good() -> None:
    file = CatalogueFile(Path(__file__).parents[2] / "deploy" / "local" / "catalogue.yaml")
    assert file.problem == ""
    assert list(file.current().profiles) == ["dask-small", "dask-large", "arkouda"]
