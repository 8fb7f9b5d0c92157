"""Namespaces of tests: made for them, gone with all that is in them."""

from __future__ import annotations

import secrets
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from kubernetes_asyncio.client import ApiClient, CoreV1Api

from tests.kubernetes import watching

# Everything that we deploy runs under the strictest of Kubernetes' own standards.
RESTRICTED = {"pod-security.kubernetes.io/enforce": "restricted"}


@asynccontextmanager
async def new_namespace(api: ApiClient) -> AsyncIterator[str]:
    """The name of a restricted one; gone with all that is in it afterwards."""
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
        await watching.until_gone(
            core.list_namespace, field_selector=f"metadata.name={name}", limit_s=120
        )
