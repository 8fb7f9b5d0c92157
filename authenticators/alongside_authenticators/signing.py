"""What a portal signs by HMAC, and how: the same function makes assertions and checks them.

An assertion is one header, ``time.nonce.signature``: seconds since 1970, a word that is never used
twice (8 to 64 letters, digits, ``-`` or ``_``), and in hexadecimal the HMAC-SHA256 of::

    alongside-header-1
    <time>
    <nonce>
    <method> <path>
    <SHA-256 of the body in hexadecimal>
    <name>:<value>

with one line for each header that the hub uses, its name in lower case, sorted; one that isn't sent
has an empty value. The path is the hub's, without query. Each line ends with a line feed.
"""

from __future__ import annotations

import hashlib
import hmac
import re
import secrets
import time
from collections.abc import Mapping

PARTS = re.compile(
    r"(?P<time>[0-9]{1,12})\.(?P<nonce>[A-Za-z0-9_-]{8,64})\.(?P<digest>[0-9a-f]{64})"
)


def assertion(
    key: bytes,
    method: str,
    path: str,
    headers: Mapping[str, str],
    body: bytes = b"",
    *,
    now: float | None = None,
    nonce: str = "",
) -> str:
    """The value of the assertion's header, for portals that are written in Python.

    key : one of the keys that the hub has, at least 32 bytes
    headers : all that the hub uses (`allowed_headers`), with the values that are sent
    now : seconds since 1970; default: the clock's
    """
    moment = str(int(time.time() if now is None else now))
    nonce = nonce or secrets.token_urlsafe(16)
    raw = {name: value.encode() for name, value in headers.items()}
    return f"{moment}.{nonce}.{digest(key, moment, nonce, method, path, raw, body)}"


def digest(
    key: bytes,
    moment: str,
    nonce: str,
    method: str,
    path: str,
    headers: Mapping[str, bytes],
    body: bytes,
) -> str:
    """The signature, in hexadecimal."""
    lines = [
        b"alongside-header-1",
        moment.encode(),
        nonce.encode(),
        f"{method} {path}".encode(),
        hashlib.sha256(body).hexdigest().encode(),
    ]
    named = {name.lower().encode(): value.strip(b" \t") for name, value in headers.items()}
    lines += [name + b":" + named[name] for name in sorted(named)]
    return hmac.new(key, b"".join(line + b"\n" for line in lines), hashlib.sha256).hexdigest()
