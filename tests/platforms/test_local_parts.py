"""The parts of the local platform, each by itself."""

from __future__ import annotations

import asyncio
import json
import logging
import os
import signal
import time
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import pytest

from alongside.errors import StorageFailed, Unavailable
from alongside.kinds.base import Role
from alongside.models import Backend, Status, now
from alongside.phases import Phase
from alongside.platforms.endings import end_of_life
from alongside.platforms.local.children import choose_cpus
from alongside.platforms.local.ending import describe
from alongside.platforms.local.forked import Program, StartFailed
from alongside.platforms.local.home import Home
from alongside.platforms.local.limits import rotate
from alongside.platforms.local.logs import LogReader
from alongside.platforms.local.machine import usable_cores, usable_memory
from alongside.platforms.local.process import Identity, wait_gone
from alongside.platforms.local.store import Corrupt, read, write
from alongside.platforms.local.story import Story
from alongside.platforms.local.warm import WarmProcesses
from alongside.platforms.scaling import Appetite, Restarts
from alongside.testing import make_spec

LOG = logging.getLogger(__name__)


class TestRestarts:
    def test_the_first_restart_is_at_once_and_the_next_ones_wait_longer(self) -> None:
        restarts = Restarts()
        pauses = []
        for _ in range(4):
            assert restarts.plan("worker-1", 10.0, members=2)
            pauses.append(restarts.due()[0] - 10.0)
            assert restarts.take(1000.0) == ["worker-1"]
        assert pauses == [0.0, 1.0, 2.0, 4.0]

    def test_there_is_an_end_to_it(self) -> None:
        restarts = Restarts()
        outcomes = [restarts.plan("worker-1", float(n), members=2) for n in range(9)]
        assert outcomes == [True] * 7 + [False] * 2

    def test_patience_ends_sooner_when_nothing_was_ever_ready(self) -> None:
        restarts = Restarts()
        outcomes = [restarts.plan("worker-1", 0.0, members=1, proven=False) for _ in range(3)]
        assert outcomes == [True, True, False]

    def test_old_crashes_are_forgiven(self) -> None:
        restarts = Restarts()
        assert all(restarts.plan("worker-1", 100.0 * n, members=1) for n in range(20))


class TestAppetite:
    def test_more_is_granted_at_once_and_less_only_when_it_lasts(self) -> None:
        appetite = Appetite()
        assert appetite.follow(1, 3, 0.0) == 3
        assert appetite.follow(3, 1, 1.0) == 3
        assert appetite.follow(3, 1, 5.0) == 3
        assert appetite.follow(3, 1, 6.5) == 1

    def test_a_short_dip_changes_nothing(self) -> None:
        appetite = Appetite()
        for moment in range(0, 40, 4):
            assert appetite.follow(3, 1, float(moment)) == 3
            assert appetite.follow(3, 3, moment + 2.0) == 3

    def test_it_falls_to_the_highest_seen_meanwhile(self) -> None:
        appetite = Appetite()
        assert [appetite.follow(5, t, m) for t, m in ((1, 0.0), (4, 3.0), (1, 6.0))] == [5, 5, 4]


class TestCpus:
    def test_processes_of_a_backend_share_them_evenly(self) -> None:
        present = sorted(os.sched_getaffinity(0))
        taken: list[frozenset[int]] = []
        for _ in range(2 * len(present)):
            taken.append(choose_cpus(1, taken, offset=3))
        if len(present) > 1:
            assert all(sum(cpu in c for c in taken) == 2 for cpu in present)

    def test_all_are_used_when_as_many_as_there_are_or_no_limit_is_asked_for(self) -> None:
        present = os.sched_getaffinity(0)
        assert choose_cpus(0, [], 0) == choose_cpus(len(present), [], 1) == present


class TestEndOfLife:
    def test_nothing_ends_without_a_lifetime(self) -> None:
        status = Status(phase=Phase.RUNNING, idle_since=now() - timedelta(days=1))
        assert end_of_life(make_spec("toy"), status, now()) is None

    def test_idle_time_counts_only_once_it_is_running(self) -> None:
        spec, hour = make_spec("toy", idle=60), timedelta(hours=1)
        status = Status(phase=Phase.STARTING, idle_since=now() - hour)
        assert end_of_life(spec, status, now()) is None
        status = Status(phase=Phase.RUNNING, idle_since=now() - hour, started=now())
        assert end_of_life(spec, status, now()) is None
        ending = end_of_life(spec, status, now() + hour)
        assert ending is not None
        assert ending.reason == "Idle"

    def test_idle_time_counts_anew_from_when_it_was_said_to_be_needed(self) -> None:
        spec, later = make_spec("toy", idle=60), now() + timedelta(hours=1)
        status = Status(phase=Phase.RUNNING, idle_since=now(), started=now())
        assert end_of_life(spec, status, later) is not None
        needed = spec.model_copy(update={"needed": later})
        assert end_of_life(needed, status, later) is None
        told = Backend.of(needed, status).expires
        assert told is not None
        assert end_of_life(needed, status, told) is not None

    def test_it_expires_in_every_phase(self) -> None:
        spec = make_spec("toy", maximum=60)
        ending = end_of_life(spec, Status(), now() + timedelta(minutes=2))
        assert ending is not None
        assert "1 min" in ending.message


