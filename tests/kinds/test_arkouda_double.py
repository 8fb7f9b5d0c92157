"""The doubles of Arkouda do what was seen of real servers (of v2021.08.20, run; of 2026, read)."""

from __future__ import annotations

import json
import signal
import socket
import stat
import subprocess
from pathlib import Path

import psutil
import pytest
import zmq

from tests.doubles.arkouda import real, server
from tests.doubles.arkouda.started import Started, started
from tests.stack import free_port
from tests.waiting import wait_until

pytestmark = [
    pytest.mark.skipif(real() is not None, reason="there is a real server"),
    pytest.mark.slow,
]

OLD, NEW = "2021", "2026"
BOTH = pytest.mark.parametrize("age", [OLD, NEW])
ANSWERED = ("msg", "msgType", "msgFormat", "user")


@BOTH
def test_a_conversation(tmp_path: Path, age: str) -> None:
    with started(tmp_path, age) as group:
        group.listening()
        answer = group.ask("ruok")
        assert answer["msg"] == "imok"
        assert set(answer) == {*ANSWERED, *(["payload"] if age == NEW else [])}
        port = group.port
        assert group.ask("connect")["msg"] == f"connected to arkouda server tcp://*:{port}"
        assert group.ask("getmemused")["msg"] == "8039985"
        unknown = group.ask("nonsense")
        assert (unknown["msg"], unknown["msgType"]) == ("Unrecognized command: nonsense", "ERROR")
        config = json.loads(group.ask("getconfig")["msg"])
        assert (config["ServerPort"], config["numLocales"]) == (port, 1)
        values = (7).to_bytes(8, "little") * 3
        assert group.ask("array", "int64", 3, payload=values)["msg"].startswith("created id_")
        gone = group.ask("disconnect")["msg"]
        assert gone == f"disconnected from arkouda server tcp://*:{port}"
        assert group.ask("shutdown")["msg"] == "shutdown server (8 req)"
        assert group.ended() == 0
        assert not group.information.exists()


@BOTH
def test_the_connection_file_has_the_form_of_its_age(tmp_path: Path, age: str) -> None:
    with started(tmp_path, age, "--authenticate") as group:
        group.listening()
        here = f"{socket.gethostname()} {group.port}"
        if age == NEW:
            here += f" tcp://{socket.gethostname()}:{group.port}?token={group.token}"
        assert group.information.read_text() == here + "\n"
        assert f":{group.port}?token={group.token}" in group.printed()
        before = group.printed()
        group.process.terminate()
        assert group.ended() == -signal.SIGTERM
        assert group.printed() == before
        assert group.information.exists()
    with socket.create_server(("127.0.0.1", group.port)):
        pass


@BOTH
def test_a_port_that_is_taken(tmp_path: Path, age: str) -> None:
    with (
        socket.create_server(("", 0)) as taken,
        started(tmp_path, age, port=taken.getsockname()[1]) as group,
    ):
        assert group.ended() == 1
        printed = group.printed()
        assert "Error in Socket.bind(): Address already in use" in printed
        assert ("server listening on" in printed) is (age == OLD)
        assert not group.information.exists()


def test_ports_that_are_none(tmp_path: Path) -> None:
    with started(tmp_path, OLD, port=0) as group:
        group.listening()
        assert group.information.read_text().split()[1] == "0"
        listening = psutil.Process(group.process.pid).net_connections("tcp")
        assert [one for one in listening if one.status == psutil.CONN_LISTEN and one.laddr.port]
    with started(tmp_path, OLD, port=70000) as group:
        group.listening()
        assert group.ask("ruok", port=4464)["msg"] == "imok"


@BOTH
def test_the_token_file(tmp_path: Path, age: str) -> None:
    variable = {"ARKOUDA_SERVER_TOKEN": "given"}
    with started(tmp_path, age) as group:
        group.listening()
        assert (group.cwd / ".arkouda").is_dir()
    file = tmp_path / "cwd" / ".arkouda" / "tokens.txt"
    assert not file.exists()
    with started(tmp_path, age, "--authenticate=true", env=variable) as group:
        wait_until("its token", lambda: file.exists() and file.read_text().endswith("\n"))
        assert group.token == "given" if age == NEW else len(group.token) == 31
        assert stat.S_IMODE(file.stat().st_mode) == 0o644
    file.write_text("first\nlast\n")
    file.chmod(0o600)
    with started(tmp_path, age, "--authenticate", env=variable) as group:
        group.listening()
        assert group.ask("ruok", token="last")["msg"] == "imok"
        assert stat.S_IMODE(file.stat().st_mode) == 0o600


