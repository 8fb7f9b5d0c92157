"""What the exporter tells of a server of either age, in the pod or elsewhere."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from prometheus_client.parser import text_string_to_metric_families

from alongside.kinds.arkouda.exporter import serve
from alongside.kinds.arkouda.gauges import Figures, locales_of, used_of
from alongside.kinds.arkouda.lookout import Lookout, Target
from tests.doubles.arkouda import real
from tests.doubles.arkouda.started import Started, started
from tests.prometheus import AT_ONCE, prometheus, up
from tests.stack import free_port
from tests.waiting import wait_until

pytestmark = pytest.mark.skipif(real() is not None, reason="the daemons' ports are the double's")
BOTH = pytest.mark.parametrize("age", ["2021", "2026"])


@contextmanager
def watched(folder: Path, age: str, **more: Any) -> Iterator[tuple[Started, Lookout]]:
    """A server that listens, and a lookout for it that has not looked yet."""
    status, metrics = free_port(), free_port()
    flags = ["--authenticate"]
    if age == "2026":
        kinds = ",".join(f"ServerDaemonType.{name}" for name in ("DEFAULT", "STATUS", "METRICS"))
        flags.append(f"--ServerDaemon.daemonTypes={kinds}")
    env = {"SERVER_STATUS_PORT": str(status), "METRICS_SERVER_PORT": str(metrics)}
    with started(folder, age, *flags, env=env) as group:
        group.listening()
        file = folder / "token"
        file.write_text(group.token + "\n")
        target = Target(
            more.pop("host", "127.0.0.1"), group.port, status, metrics, file, memory=2**30, **more
        )
        yield group, Lookout(target)


@contextmanager
def answering(lookout: Lookout) -> Iterator[str]:
    """The address at which its figures can be had."""
    server = serve(lookout, 0)
    thread = threading.Thread(target=server.serve_forever, args=(0.05,))
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def looked(lookout: Lookout) -> Figures:
    """What it sees now."""
    lookout.look()
    return lookout.figures


def fetched(url: str) -> tuple[int, str]:
    try:
        with urllib.request.urlopen(url, timeout=5) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as error:
        with error:
            return error.code, error.read().decode()


def gauges(text: str) -> dict[str, list[tuple[dict[str, str], float]]]:
    """Samples by the gauge's name."""
    return {
        family.name: [(sample.labels, sample.value) for sample in family.samples]
        for family in text_string_to_metric_families(text)
    }


@BOTH
@pytest.mark.shows("K41")
def test_figures_of_a_server(tmp_path: Path, age: str) -> None:
    world = watched(tmp_path, age, name="sums", launcher="kubernetes")
    with world as (group, lookout), answering(lookout) as url:
        assert fetched(f"{url}/ready")[0] == 503
        assert gauges(fetched(f"{url}/metrics")[1])["arkouda_server_up"][0][1] == 0
        lookout.look()
        assert fetched(f"{url}/ready") == (200, "ready\n")
        state = json.loads(fetched(f"{url}/state")[1])
        before = gauges(fetched(f"{url}/metrics")[1])
        assert state["ready"]
        assert not state["busy"]
        assert state["locales"] == 1
        assert state["memory"][0]["used"] > 0
        assert state["versions"]["arkouda"]
        assert group.token not in json.dumps(state)
        for samples in before.values():
            for labels, _ in samples:
                assert labels["arkouda_server_name"] == "sums"
                assert labels["launcher"] == "kubernetes"
        assert before["arkouda_memory_used_per_locale"][0][1] == state["memory"][0]["used"]
        assert before["arkouda_memory_per_locale"][0][0]["locale_num"] == "0"
        if age == "2026":
            group.ask("ruok", token=group.token)
            lookout.look()
            after = gauges(fetched(f"{url}/metrics")[1])
            name = "arkouda_total_number_of_requests"
            assert after[name][0][1] > before[name][0][1]
            users = after["arkouda_per_user_number_of_requests_per_command"]
            assert {"user": "test", "command": "ruok"}.items() <= users[0][0].items() or any(
                labels["user"] == "test" for labels, _ in users
            )


