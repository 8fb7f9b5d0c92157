"""Dask where each process has a network address of its own: conventions, pages, looks, ends."""

from __future__ import annotations

import asyncio
import http.client
import json
import re
import signal
import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from distributed import Client, wait
from websockets.exceptions import InvalidStatus
from websockets.sync.client import connect

from alongside.errors import NotReady
from alongside.kinds import get_kind
from alongside.kinds.base import Pages, Place
from alongside.kinds.dask.remote import REMOTE
from alongside.platforms.kubernetes.processes import GRACE
from alongside.testing import make_spec
from tests.kinds.networked import Networked
from tests.waiting import wait_until

pytestmark = pytest.mark.slow

SMALL = {"workers": 2, "memory": "512 MiB"}
MIB = 2**20


@contextmanager
def made(directory: Path, options: dict[str, Any], *, started: bool = True) -> Iterator[Networked]:
    cluster = Networked.of(directory, options)
    try:
        if started:
            cluster.start_all()
        yield cluster
    finally:
        REMOTE.close()
        cluster.end()


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Networked]:
    """One that no test changes."""
    with made(tmp_path_factory.mktemp("cluster"), SMALL) as cluster:
        yield cluster


def trust(authority: bytes | str) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.load_verify_locations(
        cadata=authority if isinstance(authority, str) else authority.decode()
    )
    return context


def get(
    cluster: Networked,
    page: str,
    headers: dict[str, str] | None = None,
    *,
    host: str = "",
    port: int = 8787,
    method: str = "GET",
    body: bytes | None = None,
) -> tuple[int, str]:
    """Status and text of a page, with exactly these headers."""
    context = trust(cluster.credentials["ca.pem"])
    connection = http.client.HTTPSConnection(
        host or cluster.head, port, timeout=10, context=context
    )
    try:
        connection.request(method, page, body, headers or {})
        response = connection.getresponse()
        return response.status, response.read().decode()
    finally:
        connection.close()


def client_of(cluster: Networked) -> Client:
    connection = cluster.kind.connection(cluster.spec, cluster.look().address, cluster.credentials)
    found = cluster.kind.attach(connection, "test")
    assert isinstance(found, Client)
    return found


def pages_of(cluster: Networked) -> Pages:
    pages = cluster.kind.dashboard(cluster.outside)
    assert pages is not None
    return pages


# -- conventions ---------------------------------------------------------------------------


@pytest.mark.shows("K18")
def test_processes_listen_at_the_conventional_ports_of_their_own_address(
    cluster: Networked,
) -> None:
    assert cluster.ports("scheduler") == {(cluster.head, 8786), (cluster.head, 8787)}
    for name in ("worker-1", "worker-2"):
        found = cluster.ports(name)
        assert {port for _, port in found} == {8788, 8789}
        assert {host for host, _ in found} & {cluster.head, "0.0.0.0"} == set()
    seen = cluster.look()
    assert seen.address == f"tls://{cluster.head}:8786"
    assert seen.ready == {"worker-1", "worker-2"}, "they have the names that they were given"


@pytest.mark.shows("K18")
def test_roles_tell_the_conventional_ports_and_the_health_page() -> None:
    scheduler, worker = Networked.of(Path(), SMALL).roles
    assert scheduler.ports == {"tcp-comm": 8786, "http-dashboard": 8787}
    assert worker.ports["http-dashboard"] == 8788
    assert scheduler.health == worker.health == "/health"


def test_a_command_leaves_python_and_addresses_to_the_container(tmp_path: Path) -> None:
    spec = make_spec("dask", SMALL)
    kind = get_kind("dask")
    place = Place(tmp_path, "$(POD_IP)", "fd00::7")
    for role in kind.roles(kind.Options.model_validate(spec.options)):
        argv = kind.command(role, role.name, spec, place).argv
        assert argv[:4] == ("python", "-P", "-m", "dask")
        assert argv[argv.index("--host") + 1] == "$(POD_IP)"
        assert "--scheduler-file" not in argv
        if role.members:
            assert "tls://[fd00::7]:8786" in argv


