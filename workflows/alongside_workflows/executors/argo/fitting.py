"""What fits into an object of Kubernetes. Pure."""

from __future__ import annotations

import json

from alongside.errors import InvalidRequest
from alongside.platforms.kubernetes.resources import Object

LARGEST = 1_000_000
"""Bytes of an object as JSON. Kubernetes takes 1.5 MB, of which Argo needs some for its status."""


def fitting(manifest: Object, what: str) -> Object:
    """The same. Raises InvalidRequest where it is too large."""
    size = len(json.dumps(manifest, separators=(",", ":"), ensure_ascii=False).encode())
    if size > LARGEST:
        raise too_large(what, size)
    return manifest


def too_large(what: str, size: int) -> InvalidRequest:
    """The error of something that has so many bytes."""
    return InvalidRequest(
        f"{what} takes {size / 1e6:.1f} MB as an object of Kubernetes, which takes "
        f"{LARGEST / 1e6:.1f} MB at most.",
        "Make it of fewer steps, or of steps that are alike; put large values into files.",
        "workflow",
    )


__all__ = ["LARGEST", "fitting", "too_large"]
