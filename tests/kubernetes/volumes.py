"""A directory of this host as a volume that many pods may mount, and a profile that mounts it.

The directory is one that the nodes and this host share; where they don't, name another one by
``ALONGSIDE_SHARED``.
"""

from __future__ import annotations

import json
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from kr8s.objects import APIObject, object_from_spec

from tests.kubernetes.release import wait_for

CLAIM = "many-nfs-pvc"


@contextmanager
def shared_directory() -> Iterator[Path]:
    """An empty one, gone afterwards; pods have another user than this test."""
    path = Path(tempfile.mkdtemp(prefix="alongside-", dir=os.environ.get("ALONGSIDE_SHARED")))
    path.chmod(0o777)
    try:
        yield path
    finally:
        shutil.rmtree(path, ignore_errors=True)


def claimed(namespace: str, name: str, path: Path) -> tuple[dict[str, Any], dict[str, Any]]:
    """A volume that is this directory, and its claim."""
    size: dict[str, Any] = {"storage": "1Gi"}
    both = {"accessModes": ["ReadWriteMany"], "storageClassName": ""}
    volume = {
        "apiVersion": "v1",
        "kind": "PersistentVolume",
        "metadata": {"name": f"{namespace}-{name}"},
        "spec": {
            **both,
            "capacity": size,
            "hostPath": {"path": str(path)},
            "persistentVolumeReclaimPolicy": "Retain",
            "claimRef": {"namespace": namespace, "name": name},
        },
    }
    claim = {
        "apiVersion": "v1",
        "kind": "PersistentVolumeClaim",
        "metadata": {"name": name, "namespace": namespace},
        "spec": {**both, "volumeName": f"{namespace}-{name}", "resources": {"requests": size}},
    }
    return volume, claim


def made(api: Any, manifest: dict[str, Any]) -> APIObject:
    """The object of a manifest, which is not created yet."""
    found: APIObject = object_from_spec(manifest, api=api, allow_unknown_type=True)
    return found


@contextmanager
def volume(api: Any, namespace: str, path: Path) -> Iterator[None]:
    """The directory as `CLAIM` in a namespace. What mounts it has to be gone at the end."""
    parts = [made(api, each) for each in claimed(namespace, CLAIM, path)]
    for part in parts:
        part.create()
    try:
        yield
    finally:
        for part in reversed(parts):
            part.delete()
            wait_for(lambda: not part.exists(), "it is gone")  # noqa: B023 - now


def mounted(path: str) -> dict[str, Any]:
    """What a pod has that mounts the claim, as a catalogue says it."""
    return {
        "volumes": [{"name": CLAIM, "persistentVolumeClaim": {"claimName": CLAIM}}],
        "volume_mounts": [{"name": CLAIM, "mountPath": path}],
    }


def catalogue(path: str, most: int) -> str:
    """One profile, `dask-small`, with up to so many workers; sessions and backends mount it."""
    offer = {
        "options": {
            "workers": {"default": 1, "minimum": 1, "maximum": most},
            "cores": 1,
            "memory": {"default": "512 MiB", "minimum": "256 MiB", "maximum": "1 GiB"},
        },
        "start_timeout": "10 min",
    }
    profile = {
        "title": "Small",
        "platform": "kubernetes",
        "pod": mounted(path),
        "backends": {"dask": offer},
    }
    return json.dumps({"profiles": {"dask-small": profile}})
