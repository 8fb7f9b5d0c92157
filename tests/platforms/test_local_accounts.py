"""As root, everything of a user runs as that user; nothing of root's is reachable from there."""

from __future__ import annotations

import asyncio
import os
import pwd
import shutil
import signal
import stat as modes
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import psutil
import pytest

from alongside.errors import NotFound, NotReady
from alongside.phases import Phase
from alongside.platforms.local import LocalPlatform
from alongside.platforms.local.process import descendants
from alongside.testing import make_spec, until
from tests.platforms.accounts import another_account, run_in_a_view
from tests.waiting import wait_until

ACCOUNT = "al-test-user"
pytestmark = [
    pytest.mark.skipif(
        os.geteuid() != 0 or shutil.which("useradd") is None, reason="only root can add accounts"
    ),
    pytest.mark.slow,
]


@pytest.fixture(scope="module")
def account() -> Iterator[pwd.struct_passwd]:
    """A real Unix account, removed afterwards."""
    with another_account(ACCOUNT) as made:
        yield made


@pytest.fixture
def settings(settings: dict[str, Any], home: Path) -> dict[str, Any]:
    home.chmod(0o711)
    return settings


@pytest.mark.parametrize("warm", [True, False], ids=["warm", "plain"])
async def test_all_processes_and_files_are_the_users(
    settings: dict[str, Any], home: Path, account: pwd.struct_passwd, warm: bool
) -> None:
    platform = LocalPlatform(**settings | {"warm": warm})
    await platform.open()
    try:
        spec = make_spec("dask", {"workers": 1, "memory": "512 MiB"}, account=ACCOUNT)
        await platform.launch(spec)
        await until(platform, spec.id, Phase.RUNNING)
        supervisor = platform._home.folder(spec.id).supervisor()
        assert supervisor is not None
        tree = [supervisor.pid, *(seen.pid for seen in descendants(supervisor.pid))]
        assert len(tree) == 3
        for pid in tree:
            process = psutil.Process(pid)
            assert set(process.uids()) == {account.pw_uid}
            assert set(process.gids()) == {account.pw_gid}
            status = Path(f"/proc/{pid}/status").read_text()
            groups = next(line for line in status.splitlines() if line.startswith("Groups:"))
            assert "0" not in groups.split()[1:]
        folder = home / "backends" / spec.id
        for name in ("secrets", "run", "state", "logs"):
            info = (folder / name).stat()
            assert (info.st_uid, modes.S_IMODE(info.st_mode)) == (account.pw_uid, 0o700)
        info = (folder / "spec.json").stat()
        assert (info.st_uid, modes.S_IMODE(info.st_mode)) == (0, 0o640)
        client = await asyncio.to_thread(_attach, await platform.connection(spec.id))
        home_and_user = await asyncio.to_thread(
            lambda: client.submit(lambda: (os.getuid(), os.environ["HOME"], os.getcwd())).result()
        )
        assert home_and_user == (account.pw_uid, account.pw_dir, account.pw_dir)
        await asyncio.to_thread(client.close)
        supervisor.send(signal.SIGKILL)
        await until(platform, spec.id, Phase.FAILED)
        await platform.stop(spec.id)
        await until(platform, spec.id, None)
        # whoever was killed is reaped in a moment, by us when a warm process had started it
        gone = partial(wait_until, "all have ended", lambda: not processes_of(account.pw_uid, warm))
        await asyncio.to_thread(gone)
    finally:
        await platform.close()


def processes_of(uid: int, zombies: bool) -> list[int]:
    """Ids of a user's processes; with `zombies` also those that nobody has waited for."""
    found = []
    for process in psutil.process_iter():
        try:
            own = process.uids().real == uid
            if own and (zombies or process.status() != psutil.STATUS_ZOMBIE):
                found.append(process.pid)
        except psutil.Error:
            continue
    return found


def _attach(connection: Any) -> Any:
    from alongside.kinds import get_kind

    return get_kind("dask").attach(connection, "test")


async def test_links_that_a_user_plants_are_not_followed(
    platform: LocalPlatform, home: Path, account: pwd.struct_passwd
) -> None:
    spec = make_spec("toy", account=ACCOUNT)
    await platform.launch(spec)
    await until(platform, spec.id, Phase.RUNNING)
    folder = home / "backends" / spec.id
    (folder / "secrets" / "word").unlink()
    (folder / "secrets" / "word").symlink_to("/etc/shadow")
    with pytest.raises(NotReady):
        await platform.connection(spec.id)
    (folder / "logs" / "leader.log").unlink()
    (folder / "logs" / "leader.log").symlink_to("/etc/shadow")
    with pytest.raises(NotFound):
        await anext(aiter(platform.logs(spec.id, "leader", 10, False)))


async def test_a_home_that_the_account_cannot_reach_is_reported(
    platform: LocalPlatform, home: Path, account: pwd.struct_passwd
) -> None:
    home.chmod(0o700)
    spec = make_spec("toy", account=ACCOUNT)
    await platform.launch(spec)
    seen = await until(platform, spec.id, Phase.FAILED)
    assert "Permission denied" in seen.status.message


def test_the_same_where_the_interpreter_is_out_of_reach_otherwise(tmp_path: Path) -> None:
    assert "4 passed" in run_in_a_view(tmp_path, __file__)
