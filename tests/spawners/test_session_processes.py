"""Every process of a session is found and ended, and nobody else's."""

from __future__ import annotations

import getpass
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from alongside.errors import InvalidRequest, NotAllowed, StorageFailed
from alongside_spawners.accounts import account_of, directory_name
from alongside_spawners.session_log import last_lines, prepare_log
from alongside_spawners.session_processes import MARK, SessionProcesses, mark_of
from tests.spawners.live_hub import until

pytestmark = pytest.mark.slow

SLEEP = [sys.executable, "-c", "import time; time.sleep(120)"]
_DEAF = """
import signal, time
signal.signal(signal.SIGTERM, signal.SIG_IGN)
print(flush=True)
time.sleep(120)
"""
STUBBORN = [sys.executable, "-c", _DEAF]


@pytest.fixture
def started() -> Iterator[list[subprocess.Popen[bytes]]]:
    """Processes that are gone after the test."""
    processes: list[subprocess.Popen[bytes]] = []
    yield processes
    for process in processes:
        process.kill()
        process.wait(10)
        if process.stdout:
            process.stdout.close()


def test_a_mark_is_the_same_after_a_restart_and_another_one_for_everybody_else(
    tmp_path: Path,
) -> None:
    mark = mark_of(tmp_path, "ada", "")
    assert mark == mark_of(tmp_path, "ada", "")
    others = {
        mark_of(tmp_path, "ada", "x"),
        mark_of(tmp_path, "adax", ""),
        mark_of(tmp_path / "y", "ada", ""),
    }
    assert mark not in others
    assert len(others) == 3


def test_marked_processes_end_and_strangers_stay(
    started: list[subprocess.Popen[bytes]], tmp_path: Path
) -> None:
    env = {**os.environ, MARK: "mine"}
    mine = subprocess.Popen(SLEEP, env=env, start_new_session=True)
    stubborn = subprocess.Popen(STUBBORN, env=env, start_new_session=True, stdout=subprocess.PIPE)
    stranger = subprocess.Popen(SLEEP, env={**os.environ, MARK: "mine-not"})
    started += [mine, stubborn, stranger]
    assert stubborn.stdout is not None
    stubborn.stdout.readline()
    session = SessionProcesses("mine", tmp_path / "log")
    until(lambda: len(session.find()) == 2, "both are found")
    assert session.end(grace=0.2, timeout=10) == []
    assert mine.wait(5) < 0
    assert stubborn.wait(5) < 0
    assert stranger.poll() is None


def test_a_process_that_writes_to_the_log_belongs_to_the_session(
    started: list[subprocess.Popen[bytes]], tmp_path: Path
) -> None:
    log = tmp_path / "ada.log"
    with log.open("wb") as output:
        process = subprocess.Popen(SLEEP, stdout=output)
    started.append(process)
    assert [i.pid for i in SessionProcesses("none", log).find()] == [process.pid]


def test_a_log_is_private_and_keeps_the_one_before(tmp_path: Path) -> None:
    log = tmp_path / "sessions" / "ada.log"
    prepare_log(log, "")
    log.write_text("first\n\x1b[31mBad <thing>\x1b[0m\n\n")
    assert last_lines(log) == "first Bad <thing>"
    prepare_log(log, "")
    assert log.read_text() == ""
    assert log.stat().st_mode & 0o777 == 0o600
    assert "first" in log.with_suffix(".log.1").read_text()
    assert last_lines(tmp_path / "nowhere") == ""


def test_a_log_that_cannot_be_written_is_a_sentence(tmp_path: Path) -> None:
    (tmp_path / "sessions").write_text("a file where a directory should be")
    with pytest.raises(StorageFailed, match=r"can't be written: .* Free some space"):
        prepare_log(tmp_path / "sessions" / "ada.log", "")


@pytest.mark.parametrize(
    "name", ["../ada", "a/b", ".", "..", "-rf", "Ada", "ädä", "x" * 300, "", "a\0b", "{state_dir}"]
)
def test_names_of_people_make_harmless_directories(name: str, tmp_path: Path) -> None:
    safe = directory_name(name)
    assert (tmp_path / safe).parent == tmp_path
    assert len(safe) <= 63
    assert safe[0] not in ".-"
    assert safe != directory_name(name + "x")
    assert directory_name("ada") == "ada"


def test_accounts_that_are_not_there_or_must_not_be_used_are_refused() -> None:
    assert account_of("anybody", unix_users=False, home="/h").name == ""
    with pytest.raises(InvalidRequest, match="no Unix account"):
        account_of("nobody-of-this-name", unix_users=True, home="")
    if os.geteuid() == 0:
        with pytest.raises(NotAllowed, match="superuser"):
            account_of("root", unix_users=True, home="")
    else:
        assert account_of(getpass.getuser(), unix_users=True, home="").name == getpass.getuser()
