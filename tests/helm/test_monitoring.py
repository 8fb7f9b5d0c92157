"""Dashboard and alerts: what they ask for is published, and Prometheus makes of it what is meant.

Prometheus itself evaluates, by `promtool`: `PROMTOOL` says which one, else that of `PATH`.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.parser import text_string_to_metric_families

from alongside.kinds.arkouda.gauges import Figures, Locale
from alongside.models import Status, now
from alongside.phases import Phase
from alongside.platforms.base import Observed
from alongside.testing import make_spec
from alongside_service.metrics import Metrics
from alongside_service.registry import Registry
from alongside_service.runs import Runs
from alongside_workflows import Workflow
from alongside_workflows.executors.base import ObservedRun
from alongside_workflows.runs import RunSpec, RunStatus, State
from tests.helm.chart import Object, named, objects, render

MONITORED = {
    "monitoring__serviceMonitor__enabled": True,
    "monitoring__rules__enabled": True,
    "monitoring__dashboard__enabled": True,
}
SCRAPED = {"namespace": "jhub", "service": "alongside-metrics", "pod": "alongside-1"}
MINUTES = 60  # of samples, one a minute


# -- what is published -------------------------------------------------------------------------


def service_numbers() -> str:
    """What a service publishes that has launched, refused and answered, and carries out a run."""
    registry, runs = Registry(), Runs({})
    metrics = Metrics(registry, runs)
    for phase in (Phase.RUNNING, Phase.STARTING, Phase.FAILED):
        spec = make_spec("dask", platform="kubernetes", name=phase)
        registry.put(Observed(spec, Status(phase=Phase.STARTING)))
        if phase is not Phase.STARTING:
            started = now() if phase is Phase.RUNNING else None
            registry.put(Observed(spec, Status(phase=phase, started=started)))
    metrics.refused("quota-exceeded")
    for status in (200, 500):
        metrics.answered("GET", "/backends", status, 0.01)
    workflow = Workflow.model_validate({"name": "w", "steps": [{"name": "a", "command": ["true"]}]})
    run = RunSpec(workflow=workflow, id="r", owner="ada", executor="argo", created=now())
    runs.put(ObservedRun(run, RunStatus(state=State.RUNNING)))
    return metrics.text().decode()


class Exporter:
    """What the exporter beside an Arkouda server publishes of one that works."""

    def collect(self) -> Iterator[Any]:
        count = {"category": "NUM_REQUESTS", "scope": "GLOBAL", "name": "total", "value": 7}
        locale = Locale(0, "locale-0", "locale-0", used=2**20, limit=2**30)
        figures = Figures("group", "kubernetes", True, True, locales=(locale,), counts=(count,))
        yield from figures.gauges(now().timestamp())


def published() -> str:
    registry = CollectorRegistry()
    registry.register(Exporter())
    return service_numbers() + generate_latest(registry).decode()


def series() -> list[Object]:
    """The same as time goes by: what only grows, grows."""
    found = []
    for family in text_string_to_metric_families(published()):
        grows = family.type in ("counter", "histogram") or family.name.startswith("arkouda_total")
        for sample in family.samples:
            step = sample.value if grows else 0
            found.append(one(sample.name, sample.labels, f"{sample.value}+{step}x{MINUTES}"))
    return found


def one(name: str, labels: Mapping[str, str], values: str) -> Object:
    """A series, as it is once Prometheus has collected it."""
    said = ",".join(f'{k}="{v}"' for k, v in {**labels, **SCRAPED}.items())
    return {"series": f"{name}{{{said}}}", "values": values}


# -- what is asked -----------------------------------------------------------------------------


@pytest.fixture
def found(tmp_path: Path) -> list[Object]:
    return objects(render(tmp_path, **MONITORED, operator__enabled=True))


def groups(found: list[Object]) -> list[Object]:
    return list(named(found, "PrometheusRule", "alongside")["spec"]["groups"])


def panels(found: list[Object]) -> list[tuple[str, str]]:
    """Title and query, for every choice that the dashboard offers, as Grafana fills it in."""
    data = named(found, "ConfigMap", "alongside-dashboard")["data"]["alongside.json"]
    return [
        (
            panel["title"],
            target["expr"].replace("$namespace", ".*").replace("$__rate_interval", "5m"),
        )
        for panel in json.loads(data)["panels"]
        for target in panel["targets"]
    ]


def promtool(folder: Path, found: list[Object], series: list[Object], **checks: Any) -> None:
    """Have Prometheus evaluate the rules over these series and check what comes of it."""
    command = os.environ.get("PROMTOOL") or shutil.which("promtool")
    if not command:
        pytest.skip("needs promtool; on Debian and Ubuntu in the package prometheus")
    (folder / "rules.yaml").write_text(json.dumps({"groups": groups(found)}))
    test = {"interval": "1m", "input_series": series, **checks}
    whole = {"rule_files": ["rules.yaml"], "evaluation_interval": "1m", "tests": [test]}
    (folder / "tests.yaml").write_text(json.dumps(whole))
    for verb, file in (("check", "rules.yaml"), ("test", "tests.yaml")):
        done = subprocess.run(
            [command, verb, "rules", file],
            cwd=folder,
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
        )
        assert done.returncode == 0, done.stdout + done.stderr


def expected(expression: str, number: int | None) -> Object:
    """That after half an hour this comes to a number, or (None) to nothing."""
    samples = [] if number is None else [{"labels": "{}", "value": number}]
    return {"expr": expression, "eval_time": "30m", "exp_samples": samples}


# -- tests -------------------------------------------------------------------------------------


@pytest.mark.shows("K119")
def test_dashboard_and_alerts_ask_for_numbers_that_there_are(found: list[Object]) -> None:
    """Every name in a query is one that the service or the exporter publishes."""
    families = set(re.findall(r"^# TYPE (\w+)", published(), re.MULTILINE))
    known = {f"{f}{end}" for f in families for end in ("", "_bucket", "_count", "_sum")} | {"up"}
    queries = [rule["expr"] for group in groups(found) for rule in group["rules"]]
    queries += [query for _, query in panels(found)]
    assert len(queries) >= 20
    for query in queries:
        names = set(re.findall(r"\b(?:alongside|process|arkouda)_\w+(?=[{\[ ])|\bup\b", query))
        assert names, query
        assert names <= known, query


@pytest.mark.shows("K119")
def test_every_panel_has_data(found: list[Object], tmp_path: Path) -> None:
    """From what the service and the exporter publish while both are in use."""
    checks = [expected(f"count({query}) > bool 0", 1) for _, query in panels(found)]
    promtool(tmp_path, found, series(), promql_expr_test=checks)


UP = one("up", {}, f"1x{MINUTES}")
LAUNCH = {"kind": "dask", "platform": "kubernetes"}
LAUNCHES = [
    one("alongside_launch_seconds_count", LAUNCH, f"0+1x{MINUTES}"),
    *(one("alongside_launch_seconds_bucket", LAUNCH | {"le": le}, f"0+1x{MINUTES}")
      for le in ("10.0", "300.0", "600.0", "+Inf")),
]  # fmt: skip
LATE = [
    one("alongside_launch_seconds_bucket", LAUNCH | {"le": le}, f"0+{step}x{MINUTES}")
    for le, step in (("10.0", 0), ("300.0", 0), ("600.0", 1), ("+Inf", 1))
]
NO_LAUNCHES = one("alongside_launch_seconds_count", LAUNCH, f"3x{MINUTES}")


def in_phase(phase: str) -> Object:
    return one("alongside_backends", LAUNCH | {"phase": phase}, f"2x{MINUTES}")


def requests(status: str, each_minute: int) -> Object:
    labels = {"method": "GET", "route": "/backends", "status": status}
    return one("alongside_request_seconds_count", labels, f"0+{each_minute}x{MINUTES}")


@pytest.mark.shows("K119")
@pytest.mark.parametrize(
    ("alert", "seen"),
    [
        ("", [UP, *LAUNCHES, in_phase("starting"), in_phase("running"), requests("2xx", 100)]),
        ("AlongsideDown", [*LAUNCHES, requests("2xx", 100)]),
        ("AlongsideStartsStuck", [UP, NO_LAUNCHES, in_phase("starting")]),
        ("AlongsideStartsSlow", [UP, *LATE, in_phase("running")]),
        ("AlongsideOrphans", [UP, *LAUNCHES, in_phase("stopping")]),
        ("AlongsideErrors", [UP, requests("2xx", 90), requests("5xx", 10)]),
    ],
)
def test_an_alert_fires_when_it_should_and_no_other_does(
    found: list[Object], tmp_path: Path, alert: str, seen: list[Object]
) -> None:
    """After half an hour of it; nothing fires while all is well."""
    firing = 'count by (alertname) (ALERTS{alertstate="firing"})'
    samples = [{"labels": f'{{alertname="{alert}"}}', "value": 1}] if alert else []
    check = {"expr": firing, "eval_time": "30m", "exp_samples": samples}
    promtool(tmp_path, found, seen, promql_expr_test=[check])
