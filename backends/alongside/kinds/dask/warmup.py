"""Imports all that a scheduler or a worker needs to start, for a process that forks them."""

import importlib
import logging
from contextlib import suppress

import distributed
import distributed.cli.dask_scheduler
import distributed.cli.dask_worker
import distributed.http.scheduler.api

import alongside.kinds.dask.preload
import alongside.kinds.dask.role
import alongside.kinds.dask.routes
import alongside.kinds.dask.tls

_OPTIONAL = (
    "distributed.dashboard.scheduler",
    "distributed.dashboard.worker",
    "distributed.http.scheduler.info",
    "distributed.http.scheduler.json",
    "distributed.http.scheduler.prometheus",
    "distributed.http.worker.prometheus",
    "distributed.http.health",
    "distributed.http.proxy",
    "distributed.http.statics",
    "distributed.comm.tcp",
    "distributed.comm.ws",
    "numpy",
    "pandas",
)
# It would recommend another package, in the log of whoever starts us.
logging.getLogger("distributed.http.proxy").setLevel(logging.WARNING)
for _name in _OPTIONAL:
    with suppress(ImportError):
        importlib.import_module(_name)

__all__ = ["alongside", "distributed"]