def test_wait_statuses_are_described() -> None:
    assert describe(signal.SIGKILL) == "signal SIGKILL"
    assert describe(3 << 8) == "exit status 3"


class TestStore:
    @pytest.fixture
    def place(self, tmp_path: Path) -> Home:
        place = Home(tmp_path / "home")
        place.prepare()
        return place

    def test_what_is_written_is_read_and_private(self, place: Home) -> None:
        spec = make_spec("toy")
        assert place.store(spec, {"word": b"x"}, None)
        assert not place.store(spec, {"word": b"y"}, None)
        folder = place.folder(spec.id)
        assert folder.load_spec() == spec
        assert folder.load_status() is None
        assert [f.id for f in place.folders()] == [spec.id]
        assert (folder.path.stat().st_mode & 0o777) == 0o700
        assert ((folder.secrets / "word").stat().st_mode & 0o777) == 0o600
        folder.remove()
        folder.remove()
        assert not list(place.path.iterdir())

    def test_drafts_of_interrupted_creations_are_swept_when_old(self, place: Home) -> None:
        for name, age in ((".draft-old", 3600), (".draft-new", 0)):
            (place.path / name).mkdir()
            moment = time.time() - age
            os.utime(place.path / name, (moment, moment))
        place.prepare()
        assert [path.name for path in place.path.iterdir()] == [".draft-new"]

    def test_links_devices_and_huge_files_are_not_read(self, tmp_path: Path) -> None:
        (tmp_path / "link").symlink_to("/etc/passwd")
        (tmp_path / "folder").mkdir()
        (tmp_path / "huge").write_bytes(b"x" * (2**20 + 1))
        for name in ("link", "huge", "folder"):
            with pytest.raises((Corrupt, IsADirectoryError)):
                read(tmp_path / name)

    def test_a_failed_write_leaves_the_old_content_and_no_draft(self, tmp_path: Path) -> None:
        target = tmp_path / "folder"
        target.mkdir()
        with pytest.raises(OSError, match="directory"):
            write(target, b"x")
        assert [path.name for path in tmp_path.iterdir()] == ["folder"]

    def test_only_one_changes_specifications_at_a_time(self, place: Home) -> None:
        with place.changing(), pytest.raises(StorageFailed), place.changing(timeout=0.1):
            raise AssertionError("both are in")

    def test_nobody_supervises_what_was_just_created(self, place: Home) -> None:
        spec = make_spec("toy")
        place.store(spec, {}, None)
        assert place.folder(spec.id).supervisor() is None

    def test_the_story_goes_on_when_it_cannot_be_written(self, place: Home) -> None:
        spec = make_spec("toy")
        place.store(spec, {}, None)
        folder = place.folder(spec.id)
        story = Story(folder, Status())
        story.enter(Phase.STARTING, "Starting")
        folder.state.rename(folder.path / "elsewhere")
        story.save()
        (folder.path / "elsewhere").rename(folder.state)
        story.save()
        status = folder.load_status()
        assert status is not None
        assert status.phase is Phase.STARTING
        with pytest.raises(RuntimeError):
            story.enter(Phase.PENDING, "Back")


class TestLogs:
    def test_the_last_lines_and_what_comes(self, tmp_path: Path) -> None:
        log = tmp_path / "worker.log"
        log.write_text("".join(f"line {n}\n" for n in range(50_000)) + "unfinished")
        reader = LogReader(log)
        assert reader.last(2) == ["line 49998", "line 49999"]
        with log.open("a") as file:
            file.write(" business\nmore")
        assert reader.read() == ["unfinished business"]
        os.truncate(log, 0)
        log.write_bytes(b"fresh \xff\n")
        assert reader.read() == ["fresh \ufffd"]
        reader.close()

    def test_no_lines_of_an_empty_log(self, tmp_path: Path) -> None:
        (tmp_path / "empty.log").touch()
        reader = LogReader(tmp_path / "empty.log")
        assert (reader.last(10), reader.read(), reader.remainder()) == ([], [], [])
        reader.close()

    def test_rotation_keeps_one_older_file(self, tmp_path: Path) -> None:
        (tmp_path / "a.log").write_bytes(b"x" * 100)
        (tmp_path / "b.log").write_bytes(b"x" * 10)
        rotate(tmp_path, 50)
        sizes = {path.name: path.stat().st_size for path in tmp_path.iterdir()}
        assert sizes == {"a.log": 0, "a.log.1": 100, "b.log": 10}


