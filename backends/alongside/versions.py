"""Whether the libraries of a backend and of this kernel are the same."""

from __future__ import annotations

import platform
import warnings
from collections.abc import Mapping
from importlib.metadata import PackageNotFoundError, version

from alongside.models import Backend


class VersionsDiffer(UserWarning):
    """A backend and this kernel have different versions of a library that both need."""


def own_version(name: str) -> str | None:
    """The version of a library in this process; None when it is not installed."""
    if name == "python":
        return platform.python_version()
    try:
        return version(name)
    except PackageNotFoundError:
        return None


def differences(theirs: Mapping[str, str], own: Mapping[str, str | None]) -> list[str]:
    """One phrase for each library whose versions differ, both versions in it.

    >>> differences({"distributed": "2026.6.0"}, {"distributed": "2026.8.0"})
    ['distributed 2026.6.0 there, 2026.8.0 here']
    """
    found = []
    for name, there in sorted(theirs.items()):
        here = own.get(name)
        if _significant(name, there) != _significant(name, here):
            found.append(f"{name} {there} there, {here or 'none'} here")
    return found


def _significant(name: str, text: str | None) -> str | None:
    # patch releases of Python read each other's pickles
    return ".".join(text.split(".")[:2]) if name == "python" and text else text


def warn_about_differences(backend: Backend, stacklevel: int = 2) -> None:
    """Warn, naming both versions, when the backend's libraries differ from this kernel's."""
    found = differences(backend.versions, {name: own_version(name) for name in backend.versions})
    if found:
        warnings.warn(
            f"{backend.name} and this kernel have different versions: {'; '.join(found)}. Work "
            "may fail or give other results: use the same environment for both, then launch the "
            "backend again.",
            VersionsDiffer,
            stacklevel=stacklevel,
        )