def test_a_wrong_token_is_refused_by_the_old_one(tmp_path: Path) -> None:
    with started(tmp_path, OLD, "--authenticate") as group:
        group.listening()
        assert group.ask("shutdown")["msg"] == "Error: access to arkouda requires a token"
        refused = group.ask("ruok", token="X")
        assert refused["msgType"] == "ERROR"
        assert refused["msg"].startswith("Error: token X does not match server token, ")
        assert group.ask("", raw=b"not JSON")["msgType"] == "ERROR"
        for missing in ("user", "token", "cmd", "format", "args"):
            fields = dict.fromkeys(("user", "token", "cmd", "format", "args"), "")
            del fields[missing]
            assert group.ask("", raw=json.dumps(fields).encode())["msgType"] == "ERROR"
        assert group.ask("ruok", token=group.token)["msg"] == "imok"


@pytest.mark.parametrize("raw", [None, b"not JSON"])
def test_a_wrong_token_ends_the_new_one(tmp_path: Path, raw: bytes | None) -> None:
    with started(tmp_path, NEW, "--authenticate") as group:
        group.listening()
        with pytest.raises(zmq.Again):
            group.ask("ruok", token="X", raw=raw, timeout=1)
        assert group.ended() == 1


@BOTH
def test_a_folder_that_cant_be_written_in(tmp_path: Path, age: str) -> None:
    with started(tmp_path, age, cwd=Path("/proc")) as group:
        assert group.ended() == 1


@BOTH
def test_flags(tmp_path: Path, age: str) -> None:
    executable = server(tmp_path, age=age)
    listed = subprocess.run([executable, "--help"], capture_output=True, text=True, check=True)
    assert "perLocaleMemLimit" in listed.stdout
    assert ("  daemonTypes: string (private)" in listed.stdout) is (age == NEW)
    for wrong in ("--nonsense", "--ServerPort=abc", "--memMax=8g", "--daemonTypes=x"):
        run = subprocess.run([executable, wrong], capture_output=True, text=True, check=False)
        assert (run.returncode, "error: " in run.stderr) == (1, True)
    if age == OLD:
        command = [str(executable), "--autoShutdown"]
        assert subprocess.run(command, capture_output=True, check=False).returncode == 1


@BOTH
def test_too_much_memory_is_an_error_and_no_end(tmp_path: Path, age: str) -> None:
    with started(tmp_path, age, "--memMax=20000000") as group:
        group.listening()
        assert group.ask("create", "int64", 1_000_000)["msgType"] == "NORMAL"
        assert group.ask("getmemused")["msg"] == "16039985"
        assert group.ask("create", "int64", 1_000_000)["msgType"] == "ERROR"
        assert group.ask("ruok")["msg"] == "imok"


def test_one_command_at_a_time_but_the_status_port_answers(tmp_path: Path) -> None:
    status, metrics = free_port(), free_port()
    kinds = ",".join(f"ServerDaemonType.{name}" for name in ("DEFAULT", "STATUS", "METRICS"))
    env = {"SERVER_STATUS_PORT": str(status), "METRICS_SERVER_PORT": str(metrics)}
    flags = (f"--ServerDaemon.daemonTypes={kinds}", "--authenticate")
    with started(tmp_path, NEW, *flags, env=env) as group:
        group.listening()
        assert group.ask("ruok", token=group.token)["msg"] == "imok"
        with pytest.raises(zmq.Again):
            group.ask("sleep", 600, token=group.token, timeout=0.2)
        with pytest.raises(zmq.Again):
            group.ask("ruok", token=group.token, timeout=0.2)
        assert group.ask("ruok", port=status)["msg"] == "imok"
        memory = json.loads(group.ask("getmemstatus", port=status)["msg"])
        assert [one["locale_id"] for one in memory] == [0]
        assert json.loads(group.ask("getconfig", port=status)["msg"])["ServerPort"] == group.port
        found = json.loads(group.named("metrics", metrics, category="ALL")["msg"])
        counts = {one["name"]: one["value"] for one in found if one["category"] == "NUM_REQUESTS"}
        assert counts["ruok"] == 1
        assert "arkouda_memory_used_per_locale" in {one["name"] for one in found}


@BOTH
def test_a_reader_of_its_output_that_goes_is_its_end(tmp_path: Path, age: str) -> None:
    port = free_port()
    command = [str(server(tmp_path, age=age)), f"--ServerPort={port}"]
    process = subprocess.Popen(command, cwd=tmp_path, stdout=subprocess.PIPE)
    group = Started(tmp_path, age, port, process)
    try:
        assert process.stdout is not None
        assert group.ask("ruok", timeout=10)["msg"] == "imok"
        process.stdout.close()
        with pytest.raises(zmq.Again):
            group.ask("ruok", timeout=0.5)
        assert group.ended() == -signal.SIGPIPE
    finally:
        process.kill()
        process.wait(10)
