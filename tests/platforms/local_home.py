"""Local platforms for tests, in directories with short paths, with nothing left afterwards."""

from __future__ import annotations

import os
import shutil
import sys
import tempfile
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import pytest

from alongside.kinds import get_kind, kinds
from alongside.platforms.local import LocalPlatform
from alongside.platforms.local.process import MARK, processes
from alongside.testing import until

TOY = Path(__file__).parent.parent / "kinds" / "toy"


@pytest.fixture(scope="package", autouse=True)
def _installed_toy() -> Iterator[None]:
    """Install the toy kind for this and all child processes."""
    patch = pytest.MonkeyPatch()
    patch.syspath_prepend(str(TOY))
    patch.setenv("PYTHONPATH", str(TOY), prepend=os.pathsep)
    kinds.cache_clear()
    yield
    patch.undo()
    kinds.cache_clear()
    sys.modules.pop("alongside_toy", None)


@pytest.fixture
def only_toys(monkeypatch: pytest.MonkeyPatch) -> None:
    """Warm processes import the toy kind only: a second less for each test."""
    toys = {"toy": get_kind("toy")}
    monkeypatch.setattr("alongside.platforms.local.platform.kinds", lambda: toys)


@pytest.fixture
def home() -> Iterator[Path]:
    """A state directory; its path is short, for the Unix sockets in it."""
    path = Path(tempfile.mkdtemp(prefix="al-"))
    yield path
    shutil.rmtree(path)


@pytest.fixture
def settings(home: Path) -> dict[str, Any]:
    """Traits of the platform under test."""
    return {"home": str(home), "grace": 2.0}


@pytest.fixture
async def platform(settings: dict[str, Any]) -> AsyncIterator[LocalPlatform]:
    """An open platform; in the end all its backends are ended and nothing of them is left."""
    platform = LocalPlatform(**settings)
    await platform.open()
    ids = set()
    try:
        yield platform
    finally:
        for seen in await platform.observed():
            ids.add(seen.spec.id)
            await platform.stop(seen.spec.id)
        for id in ids:
            await until(platform, id, None, 30)
        await platform.close()
    assert not leftovers(Path(settings["home"])), "processes are left"
    assert not list((Path(settings["home"]) / "backends").iterdir()), "files are left"


def leftovers(home: Path) -> list[str]:
    """Command lines of processes that belong to a backend, or a warm process, of this home."""
    found = []
    for seen in processes():
        if seen.state in "ZX":
            continue
        try:
            environment = Path(f"/proc/{seen.pid}/environ").read_bytes()
            words = Path(f"/proc/{seen.pid}/cmdline").read_bytes()
        except OSError:
            continue
        here = str(home).encode()
        if (MARK.encode() in environment and here in environment + words) or here in words:
            found.append(words.replace(b"\0", b" ").decode(errors="replace"))
    return found
