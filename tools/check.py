"""`make check`: everything about the source that needs no running hub.

Each check is a command; all are run, what fails is named at the end. Words as arguments choose
some of them: ``make check ARGS="types docs"``.
"""

from __future__ import annotations

import filecmp
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
BIN = Path(sys.executable).parent
LIMIT = 1200  # seconds for one check


def tool(name: str, *arguments: str) -> Callable[[], int]:
    """A command of the environment; its exit code."""

    def run() -> int:
        return subprocess.run(
            [str(BIN / name), *arguments], cwd=ROOT, check=False, timeout=LIMIT
        ).returncode

    return run


def types() -> int:
    """mypy: strictly over the packages and what lies beside them, and over tests."""
    code = tool("mypy")()
    # A folder of scripts has no package; its modules see each other by mypy's path.
    paths = os.pathsep.join(
        [
            "backends",
            "service",
            "spawners",
            "authenticators",
            "labextension",
            "tools",
            "deploy/local",
        ]
    )
    beside = [str(p) for d in ("tools", "deploy/local") for p in sorted((ROOT / d).glob("*.py"))]
    environment = {**os.environ, "MYPYPATH": paths}
    return (
        code
        or subprocess.run(
            [str(BIN / "mypy"), *beside], cwd=ROOT, check=False, timeout=LIMIT, env=environment
        ).returncode
    )


def locks() -> int:
    """Whether the lock files are what `make lock` would make of pyproject.toml now."""
    names = [path.name for path in sorted((ROOT / "requirements").glob("*.txt"))]
    with tempfile.TemporaryDirectory() as folder:
        code = subprocess.run(
            ["sh", "tools/lock.sh", folder], cwd=ROOT, check=False, timeout=LIMIT
        ).returncode
        if code:
            return code
        _, changed, missing = filecmp.cmpfiles(ROOT / "requirements", folder, names, shallow=False)
    for name in changed + missing:
        print(f"requirements/{name} doesn't fit pyproject.toml any more; run: make lock")
    return int(bool(changed or missing))


def panel() -> int:
    """TypeScript: style, strict types, logic, and whether the API's types are those of the API."""
    lab = tool("python", "tools/lab.py", "check")() or tool("python", "tools/lab.py", "test")()
    if lab:
        return lab
    with tempfile.TemporaryDirectory() as folder:
        fresh = Path(folder, "api.ts")
        code = subprocess.run(
            [sys.executable, "tools/lab.py", "types", str(fresh)], cwd=ROOT, check=False
        ).returncode
        if code == 0 and not filecmp.cmp(fresh, ROOT / "labextension/src/api.ts", shallow=False):
            print("labextension/src/api.ts isn't what the service's API says; run: make lists")
            return 1
    return code


CHECKS: dict[str, Callable[[], int]] = {
    "style": tool("ruff", "check", "--quiet", "."),
    "format": tool("ruff", "format", "--check", "--quiet", "."),
    "types": types,
    "panel": panel,
    "imports": tool("lint-imports"),
    "locks": locks,
    "requirements": tool("python", "tools/requirements_table.py", "--check"),
    "licences": tool("python", "tools/licences.py"),
    "house": tool("python", "-m", "pytest", "-q", "-p", "no:cacheprovider", "tests/house"),
    "docs": tool(
        *("python", "-m", "sphinx", "-q", "-W", "--keep-going", "-b", "html"),
        *("docs", "docs/_build/html"),
    ),
}


def main(chosen: list[str]) -> int:
    """Run the checks; the exit code."""
    unknown = set(chosen) - set(CHECKS)
    if unknown:
        print(f"No such check: {', '.join(sorted(unknown))}. There are: {', '.join(CHECKS)}.")
        return 2
    failed = []
    for name in chosen or CHECKS:
        began = time.monotonic()
        good = CHECKS[name]() == 0
        took = time.monotonic() - began
        print(f"{'ok    ' if good else 'FAILED'}  {name} ({took:.1f} s)", flush=True)
        if not good:
            failed.append(name)
    if failed:
        print(f'\nFailed: {", ".join(failed)}. Again: make check ARGS="{" ".join(failed)}"')
    return int(bool(failed))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
