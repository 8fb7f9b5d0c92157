"""The chart as Helm renders it."""

from __future__ import annotations

import itertools
import json
import os
import shutil
import subprocess
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, cast

import pytest
from ruamel.yaml import YAML

from tests.house.test_source import ROOT

CHART = ROOT / "deploy" / "helm" / "alongside"
NAMESPACE = "jhub"
Object = dict[str, Any]


def helm(
    *arguments: str, check: bool = True, limit_s: float = 60
) -> subprocess.CompletedProcess[str]:
    """Run Helm: `HELM` says which one, else that of `PATH`."""
    command = os.environ.get("HELM") or shutil.which("helm")
    if not command:
        pytest.skip("needs Helm: https://helm.sh, or its path in HELM")
    done = subprocess.run(
        [command, *arguments], capture_output=True, text=True, check=False, timeout=limit_s
    )
    if check:
        assert done.returncode == 0, f"{done.stdout[-2000:]}\n{done.stderr}"
    return done


def nested(values: Mapping[str, Any]) -> Object:
    """Dotted names as Helm has them in files: ``{"hub.enabled": True}``."""
    whole: Object = {}
    for name, value in values.items():
        *above, last = name.split(".")
        place = whole
        for part in above:
            place = place.setdefault(part, {})
        place[last] = value
    return whole


def render(folder: Path, check: bool = True, /, **values: Any) -> str:
    """The manifests for these values (dots written as ``__``), or what Helm says against them."""
    file = folder / "values.json"
    named = {name.replace("__", "."): value for name, value in values.items()}
    file.write_text(json.dumps(nested(named)))
    arguments = ("template", "alongside", str(CHART), "--namespace", NAMESPACE)
    done = helm(*arguments, "--kube-version", "1.30.0", "--values", str(file), check=check)
    return done.stdout or done.stderr


def objects(manifests: str) -> list[Object]:
    """The objects in rendered manifests."""
    return [one for one in YAML(typ="safe").load_all(manifests) if one]


def named(found: list[Object], kind: str, name: str) -> Object:
    """The one object of this kind and name."""
    (one,) = (o for o in found if o["kind"] == kind and o["metadata"]["name"] == name)
    return one


def pod_specs(found: list[Object]) -> Iterator[tuple[str, Object]]:
    """Every pod that the objects stand for, with a name for messages."""
    for one in found:
        name = f"{one['kind']} {one['metadata']['name']}"
        if one["kind"] == "Pod":
            yield name, one["spec"]
        elif "template" in one.get("spec", {}):
            yield name, one["spec"]["template"]["spec"]


def environment(container: Object) -> Object:
    """A container's variables: their text, or where it comes from."""
    return {v["name"]: v.get("value", v.get("valueFrom")) for v in container.get("env", [])}


def broken_bindings(found: list[Object]) -> list[str]:
    """Bindings to roles or accounts that are not among these objects."""

    def place(one: Object, kind: str) -> tuple[str, str, str]:
        space = "" if kind == "ClusterRole" else one["metadata"].get("namespace", NAMESPACE)
        return kind, one["metadata"]["name"], space

    there = {place(o, o["kind"]) for o in found}
    broken = []
    for binding in found:
        if binding["kind"] not in ("RoleBinding", "ClusterRoleBinding"):
            continue
        name = binding["metadata"]["name"]
        role = binding["roleRef"]
        if place({"metadata": {**binding["metadata"], **role}}, role["kind"]) not in there:
            broken.append(f"{name}: no {role['kind']} {role['name']}")
        for subject in binding["subjects"]:
            if place({"metadata": subject}, subject["kind"]) not in there:
                broken.append(f"{name}: no {subject['kind']} {subject['name']}")
    return broken


SWITCHES: dict[str, Object] = {
    "hub": {"hub.enabled": True},
    "other place": {
        "backends.namespace": "dask",
        "connection.namespace": "hubs",
        "backends.quota.enabled": True,
        "backends.quota.hard": {"pods": 10},
        "backends.limits.enabled": True,
        "backends.limits.limits": [{"type": "Container", "max": {"memory": "8Gi"}}],
    },
    "open": {"networkPolicies.enabled": False},
    "monitored": {
        "monitoring.serviceMonitor.enabled": True,
        "monitoring.rules.enabled": True,
        "monitoring.dashboard.enabled": True,
        "service.replicas": 2,
        "service.disruptionBudget.enabled": True,
    },
    "workflows": {
        "workflows.enabled": True,
        "workflows.files.claim": "runs",
        "prePuller.enabled": True,
    },
    "behind a proxy": {
        "outgoingProxy.http": "http://proxy.example.org:3128",
        "outgoingProxy.https": "http://proxy.example.org:3128",
        "certificateAuthority.configMap": "site-certificates",
        "images.pullSecrets": ["registry"],
    },
}


def combinations() -> Iterator[tuple[str, Object]]:
    """Every combination of the switches, with a name."""
    for chosen in itertools.product((False, True), repeat=len(SWITCHES)):
        on = [name for name, wanted in zip(SWITCHES, chosen, strict=True) if wanted]
        values = {k: v for name in on for k, v in SWITCHES[name].items()}
        yield " + ".join(on) or "as it comes", values


def schema() -> Object:
    """What the chart says about its values."""
    return cast("Object", json.loads((CHART / "values.schema.json").read_text(encoding="utf-8")))


def defaults() -> Object:
    """The chart's values."""
    return cast("Object", YAML(typ="safe").load(CHART / "values.yaml"))
