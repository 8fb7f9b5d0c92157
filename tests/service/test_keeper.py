"""Listening, and keeping the service up."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from alongside_service.keeper import relieve
from alongside_service.server import CannotListen, listen
from tests.service.hub import free_ports
from tests.waiting import wait_until

CHILD = """\
import os, signal, sys, time
from pathlib import Path
from alongside_service.keeper import keep
home = Path(sys.argv[1])
def serve():
    signal.signal(signal.SIGTERM, lambda *_: os._exit(0))
    with (home / "served").open("a") as file:
        file.write(f"{os.getpid()}\\n")
    if (home / "fail").exists():
        raise RuntimeError("on purpose")
    while True:
        time.sleep(60)
sys.exit(keep(serve, home / "service.json", follow_parent=True))
"""


def serving(home: Path) -> list[int]:
    """The processes that have served, oldest first."""
    path = home / "served"
    return [int(line) for line in path.read_text().split()] if path.exists() else []


def exists(pid: int) -> bool:
    return Path(f"/proc/{pid}").exists()


def start(home: Path) -> subprocess.Popen[bytes]:
    """A keeper."""
    return subprocess.Popen([sys.executable, "-c", CHILD, str(home)], stderr=subprocess.DEVNULL)


def test_a_serving_process_that_is_killed_is_replaced(tmp_path: Path) -> None:
    def served(times: int) -> None:
        wait_until(f"serving process {times}", lambda: len(serving(tmp_path)) == times)

    keeper = start(tmp_path)
    try:
        for generation in range(1, 3):
            served(generation)
            os.kill(serving(tmp_path)[-1], signal.SIGKILL)
        served(3)
        assert keeper.poll() is None
    finally:
        keeper.terminate()
        assert keeper.wait(15) == 0
    assert not any(exists(pid) for pid in serving(tmp_path))


FIRST = """\
import os, signal, sys, time
from pathlib import Path
from alongside_service.keeper import keep
from tests.waiting import wait_until
assert os.getpid() == 1
home = Path(sys.argv[1])
def serve():
    signal.signal(signal.SIGTERM, lambda *_: os._exit(0))
    if not (middle := os.fork()):
        os.fork()  # an orphan, as soon as the middle one ends
        os._exit(0)
    os.waitpid(middle, 0)
    (home / "orphaned").touch()
    while True:
        time.sleep(60)
sys.exit(keep(serve, home / "service.json", follow_parent=False))
"""


def children(pid: int) -> list[int]:
    """Zombies included."""
    try:
        return [int(one) for one in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
    except OSError:
        return []


def test_the_first_process_of_a_container_reaps_orphans_and_ends_when_told(tmp_path: Path) -> None:
    namespaces = ["unshare", "--user", "--map-root-user", "--pid", "--fork", "--kill-child"]
    if subprocess.run([*namespaces, "true"], check=False, capture_output=True).returncode:
        pytest.skip("needs user and process namespaces")
    outside = subprocess.Popen([*namespaces, sys.executable, "-c", FIRST, str(tmp_path)])
    try:
        wait_until("an orphan", lambda: (tmp_path / "orphaned").exists())
        (keeper,) = children(outside.pid)
        wait_until("the orphan's end", lambda: len(children(keeper)) == 1)
        os.kill(keeper, signal.SIGTERM)
        assert outside.wait(15) == 0
    finally:
        outside.kill()
        outside.wait(5)


def test_one_that_always_fails_is_given_up(tmp_path: Path) -> None:
    (tmp_path / "fail").touch()
    keeper = start(tmp_path)
    wait_until("three tries", lambda: len(serving(tmp_path)) >= 3)
    keeper.terminate()
    assert keeper.wait(15) == 0


def test_the_serving_process_outlives_its_keeper_and_is_relieved_by_the_next(
    tmp_path: Path,
) -> None:
    first = start(tmp_path)
    wait_until("a serving process", lambda: len(serving(tmp_path)) == 1)
    (old,) = serving(tmp_path)
    first.kill()
    first.wait(5)
    assert exists(old)
    relieve(tmp_path / "service.json")
    wait_until("its end", lambda: not exists(old))
    relieve(tmp_path / "service.json")


@pytest.mark.parametrize("text", ["", "[]", "{}", "[1]", '["x", "y"]', "[1, 2]", "null"])
def test_a_record_that_means_nothing_ends_nobody(tmp_path: Path, text: str) -> None:
    (tmp_path / "service.json").write_text(text)
    relieve(tmp_path / "service.json")


def test_a_port_that_is_just_being_given_up_is_waited_for() -> None:
    (port,) = free_ports(1)
    holder = socket.create_server(("127.0.0.1", port))
    threading.Timer(0.3, holder.close).start()
    with listen(f"http://127.0.0.1:{port}", wait=10) as sock:
        assert sock.getsockname()[1] == port


def test_a_taken_port_is_a_sentence() -> None:
    with (
        socket.create_server(("127.0.0.1", 0)) as holder,
        pytest.raises(CannotListen, match=r"Port \d+ on 127.0.0.1 is in use. End the program"),
    ):
        listen(f"http://127.0.0.1:{holder.getsockname()[1]}", wait=0.2)


def test_an_address_that_is_not_ours_is_a_sentence() -> None:
    with pytest.raises(CannotListen, match=r"Can.t listen at 203\.0\.113\.1"):
        listen("http://203.0.113.1:8000", wait=0.2)


def test_a_service_without_a_hub_says_so(tmp_path: Path) -> None:
    environment = {k: v for k, v in os.environ.items() if not k.startswith("JUPYTERHUB_")}
    done = subprocess.run(
        [sys.executable, "-m", "alongside_service"],
        env=environment | {"ALONGSIDE_HOME": str(tmp_path)},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 1
    assert "let the hub start this service" in done.stderr
    assert "Traceback" not in done.stderr


def test_answers_do_not_wait_for_nagle() -> None:
    with listen("http://127.0.0.1:0") as sock:
        assert sock.proto == socket.IPPROTO_TCP  # what asyncio goes by
