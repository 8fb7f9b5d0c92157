"""The guide's configurations of reverse proxies, as the real programs run them.

Their text is taken out of the guide; only names, addresses and files are filled in. The programs
listen on loopback, have all their state in one directory, and are ended by their pid.
"""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import signal
import socket
import ssl
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.authenticators.slapd import Authority
from tests.spawners.live_hub import ROOT, free_port, until

ADDRESS = "127.0.0.2"
"""Of the proxies: another host than the portal's, as far as cookies are concerned."""

PATHS = f"{os.environ['PATH']}:/usr/sbin:/usr/local/sbin"
MODULES = Path("/etc/apache2/mods-available")
ALWAYS = ("mpm_event", "authn_core", "authz_core", "authz_user")
"""Modules that Debian's Apache has without being asked."""

WANTED = {
    "nginx": "needs nginx; on Debian and Ubuntu: apt-get install nginx",
    "apache2": "needs Apache; on Debian and Ubuntu: apt-get install apache2 "
    "libapache2-mod-auth-openidc",
    "traefik": "needs Traefik as a program on the PATH",
    "oauth2-proxy": "needs oauth2-proxy as a program on the PATH",
}
"""What to do about a program that isn't there."""


def missing(*programs: str) -> str:
    """Why these programs can't be run here; "" if they can."""
    absent = [name for name in programs if shutil.which(name, path=PATHS) is None]
    if "apache2" in programs and not (MODULES / "auth_openidc.load").exists():
        absent.append("apache2")
    return WANTED[absent[0]] if absent else ""


def section(title: str) -> str:
    """What the guide says below this heading."""
    guide = (ROOT / "docs/how-to/sign-in-by-header.md").read_text(encoding="utf-8")
    parts = re.split(r"^#{2,3} ", guide, flags=re.MULTILINE)
    (found,) = (part for part in parts if part.startswith(f"{title}\n"))
    return found


def recipe(title: str, language: str) -> str:
    """The one block in this language below this heading."""
    pattern = rf"^```(?:{{code-block}} )?{language}\n(.*?)^```"
    (found,) = re.findall(pattern, section(title), re.DOTALL | re.MULTILINE)
    return str(found)


def filled(text: str, places: Mapping[str, str]) -> str:
    """The text with what is an example in it replaced. AssertionError if it lacks one of them."""
    lacking = [example for example in places if example not in text]
    assert not lacking, f"the guide doesn't have {lacking} any more"
    pattern = "|".join(map(re.escape, sorted(places, key=len, reverse=True)))
    return re.sub(pattern, lambda found: places[found[0]], text)


@dataclass
class Site:
    """Where a proxy is: https://`address`, with a certificate and a directory of its own."""

    place: Path

    def __post_init__(self) -> None:
        self.port = free_port()
        self.address = f"{ADDRESS}:{self.port}"
        self.url = f"https://{self.address}"
        authority = Authority("Test authority")
        self.certificate = authority.vouch(self.place / "proxy.pem", "proxy", ADDRESS)
        self.trust = ssl.create_default_context(
            cafile=str(authority.write(self.place / "authority.pem"))
        )

    @contextmanager
    def running(self, name: str, *arguments: str, port: int = 0) -> Iterator[None]:
        """A program that listens at the proxy's port, or at another one of loopback."""
        program = shutil.which(name, path=PATHS)
        assert program is not None
        log = self.place / f"{name}.log"
        with log.open("ab") as output:
            process = subprocess.Popen(
                [program, *arguments],
                cwd=self.place,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                start_new_session=True,
            )
        there = ("127.0.0.1", port) if port else (ADDRESS, self.port)
        try:
            until(lambda: process.poll() is not None or _listens(there), f"{name} listens", 60)
            assert process.poll() is None, log.read_text()[-3000:]
            yield
        finally:
            process.send_signal(signal.SIGTERM)
            try:
                process.wait(30)
            except subprocess.TimeoutExpired:
                with contextlib.suppress(ProcessLookupError):
                    os.killpg(process.pid, signal.SIGKILL)
                process.wait(10)

    @contextmanager
    def nginx(self, server: str) -> Iterator[None]:
        """nginx with what belongs into its block `http`."""
        folders = ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
        temporary = "\n".join(f"{name}_temp_path {self.place}/{name};" for name in folders)
        config = self.place / "nginx.conf"
        config.write_text(
            f"""
daemon off;
{"user root root;" if os.geteuid() == 0 else ""}
worker_processes 1;
pid {self.place}/nginx.pid;
error_log stderr;
events {{ worker_connections 256; }}
http {{
access_log off;
{temporary}
{server}
}}
"""
        )
        with self.running("nginx", "-p", str(self.place), "-c", str(config), "-e", "stderr"):
            yield

    @contextmanager
    def apache(self, server: str, modules: list[str]) -> Iterator[None]:
        """Apache with these modules of Debian's and what belongs into a file of a site."""
        config = self.place / "apache.conf"
        # as root it insists on serving as somebody else
        account = "User www-data\nGroup www-data\n" if os.geteuid() == 0 else ""
        loaded = "\n".join(dict.fromkeys(_loading([*ALWAYS, *modules])))
        config.write_text(
            f"""
ServerRoot {self.place}
DefaultRuntimeDir {self.place}
PidFile {self.place}/apache.pid
ErrorLog {self.place}/apache2.log
LogLevel warn
ServerName {ADDRESS}
Listen {self.address}
{loaded}
{account}
TypesConfig /dev/null
{server}
"""
        )
        with self.running("apache2", "-f", str(config), "-DFOREGROUND"):
            yield

    @contextmanager
    def traefik(self, dynamic: str) -> Iterator[None]:
        """Traefik with these routers, middlewares and services."""
        (self.place / "dynamic.yaml").write_text(
            f"""{dynamic}
tls:
  stores:
    default:
      defaultCertificate: {{certFile: {self.certificate}, keyFile: {self.certificate}}}
"""
        )
        arguments = (
            f"--entryPoints.https.address={self.address}",
            f"--providers.file.filename={self.place}/dynamic.yaml",
            "--global.checkNewVersion=false",
            "--global.sendAnonymousUsage=false",
        )
        with self.running("traefik", *arguments):
            yield

    @contextmanager
    def oauth2_proxy(self, config: str, port: int) -> Iterator[None]:
        """oauth2-proxy, which listens at this port of 127.0.0.1."""
        file = self.place / "oauth2-proxy.toml"
        file.write_text(config)
        with self.running("oauth2-proxy", "--config", str(file), port=port):
            yield


def _listens(there: tuple[str, int]) -> bool:
    try:
        socket.create_connection(there, 1).close()
    except OSError:
        return False
    return True


def _loading(modules: list[str]) -> Iterator[str]:
    """The lines that load modules, after those of the modules that they need, as Debian says."""
    for name in modules:
        text = (MODULES / f"{name}.load").read_text()
        for needed in re.findall(r"^# Depends: (.*)", text, re.MULTILINE):
            yield from _loading(needed.split())
        yield from re.findall(r"^LoadModule .*", text, re.MULTILINE)
