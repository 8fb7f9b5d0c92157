"""A real Prometheus reads the service's numbers by what the guide says."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import httpx
import pytest
from ruamel.yaml import YAML

from tests.prometheus import AT_ONCE, prometheus, up
from tests.service.conftest import API, FOR_METRICS, Served
from tests.stack import ROOT
from tests.waiting import wait_until

GUIDE = ROOT / "docs" / "how-to" / "add-to-my-hub.md"


def documented(served: Served, folder: Path) -> dict[str, Any]:
    """The guide's configuration, of a service without a hub's proxy before it."""
    page = GUIDE.read_text("utf-8")
    assert all(f'"{scope}"' in page for scope in FOR_METRICS)
    (text,) = re.findall(r"```{code-block} yaml\n(scrape_configs:.*?)```", page, re.DOTALL)
    found: dict[str, Any] = YAML(typ="safe").load(text)
    (job,) = found["scrape_configs"]
    assert job["metrics_path"] == f"{API}/metrics"
    token = folder / "hub-token"
    token.write_text("token-of-prometheus\n")
    job["authorization"]["credentials_file"] = str(token)
    job |= {"scheme": "http", **AT_ONCE}
    job["static_configs"] = [{"targets": [httpx.URL(served.url).netloc.decode()]}]
    return found


@pytest.mark.shows("K118")
def test_prometheus_reads_the_service_by_the_guides_configuration(
    served: Served, tmp_path: Path
) -> None:
    with prometheus(tmp_path, documented(served, tmp_path)) as api:
        (target,) = wait_until("the target is up", lambda: up(api), 30)
        assert target["labels"]["job"] == "alongside"
        query = {"query": "alongside_backends"}
        found = api.get("query", params=query).json()["data"]["result"]
        assert all(sample["metric"]["job"] == "alongside" for sample in found)

        def numbers() -> list[str]:
            names = api.get("label/__name__/values").json()["data"]
            return [name for name in names if name.startswith("alongside_")]

        # those of requests come with the second reading: the first is the first request
        wait_until("the numbers", lambda: len(numbers()) > 5, 30)