@BOTH
def test_a_server_that_works_is_busy_and_not_dead(tmp_path: Path, age: str) -> None:
    with watched(tmp_path, age) as (group, lookout), answering(lookout) as url:
        lookout.look()
        work = threading.Thread(
            target=group.ask, args=("sleep", 4), kwargs={"token": group.token, "timeout": 30}
        )
        work.start()
        wait_until("it is busy", lambda: looked(lookout).busy)
        assert fetched(f"{url}/ready")[0] == 200
        assert json.loads(fetched(f"{url}/state")[1])["idle_since"] is None
        work.join()
        wait_until("it is idle", lambda: not looked(lookout).busy)


def test_without_its_token_nothing_is_asked(tmp_path: Path) -> None:
    """A newer server would end."""
    with watched(tmp_path, "2026") as (group, lookout):
        (tmp_path / "token").write_text("")
        lookout.look()
        assert not lookout.figures.ready
        assert group.process.poll() is None


@pytest.mark.shows("K42")
def test_alone_for_a_server_elsewhere(tmp_path: Path) -> None:
    """As a command: its page has the gauges, with the launcher's name; TERM ends it."""
    with watched(tmp_path, "2021") as (group, _):
        port = free_port()
        process = subprocess.Popen(
            [
                *(sys.executable, "-m", "alongside.kinds.arkouda.exporter"),
                *(f"--server=127.0.0.1:{group.port}", f"--token-file={tmp_path / 'token'}"),
                *("--name=arkouda-on-slurm", "--launcher=slurm", f"--port={port}"),
                *("--status=0", "--metrics=0"),
            ]
        )
        try:

            def there() -> bool:
                try:
                    return fetched(f"http://127.0.0.1:{port}/ready")[0] == 200
                except OSError:
                    return False

            wait_until("it is ready", there)
            found = gauges(fetched(f"http://127.0.0.1:{port}/metrics")[1])
            labels, value = found["arkouda_server_up"][0]
            assert labels == {"arkouda_server_name": "arkouda-on-slurm", "launcher": "slurm"}
            assert value == 1
            process.terminate()
            assert process.wait(10) == 0
        finally:
            process.kill()
            process.wait()


@pytest.mark.shows("K42")
def test_by_its_port_for_metrics_alone_until_it_is_gone(tmp_path: Path) -> None:
    """That of a server elsewhere may be all that can be reached of it."""
    with watched(tmp_path, "2026", name="arkouda-on-slurm", launcher="slurm") as (group, known):
        target = replace(known._target, port=0, status=0, token=None)
        lookout = Lookout(target)
        with answering(lookout) as url:
            group.ask("ruok", token=group.token)
            first = looked(lookout)
            assert first.ready
            found = gauges(fetched(f"{url}/metrics")[1])
            labels, value = found["arkouda_total_number_of_requests"][0]
            assert labels == {"arkouda_server_name": "arkouda-on-slurm", "launcher": "slurm"}
            assert looked(lookout).idle_since == first.idle_since
            group.ask("ruok", token=group.token)
            assert (looked(lookout).idle_since or 0) > (first.idle_since or 0)
            found = gauges(fetched(f"{url}/metrics")[1])
            assert found["arkouda_total_number_of_requests"][0][1] > value
            group.ask("shutdown", token=group.token)
            group.ended()
            assert not looked(lookout).ready
            found = gauges(fetched(f"{url}/metrics")[1])
            assert found["arkouda_server_up"][0][1] == 0


def test_what_makes_no_sense_is_nothing() -> None:
    assert locales_of("") == ()
    assert locales_of("[]") == ()
    assert used_of("{") == {}
    assert used_of('[{"locale_id": 0}]') == {}


@pytest.mark.shows("K41")
def test_prometheus_reads_it(tmp_path: Path) -> None:
    with watched(tmp_path / "node17", "2026") as (_, lookout), answering(lookout) as url:
        lookout.look()
        there = [{"targets": [url.removeprefix("http://")]}]
        job = {"job_name": "arkouda", **AT_ONCE, "static_configs": there}
        with prometheus(tmp_path, {"scrape_configs": [job]}) as api:
            wait_until("the target is up", lambda: up(api), 30)
            (sample,) = api.get("query", params={"query": "arkouda_server_up"}).json()["data"][
                "result"
            ]
            assert sample["value"][1] == "1"
