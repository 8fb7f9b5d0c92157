"""Files of attempts that are kept as objects, where there is no volume for them. Pure.

Each is a ConfigMap of its own, which goes with the run's record: the executed notebook and what
explains it, packed by the pod that sends them once its step has ended.
"""

from __future__ import annotations

import base64
import zlib
from typing import Any

from alongside.errors import InvalidRequest, NotFound
from alongside.platforms.kubernetes.resources import CONFIG_MAPS, Object
from alongside_workflows.executors.argo.naming import metadata_of, record_name
from alongside_workflows.runs import RunSpec
from alongside_workflows.task import CRATE, OUTPUT

LARGEST = 900_000
"""Bytes of a file, packed: what fits into an object."""
_UNPACKED = 2**28
_COMPONENT = "run-file"
_CALLED = {OUTPUT: "notebook", CRATE: "record"}
_DATA = "file"
_GZIP = 16 + zlib.MAX_WBITS


def object_name(id: str, step: str, attempt: int, name: str) -> str:
    """The name of the ConfigMap with one file. Raises InvalidRequest for names of other files."""
    if name not in _CALLED:
        raise InvalidRequest(
            f"{name[:50]!r} is no file of an attempt.", f"Name {OUTPUT} or {CRATE}."
        )
    return f"{record_name(id)}.{step}.{attempt}.{_CALLED[name]}"


def config_map(spec: RunSpec, step: str, attempt: int, name: str, packed: bytes) -> Object:
    """The object for one file, compressed by gzip. Raises InvalidRequest."""
    if len(packed) > LARGEST:
        raise InvalidRequest(
            f"The file has {len(packed) / 1e6:.1f} MB, of which {LARGEST / 1e6:.1f} can be kept.",
            "Give the step an `output`, or ask an administrator for a volume for runs.",
        )
    return {
        "apiVersion": CONFIG_MAPS.version,
        "kind": "ConfigMap",
        "immutable": True,
        "metadata": metadata_of(object_name(spec.id, step, attempt, name), spec, _COMPONENT),
        "binaryData": {_DATA: base64.b64encode(packed).decode()},
    }


def unpacked(item: Object) -> bytes:
    """The file in an object. Raises NotFound when it is spoilt, or was meant to fill memory."""
    data: Any = (item.get("binaryData") or {}).get(_DATA, "")
    stream = zlib.decompressobj(_GZIP)
    try:
        found = stream.decompress(base64.b64decode(data), _UNPACKED)
    except (zlib.error, ValueError):
        raise _spoilt() from None
    if not stream.eof:
        raise _spoilt()
    return found


def _spoilt() -> NotFound:
    return NotFound("The file was not kept as a whole.", "Run the step again.")


__all__ = ["LARGEST", "config_map", "object_name", "unpacked"]
