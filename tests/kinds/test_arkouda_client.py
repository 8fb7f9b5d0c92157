"""Attaching a kernel's own Arkouda client: in bounded time, quietly, and to the right server."""

from __future__ import annotations

import gc
import logging
import os
import signal
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import zmq

from alongside.errors import Conflict, NotAllowed, NotReady
from alongside.kinds.arkouda import client as clients
from alongside.kinds.arkouda import watched
from alongside.kinds.arkouda.client import ClientMissing
from tests.client.arkouda_kernel import DOUBLE_ONLY, REAL, age, ak, connection, forget, group
from tests.doubles.arkouda import CLIENT
from tests.doubles.arkouda.started import Started, started
from tests.waiting import wait_until

pytestmark = pytest.mark.slow

__all__ = ["age", "ak"]


@pytest.fixture
def server(tmp_path: Path, age: str) -> Iterator[Started]:
    with group(tmp_path / "one", age) as server:
        yield server


@pytest.mark.shows("K35")
def test_attaching_gives_the_users_module_and_shows_the_token_nowhere(
    ak: Any,
    server: Started,
    tmp_path: Path,
    capfd: pytest.CaptureFixture[str],
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    home = tmp_path / "home"
    home.mkdir()
    monkeypatch.setenv("HOME", str(home))
    with caplog.at_level(logging.DEBUG):
        module = clients.connect(connection(server), "etl")
    assert module is sys.modules["arkouda"]
    assert module.get_config()["numLocales"] == 1
    assert (module.arange(0, 4, 1) + 1).sum() == 10
    said = capfd.readouterr()
    assert server.token not in said.out + said.err + caplog.text
    assert said.out == ""
    assert list(home.rglob("*")) == []
    assert clients.DIRECTORY not in os.environ


def test_the_client_keeps_its_token_where_the_user_wants_it(
    ak: Any, server: Started, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(clients.DIRECTORY, str(tmp_path))
    clients.connect(connection(server), "etl")
    assert server.token in (tmp_path / ".arkouda" / "tokens.txt").read_text()


def test_attaching_elsewhere_leaves_the_first_server_running(
    tmp_path: Path, age: str, ak: Any, server: Started
) -> None:
    clients.connect(connection(server), "first")
    with group(tmp_path / "two", age) as other:
        clients.connect(connection(other), "second")
        assert ak.ruok() == "imok"
        assert ak.get_config()["ServerPort"] == other.port
        assert server.ask("ruok", token=server.token)["msg"] == "imok"


@DOUBLE_ONLY
def test_a_wrong_token_is_a_sentence(
    ak: Any, server: Started, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(clients, "PATIENCE", 1.0)  # a newer server ends of it
    wrong = connection(server).model_copy(update={"credentials": {"token": "x" * 32}})
    with pytest.raises((NotAllowed, NotReady)) as raised:
        clients.connect(wrong, "etl")
    assert "x" * 32 not in str(raised.value)


def answers(server: Started) -> bool:
    try:
        return server.ask("ruok", token=server.token, timeout=0.1)["msg"] == "imok"
    except zmq.Again:
        return False


@DOUBLE_ONLY
def test_a_busy_server_is_told_within_the_bound(
    ak: Any, server: Started, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(clients, "PATIENCE", 0.2)
    busy = threading.Thread(
        target=lambda: server.ask("sleep", 3, token=server.token, timeout=20), daemon=True
    )
    clients.connect(connection(server), "etl")
    busy.start()
    began = time.monotonic()
    wait_until("the server to be busy", lambda: not answers(server))
    with pytest.raises(NotReady, match="busy with a computation"):
        clients.connect(connection(server), "etl")
    with pytest.raises(NotReady, match="busy"):
        clients.ready(ak)
    assert time.monotonic() - began < 3
    busy.join(20)
    clients.connect(connection(server), "etl")
    assert ak.ruok() == "imok"


def test_no_server_is_a_sentence(ak: Any, server: Started, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(clients, "PATIENCE", 0.3)
    reached = connection(server)
    os.killpg(server.process.pid, signal.SIGKILL)
    server.process.wait(10)
    with pytest.raises(NotReady, match="can't be reached"):
        clients.connect(reached, "etl")


@pytest.mark.parametrize("moment", ["before", "during"])
def test_a_cell_that_waits_for_a_server_that_is_killed_ends_with_a_sentence(
    ak: Any, server: Started, moment: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(watched, "REACHED", 0.5)
    clients.connect(connection(server), "etl")
    array = ak.arange(0, 5, 1)

    def kill() -> None:
        os.killpg(server.process.pid, signal.SIGKILL)
        server.process.wait(10)

    if moment == "before":
        kill()
    else:
        os.killpg(server.process.pid, signal.SIGSTOP)  # as one that computes
        threading.Timer(0.3, kill).start()
    began = time.monotonic()
    with pytest.raises(ConnectionError, match="has ended"):
        array.sum()
    assert time.monotonic() - began < 5
    del array  # says so to a server that is gone, and nobody waits for that
    gc.collect()
    assert time.monotonic() - began < 6


@DOUBLE_ONLY
def test_after_a_new_start_at_the_same_place_old_objects_are_lost_not_mixed_up(
    tmp_path: Path, age: str, ak: Any, server: Started
) -> None:
    clients.connect(connection(server), "etl")
    old = ak.arange(0, 5, 1)
    os.killpg(server.process.pid, signal.SIGKILL)
    server.process.wait(10)
    (tmp_path / "again").mkdir()
    with started(tmp_path / "again", age, "--authenticate", port=server.port) as again:
        again.listening()
        clients.connect(connection(again), "etl")
        new = ak.ones(3)
        with pytest.raises(RuntimeError):
            old.sum()
        del old
        gc.collect()
        assert new.sum() == 3
        del new


def test_after_an_interrupted_cell_its_objects_are_as_before(
    ak: Any, server: Started, monkeypatch: pytest.MonkeyPatch
) -> None:
    clients.connect(connection(server), "etl")
    array = ak.arange(0, 5, 1)

    def interrupted(_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(watched.Watched, "_until_answered", interrupted)
        with pytest.raises(KeyboardInterrupt):
            array.sum()
    clients.ready(ak)  # the client has made itself a new socket, which is watched from now on
    assert array.sum() == 10
    clients.connect(connection(server), "etl")
    assert array.sum() == 10
    del array


@DOUBLE_ONLY
def test_a_client_that_does_not_understand_the_server_is_told_both_versions(
    tmp_path: Path, age: str, ak: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(**where: Any) -> None:
        raise KeyError("regexMaxCaptures")

    fail.__module__ = ak.connect.__module__
    monkeypatch.setattr(ak, "connect", fail)
    other = "2021" if age == "2026" else "2026"
    with group(tmp_path / "other", other) as server, pytest.raises(Conflict) as raised:
        clients.connect(connection(server), "etl")
    assert "2021.8.20" in raised.value.message
    assert "2026.7.15" in raised.value.message


def test_without_attaching_there_is_nothing_to_save_from(ak: Any) -> None:
    with pytest.raises(Conflict, match="not attached"):
        clients.ready(ak)


@pytest.mark.parametrize("there", [False, True])
def test_no_client_or_that_of_2020_says_where_to_get_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, there: bool
) -> None:
    forget()
    monkeypatch.setattr(sys, "path", [path for path in sys.path if path != str(CLIENT)])
    if there:
        stub = tmp_path / "arkouda"
        stub.mkdir()
        (stub / "__init__.py").write_text(
            "__version__ = '2020.7.7'\ndef connect(): ...\ndef ruok(): ...\n"
        )
        monkeypatch.syspath_prepend(str(tmp_path))
    elif REAL:
        pytest.skip("there is a real client")
    try:
        with pytest.raises(ClientMissing) as raised:
            clients.load()
    finally:
        forget()
    assert "https://github.com/Bears-R-Us/arkouda/releases" in raised.value.remedy
    assert "Not `pip install arkouda`" in raised.value.remedy
    assert ("2020" in raised.value.message) == there
