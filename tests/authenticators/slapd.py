"""A real OpenLDAP for tests: `slapd` on loopback, with TLS and all its state in one directory.

Its certificates are made here. It is started in the foreground as a child and ended by its pid.
"""

from __future__ import annotations

import asyncio
import base64
import contextlib
import datetime
import ipaddress
import shutil
import socket
import subprocess
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

SLAPD = shutil.which("slapd", path="/usr/sbin:/usr/local/sbin:/usr/libexec:/usr/bin")
SLAPADD = shutil.which("slapadd", path="/usr/sbin:/usr/local/sbin:/usr/bin")
SCHEMAS = Path("/etc/ldap/schema")
needs_slapd = pytest.mark.skipif(
    SLAPD is None or SLAPADD is None or not SCHEMAS.is_dir(),
    reason="needs OpenLDAP's server; on Debian and Ubuntu: apt-get install slapd",
)

SUFFIX = "dc=example,dc=org"
PEOPLE = f"ou=people,{SUFFIX}"
COUNTER = f"cn=uidNext,{SUFFIX}"
HUB = f"cn=hub,{SUFFIX}"
PASSWORD = "not-to-be-seen-anywhere"

# The schema of the thesis whose portal's users these are, with identifiers of its own.
SCHEMA = """
objectclass ( 1.3.6.1.4.1.99999.1 NAME 'x-nextUserIdentifier' SUP top STRUCTURAL
  MUST ( cn $ uidNumber ) )
objectclass ( 1.3.6.1.4.1.99999.2 NAME 'x-certsDistinguishedName' SUP top STRUCTURAL
  MUST cn MAY ( c $ st $ l $ o $ ou $ emailAddress ) )
"""

DATA = f"""
dn: {SUFFIX}
objectClass: dcObject
objectClass: organization
o: Example

dn: {PEOPLE}
objectClass: organizationalUnit
ou: people

dn: {COUNTER}
objectClass: x-nextUserIdentifier
cn: uidNext
uidNumber: 5000

dn: cn=physics,{SUFFIX}
objectClass: groupOfNames
cn: physics
member: uid=ann,{PEOPLE}

dn: uid=ann,{PEOPLE}
objectClass: account
objectClass: posixAccount
uid: ann
cn: Ann
uidNumber: 4711
gidNumber: 100
homeDirectory: /home/ann

dn: uid=toor,{PEOPLE}
objectClass: account
objectClass: posixAccount
uid: toor
cn: toor
uidNumber: 0
gidNumber: 0
homeDirectory: /root
"""


class Authority:
    """A certificate authority that vouches for whom it is told to."""

    def __init__(self, name: str) -> None:
        self.key = ec.generate_private_key(ec.SECP256R1())
        self.name = _name(name)
        self.certificate = self._signed(self.name, self.key.public_key(), authority=True)

    def write(self, place: Path) -> Path:
        """Its own certificate as a file."""
        place.write_bytes(self.certificate.public_bytes(serialization.Encoding.PEM))
        return place

    def vouch(self, place: Path, name: str, address: str = "127.0.0.1") -> Path:
        """Key and certificate of `name` in one file."""
        key = ec.generate_private_key(ec.SECP256R1())
        signed = self._signed(_name(name), key.public_key(), address=address)
        pem = serialization.Encoding.PEM
        text = key.private_bytes(
            pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
        place.write_bytes(text + signed.public_bytes(pem))
        return place

    def _signed(
        self,
        name: x509.Name,
        key: ec.EllipticCurvePublicKey,
        *,
        authority: bool = False,
        address: str = "127.0.0.1",
    ) -> x509.Certificate:
        now = datetime.datetime.now(datetime.UTC)
        names = x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address(address))])
        return (
            x509.CertificateBuilder()
            .subject_name(name)
            .issuer_name(self.name)
            .public_key(key)
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - datetime.timedelta(hours=1))
            .not_valid_after(now + datetime.timedelta(days=1))
            .add_extension(x509.BasicConstraints(authority, None), critical=True)
            .add_extension(names, critical=False)
            .add_extension(
                x509.AuthorityKeyIdentifier.from_issuer_public_key(self.key.public_key()), False
            )
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(key), False)
            .sign(self.key, hashes.SHA256())
        )


def _name(text: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)])


