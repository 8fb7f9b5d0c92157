"""KubeSpawner with restricted pods, plain words and early answers."""

# mypy: allow-untyped-calls
# JupyterHub's and KubeSpawner's own methods have no types.

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from typing import Any
from urllib.parse import urlsplit

from aiohttp import ClientError
from kubernetes_asyncio.client import ApiException
from kubespawner import KubeSpawner
from traitlets import Float, default

from alongside.errors import AlongsideError, Unavailable
from alongside.models import Pod
from alongside_spawners.pod_story import sentence
from alongside_spawners.pod_trouble import Trouble, refused, trouble_of
from alongside_spawners.refusals import Refusal
from alongside_spawners.session_pod import finish
from alongside_spawners.session_start import SessionFailed, answers

_LOOK = 0.05  # seconds between looks at what the watch of pods has in memory
_MARGIN = 3.0  # seconds before the hub's own limit, so that our reason comes first
_CLEANUP = 5.0
_ASK = 2.0  # seconds after which a pod that the watch doesn't show is asked for


class PodSpawner(KubeSpawner):
    """Starts a notebook server in a pod that the restricted policy admits.

    A pod that can't start ends the start with a reason, as soon as that is certain, and leaves no
    pod behind. A pod never has a token of Kubernetes' API.
    """

    answer_timeout = Float(
        20.0,
        help="""Seconds to wait in `start` until the notebook server accepts connections.

        After that it is up to the hub's `http_timeout`. Waiting here saves up to some seconds,
        because the hub looks at long, irregular intervals.
        """,
    ).tag(config=True)

    @default("uid")
    def _uid_default(self) -> int:
        return 1000

    _pod_uid = ""
    """Kubernetes' id of the pod of the latest start, empty before the cluster has accepted it."""

    def added(self) -> Pod:
        """What the profile adds to the pod, besides settings; for subclasses."""
        return Pod()

    def tell(self, message: str) -> None:
        """Something that whoever waits ought to know; for subclasses."""

    async def get_pod_manifest(self) -> Any:
        """KubeSpawner's manifest, restricted and with what the profile adds."""
        manifest = await super().get_pod_manifest()
        return finish(manifest, self.added(), self._build_pod_labels({}), self.user.name)

    # Start

    async def start(self) -> str:
        """Start the pod; returns its URL as soon as the notebook server accepts connections."""
        try:
            return await self._start_pod()
        except AlongsideError as error:
            raise Refusal(error) from None

    async def _start_pod(self) -> str:
        self._pod_uid = ""
        starting = asyncio.ensure_future(super().start())
        watching = asyncio.create_task(self._watch())
        limit = max(1.0, self.start_timeout - _MARGIN)
        try:
            await asyncio.wait(
                {starting, watching}, timeout=limit, return_when=asyncio.FIRST_COMPLETED
            )
            return await self._outcome(starting, watching, limit)
        except BaseException:
            await _cancel(starting, watching)
            await self._remove()
            raise
        finally:
            await _cancel(starting, watching)

    async def _make_create_pod_request(self, pod: Any, request_timeout: float) -> bool:
        """Ask for the pod. False: try again.

        KubeSpawner's own would write a refused pod, with its tokens, to the log, and would end a
        pod that an earlier start has left by `stop`, which also ends what this start has begun.
        """
        try:
            async with asyncio.timeout(request_timeout):
                created = await self.api.create_namespaced_pod(self.namespace, pod)
        except TimeoutError:
            return False
        except ApiException as error:
            if error.status != 409:
                raise
            self.log.info("Ending the pod %s, which an earlier start has left", self.pod_name)
            await super().stop(True)
            return False
        self._pod_uid = created.metadata.uid
        return True

    async def _outcome(
        self, starting: asyncio.Future[str], watching: asyncio.Task[str], limit: float
    ) -> str:
        """The pod's URL, or why there is none."""
        try:
            if watching.done():
                url = watching.result()
                if self._more_than_a_pod():
                    await asyncio.wait_for(starting, limit)
                return url
            if starting.done():
                url = starting.result()
                # it saw the pod running before the watch did, which still waits for the port
                await asyncio.wait({watching}, timeout=self.answer_timeout)
                return watching.result() if watching.done() else url
        except ApiException as error:
            raise refused(error.status or 0, error.body or error.reason) from None
        except (ClientError, TimeoutError, OSError) as error:
            raise Unavailable(
                f"The cluster does not answer ({type(error).__name__}).", "Try again in a moment."
            ) from None
        except (KeyError, IndexError, ValueError, TypeError) as error:
            self.log.exception("The pod of %s can't be made", self._log_name)
            raise SessionFailed(
                f"The settings of this session's pod can't be used: {error}.",
                "Show this to an administrator, who finds more in the hub's log.",
            ) from None
        why = f" {self._trouble.message}" if self._trouble else ""
        remedy = self._trouble.remedy if self._trouble else ""
        raise SessionFailed(
            f"The session's pod was not ready after {limit:.0f} s.{why}", remedy or "Try again."
        )

    _trouble: Trouble | None = None

    async def _watch(self) -> str:
        """The URL of this start's pod once it answers. Raises SessionFailed when it won't."""
        loop = asyncio.get_running_loop()
        self._trouble, since, running = None, loop.time(), 0.0
        while (pod := self._this_pod()) is None:
            if self._pod_uid and loop.time() - since > _ASK:
                await self._refuse_deleted()
                since = loop.time()
            await asyncio.sleep(_LOOK)
        while True:
            if (pod := self._this_pod()) is None:
                raise _deleted()
            now = loop.time()
            trouble = trouble_of(pod)
            if trouble is None or self._trouble is None:
                since = now
            self._trouble = trouble
            if trouble is not None:
                self.tell(trouble.message)
                if trouble.patience is not None and now - since >= trouble.patience:
                    raise SessionFailed(trouble.message, trouble.remedy)
            elif self._runs(pod):
                running = running or now
                url = str(self._get_pod_url(pod))
                if await self._answers(url) or now - running > self.answer_timeout:
                    self.pod_id = self._pod_uid
                    return url
            await asyncio.sleep(_LOOK)

    def _this_pod(self) -> Any:
        """The pod of this start as the cluster last described it, None before it is there."""
        reflector = self.pod_reflector
        pod = reflector.pods.get(f"{self.namespace}/{self.pod_name}") if reflector else None
        return pod if pod and pod["metadata"]["uid"] == self._pod_uid else None

    async def _refuse_deleted(self) -> None:
        """Raise when a pod that our watch has never shown isn't there any more."""
        try:
            async with asyncio.timeout(self.k8s_api_request_timeout):
                pod = await self.api.read_namespaced_pod(self.pod_name, self.namespace)
        except ApiException as error:
            if error.status == 404:
                raise _deleted() from None
        except (ClientError, TimeoutError, OSError):
            return  # the cluster is asked again
        else:
            if pod.metadata.uid != self._pod_uid:
                raise _deleted()

    def _more_than_a_pod(self) -> bool:
        """Whether KubeSpawner has something to do once there is a pod."""
        return bool(self.internal_ssl or self.services_enabled or self.after_pod_created_hook)

    def _runs(self, pod: Any) -> bool:
        try:
            return bool(self.is_pod_running(pod))
        except (KeyError, TypeError):  # parts of the status that aren't there yet
            return False

    async def _answers(self, url: str) -> bool:
        parts = urlsplit(url)
        port = parts.port or (443 if parts.scheme == "https" else 80)
        return await answers(parts.hostname or "", port)

    async def _remove(self) -> None:
        """Delete the pod of a start that has failed; the hub does not see to each of them."""
        try:
            async with asyncio.timeout(_CLEANUP):
                await self.api.delete_namespaced_pod(
                    self.pod_name, self.namespace, grace_period_seconds=0
                )
        except ApiException as error:
            if error.status != 404:
                self.log.warning("Pod %s could not be deleted: %s", self.pod_name, error.reason)
        except (ClientError, TimeoutError, OSError) as error:
            self.log.warning("Pod %s could not be deleted: %s", self.pod_name, error)

    # Progress

    async def progress(self) -> AsyncIterator[dict[str, Any]]:
        """The cluster's events about the pod of this start, as sentences.

        Unlike KubeSpawner's own it tells nothing of earlier pods of the same name, and nothing of
        this one is lost when it is asked early.
        """
        if not self.events_enabled:
            return
        await self._start_watching_events()
        loop = asyncio.get_running_loop()
        patience: float = self.slow_spawn_message_threshold
        reached, told = 0.0, set[str]()
        began, limit = loop.time(), self.start_timeout + self.http_timeout
        while True:
            over = self._start_future is not None and self._start_future.done()
            for event in self._own_events():
                if (message := sentence(event)) not in told:
                    told.add(message)
                    reached += (90 - reached) / 4
                    yield {"progress": int(reached), "message": message, "raw_event": event}
            passed = loop.time() - began
            if over or passed > limit:
                return
            if 0 < patience < passed:
                yield {"message": self.slow_spawn_message.format(seconds=int(passed)).strip()}
                patience = passed + self.slow_spawn_message_frequency
            await asyncio.sleep(_LOOK)

    def _own_events(self) -> list[dict[str, Any]]:
        reflector = self.event_reflector
        if reflector is None or not self._pod_uid:
            return []
        events: list[dict[str, Any]] = reflector.events
        return [e for e in events if e["involvedObject"].get("uid") == self._pod_uid]


def _deleted() -> SessionFailed:
    return SessionFailed("The session's pod was deleted while it started.", "Try again.")


async def _cancel(*tasks: asyncio.Future[Any]) -> None:
    for task in tasks:
        task.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await asyncio.gather(*tasks, return_exceptions=True)


__all__ = ["PodSpawner"]
