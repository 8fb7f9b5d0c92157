"""Who gets at a backend and who does not: tried from real pods, with network policies in force."""

from __future__ import annotations

import asyncio
import json
import secrets
import socket
import ssl
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from distributed import Client
from kubernetes_asyncio.client import ApiClient

from alongside.models import Share, Spec
from alongside.names import label_of
from alongside.platforms.kubernetes.objects import PREFIX
from tests.kubernetes import backends, pods
from tests.kubernetes.backends import Bench

# The image has the Python of its distribution.
pytestmark = pytest.mark.filterwarnings("ignore:Mismatched versions")
PROBE = Path(__file__).with_name("probe.py").read_text(encoding="utf-8")
SCHEDULER, WORKER = (8786, 8787), (8788, 8789)


@pytest.fixture
async def bench(
    kubeconfig: str,
    kubernetes: ApiClient,
    namespace: str,
    images: dict[str, str],
    dask_definitions: None,
) -> AsyncIterator[Bench]:
    """Of all outside the pods only this host gets in, as the service does."""
    here = await backends.this_host(kubernetes)
    async with backends.bench(
        kubeconfig,
        kubernetes,
        namespace,
        images["session"],
        service_peers=here,
        client_peers=here,
    ) as it:
        yield it


class Pods:
    """Sessions, as the spawner labels them, that try what is asked of them."""

    def __init__(self, bench: Bench, image: str) -> None:
        self._bench = bench
        self._image = image

    async def say(self, owner: str, **wishes: Any) -> dict[str, Any]:
        name = f"session-{secrets.token_hex(4)}"
        command = ["python", "-c", PROBE, json.dumps(wishes)]
        pod = pods.restricted(name, self._image, command=command)
        pod["metadata"]["labels"] = {
            f"{PREFIX}/component": "session",
            f"{PREFIX}/owner": label_of(owner),
        }
        await pods.start(self._bench.api, self._bench.namespace, pod)
        said = await pods.output(self._bench.api, self._bench.namespace, name)
        found: dict[str, Any] = json.loads(said.splitlines()[-1])
        return found


async def addresses(bench: Bench, spec: Spec) -> tuple[str, str]:
    """Of the scheduler and of the worker."""
    scheduler, worker = [await bench.pod(spec, name) for name in ("scheduler", "worker-1")]
    return scheduler["status"]["podIP"], worker["status"]["podIP"]


@pytest.mark.shows("K13", "K98", "K102", "K103")
@pytest.mark.timeout(300)
async def test_only_the_owners_sessions_reach_the_scheduler(
    bench: Bench, images: dict[str, str]
) -> None:
    """And they only where clients connect. Another's code, in session or worker, gets nowhere."""
    ada = await bench.running(owner="ada")
    bob = await bench.running(owner="bob")
    sessions = Pods(bench, images["session"])
    scheduler, worker = await addresses(bench, ada)
    clients = [scheduler, 8786]
    inner = [[scheduler, 8787], *([worker, port] for port in WORKER)]
    secret = f"/api/v1/namespaces/{bench.namespace}/secrets/alongside-{ada.id}"
    found = await sessions.say("ada", open=[clients], closed=inner, api=["/api/v1/pods", secret])
    assert found["open"] == [True]
    assert found["closed"] == [False] * 3
    assert not found["account"]
    assert set(found["api"]) <= {401, 403}
    assert (await sessions.say("bob", closed=[clients, *inner]))["closed"] == [False] * 4
    async with bench.connected(bob) as client:  # a user's code in a worker is a user's code
        wishes = {"closed": [clients, *inner], "api": ["/api/v1/pods", secret]}
        found = await client.submit(_probe, PROBE, wishes)
    assert found["closed"] == [False] * 4
    assert not found["account"]
    assert set(found["api"]) <= {401, 403}
    # until it is shared
    shared = ada.model_copy(
        update={"generation": 2, "shares": (Share(user="bob", access="attach"),)}
    )
    await bench.platform.update(shared)
    await bench.until(ada, lambda s: s.generation == 2)
    found = await sessions.say("bob", open=[clients], closed=inner)
    assert (found["open"], found["closed"]) == ([True], [False] * 3)


def _probe(text: str, wishes: dict[str, Any]) -> Any:
    space: dict[str, Any] = {"__name__": "probe"}
    exec(text, space)
    return space["main"](wishes)


@pytest.mark.shows("K101", "K102")
async def test_a_scheduler_answers_only_to_its_own_certificates(bench: Bench) -> None:
    """Being let through by the network is not enough."""
    ada = await bench.running(owner="ada")
    bob = await bench.running(owner="bob")
    scheduler, worker = await addresses(bench, ada)
    async with bench.connected(ada) as client:
        assert await client.submit(sum, [1, 2]) == 3
    strange = backends.security((await bench.platform.connection(bob.id)).credentials)
    for address, way in (
        (f"tls://{scheduler}:8786", strange),
        (f"tls://{worker}:8789", strange),
        (f"tcp://{scheduler}:8786", None),
    ):
        with pytest.raises(OSError, match=r"certificate|Timed out|[Ff]ailed|ended|closed"):
            await Client(address, security=way, asynchronous=True, timeout=2)


