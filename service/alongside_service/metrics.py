"""Numbers for Prometheus. No label names a user, a backend or an address."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from datetime import datetime
from typing import Any

import prometheus_client as prometheus
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from alongside.models import now
from alongside.phases import USABLE
from alongside.platforms.base import Observed
from alongside_service.registry import Registry
from alongside_service.runs import Runs
from alongside_workflows.executors.base import ObservedRun

_LAUNCH = (0.1, 0.2, 0.35, 0.5, 0.75, 1, 1.5, 2, 3, 5, 10, 20, 30, 60, 120, 300, 600)
_REQUEST = (0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10)


class _Backends(Collector):
    """Counts backends and runs at the moment of being asked; of several replicas, one does."""

    def __init__(self, registry: Registry, runs: Runs, leading: Callable[[], bool]) -> None:
        self._registry = registry
        self._runs = runs
        self._leading = leading

    def collect(self) -> Iterator[Metric]:
        """What is known of backends, watches and turns."""
        leading = self._leading()
        yield GaugeMetricFamily(
            "alongside_leading", "1 in the replica that acts, 0 in the others.", value=leading
        )
        labels = ("kind", "platform", "phase")
        gauge = GaugeMetricFamily("alongside_backends", "Backends by phase.", labels=labels)
        seen = self._registry if leading else ()
        ready = GaugeMetricFamily(
            "alongside_warm_backends",
            "Backends that are kept ready for whoever comes, by phase.",
            labels=labels,
        )
        counts = Counter(
            (o.spec.unclaimed, (o.spec.kind, o.spec.platform, str(o.status.phase))) for o in seen
        )
        for (unclaimed, values), count in sorted(counts.items()):
            (ready if unclaimed else gauge).add_metric(values, count)
        yield gauge
        yield ready
        yield self._of_runs(self._runs if leading else ())
        restarts = CounterMetricFamily(
            "alongside_watch_restarts",
            "How often the watch of a platform ended or broke and was begun anew.",
            labels=("platform",),
        )
        for platform, count in sorted(self._registry.restarts.items()):
            restarts.add_metric((platform,), count)
        yield restarts

    def _of_runs(self, seen: Iterable[ObservedRun]) -> Metric:
        gauge = GaugeMetricFamily(
            "alongside_runs",
            "Runs of workflows by state, ended ones that are kept included.",
            labels=("executor", "state"),
        )
        counts = Counter((run.spec.executor, str(run.status.state)) for run in seen)
        for values, count in sorted(counts.items()):
            gauge.add_metric(values, count)
        return gauge


class Metrics:
    """All numbers of one service."""

    def __init__(
        self, registry: Registry, runs: Runs, leading: Callable[[], bool] = lambda: True
    ) -> None:
        self._leading = leading
        self._numbers = prometheus.CollectorRegistry()
        self._numbers.register(_Backends(registry, runs, leading))
        prometheus.ProcessCollector(registry=self._numbers)
        self._refused = prometheus.Counter(
            "alongside_refused",
            "Launches and changes that were refused, by the problem's code.",
            ("code",),
            registry=self._numbers,
        )
        self._launch = prometheus.Histogram(
            "alongside_launch_seconds",
            "From the request to the first time that all is running.",
            ("kind", "platform"),
            buckets=_LAUNCH,
            registry=self._numbers,
        )
        self._claimed = prometheus.Counter(
            "alongside_claimed",
            "Launches that got a backend which was kept ready.",
            ("kind", "platform"),
            registry=self._numbers,
        )
        self._schedule_starts = prometheus.Counter(
            "alongside_schedule_starts",
            "Backends and workflows (as kind) that were started by a schedule.",
            ("kind",),
            registry=self._numbers,
        )
        self._schedule_misses = prometheus.Counter(
            "alongside_schedule_misses",
            "Starts of schedules that came to nothing: missed, refused or skipped.",
            ("kind", "outcome"),
            registry=self._numbers,
        )
        self._request = prometheus.Histogram(
            "alongside_request_seconds",
            "From a request to the begin of its answer.",
            ("method", "route", "status"),
            buckets=_REQUEST,
            registry=self._numbers,
        )
        registry.listen(self._changed)

    def refused(self, code: str) -> None:
        """Count a refusal."""
        self._refused.labels(code).inc()

    def scheduled(self, kind: str, outcome: str) -> None:
        """Count a start that a schedule has settled."""
        if outcome == "started":
            self._schedule_starts.labels(kind).inc()
        else:
            self._schedule_misses.labels(kind, outcome).inc()

    def text(self) -> bytes:
        """Everything, in Prometheus' text format."""
        return prometheus.generate_latest(self._numbers)

    def answered(self, method: str, route: str, status: int, seconds: float) -> None:
        """Count a request."""
        if method not in {"GET", "HEAD", "POST", "PATCH", "DELETE", "OPTIONS"}:
            method = "other"
        self._request.labels(method, route, f"{status // 100}xx").observe(seconds)

    def _changed(self, before: Observed | None, after: Observed | None) -> None:
        if not self._leading():
            return
        if after is None or after.spec.unclaimed:
            return
        if before is not None and before.spec.unclaimed:
            self._claimed.labels(after.spec.kind, after.spec.platform).inc()
            self._took(after, now())
            return
        if before is None or before.status.started or not after.status.started:
            return
        if after.status.phase in USABLE:
            self._took(after, after.status.started)

    def _took(self, observed: Observed, ready: datetime) -> None:
        seconds = (ready - observed.spec.created).total_seconds()
        self._launch.labels(observed.spec.kind, observed.spec.platform).observe(max(0.0, seconds))


class Timed:
    """ASGI middleware that counts requests by route."""

    def __init__(self, app: ASGIApp, metrics: Metrics) -> None:
        self.app = app
        self.metrics = metrics

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        begin = time.perf_counter()

        async def noted(message: Message) -> None:
            if message["type"] == "http.response.start":
                route: Any = scope.get("route")
                path = getattr(route, "path", "unknown")
                took = time.perf_counter() - begin
                self.metrics.answered(scope["method"], path, message["status"], took)
            await send(message)

        await self.app(scope, receive, noted)
