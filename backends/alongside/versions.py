"""Whether the libraries of a backend and of this kernel are the same."""

from __future__ import annotations

import platform
import re
import sys
import warnings
from collections.abc import Mapping
from functools import lru_cache
from importlib.metadata import PackageNotFoundError, version
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from alongside.models import Backend


_RELEASE = re.compile(r"v?(\d{4})\.(\d+)\.(\d+)")


class VersionsDiffer(UserWarning):
    """A backend and this kernel have different versions of a library that both need."""


class Mismatch(NamedTuple):
    """A library whose versions differ; `here` is "" where it is not installed."""

    library: str
    here: str
    there: str

    def __str__(self) -> str:
        return f"{self.library} {self.there} there, {self.here or 'none'} here"


def own_version(name: str) -> str | None:
    """The version of a library in this process; None when it is not installed."""
    if name == "python":
        return platform.python_version()
    found = _installed(name)
    if found is None and name in sys.modules:  # imported from a folder, as it was unpacked
        found = plain(str(getattr(sys.modules[name], "__version__", ""))) or None
    return found


@lru_cache
def _installed(name: str) -> str | None:
    try:
        return version(name)
    except PackageNotFoundError:
        return None


def plain(text: str) -> str:
    """A release written as ``v2024.04.19`` as package indexes have it, others as they are.

    >>> plain("v2024.04.19+3.gabc")
    '2024.4.19'
    """
    found = _RELEASE.match(text)
    return ".".join(str(int(part)) for part in found.groups()) if found else text


def mismatches(theirs: Mapping[str, str]) -> list[Mismatch]:
    """The libraries of a backend that this environment has in other versions, or not at all."""
    own = {name: own_version(name) for name in theirs}
    return [
        Mismatch(name, own[name] or "", there)
        for name, there in sorted(theirs.items())
        if _significant(name, there) != _significant(name, own[name])
    ]


def _significant(name: str, text: str | None) -> str | None:
    if name == "arkouda" and text:
        return plain(text)
    # patch releases of Python read each other's pickles
    return ".".join(text.split(".")[:2]) if name == "python" and text else text


def warn_about_differences(backend: Backend, stacklevel: int = 2) -> None:
    """Warn, naming both versions, when the backend's libraries differ from this kernel's."""
    warn_about(backend.name, backend.versions, stacklevel + 1)


def warn_about(name: str, versions: Mapping[str, str], stacklevel: int = 2) -> None:
    """The same, of whatever has this name and these versions."""
    found = mismatches(versions)
    if found:
        warnings.warn(
            f"{name} and this kernel have different versions: "
            f"{'; '.join(map(str, found))}. Work "
            "may fail or give other results: use the same environment for both, then launch the "
            "backend again.",
            VersionsDiffer,
            stacklevel=stacklevel,
        )
