"""Arkouda: one server and its locales, for one user."""

from alongside.kinds.arkouda.kind import Arkouda as Arkouda

__all__ = ["Arkouda"]
