"""The shelf of the Kubernetes platform: one ConfigMap a document.

Its resource version is the document's version, so the API server lets only one of two writers win.
"""

from __future__ import annotations

import logging

from alongside.errors import AlongsideError, Conflict, StorageFailed
from alongside.platforms.kubernetes.api import Cluster
from alongside.platforms.kubernetes.objects import MANAGED, PREFIX, selector
from alongside.platforms.kubernetes.resources import CONFIG_MAPS, Object
from alongside.platforms.shelf import Document, Shelf, changed, check, gone

_COMPONENT = "document"
_log = logging.getLogger("alongside.shelf")


class KubernetesShelf(Shelf):
    """Documents in one namespace of a cluster."""

    def __init__(self, cluster: Cluster, namespace: str) -> None:
        self._cluster = cluster
        self._namespace = namespace

    async def documents(self, sort: str) -> list[Document]:
        check(sort, "any")
        labels = f"{selector(component=_COMPONENT)},{PREFIX}/sort={sort}"
        items, _ = await self._cluster.list(CONFIG_MAPS, self._namespace, labels)
        found = [document for item in items if (document := parse(item)) is not None]
        return sorted(found, key=lambda document: document.id)

    async def get(self, sort: str, id: str) -> Document | None:
        check(sort, id)
        item = await self._cluster.get(CONFIG_MAPS, self._namespace, name_of(sort, id))
        return None if item is None else parse(item)

    async def put(self, sort: str, id: str, text: str, after: str | None) -> Document:
        check(sort, id, text)
        try:
            item = await self._write(sort, id, text, after)
        except Conflict:
            raise changed(id) from None
        except AlongsideError as error:
            raise StorageFailed(f"{id} can't be stored: {error.message}", error.remedy) from None
        if item is None:
            raise changed(id) if after is None else gone(id)
        return Document(sort, id, text, str(item["metadata"]["resourceVersion"]))

    async def _write(self, sort: str, id: str, text: str, after: str | None) -> Object | None:
        if after is None:
            return await self._cluster.create(CONFIG_MAPS, self._namespace, body(sort, id, text))
        patch = {"metadata": {"resourceVersion": after}, "data": {"text": text}}
        return await self._cluster.patch(CONFIG_MAPS, self._namespace, name_of(sort, id), patch)

    async def delete(self, sort: str, id: str) -> None:
        check(sort, id)
        await self._cluster.delete(CONFIG_MAPS, self._namespace, name_of(sort, id))


def name_of(sort: str, id: str) -> str:
    """The name of a document's ConfigMap. Records of backends have one part less."""
    return f"alongside.{sort}.{id}"


def body(sort: str, id: str, text: str) -> Object:
    """The ConfigMap of a new document."""
    return {
        "apiVersion": CONFIG_MAPS.version,
        "kind": "ConfigMap",
        "metadata": {
            "name": name_of(sort, id),
            "labels": {
                **MANAGED,
                f"{PREFIX}/component": _COMPONENT,
                f"{PREFIX}/sort": sort,
                f"{PREFIX}/document": id,
            },
        },
        "data": {"text": text},
    }


def parse(item: Object) -> Document | None:
    """The document in a ConfigMap; None, and logged, when that has been spoilt."""
    metadata = item["metadata"]
    labels, data = metadata.get("labels") or {}, item.get("data") or {}
    sort, id = labels.get(f"{PREFIX}/sort", ""), labels.get(f"{PREFIX}/document", "")
    if "text" not in data or metadata["name"] != name_of(sort, id):
        _log.warning("ConfigMap %s is left out, it is spoilt.", metadata["name"])
        return None
    return Document(sort, id, data["text"], str(metadata["resourceVersion"]))


__all__ = ["KubernetesShelf"]
