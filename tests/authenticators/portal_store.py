"""A portal's store of files, by a real `sshd` on loopback, and how a hub mounts it by SSHFS.

Each entry gets a key of its own, which is good for a while.
"""

from __future__ import annotations

import getpass
import os
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
)

from tests.spawners.live_hub import free_port, until

SSHD = shutil.which("sshd", path=f"{os.environ['PATH']}:/usr/sbin")


def why_not() -> str:
    """Why there can be no such store here; "" if there can."""
    if SSHD is None or not (shutil.which("sshfs") and shutil.which("fusermount3")):
        return "needs sshd and SSHFS; on Debian and Ubuntu: apt-get install openssh-server sshfs"
    return "" if os.access("/dev/fuse", os.R_OK | os.W_OK) else "needs /dev/fuse"


class Store:
    """`files` is a user's directory in it. All else that it needs is beside that, in `place`."""

    def __init__(self, place: Path) -> None:
        self.place = place
        self.files = place / "files"
        self.files.mkdir(parents=True)
        self.mounts = place / "mounts"
        self.port = free_port()

    @contextmanager
    def open(self) -> Iterator[Store]:
        """It is there while the block lasts, and nothing is mounted afterwards."""
        assert SSHD is not None
        private, public = _key_pair()
        host_key = self.place / "host-key"
        host_key.touch(0o600)
        host_key.write_text(private)
        (self.place / "known-hosts").write_text(f"[127.0.0.1]:{self.port} {public}\n")
        (self.place / "keys").touch()
        if os.geteuid() == 0:
            Path("/run/sshd").mkdir(exist_ok=True)  # as Debian's service has it
        config = self.place / "sshd-config"
        config.write_text(
            f"""
ListenAddress 127.0.0.1
Port {self.port}
HostKey {host_key}
PidFile none
AuthorizedKeysFile {self.place}/keys
StrictModes no
UsePAM no
PasswordAuthentication no
KbdInteractiveAuthentication no
PermitRootLogin prohibit-password
Subsystem sftp internal-sftp
"""
        )
        with (self.place / "sshd.log").open("ab") as log:
            process = subprocess.Popen(
                [SSHD, "-D", "-e", "-f", str(config)], stdin=subprocess.DEVNULL, stderr=log
            )
        try:
            until(lambda: process.poll() is not None or self._listens(), "sshd listens", 60)
            assert process.poll() is None, (self.place / "sshd.log").read_text()
            yield self
        finally:
            for folder in self.mounts.glob("*"):
                if folder.is_mount():
                    subprocess.run(["fusermount3", "-u", "-z", str(folder)], check=True)
            process.terminate()
            process.wait(30)

    def _listens(self) -> bool:
        try:
            socket.create_connection(("127.0.0.1", self.port), 1).close()
        except OSError:
            return False
        return True

    def credentials(self, seconds: int) -> dict[str, Any]:
        """How the files are reached, with a new key that is good for so long."""
        private, public = _key_pair()
        expires = int(time.time()) + seconds
        until_then = time.strftime("%Y%m%d%H%M%SZ", time.gmtime(expires))
        with (self.place / "keys").open("a") as keys:
            keys.write(f'restrict,expiry-time="{until_then}",command="internal-sftp" {public}\n')
        return {
            "host": "127.0.0.1",
            "port": self.port,
            "username": getpass.getuser(),
            "path": str(self.files),
            "private_key": private,
            "expires": expires,
        }

    @property
    def mounting(self) -> str:
        """What an operator puts into a hub's configuration to have sessions begin in it."""
        return f"""
import asyncio
from pathlib import Path

async def run(*command):
    process = await asyncio.create_subprocess_exec(*command)
    assert await asyncio.wait_for(process.wait(), 60) == 0, command[0]

async def mount(spawner):
    mount = (await spawner.user.get_auth_state())["mount"]
    folder = Path({str(self.mounts)!r}) / spawner.user.name
    folder.mkdir(parents=True)
    key = folder.with_suffix(".key")
    key.touch(0o600)
    key.write_text(mount["private_key"])
    options = f"IdentityFile={{key}},IdentitiesOnly=yes,BatchMode=yes"
    options += ",UserKnownHostsFile={self.place}/known-hosts"
    address = f"{{mount['username']}}@{{mount['host']}}:{{mount['path']}}"
    await run("sshfs", address, str(folder), "-p", str(mount["port"]), "-o", options)

async def unmount(spawner):
    await run("fusermount3", "-u", "-z", str(Path({str(self.mounts)!r}) / spawner.user.name))

c.Spawner.pre_spawn_hook = mount
c.Spawner.post_stop_hook = unmount
c.Spawner.notebook_dir = "{self.mounts}/{{username}}"
"""


def _key_pair() -> tuple[str, str]:
    key = Ed25519PrivateKey.generate()
    private = key.private_bytes(Encoding.PEM, PrivateFormat.OpenSSH, NoEncryption())
    public = key.public_key().public_bytes(Encoding.OpenSSH, PublicFormat.OpenSSH)
    return private.decode(), public.decode()
