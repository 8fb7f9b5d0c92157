"""Another Unix account, and a view of the files in which it reaches the Python of the tests."""

from __future__ import annotations

import os
import pwd
import shutil
import stat as modes
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

_VIEW = "ALONGSIDE_TEST_VIEW"
_SCRIPT = """
set -e
mount --bind "$2" "$3"; mount -t tmpfs -o mode=755 tmpfs "$1"; mkdir "$2"; mount --bind "$3" "$2"
shift 3
exec "$@"
"""


@contextmanager
def another_account(name: str) -> Iterator[pwd.struct_passwd]:
    """A real one, removed afterwards. Skips where there can be none, or it reaches no Python."""
    if os.geteuid() != 0 or shutil.which("useradd") is None:
        pytest.skip("only root can add accounts")
    if _closed_parent() is not None:
        pytest.skip("other accounts can't reach this interpreter; a test of the same file shows it")
    subprocess.run(["useradd", "--create-home", "--user-group", name], check=True)
    try:
        yield pwd.getpwnam(name)
    finally:
        subprocess.run(["userdel", "--remove", name], check=True, capture_output=True)


def run_in_a_view(folder: Path, *tests: str) -> str:
    """What pytest prints of these tests where Python lives in a closed directory (/root): they run
    in a view of their own (a mount namespace) in which that directory is passable and has nothing
    but Python in it. Skips where Python can be reached anyhow; `folder` is an empty one.
    """
    closed = _closed_parent()
    if closed is None or _VIEW in os.environ or os.geteuid() != 0:
        pytest.skip("accounts reach this interpreter, or we are none that could show it")
    child = closed / Path(sys.executable).resolve().relative_to(closed).parts[0]
    done = subprocess.run(
        [
            *("unshare", "--mount", "--propagation", "private", "sh", "-c", _SCRIPT, "view"),
            *(str(closed), str(child), str(folder)),
            *(sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", *tests),
        ],
        env=os.environ | {_VIEW: "1"},
        capture_output=True,
        text=True,
        timeout=150,
    )
    if "unshare failed" in done.stderr:
        pytest.skip("no mount namespaces here")
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def _closed_parent() -> Path | None:
    """The directory above our interpreter that other accounts may not pass, if there is one."""
    for path in reversed(Path(sys.executable).resolve().parents):
        if not path.stat().st_mode & modes.S_IXOTH:
            return path
    return None
