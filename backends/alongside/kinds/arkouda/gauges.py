"""Figures of an Arkouda server as Prometheus reads them. Pure: from what the server says.

The names and labels are those of Arkouda's own exporter, so that its dashboards and alerts serve
here as well; `launcher` and what begins with ``arkouda_server_`` come on top.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from prometheus_client.core import GaugeMetricFamily, InfoMetricFamily, Metric

_LOCALE = ("locale_name", "locale_num", "locale_hostname")
_PER_LOCALE = (
    "arkouda_memory_used_per_locale",
    "arkouda_pct_memory_used_per_locale",
    "arkouda_memory_per_locale",
    "arkouda_processing_units_per_locale",
)
# category of the server's figures: gauge of the total, gauge for each command
_BY_COMMAND = {
    "NUM_REQUESTS": ("arkouda_total_number_of_requests", "arkouda_number_of_requests_per_command"),
    "NUM_ERRORS": ("arkouda_total_number_of_errors", "arkouda_number_of_errors_per_command"),
    "RESPONSE_TIME": ("", "arkouda_response_times_per_command"),
    "AVG_RESPONSE_TIME": ("", "arkouda_avg_response_times_per_command"),
    "TOTAL_RESPONSE_TIME": ("", "arkouda_total_response_times_per_command"),
    "TOTAL_MEMORY_USED": ("", "arkouda_total_memory_used_per_command"),
}
_REQUESTS = ("NUM_REQUESTS", "GLOBAL", "total")
_BY_USER = (
    "arkouda_per_user_total_number_of_requests",
    "arkouda_per_user_number_of_requests_per_command",
)
_HELP = {
    "arkouda_number_of_connections": "Clients that are connected",
    "arkouda_total_number_of_requests": "Requests since the start",
    "arkouda_number_of_requests_per_command": "Requests since the start, by command",
    "arkouda_total_number_of_errors": "Requests that failed",
    "arkouda_number_of_errors_per_command": "Requests that failed, by command",
    "arkouda_response_times_per_command": "Seconds that the last request took, by command",
    "arkouda_avg_response_times_per_command": "Seconds that a request took on average, by command",
    "arkouda_total_response_times_per_command": "Seconds that all requests took, by command",
    "arkouda_total_memory_used_per_command": "Memory that all requests used, by command",
    "arkouda_memory_used_per_locale": "Bytes that arrays take on each locale",
    "arkouda_pct_memory_used_per_locale": "Percentage of each locale's memory that arrays take",
    "arkouda_memory_per_locale": "Bytes of memory of each locale",
    "arkouda_processing_units_per_locale": "Processing units of each locale",
    "arkouda_per_user_total_number_of_requests": "Requests since the start, by user",
    "arkouda_per_user_number_of_requests_per_command": "Requests by user and command",
    "arkouda_server_up": "Whether the server has answered and runs",
    "arkouda_server_busy": "Whether it works on a request",
    "arkouda_server_idle_seconds": "Seconds since somebody last used it",
}


@dataclass(frozen=True)
class Locale:
    """One locale. Memory is in bytes; 0 where it isn't known."""

    number: int
    name: str = ""
    host: str = ""
    used: int = 0
    limit: int = 0
    memory: int = 0
    units: int = 0


