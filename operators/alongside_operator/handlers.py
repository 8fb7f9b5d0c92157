"""The framework's part: it watches, and hands on what has changed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import kopf

from alongside.platforms.kubernetes.resources import PODS
from alongside_operator.group import CLUSTERS, GROUP
from alongside_operator.tending import Tending


def register(tending: Tending) -> kopf.OperatorRegistry:
    """Handlers that poke `tending`; they write nothing themselves, neither marks nor finalizers."""
    registry = kopf.get_default_registry()

    @kopf.on.startup(registry=registry)
    async def begin(settings: kopf.OperatorSettings, **_: Any) -> None:
        # What to watch is known beforehand: so nothing is needed of the whole cluster.
        settings.scanning.disabled = True
        settings.posting.enabled = False
        settings.watching.server_timeout = 300
        settings.watching.connect_timeout = 10

    @kopf.on.cleanup(registry=registry)
    async def end(**_: Any) -> None:
        await tending.close()

    @kopf.on.event(CLUSTERS.version, CLUSTERS.plural, registry=registry)
    async def group_changed(namespace: str | None, name: str, **_: Any) -> None:
        tending.poke(namespace or "", name)

    @kopf.on.event(PODS.version, PODS.plural, labels={GROUP: kopf.PRESENT}, registry=registry)
    async def pod_changed(namespace: str | None, labels: Mapping[str, str], **_: Any) -> None:
        tending.poke(namespace or "", labels[GROUP])

    return registry


async def operate(
    tending: Tending, namespaces: Sequence[str], liveness: str = "", **more: Any
) -> None:
    """Watch these namespaces until a signal comes. `liveness`: a URL to answer at."""
    await kopf.operator(
        registry=register(tending),
        namespaces=list(namespaces),
        standalone=True,
        liveness_endpoint=liveness or None,
        **more,
    )
