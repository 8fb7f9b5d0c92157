"""Names that people choose, and the safe ids that are made from them.

A backend's id appears in directory names, Kubernetes object names, URLs and process listings, so
it is a DNS label: lower case letters, digits and dashes, at most 40 characters. It is a pure
function of owner, session, name and nonce, so that a request repeated after a crash finds its own
work again, and two different requests never meet (80 bits of a SHA-256 tell them apart).
"""

from __future__ import annotations

import base64
import hashlib
import re
import unicodedata

from alongside.errors import InvalidRequest

NAME_LENGTH = 63
_ID = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,38}[a-z0-9])?")


def check_name(name: str, field: str = "name") -> str:
    """The name as it is kept, or InvalidRequest.

    Any printable text of 1 to 63 characters will do (spaces, accents, slashes, markup: names are
    only ever shown, never used as a path or as HTML); normalised to NFC, outer spaces removed.
    """
    remedy = f"Choose a name of 1 to {NAME_LENGTH} printable characters."
    if len(name) > 4 * NAME_LENGTH:
        raise InvalidRequest("The name is too long.", remedy, field)
    clean = unicodedata.normalize("NFC", name).strip()
    if not clean or len(clean) > NAME_LENGTH or not clean.isprintable():
        raise InvalidRequest(
            "The name is empty, too long or has control characters.", remedy, field
        )
    return clean


def backend_id(owner: str, session: str | None, name: str, nonce: str) -> str:
    """The id of the backend that this owner asked for under this nonce."""
    parts = [owner, "-" if session is None else f"={session}", name, nonce]
    digest = hashlib.sha256("\0".join(parts).encode("utf-8", "surrogatepass")).digest()
    tail = _tail(digest)
    head = _head(name, 20) or "backend"
    if head[0].isdigit():
        head = f"b{head[:19]}"
    return f"{head}-{tail}"


def label_of(name: str) -> str:
    """A name as the value of a Kubernetes label: at most 63 safe characters, no two names alike."""
    digest = hashlib.sha256(name.encode("utf-8", "surrogatepass")).digest()
    head = _head(name, 40)
    return f"{head}-{_tail(digest)}" if head else _tail(digest)


def _head(name: str, length: int) -> str:
    """What of a name can be read in a label."""
    ascii_name = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode().lower()
    return re.sub(r"[^a-z0-9]+", "-", ascii_name).strip("-")[:length].strip("-")


def _tail(digest: bytes) -> str:
    return base64.b32encode(digest[:10]).decode().lower()


def is_backend_id(text: str) -> bool:
    """Whether the text can be an id: asked before it is used as a path or a URL."""
    return _ID.fullmatch(text) is not None