@pytest.mark.shows("K18", "K101", "K102")
async def test_pages_are_for_who_has_the_token_and_all_ports_speak_tls(bench: Bench) -> None:
    ada = await bench.running(owner="ada")
    bob = await bench.running(owner="bob")
    scheduler, worker = await addresses(bench, ada)
    pages, others = [await bench.platform.dashboard(spec.id) for spec in (ada, bob)]
    assert pages
    assert others
    assert pages.url == f"https://{scheduler}:8787"
    tokens = ("", "Bearer ", "Bearer x", others.headers["Authorization"])
    for path in ("/health", "/status", "/info/main/workers.html", "/alongside/state", "/metrics"):
        found = {await asyncio.to_thread(_get, scheduler, 8787, path, token) for token in tokens}
        assert found == {200 if path == "/health" else 403}, path
    given = pages.headers["Authorization"]
    assert await asyncio.to_thread(_get, scheduler, 8787, "/alongside/state", given) == 200
    async with bench.connected(ada) as client:
        listening = await client.run_on_scheduler(_listening)
        assert listening == sorted(SCHEDULER)
        assert list((await client.run(_listening)).values()) == [sorted(WORKER)]
        # Workers' ports are open to their own cluster only, so each asks the other.
        spoken = {}
        for port in SCHEDULER:
            (spoken[port],) = (await client.run(_protocol, scheduler, port)).values()
        for port in WORKER:
            spoken[port] = await client.run_on_scheduler(_protocol, worker, port)
    assert set(spoken.values()) <= {("TLSv1.2", b""), ("TLSv1.3", b"")}, spoken


def _get(host: str, port: int, path: str, token: str = "") -> int:
    """The status of an answer over TLS, whoever's certificate it is."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    plain = socket.create_connection((host, port), timeout=10)
    with context.wrap_socket(plain) as stream:
        head = f"GET {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n"
        stream.sendall((head + (f"Authorization: {token}\r\n" if token else "") + "\r\n").encode())
        return int(stream.makefile("rb").readline().split()[1])


def _protocol(host: str, port: int) -> tuple[str, bytes]:
    """What a port speaks when it is asked politely, and what it says to plain text."""
    import socket
    import ssl

    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    with context.wrap_socket(socket.create_connection((host, port), timeout=10)) as stream:
        version = stream.version() or ""
    with socket.create_connection((host, port), timeout=10) as stream:
        try:
            stream.sendall(b"GET /health HTTP/1.0\r\n\r\n")
            return version, stream.recv(100)
        except ConnectionError:
            return version, b""


def _listening() -> list[int]:
    """The ports that are open to others in this pod, of its kernel's tables."""
    found = set()
    for table in ("/proc/net/tcp", "/proc/net/tcp6"):
        with open(table) as file:
            for line in file.readlines()[1:]:
                address, state = line.split()[1], line.split()[3]
                host, port = address.rsplit(":", 1)
                if state == "0A" and not host.endswith("0100007F"):
                    found.add(int(port, 16))
    return sorted(found)


for _sent in (_probe, _protocol, _listening):
    _sent.__module__ = "__main__"  # by value: the pods have no tests


@pytest.mark.shows("K18")
async def test_the_conventions_that_other_tools_rely_on(bench: Bench) -> None:
    """Read back from the cluster."""
    pod = {"environment": {"GREETING": "hello"}}
    spec = await bench.running({"workers": 2}, pod=pod, owner="ada")
    (service,) = await bench.items("services", f"{PREFIX}/id={spec.id}")
    assert service["spec"]["type"] == "ClusterIP"
    ports = {port["name"]: port["port"] for port in service["spec"]["ports"]}
    assert ports == {"tcp-comm": 8786, "http-dashboard": 8787}
    scheduler = await bench.pod(spec, "scheduler")
    workers = [await bench.pod(spec, f"worker-{n}") for n in (1, 2)]
    for one, comm, port in ((scheduler, *SCHEDULER), *((w, WORKER[1], WORKER[0]) for w in workers)):
        (container,) = one["spec"]["containers"]
        named = {port["name"]: port["containerPort"] for port in container["ports"]}
        assert named == {"tcp-comm": comm, "http-dashboard": port}
        for probe, delay, period in (("readinessProbe", 5, 10), ("livenessProbe", 15, 20)):
            asked = container[probe]
            assert asked["httpGet"]["path"] == "/health"
            assert asked["httpGet"]["port"] == "http-dashboard"
            assert (asked["initialDelaySeconds"], asked["periodSeconds"]) == (delay, period)
        assert {"name": "GREETING", "value": "hello"} in container["env"]
    for n, worker in enumerate(workers, start=1):
        names = [e for e in worker["spec"]["containers"][0]["env"] if "DASK_WORKER" in e["name"]]
        assert names == [{"name": "DASK_WORKER_NAME", "value": f"worker-{n}"}]
        labels = worker["metadata"]["labels"]
        assert labels["dask.org/component"] == "worker"
        assert labels["dask.org/cluster-name"] == spec.id
        assert labels["dask.org/workergroup-name"] == f"{spec.id}-default"
    async with bench.connected(spec) as client:
        known = (await client.scheduler.identity())["workers"].values()
    assert {worker["name"] for worker in known} == {"worker-1", "worker-2"}
    for one in (scheduler, *workers):  # the probes succeed
        await pods.until_ready(bench.api, bench.namespace, one["metadata"]["name"])