def test_the_machine_has_something() -> None:
    assert usable_cores() > 0
    assert usable_memory() > 2**20
    assert Role("worker", 1, essential=False, members=True).memory == 0


class TestWarmProcesses:
    @pytest.fixture
    async def warm(self) -> AsyncIterator[WarmProcesses]:
        warm = WarmProcesses(["json.tool"], log=LOG)
        await warm.start()
        yield warm
        await warm.close()
        assert warm.pid is None

    async def test_a_program_has_its_own_everything(
        self, warm: WarmProcesses, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        (tmp_path / "in.json").write_text('{"a":1}')
        words = ("json.tool", "in.json", "out.json", "--indent", "3")
        program = Program("json.tool:main", words, {"A": "b"}, str(tmp_path))
        identity = await warm.fork(program)
        assert not wait_gone([identity], 10)
        assert (tmp_path / "out.json").read_text() == json.dumps({"a": 1}, indent=3) + "\n"

    async def test_its_labels_are_its_own_and_secrets_of_the_owner_are_not_there(
        self, warm: WarmProcesses, tmp_path: Path
    ) -> None:
        words = ("sleepy", "--one")
        env = {"ALONGSIDE_BACKEND": "etl-1", "SECRET": "x"}
        identity = await warm.fork(Program("signal:pause", words, env, "/"))
        try:
            line = Path(f"/proc/{identity.pid}/cmdline").read_bytes().rstrip(b"\0")
            assert line == b"sleepy\0--one"
            environment = Path(f"/proc/{identity.pid}/environ").read_bytes().rstrip(b"\0")
            assert environment == b"ALONGSIDE_BACKEND=etl-1"
            assert os.getsid(identity.pid) == identity.pid
        finally:
            identity.send(signal.SIGKILL)

    async def test_output_and_exceptions_go_to_its_log(
        self, warm: WarmProcesses, tmp_path: Path
    ) -> None:
        log = tmp_path / "log"
        identity = await warm.fork(Program("json.tool:nothing", ("x",), {}, "/", str(log)))
        wait_gone([identity], 10)
        assert "AttributeError" in log.read_text()

    async def test_one_that_ends_at_once_has_started_all_the_same(
        self, warm: WarmProcesses, tmp_path: Path
    ) -> None:
        program = Program("builtins:int", ("x",), {}, "/", str(tmp_path / "log"))
        identities = [await warm.fork(program) for _ in range(50)]
        assert not wait_gone(identities, 10)

    async def test_what_cannot_start_says_why(self, warm: WarmProcesses) -> None:
        with pytest.raises(StartFailed, match="/nowhere"):
            await warm.fork(Program("signal:pause", ("x",), {}, "/nowhere"))
        if os.geteuid() == 0:
            with pytest.raises(StartFailed, match="no-such-account"):
                await warm.fork(Program("signal:pause", ("x",), {}, account="no-such-account"))

    async def test_programs_outlive_it(self) -> None:
        warm = WarmProcesses([], log=LOG)
        await warm.start()
        identity = await warm.fork(Program("signal:pause", ("x",), {}, "/"))
        await warm.close()
        assert identity.alive
        assert identity.send(signal.SIGKILL)
        assert not wait_gone([identity], 5)

    async def test_without_a_server_it_says_so(self) -> None:
        warm = WarmProcesses([], log=LOG)
        with pytest.raises(Unavailable):
            await warm.fork(Program("signal:pause", ("x",), {}))

    async def test_a_hung_server_does_not_block_for_ever(self, warm: WarmProcesses) -> None:
        identity = await warm.fork(Program("signal:pause", ("x",), {}, "/"))
        identity.send(signal.SIGKILL)
        assert warm.pid is not None
        server = Identity.of(warm.pid)
        assert server is not None
        server.send(signal.SIGSTOP)
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr("alongside.platforms.local.warm.SETTLE", 0.2)
            with pytest.raises(Unavailable):
                await warm.fork(Program("signal:pause", ("x",), {}), timeout=0.2)
        assert not await asyncio.to_thread(wait_gone, [server], 5)

    async def test_a_module_that_is_missing_is_no_obstacle(self) -> None:
        warm = WarmProcesses(["no_such_module_anywhere"], log=LOG)
        await warm.start()
        identity = await warm.fork(Program("signal:pause", ("x",), {}, "/"))
        assert identity.send(signal.SIGKILL)
        await warm.close()