class Slapd:
    """The server. `rules` are lines of its configuration, before those of the database's own.

    `url` is with TLS from the start, `plain` without (where StartTLS can begin).
    """

    def __init__(self, place: Path, *, rules: str = "", access: str = "", data: str = DATA) -> None:
        self.place, self._rules, self._access = place, rules, access
        self.port, self.tls_port = _free_port(), _free_port()
        self.url = f"ldaps://127.0.0.1:{self.tls_port}"
        self.plain = f"ldap://127.0.0.1:{self.port}"
        self.authority = Authority("Test authority")
        self.ca_file = self.authority.write(place / "ca.pem")
        self._certificate = self.authority.vouch(place / "server.pem", "127.0.0.1")
        self.process: subprocess.Popen[bytes] | None = None
        self._configure()
        self._load(data)

    def _configure(self) -> None:
        (self.place / "own.schema").write_text(SCHEMA)
        (self.place / "data").mkdir()
        schemas = "\n".join(
            f"include {SCHEMAS}/{name}.schema" for name in ("core", "cosine", "nis")
        )
        (self.place / "slapd.conf").write_text(
            f"""
{schemas}
include {self.place}/own.schema
pidfile {self.place}/slapd.pid
modulepath /usr/lib/ldap
moduleload back_mdb
moduleload unique
TLSCACertificateFile {self.ca_file}
TLSCertificateFile {self._certificate}
TLSCertificateKeyFile {self._certificate}
TLSVerifyClient try
authz-regexp "cn=the hub" "{HUB}"
{self._rules}
database mdb
maxsize 67108864
suffix "{SUFFIX}"
rootdn "{HUB}"
rootpw {PASSWORD}
directory {self.place}/data
index objectClass,uid,uidNumber eq
dbnosync
{self._access}
"""
        )

    def _load(self, data: str) -> None:
        subprocess.run(
            [str(SLAPADD), "-q", "-f", str(self.place / "slapd.conf")],
            input=data.encode(),
            check=True,
            capture_output=True,
            timeout=60,
        )

    def start(self) -> Slapd:
        """Start it and wait until it listens."""
        with (self.place / "slapd.log").open("ab") as log:
            self.process = subprocess.Popen(
                [
                    *(str(SLAPD), "-d", "256", "-f", str(self.place / "slapd.conf")),
                    *("-h", f"{self.plain}/ {self.url}/"),
                ],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )
        end = time.monotonic() + 60
        while not (_listens(self.port) and _listens(self.tls_port)):
            assert self.process.poll() is None, (self.place / "slapd.log").read_text()
            assert time.monotonic() < end, "slapd doesn't listen"
            time.sleep(0.05)
        return self

    def stop(self) -> None:
        """End it."""
        if self.process is not None:
            self.process.terminate()
            try:
                self.process.wait(30)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait(10)
            self.process = None

    def entries(self, below: str = SUFFIX) -> dict[str, dict[str, list[str]]]:
        """All entries, read from its files by its own tool: attributes in lower case."""
        text = subprocess.run(
            ["slapcat", "-f", str(self.place / "slapd.conf"), "-o", "ldif-wrap=no"],
            check=True,
            capture_output=True,
            timeout=60,
            env={"PATH": "/usr/sbin:/usr/bin"},
        ).stdout.decode()
        found = {}
        for block in text.strip().split("\n\n"):
            entry: dict[str, list[str]] = {}
            for line in block.splitlines():
                name, _, value = line.partition(":")
                if value.startswith(":"):
                    value = base64.b64decode(value[1:]).decode()
                entry.setdefault(name.lower(), []).append(value.strip())
            if entry["dn"][0].endswith(below):
                found[entry["dn"][0]] = entry
        return found

    def log(self) -> str:
        """What it has said about operations."""
        return (self.place / "slapd.log").read_text(errors="replace")


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _listens(port: int) -> bool:
    with socket.socket() as probe:
        probe.settimeout(1)
        return probe.connect_ex(("127.0.0.1", port)) == 0


Answer = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


@contextlib.asynccontextmanager
async def serving(answer: Answer) -> AsyncIterator[int]:
    """A server on loopback whose visitors all meet `answer`; gives its port."""
    tasks = set()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        tasks.add(task)
        try:
            with contextlib.suppress(asyncio.CancelledError, ConnectionError):
                await answer(reader, writer)
        finally:
            writer.transport.abort()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


def stalling(port: int, after: int) -> contextlib.AbstractAsyncContextManager[int]:
    """A proxy to `port` that falls silent after so many bytes of the server; gives its port."""

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        there = await asyncio.open_connection("127.0.0.1", port)
        try:
            async with asyncio.TaskGroup() as both:
                both.create_task(_pass(reader, there[1], 2**30))
                both.create_task(_pass(there[0], writer, after))
        finally:
            there[1].transport.abort()

    return serving(answer)


async def _pass(source: asyncio.StreamReader, to: asyncio.StreamWriter, limit: int) -> None:
    while limit > 0 and (data := await source.read(min(limit, 65536))):
        to.write(data)
        await to.drain()
        limit -= len(data)
    await asyncio.Event().wait()
