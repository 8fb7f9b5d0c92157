"""Loads the modules of ``tools`` and ``deploy/local``, which are no packages."""

from __future__ import annotations

import importlib
import sys
from types import ModuleType

from tests.house.test_source import ROOT

for _folder in ("tools", "deploy/local"):
    if str(ROOT / _folder) not in sys.path:
        sys.path.append(str(ROOT / _folder))


def script(name: str) -> ModuleType:
    """The module of that name."""
    return importlib.import_module(name)
