"""What holds for every tracked file and every module."""

from __future__ import annotations

import ast
import os
import re
import subprocess
from importlib.metadata import entry_points
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PACKAGES = {
    "alongside": ROOT / "backends" / "alongside",
    "alongside_service": ROOT / "service" / "alongside_service",
    "alongside_spawners": ROOT / "spawners" / "alongside_spawners",
    "alongside_authenticators": ROOT / "authenticators" / "alongside_authenticators",
    "alongside_lab": ROOT / "labextension" / "alongside_lab",
    "alongside_operator": ROOT / "operators" / "alongside_operator",
    "alongside_workflows": ROOT / "workflows" / "alongside_workflows",
}
GROUPS = (
    "alongside.kinds",
    "alongside.platforms",
    "distributed.comm.backends",
    "jupyterhub.authenticators",
    "jupyterhub.spawners",
    "console_scripts",
)
# Built from pieces, so that this file has none of them.
SECRETS = {
    "a private key": re.compile("-----BEGIN " + r"[A-Z ]*PRIVATE KEY-----"),
    "an access key": re.compile(r"\b(AKIA[0-9A-Z]{16}|gh[pousr]_[A-Za-z0-9]{36}|xox[bp]-\d{6})"),
    "a password": re.compile(
        r"""\b(?i:password|passwd|secret|token)\s*[:=]\s*["'](?![A-Z_]+["'])[^"'{}<>\s]{12,}"""
    ),
    "a home directory": re.compile("/" + r"(home/(?!jovyan|\{)[a-z]\w*|Users/\w+|root)/"),
    "an address with credentials": re.compile(r"[a-z]+://[^/\s:@{}<>]+:[^/\s@{}<>]+@[a-z0-9]"),
}


def tracked() -> list[Path]:
    """The files of the project: what git tracks, or, in an unpacked release, all."""
    listing = subprocess.run(
        ["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, check=False, timeout=60
    )
    if listing.returncode:
        pytest.skip("not a git checkout")
    names = [Path(os.fsdecode(name)) for name in listing.stdout.split(b"\0") if name]
    return [name for name in names if (ROOT / name).is_file()]


def text_of(name: Path) -> str:
    """The text of a tracked file; "" for pictures and the like."""
    data = (ROOT / name).read_bytes()
    return "" if b"\0" in data[:4096] else data.decode("utf-8")


@pytest.mark.shows("K100")
@pytest.mark.parametrize("what", SECRETS)
def test_no_tracked_file_has(what: str) -> None:
    """Neither a secret nor a place on somebody's machine is in the source."""
    found = [
        f"{name}: {match.group()[:60]}"
        for name in tracked()
        if name.suffix != ".lock"
        and not name.name.endswith("lock.json")
        and name.parts[0] != "requirements"
        # Tests make up tokens for services of their own.
        if not (what == "a password" and name.parts[0] == "tests")
        if (match := SECRETS[what].search(text_of(name)))
    ]
    assert not found


def test_no_lock_file_names_a_registry_or_a_machine() -> None:
    """Whoever installs does so from an index of their own."""
    locks = [ROOT / "deploy" / "local" / "proxy" / "package-lock.json"]
    for lock in [*locks, *sorted((ROOT / "requirements").glob("*.txt"))]:
        text = lock.read_text(encoding="utf-8")
        assert "://" not in re.sub(r'"(url|funding)": "[^"]*"', "", text), lock.name
        assert "file:" not in text, lock.name
    assert "://" not in (ROOT / "labextension" / "yarn.lock").read_text(encoding="utf-8")


def test_every_package_that_is_locked_is_locked_by_hash() -> None:
    """A changed archive is not installed."""
    for lock in sorted((ROOT / "requirements").glob("*.txt")):
        pins = re.split(r"\n(?=\S)", lock.read_text(encoding="utf-8"))
        bare = [pin.split()[0] for pin in pins if "==" in pin and "--hash=sha256:" not in pin]
        assert not bare, lock.name


def test_every_module_says_what_it_is() -> None:
    """A module begins with a docstring, in tests and tools as well."""
    silent = [
        str(name)
        for name in tracked()
        if name.suffix == ".py"
        and (source := text_of(name)).strip()
        and not ast.get_docstring(ast.parse(source))
    ]
    assert not silent


def test_nothing_is_called_utils() -> None:
    """A module is named after a concept."""
    vague = {"utils", "util", "helpers", "helper", "common", "misc"}
    assert not [str(name) for name in tracked() if name.stem in vague]


@pytest.mark.parametrize("group", GROUPS)
def test_entry_points_load(group: str) -> None:
    """What the distribution announces is there."""
    ours = [p for p in entry_points(group=group) if p.value.startswith("alongside")]
    assert ours
    for point in ours:
        assert point.load() is not None


def test_a_target_of_the_makefile_is_one_line() -> None:
    """What a target does is in a tool that can be read, checked and tested."""
    lines = (ROOT / "Makefile").read_text(encoding="utf-8").splitlines()
    recipes = [number for number, line in enumerate(lines) if line.startswith("\t")]
    assert recipes
    assert not [lines[n] for n in recipes if lines[n - 1].startswith("\t")]
    assert not [lines[n] for n in recipes if lines[n].endswith("\\")]


def test_every_package_offers_its_types() -> None:
    """Users' type checkers see our types."""
    for package in PACKAGES.values():
        assert (package / "py.typed").is_file()
