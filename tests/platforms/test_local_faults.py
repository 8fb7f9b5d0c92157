"""Whatever is killed, spoilt or full: nothing is left that nobody owns, and the rest goes on."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import pytest

from alongside.errors import InvalidRequest, NotAllowed, NotFound, StorageFailed
from alongside.models import Spec
from alongside.phases import Phase
from alongside.platforms.local import LocalPlatform
from alongside.platforms.local.home import Folder
from alongside.platforms.local.process import Identity, processes, stat
from alongside.testing import make_spec, until
from tests.waiting import awaited

from .local_home import leftovers

pytestmark = [pytest.mark.usefixtures("only_toys"), pytest.mark.slow]
RUNNING, FAILED, STOPPED = Phase.RUNNING, Phase.FAILED, Phase.STOPPED


async def running(platform: LocalPlatform, sleepers: int = 2, **options: Any) -> Spec:
    spec = make_spec("toy", {"sleepers": sleepers, **options})
    await platform.launch(spec)
    await until(platform, spec.id, RUNNING, 30)
    return spec


def folder(home: Path, spec: Spec) -> Path:
    return home / "backends" / spec.id


def supervisor(platform: LocalPlatform, spec: Spec) -> Identity:
    found = platform._home.folder(spec.id).supervisor()
    assert found is not None
    return found


def process_of(home: Path, spec: Spec, name: str) -> int:
    return int((folder(home, spec) / "run" / f"{name}.ready").read_text())


def of_backend(home: Path, spec: Spec) -> list[str]:
    return [line for line in leftovers(home) if spec.id in line]


async def test_a_killed_supervisor_takes_everything_with_it_and_is_reported(
    platform: LocalPlatform, home: Path
) -> None:
    spec = await running(platform)
    supervisor(platform, spec).send(signal.SIGKILL)
    seen = await until(platform, spec.id, FAILED)
    assert seen.status.reason == "SupervisorLost"
    assert seen.status.remedy
    assert not of_backend(home, spec)
    assert not (folder(home, spec) / "run").exists()
    assert not (folder(home, spec) / "secrets").exists()


@pytest.mark.parametrize("warm", [True, False])
async def test_daemons_of_a_killed_supervisors_workers_are_found_and_ended(
    settings: dict[str, Any], home: Path, warm: bool
) -> None:
    platform = LocalPlatform(**settings | {"warm": warm})
    await platform.open()
    try:
        spec = await running(platform, 1, fertile=True)
        own = stat(process_of(home, spec, "sleeper-1"))
        assert own is not None
        await awaited(  # the toy is ready before its daemon has been started
            "a daemon",
            lambda: [p for p in processes() if p.session != own.session and _marked(p.pid, spec)],
        )
        supervisor(platform, spec).send(signal.SIGKILL)
        await until(platform, spec.id, FAILED)
        assert not [p for p in processes() if _marked(p.pid, spec) and p.state not in "ZX"]
        spec = await running(platform, 1, fertile=True)
        await platform.stop(spec.id)
        await until(platform, spec.id, None)
        assert not [p for p in processes() if _marked(p.pid, spec) and p.state not in "ZX"]
        await platform.stop((await platform.observed())[0].spec.id)
    finally:
        await platform.close()


def _marked(pid: int, spec: Spec) -> bool:
    try:
        return spec.id.encode() in Path(f"/proc/{pid}/environ").read_bytes()
    except OSError:
        return False


async def test_a_supervisor_killed_while_starting_leaves_nothing(
    platform: LocalPlatform, home: Path
) -> None:
    spec = make_spec("toy", {"mute": True})
    await platform.launch(spec)
    await until(platform, spec.id, Phase.STARTING)
    supervisor(platform, spec).send(signal.SIGKILL)
    await until(platform, spec.id, FAILED)
    assert not of_backend(home, spec)


async def test_a_supervisor_killed_while_stopping_has_stopped(
    platform: LocalPlatform, home: Path
) -> None:
    spec = await running(platform, 1, stubborn=True)
    await platform.stop(spec.id, forget=False)
    await until(platform, spec.id, Phase.STOPPING)
    supervisor(platform, spec).send(signal.SIGKILL)
    await until(platform, spec.id, STOPPED)
    assert not of_backend(home, spec)


async def test_a_lost_leader_ends_the_backend(platform: LocalPlatform, home: Path) -> None:
    spec = await running(platform)
    os.kill(process_of(home, spec, "leader"), signal.SIGKILL)
    seen = await until(platform, spec.id, FAILED)
    assert seen.status.reason == "LeaderLost"
    assert "SIGKILL" in seen.status.message
    assert not of_backend(home, spec)


@pytest.mark.shows("K23")
async def test_a_lost_member_is_replaced(platform: LocalPlatform, home: Path) -> None:
    spec = await running(platform)
    before = process_of(home, spec, "sleeper-1")
    os.kill(before, signal.SIGKILL)
    lost = "sleeper-1 ended unexpectedly"
    await until(platform, spec.id, lambda s: any(lost in stage.message for stage in s.stages))
    seen = await until(platform, spec.id, lambda s: s.phase is Phase.RUNNING and s.ready == 2)
    assert process_of(home, spec, "sleeper-1") != before
    assert any("sleeper-1 ended unexpectedly" in s.message for s in seen.status.stages)


async def test_a_stubborn_process_is_killed(platform: LocalPlatform, home: Path) -> None:
    spec = await running(platform, 1, stubborn=True)
    await platform.stop(spec.id)
    await until(platform, spec.id, None, 20)
    assert not of_backend(home, spec)


async def test_a_supervisor_that_hangs_is_killed_and_its_backend_ended(
    settings: dict[str, Any], home: Path
) -> None:
    platform = LocalPlatform(**settings | {"grace": 0.2})
    await platform.open()
    try:
        spec = await running(platform)
        supervisor(platform, spec).send(signal.SIGSTOP)
        await platform.stop(spec.id)
        await until(platform, spec.id, None, 30)
    finally:
        await platform.close()
    assert not leftovers(home)


async def test_a_start_that_takes_too_long_fails(platform: LocalPlatform, home: Path) -> None:
    spec = make_spec("toy", {"mute": True}, start_timeout=1)
    await platform.launch(spec)
    seen = await until(platform, spec.id, FAILED)
    assert seen.status.reason == "StartTimeout"
    assert not of_backend(home, spec)


async def test_when_all_are_killed_at_once_the_next_service_finds_it_out(
    settings: dict[str, Any], home: Path
) -> None:
    first = LocalPlatform(**settings)
    await first.open()
    lost = await running(first)
    kept = await running(first)
    victim = supervisor(first, lost)
    await first.close()
    victim.send(signal.SIGKILL)
    second = LocalPlatform(**settings)
    await second.open()
    try:
        seen = await until(second, lost.id, FAILED)
        assert seen.status.reason == "SupervisorLost"
        assert (await until(second, kept.id, RUNNING)).status.ready == 2
    finally:
        for spec in (lost, kept):
            await second.stop(spec.id)
            await until(second, spec.id, None)
        await second.close()
    assert not leftovers(home)


async def test_a_launch_that_a_crash_interrupted_is_finished(
    settings: dict[str, Any], platform: LocalPlatform
) -> None:
    spec = make_spec("toy")
    platform._home.store(spec, {"word": b"x"}, None)  # stored; then the service died
    second = LocalPlatform(**settings)
    await second.open()
    try:
        await until(second, spec.id, RUNNING)
    finally:
        await second.close()


async def test_a_stop_that_a_crash_interrupted_is_finished(
    settings: dict[str, Any], platform: LocalPlatform
) -> None:
    spec = await running(platform)
    wish = spec.model_copy(update={"stop": True, "forget": True})
    platform._home.folder(spec.id).save_spec(wish)  # not signalled; then both died
    supervisor(platform, spec).send(signal.SIGKILL)
    second = LocalPlatform(**settings)
    await second.open()
    try:
        await until(second, spec.id, None)
    finally:
        await second.close()


@pytest.mark.parametrize("spoilt", [b"", b"{", b"[1]", b"\xff" * 100, b'{"id": "x"}'])
async def test_an_unreadable_specification_is_set_aside_with_its_processes_ended(
    platform: LocalPlatform, home: Path, spoilt: bytes
) -> None:
    spec = await running(platform)
    draft = folder(home, spec) / "draft"
    draft.write_bytes(spoilt)
    draft.rename(folder(home, spec) / "spec.json")
    await until(platform, spec.id, None)
    assert not of_backend(home, spec)
    assert next(p.name for p in (home / "unreadable").iterdir()).startswith(spec.id)
    await running(platform)  # and the platform works on


async def test_an_unreadable_status_does_no_harm(platform: LocalPlatform, home: Path) -> None:
    spec = await running(platform)
    draft = folder(home, spec) / "state" / "draft"
    draft.write_bytes(b"nonsense")
    draft.rename(folder(home, spec) / "state" / "status.json")
    await platform.update(spec.model_copy(update={"generation": 2}))
    await until(platform, spec.id, lambda s: s.generation == 2 and s.phase is RUNNING)


async def test_a_status_that_is_a_link_or_a_pipe_is_not_read(
    platform: LocalPlatform, home: Path
) -> None:
    spec = await running(platform)
    state = folder(home, spec) / "state"
    (state / "pipe").unlink(missing_ok=True)
    os.mkfifo(state / "pipe")
    (state / "pipe").rename(state / "status.json")
    async with asyncio.timeout(5):
        assert await platform.observed()
    log = folder(home, spec) / "logs" / "evil.log"
    log.symlink_to("/etc/passwd")
    with pytest.raises(NotFound):
        await anext(aiter(platform.logs(spec.id, "evil", 10, False)))


async def test_a_file_among_the_backends_is_ignored(
    settings: dict[str, Any], platform: LocalPlatform, home: Path
) -> None:
    (home / "backends" / "note.txt").write_text("hello")
    (home / "backends" / "empty").mkdir()
    second = LocalPlatform(**settings)
    await second.open()
    try:
        await until(platform, "empty", None)
        assert not await second.observed()
    finally:
        await second.close()
        (home / "backends" / "note.txt").unlink()


async def test_a_path_too_long_for_sockets_is_refused(home: Path) -> None:
    with pytest.raises(StorageFailed, match="shorter"):
        await LocalPlatform(home=str(home / ("x" * 90))).open()


@pytest.fixture
def small_disk(home: Path) -> Iterator[Path]:
    """A disk of one megabyte."""
    if os.geteuid() != 0:
        pytest.skip("only root can mount a small disk")
    path = home / "disk"
    path.mkdir()
    done = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", str(path)], capture_output=True
    )
    if done.returncode:
        pytest.skip("nothing can be mounted here")
    yield path
    subprocess.run(["umount", "-l", str(path)], check=True)


@pytest.fixture
async def on_small_disk(small_disk: Path, settings: dict[str, Any]) -> AsyncIterator[LocalPlatform]:
    platform = LocalPlatform(**settings | {"home": str(small_disk)})
    await platform.open()
    yield platform
    await platform.close()
    assert not leftovers(small_disk)


async def test_on_a_full_disk_a_launch_says_so_and_leaves_nothing(
    on_small_disk: LocalPlatform, small_disk: Path
) -> None:
    fill(small_disk)
    with pytest.raises(StorageFailed, match=r"No space left.*Free some space"):
        await on_small_disk.launch(make_spec("toy"))
    assert not list((small_disk / "backends").iterdir())
    assert not await on_small_disk.observed()


@pytest.mark.shows("K125")
async def test_a_backend_lives_on_and_can_be_ended_when_the_disk_fills(
    on_small_disk: LocalPlatform, small_disk: Path
) -> None:
    spec = await running(on_small_disk)
    fill(small_disk)
    os.kill(process_of(small_disk, spec, "sleeper-1"), 0)
    await on_small_disk.stop(spec.id)
    await until(on_small_disk, spec.id, None, 30)


def fill(disk: Path) -> None:
    with (disk / "ballast").open("wb", buffering=0) as file:
        for size in (65536, 4096, 1):
            try:
                while True:
                    file.write(b"x" * size)
            except OSError:
                continue


async def test_an_unwritable_directory_is_reported(home: Path) -> None:
    (home / "file").write_text("in the way")
    with pytest.raises(StorageFailed) as caught:
        await LocalPlatform(home=str(home / "file" / "home")).open()
    assert caught.value.remedy


async def test_an_unknown_account_is_refused(platform: LocalPlatform) -> None:
    if os.geteuid() != 0:
        pytest.skip("accounts matter only to root")
    with pytest.raises(InvalidRequest, match="no Unix account"):
        await platform.launch(make_spec("toy", account="nobody-of-that-name"))
    assert not await platform.observed()


async def test_nothing_is_launched_for_a_user_who_is_called_root(platform: LocalPlatform) -> None:
    if os.geteuid() != 0:
        pytest.skip("accounts matter only to root")
    with pytest.raises(NotAllowed, match="superuser"):
        await platform.launch(make_spec("toy", account="root"))
    assert not await platform.observed()


def test_giving_files_to_an_account_follows_no_link(tmp_path: Path) -> None:
    if os.geteuid() != 0:
        pytest.skip("accounts matter only to root")
    draft, other = Folder(tmp_path / "draft"), tmp_path / "other"
    other.touch()
    for path in (draft.state, draft.secrets, draft.run, draft.logs):
        path.mkdir(parents=True)
    draft.spec_file.touch()
    (draft.state / "lock").symlink_to(other)
    draft.give_away((65534, 65534))
    assert other.stat().st_uid == 0
    assert draft.state.stat().st_uid == 65534


async def test_a_working_directory_that_is_missing_is_reported(platform: LocalPlatform) -> None:
    spec = make_spec("toy", directory="/nowhere/at/all")
    await platform.launch(spec)
    seen = await until(platform, spec.id, FAILED)
    assert "/nowhere/at/all" in seen.status.message


async def test_when_the_warm_process_dies_backends_start_plainly_and_it_comes_back(
    platform: LocalPlatform,
) -> None:
    warm = platform._warm
    assert warm is not None
    await running(platform)
    pid = warm.pid
    assert pid is not None
    os.kill(pid, signal.SIGKILL)
    await running(platform)
    await awaited("another warm process", lambda: warm.pid not in (None, pid))
    await running(platform)


def test_an_identity_is_not_fooled_by_a_process_id_used_again() -> None:
    child = subprocess.Popen(["sleep", "60"])
    real = Identity.of(child.pid)
    assert real is not None
    impostor = Identity(child.pid, real.started - 1)  # an earlier process of the same id
    assert not impostor.alive
    assert not impostor.send(signal.SIGKILL)
    assert child.poll() is None
    assert real.send(signal.SIGKILL)
    child.wait(5)
    assert not real.send(signal.SIGKILL)


async def test_logs_are_bounded(settings: dict[str, Any], home: Path) -> None:
    platform = LocalPlatform(**settings | {"log_limit": 4096})
    await platform.open()
    try:
        spec = await running(platform)
        log = folder(home, spec) / "logs" / "leader.log"
        with log.open("a") as file:
            file.writelines(f"line {n}\n" for n in range(2000))
        await awaited("the log is moved on", lambda: log.stat().st_size <= 4096)
        assert log.with_name("leader.log.1").exists()
        await platform.stop(spec.id)
        await until(platform, spec.id, None)
    finally:
        await platform.close()
