"""Looking after all backends, for as long as it is our turn."""

from __future__ import annotations

import asyncio
import logging
from concurrent.futures import ThreadPoolExecutor

from alongside.errors import AlongsideError
from alongside.kinds import get_kind
from alongside.platforms.kubernetes import objects
from alongside.platforms.kubernetes.api import Cluster
from alongside.platforms.kubernetes.builder import Builder
from alongside.platforms.kubernetes.finalizers import Orphans
from alongside.platforms.kubernetes.inventory import Inventory
from alongside.platforms.kubernetes.lease import Lease
from alongside.platforms.kubernetes.resources import Object
from alongside.platforms.kubernetes.setting import Setting
from alongside.platforms.kubernetes.steward import Steward

_POOL = 32

_log = logging.getLogger("alongside.kubernetes")


class Tending:
    """One steward for each backend."""

    def __init__(self, cluster: Cluster, setting: Setting, inventory: Inventory) -> None:
        self._cluster = cluster
        self._setting = setting
        self._inventory = inventory
        self._leads = False
        self._stewards: dict[str, Steward] = {}
        self._tasks: dict[str, asyncio.Task[None]] = {}
        self._pool = ThreadPoolExecutor(_POOL, "kubernetes")

    async def run(self, turn: Lease) -> None:
        """From when the turn is ours until it no longer is."""
        await turn.acquired()
        self._leads = True
        for item in self._inventory.records():
            self._look_after(item)
        orphans = Orphans(self._cluster, self._setting.namespace, self._inventory)
        letting_go = asyncio.create_task(orphans.run())
        try:
            await turn.lost()
        finally:
            letting_go.cancel()
        self._leads = False
        for task in self._tasks.values():
            task.cancel()

    async def close(self) -> None:
        """Let go of all of them; they go on without us."""
        self._leads = False
        tasks = list(self._tasks.values())
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        self._pool.shutdown(wait=False, cancel_futures=True)

    def heard(self, id: str, of_record: bool, record: Object | None) -> None:
        """Something has changed, as `Inventory` tells it."""
        if not of_record:
            if steward := self._stewards.get(id):
                steward.wake()
        elif record is None:
            if task := self._tasks.get(id):
                task.cancel()
        elif self._leads:
            self._look_after(record)

    def _look_after(self, item: Object) -> None:
        id = objects.id_of(item)
        if id in self._stewards:
            self._stewards[id].wake(item)
            return
        try:
            spec, _ = objects.parse_record(item)
            kind = get_kind(spec.kind)
        except (ValueError, AlongsideError) as error:
            _log.warning("The record of %s can't be read and is left alone: %s", id, error)
            return
        inventory = self._inventory
        builder = Builder(self._cluster, self._setting, kind, inventory, inventory.wrote)
        steward = self._stewards[id] = Steward(builder, item, self._pool)
        task = self._tasks[id] = asyncio.create_task(steward.run(), name=f"backend {id}")
        task.add_done_callback(lambda _: self._tended(id))

    def _tended(self, id: str) -> None:
        self._stewards.pop(id, None)
        self._tasks.pop(id, None)