# -- pages ---------------------------------------------------------------------------------


@pytest.mark.shows("K18", "K102")
@pytest.mark.parametrize("process", ["scheduler", "worker-1"])
def test_everybody_may_ask_for_the_health_and_nothing_else(
    cluster: Networked, process: str
) -> None:
    host, port = next(at for at in cluster.ports(process) if at[1] in (8787, 8788))
    assert get(cluster, "/health", host=host, port=port) == (200, "ok")
    token = cluster.credentials["token"].decode()
    for page in ("/", "/status", "/metrics", "/alongside/state", "/api/v1", "/health/", "//health"):
        for headers in (
            {},
            {"Authorization": "Bearer "},
            {"Authorization": f"Bearer {token[:-1]}"},
            {"Authorization": f"token {token}"},
            {"Authorization": "Bearer é"},
            {"Cookie": f"token={token}"},
        ):
            status, text = get(cluster, page, headers, host=host, port=port)
            assert status == 403, (page, headers)
            assert token not in text
    assert get(cluster, "/health", host=host, port=port, method="POST", body=b"x")[0] == 403


@pytest.mark.shows("K14", "K102")
def test_who_has_the_token_sees_the_dashboard(cluster: Networked) -> None:
    pages = pages_of(cluster)
    assert pages.url == f"https://{cluster.head}:8787"
    assert pages.socket is None
    for page in ("/status", "/metrics", "/api/v1", "/json/counts.json"):
        assert get(cluster, page, dict(pages.headers))[0] == 200, page


@pytest.mark.shows("K14", "K102")
def test_live_views_need_the_token_too(cluster: Networked) -> None:
    pages = pages_of(cluster)
    _, text = get(cluster, "/status", dict(pages.headers))
    session = re.search(r'"token":"([^"]+)"', text)
    assert session is not None
    address = f"wss://{urlsplit(pages.url).netloc}/status/ws"
    protocols: list[Any] = ["bokeh", session[1]]
    context = trust(pages.authority)
    with pytest.raises(InvalidStatus) as caught:
        connect(address, ssl=context, subprotocols=protocols, proxy=None)
    assert caught.value.response.status_code == 403
    headers = dict(pages.headers)
    with connect(
        address, ssl=context, subprotocols=protocols, additional_headers=headers, proxy=None
    ) as socket:
        assert "ACK" in str(socket.recv(timeout=10))


@pytest.mark.shows("K102")
def test_its_pages_are_not_in_plain_text(cluster: Networked) -> None:
    connection = http.client.HTTPConnection(cluster.head, 8787, timeout=10)
    connection.request("GET", "/health")
    with pytest.raises((OSError, http.client.HTTPException)):
        connection.getresponse()
    connection.close()


def test_a_client_certificate_does_not_make_a_server(cluster: Networked, tmp_path: Path) -> None:
    for name in ("client.pem", "client-key.pem"):
        (tmp_path / name).write_bytes(cluster.credentials[name])
    with impostor(tmp_path, lambda stream: None, name="client") as host:
        place = replace(cluster.outside, head=host)
        with pytest.raises(NotReady, match="SSLCertVerificationError"):
            cluster.kind.observe(cluster.spec, place, 5)


def test_no_secret_is_in_arguments_environment_or_logs(cluster: Networked) -> None:
    import psutil

    get(cluster, "/status", dict(pages_of(cluster).headers))
    secrets = [cluster.credentials["token"].decode()]
    secrets.append(cluster.credentials["cluster-key.pem"].decode().splitlines()[1])
    for process in cluster.processes.values():
        seen = psutil.Process(process.pid)
        for secret in secrets:
            assert secret not in " ".join(seen.cmdline()) + str(seen.environ())
    for secret in secrets:
        assert secret not in "".join(p.read_text() for p in cluster.directory.glob("*.log"))
    assert cluster.credentials["token"].decode() not in repr(pages_of(cluster))
    assert cluster.credentials["token"].decode() not in repr(cluster.outside)


