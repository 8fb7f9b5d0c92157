"""Imports all that a scheduler or a worker needs to start, for a process that forks them."""

import importlib
import logging
from contextlib import suppress
from types import SimpleNamespace

import dask.config
import distributed
import distributed.cli.dask_scheduler
import distributed.cli.dask_worker
import distributed.http.scheduler.api
from distributed.http.routing import RoutingApplication
from distributed.http.utils import get_handlers
from distributed.versions import get_versions
from tornado import netutil

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


def _fill_caches() -> None:
    """Do beforehand, once, what every scheduler and worker would do again as it starts.

    Versions of packages are looked up, certificates of the system loaded, and the patterns of the
    dashboard's addresses compiled: 0.1 s of the start. All of it is only speed, so that a release
    of Dask or tornado in which it fails does no harm.
    """
    with suppress(Exception):
        get_versions()
    with suppress(Exception):
        netutil._client_ssl_defaults()
        netutil._server_ssl_defaults()
    with suppress(Exception):
        from distributed.dashboard.core import BokehApplication
        from distributed.dashboard.scheduler import applications

        BokehApplication(applications, SimpleNamespace(http_server=SimpleNamespace(port=0)))
        for part in ("scheduler", "worker"):
            modules = dask.config.get(f"distributed.{part}.http.routes")
            RoutingApplication(get_handlers(server=None, modules=modules, prefix=""))


_fill_caches()

__all__ = ["alongside", "distributed"]
