"""Tokens of runs: by what the steps of a run ask the service, and for nothing but their own.

A token is the id of the run with a signature. Nothing of it is kept: the service signs with a
secret that outlives it, and what a token lets its bearer do follows from the run that it names.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import os
import secrets
from pathlib import Path

from alongside.errors import StorageFailed

_MARK = "alongside-run"
_LENGTH = 32


class RunTokens:
    """Makes and checks the tokens of runs.

    path : the file with the secret, which is made if it isn't there; None: it comes from `seed`
    seed : a secret that stays the same for as long as runs are to go on
    """

    def __init__(self, path: Path | None = None, seed: str = "") -> None:
        self._path = path
        self._secret = hashlib.sha256(f"{_MARK}\0{seed}".encode()).digest() if seed else b""

    def __repr__(self) -> str:
        return f"{type(self).__name__}({str(self._path)!r})"

    def open(self) -> None:
        """Read the secret, or make one. Raises StorageFailed."""
        if self._path is not None:
            self._secret = _kept(self._path)
        elif not self._secret:
            self._secret = secrets.token_bytes(_LENGTH)

    def token(self, id: str) -> str:
        """The token of the run of this id."""
        return f"{_MARK}.{id}.{self._sign(id)}"

    def run(self, token: str) -> str | None:
        """The id of the run whose token this is; '' for a forged one, None for another sort."""
        mark, _, rest = token.partition(".")
        if mark != _MARK:
            return None
        id, _, signature = rest.rpartition(".")
        right = self._sign(id).encode()
        same = hmac.compare_digest(signature.encode("utf-8", "replace"), right)
        return id if same and self._secret else ""

    def _sign(self, id: str) -> str:
        digest = hmac.digest(self._secret, id.encode("utf-8", "replace"), "sha256")
        return base64.urlsafe_b64encode(digest).decode().rstrip("=")


def _kept(path: Path) -> bytes:
    """The secret in a file that is ours alone; written whole, so that none is ever half."""
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        if not path.exists():
            made = path.with_name(f".{path.name}.{secrets.token_hex(8)}")
            handle = os.open(made, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
            try:
                os.write(handle, secrets.token_bytes(_LENGTH))
                os.fsync(handle)
            finally:
                os.close(handle)
            try:
                os.link(made, path)  # fails when somebody else was quicker; theirs counts then
            except FileExistsError:
                pass
            finally:
                made.unlink()
        handle = os.open(path, os.O_RDONLY | os.O_NOFOLLOW)
        try:
            found = os.read(handle, _LENGTH + 1)
            own = os.fstat(handle).st_uid == os.geteuid()
        finally:
            os.close(handle)
    except OSError as error:
        raise StorageFailed(
            f"{path} can't be used: {error.strerror}.", "Make room, or correct its permissions."
        ) from None
    if len(found) != _LENGTH or not own:
        raise StorageFailed(
            f"{path} is not a secret of ours.", "Remove it; runs under way lose their backends."
        )
    return found
