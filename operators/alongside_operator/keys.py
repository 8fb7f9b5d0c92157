"""The keys by which a group's server starts its locales; each launch has a pair of its own."""

from __future__ import annotations

import base64

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
)

from alongside.platforms.kubernetes.resources import Object
from alongside_operator.group import Group

HOST = "arkouda"
"""The name by which all hosts of a group prove who they are, whatever their addresses."""
KEY, PUBLIC, HOST_KEY, KNOWN = "id_ed25519", "id_ed25519.pub", "host_ed25519", "known_hosts"
"""The keys of the Secret: who comes, who may come, who answers, who is to answer."""


def _pair() -> tuple[bytes, bytes]:
    key = Ed25519PrivateKey.generate()
    secret = key.private_bytes(Encoding.PEM, PrivateFormat.OpenSSH, NoEncryption())
    return secret, key.public_key().public_bytes(Encoding.OpenSSH, PublicFormat.OpenSSH)


def contents() -> dict[str, bytes]:
    """A new client key, and a new host key that its holder knows."""
    (key, public), (host_key, host) = _pair(), _pair()
    return {
        KEY: key,
        PUBLIC: public + b"\n",
        HOST_KEY: host_key,
        KNOWN: HOST.encode() + b" " + host + b"\n",
    }


def secret(group: Group) -> Object:
    """The Secret with new keys."""
    return {
        "apiVersion": "v1",
        "kind": "Secret",
        "type": "Opaque",
        "immutable": True,
        "metadata": group.metadata(group.keys_name),
        "data": {name: base64.b64encode(data).decode() for name, data in contents().items()},
    }
