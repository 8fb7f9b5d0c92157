"""The kind Dask: a scheduler and workers. Importing this package imports nothing of Dask."""

from alongside.kinds.dask.kind import Dask

__all__ = ["Dask"]
