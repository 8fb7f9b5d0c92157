"""The doubles of Arkouda with several locales, and what their client does with them."""

from __future__ import annotations

import json
import os
import signal
import socket
import struct
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest

from tests.doubles.arkouda import CLIENT, real
from tests.doubles.arkouda.started import Started, started

pytestmark = [
    pytest.mark.skipif(real() is not None, reason="there is a real server"),
    pytest.mark.slow,
]

OLD, NEW = "2021", "2026"
BOTH = pytest.mark.parametrize("age", [OLD, NEW])


@BOTH
def test_locales_are_processes_with_a_file_each(tmp_path: Path, age: str) -> None:
    with started(tmp_path, age, "-nl", "3") as group:
        group.listening()
        assert len(group.members()) == 3
        name = group.ask("arange", 0, 10, 1)["msg"].split()[1]
        assert group.ask("reduction", "sum", name)["msg"] == "int64 45"
        columns = json.dumps({"x": name})
        saved = group.ask("tofile", "saved", "hdf5", "truncate", columns)
        assert saved["msgType"] == "NORMAL"
        files = sorted(group.cwd.glob("saved_LOCALE000?"))
        assert [file.name[-1] for file in files] == ["0", "1", "2"]
        group.cwd.joinpath("full_LOCALE0001").symlink_to("/dev/full")
        full = group.ask("tofile", "full", "hdf5", "truncate", columns)
        assert (full["msgType"], "No space left on device" in full["msg"]) == ("ERROR", True)
        assert group.ask("getmemused")["msg"] == str(3 * (8039985 + 80 // 3))
        assert group.ask("shutdown")["msg"].startswith("shutdown server (")
        assert group.ended() == 0


@pytest.mark.parametrize(
    "values",
    [
        [5, -3, 5, 2**63 - 1, 0, -(2**63), 5, 5, 1, 5],
        [7] * 11,
        [3, 1],
        [],
        [(n * 7919) % 100_003 for n in range(100_003)],
    ],
)
def test_sorting_puts_each_value_where_it_belongs(tmp_path: Path, values: list[int]) -> None:
    """Also equal ones, those at the ends, and fewer than there are locales."""
    with started(tmp_path, OLD, "-nl", "3") as group:
        group.listening()
        data = struct.pack(f"{len(values)}q", *values)
        name = group.ask("array", "int64", len(values), payload=data)["msg"].split()[1]
        made = group.ask("sort", name)["msg"].split()[1]
        frame = group.exchange("tondarray", made)
        assert list(struct.unpack(f"{len(values)}q", frame)) == sorted(values)
        assert group.exchange("tondarray", name) == data


def test_how_several_locales_end(tmp_path: Path) -> None:
    with started(tmp_path, OLD, "-nl", "2") as group:
        group.listening()
        began = time.monotonic()
        group.process.terminate()
        assert group.ended() == 1
        assert 1.1 < time.monotonic() - began < 3
    with started(tmp_path, OLD, "--numLocales=2") as group:
        group.listening()
        group.members()[-1].kill()
        assert group.ended() == 137
    with started(tmp_path, OLD, "-nl", "2") as group:
        group.listening()
        os.killpg(group.process.pid, signal.SIGTERM)
        assert group.ended() == 1
    with started(tmp_path, OLD, "-nl", "2") as group:
        group.listening()
        orphan = group.members()[1]
        group.process.kill()
        assert group.ended() == -signal.SIGKILL
        socket.create_server(("", group.port)).close()
        assert orphan.is_running()
        assert orphan.name() == "arkouda_server_"
    psutil.wait_procs([orphan], timeout=10)


SSH = """#!/bin/sh
# Runs on this machine what it is to run on another; notes on which.
[ "$1" = -V ] && exit 0
while [ "$1" = -o ]; do shift 2; done
echo "$1" >> "$SSH_NOTES"
exec /bin/sh -c "$2"
"""


def by_ssh(tmp_path: Path, *hosts: str) -> dict[str, str]:
    """An environment in which `ssh` stays on this machine."""
    command = tmp_path / "ssh"
    command.write_text(SSH)
    command.chmod(0o755)
    return {
        "SSH_SERVERS": " ".join(hosts),
        "GASNET_SSH_CMD": str(command),
        "SSH_OPTIONS": "-o BatchMode=yes",
        "SSH_NOTES": str(tmp_path / "notes"),
        "GASNET_MASTERIP": "127.0.0.1",
    }


@pytest.mark.parametrize("exact", [False, True])
def test_locales_on_other_machines(tmp_path: Path, exact: bool) -> None:
    env = by_ssh(tmp_path, "here", "there", "elsewhere", "spare")
    env |= {"ARKOUDA_DOUBLE_GASNET": "1"} if exact else {}
    with started(tmp_path, OLD, "-nl", "3", env=env) as group:
        group.listening()
        hosts = sorted((tmp_path / "notes").read_text().split())
        assert hosts == sorted(["there", "elsewhere", *(["here"] if exact else [])])
        name = group.ask("arange", 0, 10, 1)["msg"].split()[1]
        assert group.ask("reduction", "sum", name)["msg"] == "int64 45"
        group.members()[-1].kill()
        assert group.ended() in (255, -signal.SIGTERM)
    with started(tmp_path, OLD, "-nl", "2", env=env) as group:
        group.listening()
        members = group.members()
        group.process.kill()
        assert psutil.wait_procs(members, timeout=10)[1] == []
    with started(tmp_path, OLD, "-nl", "2", env=env) as group:
        group.listening()
        assert group.ask("shutdown")["msgType"] == "NORMAL"
        assert group.ended() == 0


def test_machines_that_cant_be_had(tmp_path: Path) -> None:
    env = by_ssh(tmp_path, "here", "there")
    with started(tmp_path, OLD, "-nl", "3", env=env) as group:
        assert group.ended() == 1
        assert "Not enough machines" in group.printed()
    with started(tmp_path, OLD, "-nl", "2", env=env | {"GASNET_SSH_CMD": "false"}) as group:
        assert group.ended() == -signal.SIGTERM


def client(group: Started, script: str) -> str:
    """What a script prints that has connected the client of the server's age."""
    env = os.environ | {
        "PYTHONPATH": str(CLIENT),
        "ARKOUDA_DOUBLE_AGE": group.age,
        "ARKOUDA_CLIENT_DIRECTORY": str(group.directory / "client"),
    }
    start = f"import arkouda as ak\nak.connect('127.0.0.1', {group.port}, 5, '{group.token}')\n"
    run = subprocess.run(
        [sys.executable, "-W", "error", "-c", start + script],
        env=env,
        cwd=group.directory,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert run.returncode == 0, run.stderr
    return run.stdout.strip()


@BOTH
def test_the_client_computes_in_the_server(tmp_path: Path, age: str) -> None:
    with started(tmp_path, age, "-nl", "2", "--authenticate") as group:
        group.listening()
        script = "a = ak.arange(10)\nprint((2 * a + a).sum(), a.to_ndarray()[3], ak.ruok())"
        assert client(group, script) == "135 3 imok"
        assert client(group, "print(ak.array(['x', 'é']), ak.ones(2))") == (
            "array(['x', 'é']) array([1.0 1.0])"
        )
        kept = (tmp_path / "client" / ".arkouda" / "tokens.txt").read_text()
        place = f"127.0.0.1:{group.port},{group.token}\n"
        assert kept == (place if age == NEW else f"tcp://{place}")
        words = (
            "connected = ak.core.client.connected"
            if age == NEW
            else "connected = ak.client.connected"
        )
        assert client(group, f"{words}\nprint(connected)") == "True"


def test_saved_by_two_locales_loaded_by_three(tmp_path: Path) -> None:
    with started(tmp_path, OLD, "-nl", "2", "--authenticate") as group:
        group.listening()
        client(group, "ak.arange(9).save('../saved')\nak.shutdown()")
        assert group.ended() == 0
    with started(tmp_path, OLD, "-nl", "3", "--authenticate") as group:
        group.listening()
        assert client(group, "print(ak.load('../saved').sum())") == "36"


def test_a_snapshot_by_two_locales_restored_by_three(tmp_path: Path) -> None:
    path = f"path = {str(tmp_path / 'snap')!r}\n"
    save = (
        "a = ak.arange(9)\nt = ak.array(['x', 'yy'])\nn = 3\n"
        "d = ak.DataFrame({'c': a, 'e': ak.zeros(9)})\nak.snapshot(path)\nak.shutdown()"
    )
    with started(tmp_path, NEW, "-nl", "2", "--authenticate") as group:
        group.listening()
        client(group, path + save)
        assert group.ended() == 0
    assert len(list(tmp_path.glob("snap_SNAPSHOT_LOCALE000?"))) == 2
    with started(tmp_path, NEW, "-nl", "3", "--authenticate") as group:
        group.listening()
        load = "r = ak.restore(path)\nprint(sorted(r), r['a'].sum(), r['t'], r['d']['c'].max())"
        assert client(group, path + load) == "['a', 'd', 't'] 36 array(['x', 'yy']) 8"


def test_a_url_with_a_token_is_of_no_use_to_the_new_client(tmp_path: Path) -> None:
    with started(tmp_path, NEW, "--authenticate") as group:
        group.listening()
        script = (
            "url = f'tcp://127.0.0.1:{%d}?token=x'\n"
            "try:\n    ak.connect(connect_url=url)\nexcept ConnectionError as e:\n    print(e)"
        )
        assert "Invalid argument" in client(group, script % group.port)


@pytest.mark.parametrize(("age", "left"), [(OLD, False), (NEW, True)])
def test_an_object_of_a_former_server_deletes_by_name(tmp_path: Path, age: str, left: bool) -> None:
    """Names come again after a new start of the older server: what goes takes the new one along."""
    with started(tmp_path, age, "--authenticate") as group:
        group.listening()
        token, folder = group.token, tmp_path / "other"
        folder.mkdir()
        with started(folder, age, "--authenticate") as second:
            second.listening()
            script = (
                f"a = ak.arange(5)\nak.connect('127.0.0.1', {second.port}, 5, '{second.token}')\n"
                "b = ak.arange(5)\ndel a\n"
                "try:\n    print(b.sum())\nexcept RuntimeError as e:\n    print('gone')"
            )
            assert client(group, script) == ("10" if left else "gone")
            assert token == group.token
