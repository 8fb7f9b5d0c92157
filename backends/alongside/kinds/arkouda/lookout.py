"""Looks at an Arkouda server again and again, without disturbing one that works.

Where the server is on the same host, or in the same pod, the kernel tells whether it works, so that
nothing is asked of one that does; elsewhere it is asked, within a limit.
"""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from alongside.errors import NotReady
from alongside.kinds.arkouda import traffic
from alongside.kinds.arkouda.flags import METRICS_PORT, STATUS_PORT
from alongside.kinds.arkouda.gauges import (
    Figures,
    Locale,
    counts_of,
    locales_of,
    requests_of,
    used_of,
)
from alongside.kinds.arkouda.messages import ask
from alongside.kinds.arkouda.options import limit
from alongside.kinds.arkouda.state import Watch
from alongside.kinds.arkouda.traffic import Traffic

_EAGER, _CALM = 0.2, 5.0  # seconds between two looks, before the first answer and after
_COSTLY = 15.0  # seconds between two questions that an old server's log has a line of
_PATIENCE = 2.0  # seconds for one answer
_HERE = ("127.0.0.1", "localhost", "::1")


@dataclass(frozen=True)
class Target:
    """The server that is watched. `status` and `metrics` may be ports that it hasn't got.

    `port` 0: its main port isn't known, and it is known by the other two only.

    `memory`: bytes of each locale, 0 where they aren't known.
    """

    host: str
    port: int
    status: int = STATUS_PORT
    metrics: int = METRICS_PORT
    token: Path | None = None
    name: str = "arkouda"
    launcher: str = "kubernetes"
    memory: int = 0

    def at(self, port: int) -> str:
        return f"tcp://{self.host}:{port}"

    def secret(self) -> str:
        """The token as it is now; empty where there is none."""
        try:
            return self.token.read_text("utf-8").strip() if self.token else ""
        except OSError:
            return ""


class Lookout:
    """Looks at a server again and again. `figures` is what it saw last."""

    def __init__(self, target: Target) -> None:
        self._target = target
        self._watch = Watch(target.at(target.port))
        self._asked = float("-inf")
        self._ended = threading.Event()
        self.figures = Figures(target.name, target.launcher)

    def run(self) -> None:
        """Look until `end`."""
        while not self._ended.wait(self.pause):
            self.look()

    def end(self) -> None:
        self._ended.set()

    @property
    def pause(self) -> float:
        """Seconds until the next look is due."""
        return _CALM if self.figures.ready else _EAGER

    def look(self) -> None:
        """Look once. Whatever is wrong with the server is no error here."""
        target, token = self._target, self._target.secret()
        if target.token and not token:
            return  # a newer server may end when it is asked without one
        seen = self._traffic()  # before we connect ourselves
        ports = (target.port,) if target.port else (target.metrics, target.status)
        if not any(self._is_open(port) for port in ports):
            self._gone()
            return
        if not target.port:
            self._look_aside(token)
            return
        try:
            since = self._watch.look(seen, token, time.time(), _PATIENCE)
        except NotReady:
            return
        self.figures = replace(
            self.figures,
            ready=True,
            busy=since is None,
            idle_since=since,
            clients=seen.clients if target.host in _HERE else self.figures.clients,
            versions=self._watch.versions,
            facts=self._watch.facts,
        )
        self._count(token, busy=since is None)

    def _gone(self) -> None:
        """Nothing listens. Another server may begin there one day."""
        if self.figures.ready:
            self.figures = Figures(self._target.name, self._target.launcher)
            self._watch = Watch(self._target.at(self._target.port))

    def _look_aside(self, token: str) -> None:
        """By the ports that are never busy: when it last counted a request, it was used."""
        before = self.figures
        self._count(token, busy=True)
        found = self.figures
        used = not before.ready or requests_of(found.counts) != requests_of(before.counts)
        self.figures = replace(
            found,
            ready=bool(found.counts or found.locales),
            idle_since=time.time() if used else before.idle_since,
        )

    def _traffic(self) -> Traffic:
        """What the kernel knows of it; nothing where it runs elsewhere."""
        if self._target.host not in _HERE:
            return Traffic()
        try:
            return traffic.look(self._target.port)
        except OSError:
            return Traffic()

    def _count(self, token: str, *, busy: bool) -> None:
        """What it has done, and what its locales use: from the ports that are never busy first."""
        target = self._target
        counts = counts_of(self._ask(target.metrics, token, "metrics", {"category": "ALL"}))
        used = used_of(self._ask(target.status, "", "getmemstatus"))
        locales = self.figures.locales
        if not locales:
            config = self._ask(target.status, "", "getconfig")
            if not config and not busy:
                config = self._ask(target.port, token, "getconfig")
            locales = locales_of(config)
        if not used and not busy and time.monotonic() - self._asked > _COSTLY:
            self._asked = time.monotonic()
            used = _shared(self._ask(target.port, token, "getmemused"), locales, target.memory)
        if used:
            locales = tuple(_with(one, used.get(one.number)) for one in locales)
        if counts:
            self.figures = replace(self.figures, counts=counts)
        self.figures = replace(self.figures, locales=locales)

    def _ask(self, port: int, token: str, command: str, args: Any = ()) -> str:
        """The answer, empty when there is none."""
        if port != self._target.port and not self._is_open(port):
            return ""
        try:
            answer = ask(self._target.at(port), token, command, args, timeout=_PATIENCE)
        except NotReady:
            return ""
        return answer.text if answer.good else ""

    def _is_open(self, port: int) -> bool:
        """Whether the server has this port at all: those that are old have one only."""
        try:
            socket.create_connection((self._target.host, port), timeout=_PATIENCE).close()
        except OSError:
            return False
        return bool(port)


def _shared(text: str, locales: Sequence[Locale], memory: int) -> dict[int, tuple[int, int]]:
    """Of an old server, which only knows the sum: each locale has its part of an array."""
    if not text.isdecimal() or not locales:
        return {}
    each = int(text) // len(locales)
    return {one.number: (each, limit(memory) if memory else 0) for one in locales}


def _with(locale: Locale, used: tuple[int, int] | None) -> Locale:
    return replace(locale, used=used[0], limit=used[1]) if used else locale
