"""Arkouda locale groups on one machine: conformance, and what goes wrong with them.

With the double of the server, in both ages, or a real one (see tests/README.md).
"""

from __future__ import annotations

import asyncio
import json
import os
import signal
import socket
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from alongside.errors import NotReady
from alongside.kinds import get_kind
from alongside.kinds.arkouda import client, keeper, traffic
from alongside.kinds.arkouda.messages import ask
from alongside.models import Connection, Spec
from alongside.phases import Phase
from alongside.platforms.local import LocalPlatform
from alongside.platforms.local.process import Identity, descendants, stat
from alongside.testing import KindSuite, PlatformSuite, make_spec, until
from tests.doubles.arkouda import CLIENT, server
from tests.waiting import wait_until

pytestmark = pytest.mark.slow

RUNNING, FAILED = Phase.RUNNING, Phase.FAILED


@pytest.fixture(params=["2021", "2026"], autouse=True)
def age(
    request: pytest.FixtureRequest,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> Iterator[str]:
    """A server and a client of this age, for everything that is started by a test."""
    monkeypatch.setenv(keeper.VARIABLE, str(server(tmp_path / "arkouda", age=request.param)))
    monkeypatch.setenv("ARKOUDA_DOUBLE_AGE", request.param)
    monkeypatch.syspath_prepend(str(CLIENT))
    monkeypatch.setenv("PYTHONPATH", str(CLIENT), prepend=os.pathsep)
    for name in [name for name in sys.modules if name.partition(".")[0] == "arkouda"]:
        monkeypatch.delitem(sys.modules, name)  # a client's age is that of its first import
    yield request.param
    if (imported := sys.modules.get("arkouda")) is not None:
        client.let_go(imported)


@pytest.fixture(autouse=True)
def _only_arkouda(monkeypatch: pytest.MonkeyPatch) -> None:
    """Warm processes import what Arkouda needs and nothing else."""
    only = {"arkouda": get_kind("arkouda")}
    monkeypatch.setattr("alongside.platforms.local.platform.kinds", lambda: only)


@pytest.mark.shows("K2", "K10")
class TestKind(KindSuite):
    kind = "arkouda"
    size = "locales"


class TestPlatform(PlatformSuite):
    kind = "arkouda"
    size = "locales"
    log_role = "server"

    @pytest.fixture
    def another(self, settings: dict[str, Any]) -> Callable[[], LocalPlatform]:
        return lambda: LocalPlatform(**settings)


async def running(platform: LocalPlatform, locales: int = 1, **changes: Any) -> Spec:
    spec = make_spec("arkouda", {"locales": locales}, **changes)
    await platform.launch(spec)
    await until(platform, spec.id, RUNNING, 30)
    return spec


async def question(connection: Connection, command: str, timeout: float = 5.0) -> str:
    answer = await asyncio.to_thread(
        ask, connection.address, connection.credentials["token"], command, (), timeout
    )
    return answer.text


def folder(home: Path, spec: Spec) -> Path:
    return home / "backends" / spec.id


def tree(platform: LocalPlatform, spec: Spec) -> list[int]:
    """The processes below the supervisor: keeper, launcher, server, locales."""
    found = platform._home.folder(spec.id).supervisor()
    assert found is not None
    return [seen.pid for seen in descendants(found.pid)]


def words(pid: int) -> list[str]:
    return Path(f"/proc/{pid}/cmdline").read_text().split("\0")


@pytest.mark.shows("K29")
async def test_the_size_is_entered_once_and_all_numbers_follow(
    platform: LocalPlatform, home: Path
) -> None:
    spec = make_spec("arkouda", {"locales": 3, "cores": 2, "memory": "1 GiB"})
    await platform.launch(spec)
    seen = await until(platform, spec.id, RUNNING, 30)
    assert (seen.status.ready, seen.status.wanted) == (3, 3)
    config = json.loads(await question(await platform.connection(spec.id), "getconfig"))
    assert config["numLocales"] == 3
    line = next(w for pid in tree(platform, spec) if "-nl" in (w := words(pid)))
    assert line[line.index("-nl") + 1] == "3"
    limit = next(int(w.partition("=")[2]) for w in line if w.startswith("--memMax="))
    assert 0.8 * 2**30 < limit < 2**30
    assert seen.status.facts["Locales"] == "3"
    assert seen.status.versions["arkouda"] in ("2021.8.20", "2026.7.15")


async def test_nobody_else_can_read_its_token_nor_is_it_anywhere_in_sight(
    platform: LocalPlatform, home: Path
) -> None:
    spec = await running(platform, 2)
    token = (await platform.connection(spec.id)).credentials["token"]
    place = folder(home, spec) / "run" / "server"
    assert (place / ".arkouda/tokens.txt").read_text().split()[-1] == token
    assert (place / ".arkouda/tokens.txt").stat().st_mode & 0o077 == 0
    assert place.stat().st_mode & 0o077 == 0
    for pid in tree(platform, spec):
        assert token not in Path(f"/proc/{pid}/cmdline").read_text()
        assert token.encode() not in Path(f"/proc/{pid}/environ").read_bytes()
    for log in (folder(home, spec) / "logs").iterdir():
        assert token not in log.read_text()
    seen = await until(platform, spec.id, RUNNING)
    assert token not in seen.status.model_dump_json()


async def test_a_port_that_is_taken_meanwhile_is_no_obstacle(
    platform: LocalPlatform, home: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    # the chosen port is somebody's before the server has it: the server is started through this
    real = os.environ[keeper.VARIABLE]
    thief = tmp_path / "thief"
    thief.write_text(
        f"""#!/bin/sh
case "$*" in *--help*) exec {real} "$@";; esac
for word in "$@"; do case "$word" in --ServerPort=*) port=${{word#*=}};; esac; done
if [ ! -e {tmp_path}/stolen ]; then
    touch {tmp_path}/stolen
    {sys.executable} -c "
import socket, sys, time
s = socket.socket(); s.bind(('', int(sys.argv[1]))); s.listen()
open(sys.argv[2], 'w'); time.sleep(20)" "$port" {tmp_path}/listens &
    for turn in $(seq 400); do [ -e {tmp_path}/listens ] || sleep 0.05; done
fi
exec {real} "$@"
"""
    )
    thief.chmod(0o755)
    monkeypatch.setenv(keeper.VARIABLE, str(thief))
    await platform.close()
    await platform.open()  # the service has this server in its environment from the beginning
    spec = await running(platform)
    assert (tmp_path / "stolen").exists()
    log = (folder(home, spec) / "logs" / "server.log").read_text()
    assert "was taken meanwhile" in log
    assert await question(await platform.connection(spec.id), "ruok") == "imok"


async def test_a_long_computation_is_work_not_death_nor_idleness(
    platform: LocalPlatform, age: str
) -> None:
    spec = await running(platform, idle=3)
    connection = await platform.connection(spec.id)
    done = threading.Event()

    def compute() -> None:
        seconds = "8" if age == "2021" else ["8"]
        ask(connection.address, connection.credentials["token"], "sleep", seconds, timeout=30)
        done.set()

    thread = threading.Thread(target=compute)
    thread.start()
    ended = asyncio.create_task(until(platform, spec.id, Phase.STOPPED, 40))
    while not done.is_set():
        seen = next(s for s in await platform.observed() if s.spec.id == spec.id)
        assert seen.status.phase is RUNNING
        await asyncio.sleep(0.1)
    thread.join()
    seen = await ended
    assert seen.status.reason == "Idle"


@pytest.mark.parametrize("who", ["keeper", "main", "locale"])
async def test_whatever_of_it_is_killed_it_has_failed_and_nothing_is_left(
    platform: LocalPlatform, who: str
) -> None:
    spec = await running(platform, 2)
    everything = tree(platform, spec)
    known = [identity for pid in everything if (identity := Identity.of(pid))]
    victim = {"keeper": everything[0], "main": everything[1], "locale": everything[-1]}[who]
    os.kill(victim, signal.SIGKILL)
    seen = await until(platform, spec.id, FAILED, 20)
    assert seen.status.reason == "ServerLost"
    assert seen.status.remedy
    assert not [p for p in known if p.alive]


async def test_a_client_that_shuts_it_down_is_told_so(platform: LocalPlatform) -> None:
    spec = await running(platform)
    await question(await platform.connection(spec.id), "shutdown")
    seen = await until(platform, spec.id, FAILED, 20)
    assert seen.status.reason == "ServerShutDown"
    assert "disconnect" in seen.status.remedy


async def test_without_a_server_it_says_what_to_do(
    platform: LocalPlatform, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(keeper.VARIABLE, "/nowhere/arkouda_server")
    kind = get_kind("arkouda")
    obstacle = platform.obstacle(kind)
    assert obstacle is not None
    assert keeper.VARIABLE in obstacle.remedy
    await platform.close()
    await platform.open()
    spec = make_spec("arkouda")
    await platform.launch(spec)
    seen = await until(platform, spec.id, FAILED, 20)
    assert seen.status.reason == "ServerMissing"
    assert seen.status.remedy == obstacle.remedy


async def test_a_server_that_can_not_start_says_where_to_look(
    platform: LocalPlatform, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(keeper.VARIABLE, "/bin/false")
    await platform.close()
    await platform.open()
    spec = make_spec("arkouda")
    await platform.launch(spec)
    seen = await until(platform, spec.id, FAILED, 20)
    assert seen.status.reason == "ServerNotStarted"
    assert "log" in seen.status.remedy


async def test_another_size_is_another_start_with_another_address_and_the_same_token(
    platform: LocalPlatform,
) -> None:
    spec = await running(platform, 1)
    before = await platform.connection(spec.id)
    ended = [who for pid in tree(platform, spec) if (who := Identity.of(pid))]
    larger = spec.model_copy(
        update={"options": spec.options | {"locales": 3}, "generation": spec.generation + 1}
    )
    phases: list[Phase] = []

    def settled(status: Any) -> bool:
        phases.append(status.phase)
        return status.phase is RUNNING and status.generation == larger.generation

    waiting = asyncio.create_task(until(platform, spec.id, settled, 30))
    await asyncio.sleep(0)
    await platform.update(larger)
    seen = await waiting
    assert Phase.SCALING in phases
    assert seen.status.ready == 3
    after = await platform.connection(spec.id)
    assert after.credentials == before.credentials
    assert not [who for who in ended if who.alive]
    again = larger.model_copy(update={"generation": larger.generation + 1, "keep": True})
    running_now = tree(platform, spec)
    await platform.update(again)
    await until(platform, spec.id, lambda s: s.generation == again.generation, 10)
    assert tree(platform, spec) == running_now, "what is no size starts nothing"


@pytest.mark.shows("K37")
async def test_what_is_too_large_is_refused_and_the_next_command_answered(
    platform: LocalPlatform,
) -> None:
    spec = make_spec("arkouda", {"memory": "256 MiB"})
    await platform.launch(spec)
    await until(platform, spec.id, RUNNING, 30)
    connection = await platform.connection(spec.id)

    def work() -> int:
        arkouda = get_kind("arkouda").attach(connection, "arkouda")
        try:
            with pytest.raises(Exception, match="memory"):
                arkouda.ones(10**9)
            return int(arkouda.ones(10).sum())
        finally:
            arkouda.disconnect()

    assert await asyncio.to_thread(work) == 10
    seen = await until(platform, spec.id, RUNNING)
    assert seen.status.stages


async def test_started_plainly_it_is_the_same(settings: dict[str, Any]) -> None:
    platform = LocalPlatform(**settings | {"warm": False})
    await platform.open()
    try:
        spec = await running(platform, 2)
        assert await question(await platform.connection(spec.id), "ruok") == "imok"
        await platform.stop(spec.id)
        await until(platform, spec.id, None, 30)
    finally:
        await platform.close()


async def test_ten_groups_at_once(platform: LocalPlatform) -> None:
    specs = [make_spec("arkouda", {"locales": 2}, name=f"group-{n}") for n in range(10)]
    await asyncio.gather(*(platform.launch(spec) for spec in specs))
    for spec in specs:
        await until(platform, spec.id, RUNNING, 60)
    addresses = [(await platform.connection(spec.id)).address for spec in specs]
    assert len(set(addresses)) == 10
    assert all(stat(pid) for spec in specs for pid in tree(platform, spec))


def test_traffic_tells_work_from_rest() -> None:
    def seen(received: int, sent: int, size: int = 500) -> traffic.Connection:
        return traffic.Connection(received, sent, size)

    assert traffic.weigh([]) == traffic.Traffic()
    assert traffic.weigh([seen(900, 400)]).busy is False
    assert traffic.weigh([seen(900, 400)]).quiet == 0.4
    assert traffic.weigh([seen(400, 900)]).busy is True
    assert traffic.weigh([seen(400, 401, size=105)]).busy is False, "they have only said hello"
    both = traffic.weigh([seen(9000, 8000), seen(10, 20)])
    assert (both.clients, both.busy, both.quiet) == (2, True, 0.01)


def test_the_kernel_knows_who_waits_for_an_answer() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
        with socket.create_connection(("127.0.0.1", port)) as caller:
            accepted, _ = listener.accept()
            with accepted:
                threading.Event().wait(0.02)  # the kernel counts in milliseconds
                caller.sendall(b"x" * 500)
                accepted.recv(500)
                wait_until("traffic", lambda: traffic.look(port).busy)
                threading.Event().wait(0.02)
                accepted.sendall(b"y")
                wait_until("silence", lambda: not traffic.look(port).busy)
        wait_until("nobody", lambda: traffic.look(port).clients == 0)


def test_what_is_no_arkouda_server_is_not_believed() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
        with pytest.raises(NotReady):
            ask(f"tcp://127.0.0.1:{port}", "", "ruok", timeout=0.3)
