"""Namespaces of tests: made for them, gone with all that is in them.

Kubernetes takes ten seconds or so for that. A test doesn't wait for it: whoever has run all of them
does.
"""

from __future__ import annotations

import secrets
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from kubernetes_asyncio.client import ApiClient, CoreV1Api

from tests.kubernetes import watching

# Everything that we deploy runs under the strictest of Kubernetes' own standards.
RESTRICTED = {"pod-security.kubernetes.io/enforce": "restricted"}
_LIMIT = 180.0  # seconds until the last of them is gone
_ended: set[str] = set()


@asynccontextmanager
async def new_namespace(api: ApiClient) -> AsyncIterator[str]:
    """The name of a restricted one, which is deleted with all that is in it afterwards."""
    core = CoreV1Api(api)
    name = f"alongside-test-{secrets.token_hex(4)}"
    await core.create_namespace({"metadata": {"name": name, "labels": RESTRICTED}})
    try:
        # Before that no pod can be made in it.
        await watching.until(
            core.list_namespaced_service_account,
            name,
            field_selector="metadata.name=default",
            condition=lambda account: True,
        )
        yield name
    finally:
        await core.delete_namespace(name, grace_period_seconds=0)
        _ended.add(name)


async def all_gone(api: ApiClient) -> None:
    """Wait until nothing is left of those that have ended. Raises AssertionError after a while."""
    end = time.monotonic() + _LIMIT
    for name in _ended:
        await watching.until_gone(
            CoreV1Api(api).list_namespace,
            field_selector=f"metadata.name={name}",
            limit_s=max(1.0, end - time.monotonic()),
        )
    _ended.clear()
