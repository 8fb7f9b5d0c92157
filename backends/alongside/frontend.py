"""What a notebook's front end hears from its kernel: the backend that the code there computes on.

Code may attach in many ways (`alongside.attach`, `distributed.Client()`, a library of somebody's),
of which a front end sees at best the text. So the kernel tells: it opens a comm of the target
`TARGET`, whose data name the backend by its id. Whoever connects to that comm later, as a page does
that was loaded anew, sends anything and is told again. Only in a session, where our extension of
JupyterLab listens; a front end that knows no such target closes the comm, and nothing is lost.
"""

from __future__ import annotations

import contextlib
import os
import sys
import threading
from typing import Any

from alongside.endpoint import API

TARGET = "alongside.attached"


def in_kernel() -> bool:
    """Whether this is the process of a notebook's kernel."""
    python = sys.modules.get("IPython")
    shell = python.get_ipython() if python is not None else None
    return getattr(shell, "kernel", None) is not None


class Link:
    """The connection to all front ends of this kernel. Threads may share it."""

    def __init__(self) -> None:
        self._backend = ""
        self._comm: Any = None
        self._lock = threading.Lock()

    def tell(self, backend: str) -> None:
        """The kernel is attached to this backend from now on. Outside of a session: nothing."""
        if API not in os.environ or not in_kernel():
            return
        import comm  # comes with every kernel of Python

        with self._lock:
            self._backend = backend
            if self._comm is None:
                self._comm = comm.create_comm(TARGET, data=self._told())
                self._comm.on_msg(self._asked)
                self._comm.on_close(self._closed)
            else:
                self._comm.send(self._told())

    def _told(self) -> dict[str, Any]:
        return {"backend": self._backend}

    def _asked(self, _: object) -> None:
        with self._lock:
            if self._comm is not None:
                self._comm.send(self._told())

    def _closed(self, _: object) -> None:
        with self._lock:
            self._comm = None


_LINK = Link()


def attached(backend: str) -> None:
    """Tell that this process computes on the backend of this id from now on.

    That a front end doesn't hear it must not keep anybody from computing.
    """
    with contextlib.suppress(Exception):
        _LINK.tell(backend)


__all__ = ["TARGET", "attached", "in_kernel"]
