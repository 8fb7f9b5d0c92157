"""Attaching to an Arkouda server that somebody else runs: started by hand, known by its address."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import alongside
from alongside import elsewhere
from alongside.endpoint import ATTACHED
from alongside.errors import Conflict, InvalidRequest
from alongside.handle import attached_to
from alongside.kinds.arkouda import client as clients
from alongside.versions import VersionsDiffer
from tests.client.arkouda_kernel import DOUBLE_ONLY, REAL, age, ak, group
from tests.client.real import real_service
from tests.doubles.arkouda import CLIENT
from tests.doubles.arkouda.started import Started
from tests.lab.kernel import Kernel

pytestmark = pytest.mark.slow

__all__ = ["age", "ak"]


@pytest.fixture
def server(tmp_path: Path, age: str) -> Iterator[Started]:
    """Started by hand, with two locales; its token is in its own file."""
    with group(tmp_path / "node17", age, 2) as server:
        yield server


def token_of(server: Started) -> Path:
    return server.cwd / ".arkouda" / "tokens.txt"


@pytest.mark.shows("K43")
def test_a_session_attaches_sums_and_ends_and_the_server_goes_on(server: Started, age: str) -> None:
    double = {} if REAL else {"ARKOUDA_DOUBLE_AGE": age, "PYTHONPATH": str(CLIENT)}
    with real_service() as service:
        kernel = Kernel({**service.environment, **double})
        try:
            said = kernel.run(
                f"""
                from pathlib import Path
                import alongside
                ak = alongside.attach(
                    host="127.0.0.1", port={server.port}, token=Path({str(token_of(server))!r})
                )
                a = ak.arange(0, 101, 1)
                print(int(a.sum()), ak.get_config()["numLocales"], alongside.backends())
                """
            )
            assert said == "5050 2 []\n"
            assert server.token not in kernel.everything
        finally:
            kernel.close()
    assert server.process.poll() is None
    assert server.ask("ruok", token=server.token)["msg"] == "imok"


@pytest.mark.shows("K43")
def test_it_needs_no_hub_and_is_none_of_the_kernels_own_backends(
    ak: Any, server: Started, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(alongside.handle._attached, "arkouda", "etl-1")
    found = alongside.attach(host="127.0.0.1", port=server.port, token=server.token)
    assert found is ak
    assert ak.get_config()["ServerPort"] == server.port
    assert attached_to("arkouda") == ""


def test_the_environment_names_it_for_steps_without_a_backend(
    ak: Any, server: Started, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(elsewhere.ADDRESS, f"127.0.0.1:{server.port}")
    monkeypatch.setenv(elsewhere.TOKEN_FILE, str(token_of(server)))
    assert alongside.attach(kind="arkouda").arange(0, 5, 1).sum() == 10
    monkeypatch.setenv(ATTACHED, "etl-1")  # a step that has a backend computes on that
    monkeypatch.delenv("ALONGSIDE_API", raising=False)
    with pytest.raises(InvalidRequest, match="where Alongside is"):
        alongside.attach(kind="arkouda")


def test_another_release_of_the_server_is_told(
    server: Started, ak: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ak, "__version__", "v2023.05.05")
    said = rf"The server at 127\.0\.0\.1:{server.port} .* there, 2023\.5\.5 here"
    with pytest.warns(VersionsDiffer, match=said):
        alongside.attach(host="127.0.0.1", port=server.port, token=server.token)


@DOUBLE_ONLY
def test_a_server_that_does_not_understand_the_client_is_not_waited_for(
    tmp_path: Path, age: str, ak: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(clients, "PATIENCE", 2.0)
    other = "2021" if age == "2026" else "2026"
    with group(tmp_path / "node18", other) as server, pytest.raises(Conflict) as raised:
        elsewhere.attach("127.0.0.1", server.port, server.token)
    assert "2021.8.20" in str(raised.value)
    assert "2026.7.15" in str(raised.value)


def test_what_can_not_be_is_refused_before_the_server_hears_of_it(
    server: Started, tmp_path: Path
) -> None:
    """A newer server ends when it is asked with a wrong token, so none is ever guessed."""
    port = server.port
    (tmp_path / "empty").touch()
    wrong: list[tuple[dict[str, Any], str]] = [
        ({"host": "127.0.0.1", "port": port}, "token is missing"),
        ({"host": "tcp://node17:5555", "token": "x"}, "no name of a machine"),
        # what a server calls itself when it starts, and no address of it (D18)
        ({"host": "tcp://*:5555", "token": "x"}, "no name of a machine"),
        ({"host": "node17", "port": 0, "token": "x"}, "is no port"),
        ({"host": "127.0.0.1", "port": port, "token": tmp_path / "none"}, "can't be read"),
        ({"host": "127.0.0.1", "port": port, "token": tmp_path / "empty"}, "is empty"),
        ({"target": "etl", "host": "127.0.0.1", "port": port}, "Either a backend"),
        ({"kind": "dask", "host": "127.0.0.1", "port": port}, "Either a backend"),
    ]
    for arguments, said in wrong:
        with pytest.raises(InvalidRequest, match=said):
            alongside.attach(**arguments)
    assert server.process.poll() is None
    with pytest.raises(InvalidRequest, match="no address"):
        elsewhere.named({elsewhere.ADDRESS: "node17:port"})
