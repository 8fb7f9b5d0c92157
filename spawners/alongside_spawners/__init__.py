"""JupyterHub spawners whose sessions start with a Dask cluster or Arkouda locales alongside.

In the hub's configuration::

    from alongside_spawners import configure

    configure(c)

sets up the spawner, the service and the permissions that both need.
"""

from alongside_spawners.configuration import configure

__all__ = ["configure"]
