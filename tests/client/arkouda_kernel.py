"""What a notebook's kernel has that works with Arkouda: a client of some age, and servers for it.

With ``ALONGSIDE_ARKOUDA_SERVER`` in the environment these are the real server, and the real client
that is installed (see tests/README.md).
"""

from __future__ import annotations

import contextlib
import gc
import importlib
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from alongside.kinds.arkouda import client as clients
from alongside.models import Connection
from tests.doubles.arkouda import CLIENT, real
from tests.doubles.arkouda.started import Started, started

REAL = real() is not None  # seen before a test names a double in that variable
AGES = ["real"] if REAL else ["2021", "2026"]
DOUBLE_ONLY = pytest.mark.skipif(REAL, reason="a fault that only the double has")


@contextlib.contextmanager
def imported(age: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """The module `arkouda` of this age, as a fresh kernel has it; gone again afterwards."""
    if not REAL:
        monkeypatch.setenv("ARKOUDA_DOUBLE_AGE", age)
        monkeypatch.syspath_prepend(str(CLIENT))
    forget()
    module = importlib.import_module("arkouda")
    try:
        yield module
    finally:
        clients.let_go(module)
        del module
        forget()


@pytest.fixture(params=AGES)
def age(request: pytest.FixtureRequest) -> str:
    """For modules whose tests are run with clients and servers of every age."""
    return str(request.param)


@pytest.fixture
def ak(age: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """The user's client."""
    with imported(age, monkeypatch) as module:
        yield module


def forget() -> None:
    """Remove what is imported of any client."""
    for name in [name for name in sys.modules if name.partition(".")[0] == "arkouda"]:
        del sys.modules[name]
    gc.collect()


@contextlib.contextmanager
def group(directory: Path, age: str, locales: int = 1, *flags: str) -> Iterator[Started]:
    """A server with a token of its own that listens."""
    directory.mkdir(parents=True, exist_ok=True)
    with started(directory, age, "--authenticate", "-nl", str(locales), *flags) as server:
        server.listening()
        yield server


def connection(server: Started) -> Connection:
    """How a kernel is told to reach it."""
    address = f"tcp://127.0.0.1:{server.port}"
    return Connection(kind="arkouda", address=address, credentials={"token": server.token})
