"""Commands in the guides that install something: they name one version, and do what they say."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest

from tests.helm.chart import CHART, helm, named, objects, pod_specs
from tests.house.scripts import script
from tests.house.test_source import ROOT

LAPTOP = ROOT / "docs" / "how-to" / "kubernetes-plain-hub.md"
PLACES = (
    *sorted((ROOT / "docs").glob("[!_]*/*.md")),
    ROOT / "README.md",
    ROOT / "deploy" / "z2jh" / "values.yaml",
    CHART / "templates" / "NOTES.txt",
)


def commands(text: str) -> list[str]:
    """The lines of a shell, those that go on with a backslash as one."""
    return [line.strip() for line in re.sub(r"\\\n[# ]*", "", text).splitlines() if line.strip()]


def laptop() -> list[str]:
    """What the guide has one do on a laptop."""
    text = LAPTOP.read_text(encoding="utf-8")
    (block,) = re.findall(r"## On a laptop\n.*?```sh\n(.*?)```", text, re.DOTALL)
    return commands(block)


@pytest.mark.shows("K108")
def test_what_comes_from_elsewhere_is_installed_in_one_version() -> None:
    """That of the Dask operator is the one that the tests run with."""
    found: dict[str, set[str]] = {}
    for place in PLACES:
        for line in commands(place.read_text(encoding="utf-8")):
            if re.search(r"helm (install|upgrade) .*--repo ", line):
                chart = re.findall(r"helm \w+ [\w-]+ ([\w-]+) --repo", line)
                version = re.findall(r"--version (\d+\.\d+\.\d+)\b", line)
                assert len(chart) == len(version) == 1, f"{place.name}: {line}"
                found.setdefault(chart[0], set()).add(version[0])
    assert found.keys() == {"dask-kubernetes-operator", "argo-workflows", "jupyterhub"}
    assert all(len(versions) == 1 for versions in found.values()), found
    lock = (ROOT / "requirements" / "dev.txt").read_text(encoding="utf-8")
    (tested,) = re.findall(r"^dask-kubernetes==(\S+)", lock, re.MULTILINE)
    assert found["dask-kubernetes-operator"] == {tested}


@pytest.mark.shows("K109")
def test_a_laptop_is_set_up_in_at_most_six_steps() -> None:
    """And our own steps fit together: images are called as the chart wants them, and what is asked
    of the cluster is there."""
    found = laptop()
    assert len(found) <= 6
    assert any("make images" in line for line in found)
    (install,) = (line for line in found if line.startswith("helm install alongside "))
    words = [word for word in shlex.split(install)[1:] if word != "--wait"]
    words[0] = "template"
    manifests = objects(helm(*words, "--kube-version", "1.30.0").stdout)
    images = {c["image"] for _, pod in pod_specs(manifests) for c in pod["containers"]}
    built = {script("images").name_of(target, {}) for target in ("service", "hub")}
    assert images == built
    text = "\n".join(found)
    (secret, key) = re.findall(r"get secret (\S+) .*\{\.data\.(\w+)\}", text)[0]
    assert key in named(manifests, "Secret", secret)["data"]
    (service, port) = re.findall(r"port-forward service/(\S+) \d+:(\d+)", text)[0]
    (door,) = named(manifests, "Service", service)["spec"]["ports"]
    assert door["port"] == int(port)


@pytest.mark.shows("K107")
def test_removal_wants_to_be_told_what_to_remove(tmp_path: Path) -> None:
    """By name; the guide warns that it can't be undone."""
    environment = ("--kubeconfig", str(tmp_path / "none"))
    done = helm("uninstall", *environment, check=False)
    assert done.returncode != 0
    assert "requires at least 1 argument" in done.stderr
    page = (ROOT / "docs" / "how-to" / "kubernetes-uninstall.md").read_text(encoding="utf-8")
    assert "can't be undone" in page
