"""Double of the Arkouda client, in the age that ARKOUDA_DOUBLE_AGE names (2021 unless it does).

Its names are those of the real package of that age, as far as README.md lists them.
"""

import sys as _sys
import types as _types

from . import _age as _age
from . import _arrays, _connection, _creation

__version__ = _age.VERSION


def _offer(module: _types.ModuleType, *names: str) -> None:
    """Make names of a module names of this package."""
    globals().update({name: getattr(module, name) for name in names})


_offer(_connection, "connect", "disconnect", "get_config", "get_mem_used", "ruok", "shutdown")
_offer(_arrays, "Strings", "pdarray")
_offer(_creation, "arange", "array", "ones", "sort", "zeros")

if _age.NEW:
    from . import _frames, _reading

    _offer(_connection, "get_mem_avail", "get_mem_status")
    _offer(_frames, "DataFrame")
    _offer(_reading, "get_datasets", "load", "load_all", "read_hdf", "read_parquet")
    _offer(_reading, "restore", "snapshot", "to_hdf", "to_parquet")
    core = _types.ModuleType("arkouda.core")
    core.client = _connection  # type: ignore[attr-defined]  # as in the real one
    _sys.modules["arkouda.core"] = core
    _sys.modules["arkouda.core.client"] = _connection
else:
    from . import _reading_2021

    _offer(_reading_2021, "get_datasets", "load", "load_all", "read_all", "read_hdf", "save_all")
    client = _connection
    _sys.modules["arkouda.client"] = _connection
