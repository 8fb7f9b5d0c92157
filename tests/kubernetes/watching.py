"""Waiting for states of objects in a cluster: by watching, within a limit, never by sleeping."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

from kubernetes_asyncio.watch import Watch


@asynccontextmanager
async def changes(
    list_them: Callable[..., Awaitable[Any]], *arguments: Any, **selectors: Any
) -> AsyncIterator[Watch]:
    """What happens to the objects that a method of an API class lists: for ``async for``."""
    async with Watch() as watch:
        try:
            yield watch.stream(list_them, *arguments, **selectors, timeout_seconds=60)
        finally:
            # Closing says goodbye first, for which a test's event loop does not live long enough.
            response = watch.resp
            if response and response.connection and response.connection.transport:
                response.connection.transport.abort()


async def until(
    list_them: Callable[..., Awaitable[Any]],
    *arguments: Any,
    condition: Callable[[Any], bool],
    limit_s: float = 60,
    **selectors: Any,
) -> Any:
    """The first listed object that meets the condition, as soon as there is one.

    `list_them` is a method of an API class, with its arguments and selectors. TimeoutError, with
    the object's last state, after `limit_s` seconds.
    """
    last = None
    try:
        async with asyncio.timeout(limit_s):
            while True:
                async with changes(list_them, *arguments, **selectors) as stream:
                    async for event in stream:
                        last = event["object"]
                        if event["type"] != "DELETED" and condition(last):
                            return last
    except TimeoutError:
        raise TimeoutError(f"not within {limit_s} s; last seen: {brief(last)}") from None


def brief(one: Any) -> Any:
    """An object's name and state, without what is not set."""
    data = one if one is None or isinstance(one, dict) else one.to_dict()

    def known(value: Any) -> Any:
        if isinstance(value, dict):
            return {k: v for k, v in ((k, known(v)) for k, v in value.items()) if v}
        return [known(v) for v in value] if isinstance(value, list) else value

    return data and {"name": data["metadata"]["name"], **known(data.get("status") or {})}


async def until_gone(
    list_them: Callable[..., Awaitable[Any]],
    *arguments: Any,
    limit_s: float = 60,
    **selectors: Any,
) -> None:
    """Returns when nothing is listed any more. TimeoutError after `limit_s` seconds."""
    left: set[str] = set()
    try:
        async with asyncio.timeout(limit_s):
            while True:
                listing = await list_them(*arguments, **selectors)
                left = {item.metadata.uid for item in listing.items}
                if not left:
                    return
                since = listing.metadata.resource_version
                async with changes(
                    list_them, *arguments, **selectors, resource_version=since
                ) as stream:
                    async for event in stream:
                        if event["type"] == "DELETED":
                            left.discard(event["object"].metadata.uid)
                            if not left:
                                break
    except TimeoutError:
        raise TimeoutError(f"still there after {limit_s} s: {len(left)} object(s)") from None
