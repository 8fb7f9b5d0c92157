"""Requests to a Kubernetes API server: plain dicts in and out.

`kr8s` knows how to find and authenticate to a cluster (kubeconfig, service account with tokens
that are renewed); all else here is one HTTP request each. Every request is bounded.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncGenerator, AsyncIterator, Mapping
from http import HTTPStatus
from typing import Any, cast

import httpx
import kr8s.asyncio

from alongside.errors import InvalidRequest, NotFound, Unavailable
from alongside.platforms.kubernetes import answers
from alongside.platforms.kubernetes.answers import Expired
from alongside.platforms.kubernetes.resources import PODS, Object, Resource

_TIMEOUT = 10.0  # seconds for one answer
# Seconds after which the server ends a watch, and it is begun again. A connection that has been
# lost without a word, as at the loss of a router, is noticed a little later than that.
_WATCH = 120


class Cluster:
    """An API server. `namespace` is the one that its credentials name as their own."""

    def __init__(self, kubeconfig: str = "", context: str = "") -> None:
        self._where: dict[str, Any] = {"kubeconfig": kubeconfig or None, "context": context or None}
        self._api: Any = None
        self.namespace = ""

    async def open(self) -> None:
        """Find the cluster and say hello. Raises Unavailable."""
        try:
            async with asyncio.timeout(_TIMEOUT):
                # Not `kr8s.asyncio.api`: that hands out the same object again, connections
                # included, so that closing one would break the watches of another.
                self._api = await kr8s.asyncio.Api(**self._where, bypass_factory=True)
        except (Exception, TimeoutError) as error:  # kr8s raises whatever it meets
            raise Unavailable(
                f"No Kubernetes cluster can be reached ({type(error).__name__}: {error}).",
                "Check the service account or KUBECONFIG of the service.",
            ) from None
        self._api.timeout = _TIMEOUT
        self.namespace = self._api.namespace

    async def close(self) -> None:
        """Close the connections."""
        session = getattr(self._api, "_session", None)
        self._api = None
        if session is not None:
            await session.aclose()

    # -- one object ------------------------------------------------------------------------

    async def create(self, resource: Resource, namespace: str, body: Object) -> Object | None:
        """The object as it was made; None when there is one of that name already."""
        answer = await self._ask("POST", resource, namespace, "", json=body)
        if answer.status_code == HTTPStatus.CONFLICT and answers.reason(answer) == "AlreadyExists":
            return None
        return answers.content(answer, resource)

    async def get(self, resource: Resource, namespace: str, name: str) -> Object | None:
        """The object, None when there is none of that name."""
        answer = await self._ask("GET", resource, namespace, name)
        return None if answers.is_missing(answer, name) else answers.content(answer, resource)

    async def patch(
        self, resource: Resource, namespace: str, name: str, patch: Mapping[str, Any]
    ) -> Object | None:
        """Merge; None when it is gone. With a ``metadata.resourceVersion`` in the patch it raises
        Conflict if the object has another one."""
        headers = {"Content-Type": "application/merge-patch+json"}
        content = json.dumps(patch)
        answer = await self._ask(
            "PATCH", resource, namespace, name, content=content, headers=headers
        )
        return None if answers.is_missing(answer, name) else answers.content(answer, resource)

    async def delete(
        self, resource: Resource, namespace: str, name: str, *, grace: int | None = None
    ) -> None:
        """Delete it, and in the background what it owns. What is gone is no error."""
        body: Object = {"propagationPolicy": "Background"}
        if grace is not None:
            body["gracePeriodSeconds"] = grace
        answer = await self._ask("DELETE", resource, namespace, name, json=body)
        if answer.status_code != HTTPStatus.NOT_FOUND:
            answers.content(answer, resource)

    # -- many ------------------------------------------------------------------------------

    async def list(
        self, resource: Resource, namespace: str, labels: str = "", fields: str = ""
    ) -> tuple[list[Object], str]:
        """Objects, and the version from which a watch goes on. An empty namespace: everywhere.

        `labels` and `fields` are selectors, as the API server has them.
        """
        query = _selectors(labels, fields)
        answer = answers.content(
            await self._ask("GET", resource, namespace, "", params=query), resource
        )
        # in a list they don't say what they are, which those need to know that refer to them
        what = {"apiVersion": resource.version, "kind": answer["kind"].removesuffix("List")}
        items = [{**what, **item} for item in answer["items"]]
        return items, answer["metadata"]["resourceVersion"]

    async def watch(
        self, resource: Resource, namespace: str, labels: str, version: str, fields: str = ""
    ) -> AsyncGenerator[tuple[str, Object], None]:
        """Changes since `version`: ``ADDED``, ``MODIFIED``, ``DELETED`` or ``BOOKMARK`` and the
        object, until the server ends it after some minutes. Raises Expired or Unavailable."""
        query = {
            "watch": "1",
            "allowWatchBookmarks": "1",
            "resourceVersion": version,
            "timeoutSeconds": str(_WATCH),
            **_selectors(labels, fields),
        }
        timeout = httpx.Timeout(_TIMEOUT, read=_WATCH + _TIMEOUT)
        async for line in self._lines(resource, namespace, "", query, timeout):
            event = json.loads(line)
            if event["type"] == "ERROR":
                if event["object"].get("code") == HTTPStatus.GONE:
                    raise Expired
                raise Unavailable(f"A watch broke: {event['object'].get('message', '')[:200]}")
            yield event["type"], event["object"]

    async def log(
        self,
        namespace: str,
        pod: str,
        *,
        lines: int | None,
        follow: bool,
        previous: bool = False,
        container: str = "",
    ) -> AsyncIterator[str]:
        """The last lines of a pod's log, then what comes if `follow`. None yet is no error.

        Of a pod with several containers the log of one must be asked for.
        """
        query = {"follow": "1" if follow else "0", "previous": "1" if previous else "0"}
        if container:
            query["container"] = container
        if lines is not None:
            query["tailLines"] = str(lines)
        timeout = httpx.Timeout(_TIMEOUT, read=None if follow else _TIMEOUT)
        try:
            async for line in self._lines(PODS, namespace, f"{pod}/log", query, timeout):
                yield line
        except (NotFound, InvalidRequest):
            return  # gone, or its container hasn't started

    async def _lines(
        self,
        resource: Resource,
        namespace: str,
        name: str,
        query: Mapping[str, str],
        timeout: httpx.Timeout,
    ) -> AsyncIterator[str]:
        call = self._call(resource, namespace, name) | {"params": dict(query), "timeout": timeout}
        try:
            async with self._api.call_api(
                "GET", stream=True, raise_for_status=False, **call
            ) as answer:
                if answer.is_error:
                    await answer.aread()
                    if answer.status_code == HTTPStatus.GONE:
                        raise Expired
                    answers.content(answer, resource)
                async for line in answer.aiter_lines():
                    if line:
                        yield line
        except (httpx.HTTPError, kr8s.APITimeoutError, OSError) as error:
            raise answers.silent(error) from None

    # -- inside ----------------------------------------------------------------------------

    async def _ask(
        self, method: str, resource: Resource, namespace: str, name: str, **arguments: Any
    ) -> httpx.Response:
        call = self._call(resource, namespace, name) | arguments
        try:
            async with asyncio.timeout(_TIMEOUT):
                # Errors are looked at here: kr8s would answer each 403, a full quota for
                # instance, by closing all connections, watches included.
                while True:
                    async with self._api.call_api(method, raise_for_status=False, **call) as answer:
                        pass
                    if answer.status_code != HTTPStatus.TOO_MANY_REQUESTS:
                        break
                    # It is busy, or has just learnt of a definition: it says when to come again.
                    await asyncio.sleep(_pause(answer))
                if answer.status_code == HTTPStatus.UNAUTHORIZED:
                    # The token has been replaced meanwhile; this call reads it anew.
                    async with self._api.call_api(method, **call) as answer:
                        pass
        except (httpx.HTTPError, kr8s.APITimeoutError, OSError) as error:  # TimeoutError is one
            raise answers.silent(error) from None
        except kr8s.ServerError as error:
            answer = error.response
        return cast("httpx.Response", answer)

    def _call(self, resource: Resource, namespace: str, name: str) -> dict[str, Any]:
        url = f"{resource.plural}/{name}" if name else resource.plural
        return {"version": resource.version, "namespace": namespace or None, "url": url}


def _selectors(labels: str, fields: str) -> dict[str, str]:
    named = {"labelSelector": labels, "fieldSelector": fields}
    return {name: value for name, value in named.items() if value}


def _pause(answer: httpx.Response) -> float:
    """Seconds until the server wants to be asked again."""
    said = answer.headers.get("retry-after", "")
    return min(float(said), _TIMEOUT) if said.isdecimal() and said != "0" else 1.0
