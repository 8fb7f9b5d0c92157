"""The image of the server: what it starts without a cluster (with the double's program, unless
there is a real one), and machines that are too small to build it."""

from __future__ import annotations

import json
import os
import platform
import re
import shlex
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psutil
import pytest

import alongside
from tests.client.arkouda_kernel import REAL, age, ak
from tests.doubles.arkouda import server
from tests.house.test_source import ROOT
from tests.stack import free_port
from tests.waiting import wait_until

FOLDER = ROOT / "images" / "arkouda"
__all__ = ["age", "ak"]
# What the sources' server said of itself, but for what only their branch had.
V36 = {
    *("arkoudaVersion", "ZMQVersion", "HDF5Version", "serverHostname", "ServerPort"),
    *("numLocales", "numPUs", "maxTaskPar", "physicalMemory", "distributionType"),
    *("LocaleConfigs", "authenticate", "logLevel", "byteorder"),
}


def recipe() -> tuple[dict[str, str], list[str]]:
    """Environment and command of the last stage of the recipe."""
    text = (FOLDER / "Dockerfile").read_text(encoding="utf-8").replace("\\\n", " ")
    last = text[text.rindex("\nFROM ") :]
    (variables,) = re.findall(r"^ENV (.*)$", last, re.MULTILINE)
    (command,) = re.findall(r"^CMD (.*)$", last, re.MULTILINE)
    pairs = (word.partition("=") for word in shlex.split(variables))
    return {name: value for name, _, value in pairs}, json.loads(command)


@contextmanager
def container(folder: Path, age: str, *more: str) -> Iterator[subprocess.Popen[bytes]]:
    """What an engine starts of the image, with this program and in this folder instead of its own.
    Its output is in the file `said`."""
    program = server(folder / "bin", age=age)
    environment, command = recipe()
    assert command[0] == "arkouda_server"
    path = os.pathsep.join([str(program.parent), environment["PATH"], os.environ["PATH"]])
    kept = {k: v for k, v in environment.items() if k not in ("PATH", "LD_LIBRARY_PATH")}
    with (folder / "said").open("wb") as said:
        process = subprocess.Popen(
            [str(program), *command[1:], *more],
            cwd=folder,
            env={**kept, "PATH": path, "HOME": str(folder)},
            stdin=subprocess.DEVNULL,
            stdout=said,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    try:
        yield process
    finally:
        for child in psutil.Process(process.pid).children(recursive=True):
            child.kill()
        process.kill()
        process.wait(10)


@pytest.mark.shows("K46", "K45")
def test_v36_the_image_is_tried_without_a_cluster(tmp_path: Path, age: str, ak: Any) -> None:
    """V33 and V36: a container with its port, `ak.connect`, `ak.get_config`."""
    port, token = free_port(), tmp_path / ".arkouda" / "tokens.txt"
    with container(tmp_path, age, f"--ServerPort={port}") as process:
        banner = "server listening on"

        def listening() -> bool:
            assert process.poll() is None, (tmp_path / "said").read_text()
            return banner in (tmp_path / "said").read_text() and token.exists()

        wait_until("it listens", listening)

        def attached() -> Any:
            try:
                return alongside.attach(host="127.0.0.1", port=port, token=token)
            except alongside.errors.NotReady:  # the banner may come before the port
                return None

        assert wait_until("it answers", attached) is ak
        config = ak.get_config()
        assert set(config) >= V36
        assert (config["ServerPort"], config["numLocales"]) == (port, 1)
        assert config["authenticate"] is True
        assert config["byteorder"] == "little"
        assert config["serverHostname"].split(".")[0] == platform.node().split(".")[0]
        assert 1 <= config["numPUs"] <= (os.cpu_count() or 1)
        assert abs(config["physicalMemory"] / psutil.virtual_memory().total - 1) < 0.1
        (locale,) = config["LocaleConfigs"]
        assert locale["physicalMemory"] == config["physicalMemory"]
        if hasattr(ak, "get_mem_avail"):  # not in 2021
            limit = ak.get_mem_used() + ak.get_mem_avail()
            # 29975452876 of 33306058752 in the source: nine tenths
            assert abs(limit / config["physicalMemory"] - 0.9) < 0.01


def test_locales_of_one_container_need_no_ssh() -> None:
    environment, command = recipe()
    assert environment["GASNET_SPAWNFN"] == "L"
    assert "--authenticate=true" in command


@pytest.mark.shows("K44")
@pytest.mark.skipif(REAL, reason="has nothing to do with the server")
def test_a_machine_that_is_too_small_is_refused_before_anything_is_fetched(tmp_path: Path) -> None:
    def check(memory: int) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            ["sh", str(FOLDER / "build.sh"), "check", str(memory)],
            cwd=tmp_path,
            capture_output=True,
            text=True,
            check=False,
        )

    refused = check(1_000_000)
    assert refused.returncode == 1
    assert "needs at least 4 cores and 1000000 GiB of memory" in refused.stderr
    assert "MEMORY_GIB=0" in refused.stderr
    assert check(0).returncode == 0
    assert not list(tmp_path.iterdir())