# -- looks ---------------------------------------------------------------------------------


def test_a_look_tells_what_is_used_and_which_versions_there_are(cluster: Networked) -> None:
    seen = cluster.look()
    assert seen.usage is not None
    assert 3 * 50 * MIB < seen.usage.memory < 3 * 512 * MIB
    assert seen.usage.cpu >= 0
    assert seen.versions["python"].startswith("3.")
    assert seen.idle_since is not None


def test_looks_share_one_connection(cluster: Networked) -> None:
    REMOTE.close()
    for _ in range(5):
        cluster.look()
    assert len(REMOTE) == 1
    REMOTE.close()
    assert len(REMOTE) == 0
    assert cluster.look().ready


def test_looks_from_many_threads_at_once_are_right(cluster: Networked) -> None:
    seen: list[frozenset[str]] = []
    threads = [threading.Thread(target=lambda: seen.append(cluster.look().ready)) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert seen == [{"worker-1", "worker-2"}] * 8
    assert len(REMOTE) <= 2


def test_another_backends_credentials_find_nothing(cluster: Networked) -> None:
    cluster.look()
    other = cluster.kind.secrets(cluster.spec)
    with pytest.raises(NotReady, match="SSLCertVerificationError"):
        cluster.kind.observe(cluster.spec, replace(cluster.outside, credentials=other), 5)
    mixed = {**cluster.credentials, "token": other["token"]}
    with pytest.raises(NotReady, match="403"):
        cluster.kind.observe(cluster.spec, replace(cluster.outside, credentials=mixed), 5)


@contextmanager
def impostor(
    secrets: Path, answer: Callable[[ssl.SSLSocket], Any], name: str = "cluster"
) -> Iterator[str]:
    """Something with a certificate of the cluster that answers as it likes; its address."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(secrets / f"{name}.pem", secrets / f"{name}-key.pem")
    host = Networked.of(secrets, SMALL).head
    with socket.create_server((host, 8787)) as listening:

        def serve() -> None:
            while True:
                try:
                    plain, _ = listening.accept()
                except OSError:
                    return
                with plain:
                    try:
                        with context.wrap_socket(plain, server_side=True) as stream:
                            stream.recv(65536)
                            answer(stream)
                    except OSError:
                        continue

        thread = threading.Thread(target=serve)
        thread.start()
        try:
            yield host
        finally:
            listening.shutdown(socket.SHUT_RDWR)
            thread.join(10)


def drip(stream: ssl.SSLSocket) -> None:
    stream.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n")
    for _ in range(1000):
        stream.sendall(b" ")
        time.sleep(0.05)


def drip_headers(stream: ssl.SSLSocket) -> None:
    stream.sendall(b"HTTP/1.1 200 OK\r\n")
    for _ in range(1000):
        stream.sendall(b"x")
        time.sleep(0.05)


def flood(stream: ssl.SSLSocket) -> None:
    stream.sendall(b"HTTP/1.1 200 OK\r\n\r\n")
    for _ in range(100):
        stream.sendall(b" " * MIB)


def elsewhere(stream: ssl.SSLSocket) -> None:
    stream.sendall(
        b"HTTP/1.1 302 Found\r\nLocation: https://127.0.0.1/\r\nContent-Length: 0\r\n\r\n"
    )


def says(document: Any) -> Callable[[ssl.SSLSocket], None]:
    body = json.dumps(document).encode()
    head = f"HTTP/1.1 200 OK\r\nContent-Length: {len(body)}\r\n\r\n".encode()
    return lambda stream: stream.sendall(head + body)


GOOD: dict[str, Any] = {"address": "tls://127.0.0.1:1", "ready": []}


@pytest.mark.parametrize(
    "answer",
    [
        drip,
        drip_headers,
        flood,
        elsewhere,
        lambda stream: None,
        says(None),
        says([]),
        says({}),
        says({**GOOD, "ready": [1]}),
        says({**GOOD, "ready": "worker-1"}),
        says({**GOOD, "idle_since": float("nan")}),
        says({**GOOD, "idle_since": 1e300}),
        says({**GOOD, "memory": 2**70}),
        says({**GOOD, "versions": {"python": 3}}),
        says({**GOOD, "target": -1}),
    ],
)
def test_a_scheduler_that_answers_nonsense_is_not_ready_in_good_time(
    cluster: Networked, answer: Callable[[ssl.SSLSocket], None]
) -> None:
    secrets = cluster.directory / "scheduler" / "secrets"
    with impostor(secrets, answer) as host:
        begun = time.monotonic()
        place = replace(cluster.outside, head=host)
        with pytest.raises(NotReady):
            cluster.kind.observe(cluster.spec, place, 1.0)
        with suppress(NotReady):
            assert cluster.kind.shrink(cluster.spec, place, 1, 1.0) == ()
        assert time.monotonic() - begun < 30, "it would go on for a minute and more"


def test_where_nothing_listens_is_not_ready(cluster: Networked) -> None:
    with pytest.raises(NotReady):
        cluster.kind.observe(cluster.spec, replace(cluster.outside, head="127.255.1.1"), 2)
    with pytest.raises(NotReady, match="credentials"):
        cluster.kind.observe(cluster.spec, replace(cluster.outside, credentials={}), 2)


# -- work, and ends ------------------------------------------------------------------------


@pytest.mark.shows("K15", "K23")
def test_data_moves_away_from_workers_that_leave(tmp_path: Path) -> None:
    with made(tmp_path, {**SMALL, "workers": 3}) as cluster, client_of(cluster) as client:
        futures = client.map(lambda n: (n, time.monotonic_ns(), bytes(MIB)), range(12), pure=False)
        wait(futures)
        before = [(n, moment) for n, moment, _ in client.gather(futures)]
        gone = cluster.kind.shrink(cluster.spec, cluster.outside, 2, 60)
        assert len(gone) == 2
        for name in gone:
            cluster.processes[name].terminate()
        assert cluster.ready(1).ready == {"worker-1", "worker-2", "worker-3"} - set(gone)
        after = [(n, moment) for n, moment, _ in client.gather(futures)]
        assert before == after, "moved, not computed again"


# distributed forgets a socket whose connection was refused at the wrong moment
@pytest.mark.filterwarnings("ignore:.*unclosed <ssl.SSLSocket:ResourceWarning")
@pytest.mark.filterwarnings("ignore:Exception ignored in.*SSLSocket")
@pytest.mark.shows("K23")
@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGTERM])
def test_workers_whose_scheduler_is_replaced_end_soon_and_find_the_new_one(
    tmp_path: Path, how: signal.Signals
) -> None:
    with made(tmp_path, SMALL) as cluster:
        client = client_of(cluster)
        # without these, Dask would forget the work at any moment
        futures = client.map(lambda _: time.sleep(300), range(4), pure=False)
        wait_until(f"work on {len(futures)} tasks", lambda: cluster.look().idle_since is None)
        begun = time.monotonic()
        cluster.processes["scheduler"].send_signal(how)
        for process in cluster.processes.values():
            process.wait(30)
        assert time.monotonic() - begun < 28, "they don't wait for what still computes"
        client.close(timeout=1)
        cluster.start_all()
        with client_of(cluster) as again:
            assert again.submit(sum, [1, 2]).result(timeout=30) == 3


def test_all_end_in_time_when_all_are_told_to(tmp_path: Path) -> None:
    """As when their objects are deleted. Workers then may wait for what has been cancelled."""
    kept: list[asyncio.Task[None]] = []

    async def waits_for_ever() -> None:
        async def task() -> None:
            with suppress(asyncio.CancelledError):
                await asyncio.Event().wait()
            await asyncio.Event().wait()

        kept.append(asyncio.create_task(task()))

    with made(tmp_path, SMALL) as cluster:
        with client_of(cluster) as client:
            client.run(waits_for_ever)
        for process in cluster.processes.values():
            process.terminate()
        for process in cluster.processes.values():
            process.wait(GRACE)