@dataclass(frozen=True)
class Figures:
    """What is known of a server. `counts` are the entries of its metrics port, if it has one."""

    name: str
    launcher: str
    ready: bool = False
    busy: bool = False
    idle_since: float | None = None
    clients: int | None = None
    locales: tuple[Locale, ...] = ()
    counts: tuple[Mapping[str, Any], ...] = ()
    versions: Mapping[str, str] = field(default_factory=dict)
    facts: Mapping[str, str] = field(default_factory=dict)

    def state(self) -> dict[str, Any]:
        """For programs, as plain JSON. Times are POSIX seconds, memory is in bytes."""
        return {
            "ready": self.ready,
            "busy": self.busy,
            "idle_since": self.idle_since,
            "clients": self.clients,
            "locales": len(self.locales),
            "memory": [
                {"locale": one.number, "host": one.host, "used": one.used, "limit": one.limit}
                for one in self.locales
            ],
            "versions": dict(self.versions),
            "facts": dict(self.facts),
        }

    def gauges(self, now: float) -> Iterator[Metric]:
        """All that Prometheus is told. `now` is the POSIX time."""
        yield from self._server(now)
        yield from self._per_locale()
        yield from self._counted()

    # -- parts -----------------------------------------------------------------------------

    def _gauge(
        self, name: str, labels: Iterable[str], samples: Iterable[tuple[Iterable[str], float]]
    ) -> GaugeMetricFamily:
        names = [*labels, "arkouda_server_name", "launcher"]
        family = GaugeMetricFamily(name, _HELP[name], labels=names)
        for values, value in samples:
            family.add_metric([*values, self.name, self.launcher], value)
        return family

    def _server(self, now: float) -> Iterator[Metric]:
        yield self._gauge("arkouda_server_up", (), [((), float(self.ready))])
        if not self.ready:
            return
        idle = 0.0 if self.idle_since is None else max(0.0, now - self.idle_since)
        yield self._gauge("arkouda_server_busy", (), [((), float(self.busy))])
        yield self._gauge("arkouda_server_idle_seconds", (), [((), idle)])
        if self.clients is not None:
            yield self._gauge("arkouda_number_of_connections", (), [((), self.clients)])
        info = InfoMetricFamily("arkouda_server_information", "Version and size of the server")
        info.add_metric(
            [],
            {
                "arkouda_server_name": self.name,
                "launcher": self.launcher,
                "arkouda_version": self.facts.get("Arkouda", ""),
                "arkouda_server_hostname": self.facts.get("Host", ""),
                "arkouda_number_of_locales": str(len(self.locales)),
            },
        )
        yield info

    def _per_locale(self) -> Iterator[Metric]:
        def values(one: Locale) -> tuple[float | None, ...]:
            share = 100 * one.used / one.limit if one.limit else None
            return one.used, share, one.memory or None, one.units or None

        for number, name in enumerate(_PER_LOCALE):
            samples = [
                ((one.name or one.host, str(one.number), one.host), value)
                for one in self.locales
                if (value := values(one)[number]) is not None
            ]
            if samples:
                yield self._gauge(name, _LOCALE, samples)

    def _counted(self) -> Iterator[Metric]:
        found: dict[str, dict[tuple[str, ...], float]] = {}
        for entry in self.counts:
            place = _place(entry)
            if place is not None:
                name, values = place
                found.setdefault(name, {})[values] = float(entry["value"])
        for name, samples in found.items():
            labels = ("command",) if name.endswith("_per_command") else ()
            if name in _BY_USER:
                labels = (*labels, "user")
            yield self._gauge(name, labels, samples.items())


def _place(entry: Mapping[str, Any]) -> tuple[str, tuple[str, ...]] | None:
    """Which gauge an entry of the metrics port belongs to, and its labels' values."""
    pair = _BY_COMMAND.get(str(entry.get("category", "")))
    if pair is None or not isinstance(entry.get("value"), int | float):
        return None
    user: tuple[str, ...] = ()
    if entry.get("scope") == "USER":
        if entry.get("category") != "NUM_REQUESTS":
            return None
        pair, user = _BY_USER, (str(entry.get("user", "")),)
    command = str(entry.get("name", ""))
    if command == "total":
        return (pair[0], user) if pair[0] else None
    return pair[1], (command, *user)


# -- reading what the server says --------------------------------------------------------------


def locales_of(config: str) -> tuple[Locale, ...]:
    """The locales in the answer to ``getconfig``."""
    try:
        document = json.loads(config)
        listed = document.get("LocaleConfigs") or [{}] * int(document["numLocales"])
        each = {"memory": document.get("physicalMemory"), "units": document.get("numPUs")}
        return tuple(
            Locale(
                number,
                name=str(one.get("name", "")),
                host=str(one.get("hostname", one.get("name", ""))),
                memory=int(one.get("physicalMemory") or each["memory"] or 0),
                units=int(one.get("numPUs") or each["units"] or 0),
            )
            for number, one in enumerate(listed)
        )
    except (ValueError, AttributeError, KeyError, TypeError):
        return ()


def used_of(status: str) -> dict[int, tuple[int, int]]:
    """Bytes used, and bytes that may be, by locale, from the answer to ``getmemstatus``."""
    try:
        return {
            int(one["locale_id"]): (int(one["arkouda_mem_alloc"]), int(one["total_mem"]))
            for one in json.loads(status)
        }
    except (ValueError, KeyError, TypeError):
        return {}


def counts_of(metrics: str) -> tuple[Mapping[str, Any], ...]:
    """The entries in the answer of a metrics port."""
    try:
        found = json.loads(metrics)
    except ValueError:
        return ()
    return tuple(one for one in found if isinstance(one, dict)) if isinstance(found, list) else ()


def requests_of(counts: Iterable[Mapping[str, Any]]) -> float:
    """How many requests the entries of a metrics port have counted."""
    return sum(
        float(one["value"])
        for one in counts
        if (one.get("category"), one.get("scope"), one.get("name")) == _REQUESTS
        and isinstance(one.get("value"), int | float)
    )
