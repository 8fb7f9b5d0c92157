"""Keys by which the portal's signatures are checked: shared ones in a file, public ones by URL."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import httpx
import jwt

from alongside_authenticators.refusals import Misconfigured, Refused

SHORTEST = 32
"""Bytes of a shared key."""

TIMEOUT = 5.0
"""Seconds that the key set may take to come."""

PAUSE = 5.0
"""Seconds between two attempts to get it, however many unknown keys are named meanwhile."""

LARGEST = 1 << 20
"""Bytes of a key set."""


class SharedKeys:
    """Keys in a file, one a line. It is read when it has changed, so keys change without restart.

    While keys change the file has two lines: both are good.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._seen: tuple[int, int, int] | None = None
        self._keys: tuple[bytes, ...] = ()

    def __call__(self) -> Sequence[bytes]:
        """The keys as of now. Misconfigured if there are none, or one is too short to be one."""
        try:
            status = self._path.stat()
            seen = (status.st_mtime_ns, status.st_size, status.st_ino)
            if seen != self._seen:
                self._keys = self._read()
                self._seen = seen
        except OSError as error:
            raise Misconfigured(
                f"The file with the shared keys can't be read ({error.strerror}). "
                "Make it readable for the hub, or name another in shared_keys_file."
            ) from None
        return self._keys

    def _read(self) -> tuple[bytes, ...]:
        lines = [line.strip() for line in self._path.read_bytes().splitlines()]
        keys = tuple(line for line in lines if line)
        if not keys or any(len(key) < SHORTEST for key in keys):
            raise Misconfigured(
                f"shared_keys_file must have one key a line, each of {SHORTEST} bytes or more. "
                "Make one with: openssl rand -hex 32"
            )
        return keys


class PublicKeys:
    """The portal's key set (JWKS), remembered for `age` seconds.

    A key that isn't in it has it fetched anew, at most every `PAUSE` seconds. While it can't be
    had, what is remembered stays good for as long again, and no longer.
    """

    def __init__(self, url: str, age: float) -> None:
        self._url = url
        self._age = age
        self._keys: list[jwt.PyJWK] = []
        self._fetched = self._tried = -float("inf")
        self._one_at_a_time = asyncio.Lock()

    async def find(self, id: str | None, algorithm: str) -> jwt.PyJWK:
        """The key of this name; without one, the only key for that algorithm."""
        if time.monotonic() - self._fetched > self._age:
            await self._fetch()
        key = self._known(id, algorithm)
        if key is None:
            await self._fetch()
            key = self._known(id, algorithm)
        if key is None and time.monotonic() - self._fetched > 2 * self._age:
            raise Refused(
                503,
                "KeysUnreachable",
                "The portal's keys can't be had, so nobody can be let in by it. Try again in a "
                "minute; if that doesn't help, tell the hub's operator.",
            )
        if key is None:
            raise Refused(
                401,
                "UnknownKey",
                "The portal's assertion is signed with a key that the hub doesn't know. Go to the "
                "portal and come back; if that doesn't help, tell the hub's operator.",
            )
        return key

    def _known(self, id: str | None, algorithm: str) -> jwt.PyJWK | None:
        if time.monotonic() - self._fetched > 2 * self._age:
            return None
        fitting = [
            key
            for key in self._keys
            if key.algorithm_name == algorithm and (id is None or key.key_id == id)
        ]
        return fitting[0] if len(fitting) == 1 else None

    async def _fetch(self) -> None:
        wanted = time.monotonic()
        async with self._one_at_a_time:
            # another request may have done it, or failed, while this one waited
            if self._tried > wanted or time.monotonic() - self._tried < PAUSE:
                return
            try:
                async with asyncio.timeout(TIMEOUT):
                    document = await self._download()
                found = jwt.PyJWKSet([key for key in document["keys"] if _for_signatures(key)])
            except (
                httpx.HTTPError,
                jwt.PyJWTError,
                OSError,
                ValueError,
                TypeError,
                LookupError,
                RecursionError,
            ):
                return  # said by whoever needs the key
            else:
                self._keys = found.keys
                self._fetched = time.monotonic()
            finally:
                self._tried = time.monotonic()

    async def _download(self) -> Any:
        parts = bytearray()
        async with (
            httpx.AsyncClient(timeout=TIMEOUT) as client,
            client.stream("GET", self._url) as answer,
        ):
            answer.raise_for_status()
            async for part in answer.aiter_bytes():
                parts += part
                if len(parts) > LARGEST:
                    raise ValueError("too large")
        return json.loads(parts)


def _for_signatures(key: object) -> bool:
    """Whether this is a public key for signatures. A secret one has no business in a public set."""
    return isinstance(key, Mapping) and key.get("use", "sig") == "sig" and key.get("kty") != "oct"
