"""The tools behind the make targets."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tests.house.scripts import script
from tests.house.test_source import ROOT

pytestmark = pytest.mark.slow

pip_settings = script("pip_settings")
licences = script("licences")
requirements_table = script("requirements_table")


def test_settings_of_pip_are_understood_and_the_environment_wins() -> None:
    """As pip itself has it."""
    listing = [
        "global.index-url='https://one.example/simple'",
        ":env:.index-url='https://two.example/simple'",
        "install.find-links='/nowhere https://wheels.example'",
        "freeze.timeout='5'",
        "something else",
    ]
    settings = pip_settings.parse(listing)
    assert settings == {
        "index-url": "https://two.example/simple",
        "find-links": "/nowhere https://wheels.example",
    }
    assert sorted(pip_settings.exports(settings, {})) == [
        "export UV_DEFAULT_INDEX=https://two.example/simple",
        "export UV_FIND_LINKS=https://wheels.example",
    ]


def test_what_the_user_has_told_uv_stays() -> None:
    """uv's own variables go before pip's settings."""
    settings = {"index-url": "https://one.example/simple"}
    assert pip_settings.exports(settings, {"UV_DEFAULT_INDEX": "x"}) == []


def test_settings_are_quoted_for_the_shell() -> None:
    """A setting can't become a command."""
    lines = pip_settings.exports({"index-url": "https://a.example/$(id)"}, {})
    assert lines == ["export UV_DEFAULT_INDEX='https://a.example/$(id)'"]


@pytest.mark.parametrize(
    ("text", "free"),
    [
        ("MIT", True),
        ("Apache-2.0 OR GPL-3.0-only", True),
        ("MIT AND GPL-3.0-only", False),
        ("GPL-3.0-or-later", False),
        ("AGPLv3", False),
        ("Proprietary", False),
        ("", False),
    ],
)
def test_licences_are_told_apart(text: str, free: bool) -> None:
    """An alternative will do, an addition won't."""
    assert licences.permissive(text) is free


@pytest.mark.shows("K124")
def test_all_that_is_needed_at_run_time_is_free_to_use() -> None:
    """The project's requirements with all extras, and theirs."""
    needed = licences.needed()
    assert {"jupyterhub", "distributed", "fastapi", "pydantic"} <= set(needed)
    said = {name: licences.licence(name, one) for name, one in needed.items()}
    assert not {name: text for name, text in said.items() if not licences.permissive(text)}


def test_marks_are_found_on_functions_classes_and_modules(tmp_path: Path) -> None:
    """Wherever pytest lets them stand."""
    (tmp_path / "test_a.py").write_text(
        "import pytest\n"
        "pytestmark = [pytest.mark.shows('K1')]\n"
        "@pytest.mark.shows('K2', 'T3')\n"
        "async def test_one(): ...\n"
        "@pytest.mark.shows('K2')\n"
        "class TestTwo: ...\n"
    )
    assert requirements_table.shown_by(tmp_path) == {
        "K1": ["test_a"],
        "K2": ["test_a::test_one", "test_a::TestTwo"],
        "T3": ["test_a::test_one"],
    }


def test_a_test_can_not_show_what_nobody_asked_for() -> None:
    """A mistyped id is an error."""
    lines = {"groups": {"A": {"K1": "One."}}, "in_part": {}, "superseded": {}, "double": []}
    with pytest.raises(ValueError, match="K9"):
        requirements_table.page(lines, {"K9": ["test_a"]})


def test_each_requirement_has_a_state() -> None:
    """By its tests, and by what is known to be missing."""
    lines = {
        "groups": {"A": {"K1": "One.", "K2": "Two.", "K3": "Three.", "K4": "Four.", "K5": "Five."}},
        "in_part": {"K2": "its end", "K3": "all of it"},
        "superseded": {"K5": "nobody needs it"},
        "double": ["K3", "K4"],
    }
    page = requirements_table.page(lines, {"K1": ["test_a"], "K2": ["test_b"], "K4": ["test_c"]})
    assert "| K1 | One. | shown | `test_a` |" in page
    assert "| K2 | Two. | in part: its end | `test_b` |" in page
    assert "| K3 | Three. | open |  |" in page
    assert "| K4 | Four. | double | `test_c` |" in page
    assert "| K5 | Five. | superseded: nobody needs it |  |" in page
    assert "1 shown, 1 double, 1 in part, 1 open, 1 superseded" in page


def test_an_old_python_is_told_in_a_sentence(tmp_path: Path) -> None:
    """Nobody reads a traceback to learn that."""
    old = tmp_path / "python3"
    old.write_text('#!/bin/sh\n[ "$1" = --version ] && echo Python 3.9.2\nexit 1\n')
    old.chmod(0o755)
    made = subprocess.run(
        ["sh", "tools/environment.sh", str(tmp_path / "venv")],
        cwd=ROOT,
        env={"PATH": "/usr/bin:/bin", "PYTHON": str(old)},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert made.returncode == 1
    assert "needs Python 3.11 or newer" in made.stderr
    assert "Python 3.9.2" in made.stderr


def test_a_python_without_ensurepip_is_told_in_a_sentence(tmp_path: Path) -> None:
    """Debian's python3 without python3-venv."""
    bare = tmp_path / "python3"
    bare.write_text(
        f'#!/bin/sh\ncase "$2" in *ensurepip*) exit 1;; esac\nexec {sys.executable} "$@"\n'
    )
    bare.chmod(0o755)
    made = subprocess.run(
        ["sh", "tools/environment.sh", str(tmp_path / "venv")],
        cwd=ROOT,
        env={"PATH": "/usr/bin:/bin", "PYTHON": str(bare)},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert made.returncode == 1
    assert "apt-get install python3-venv" in made.stderr
