"""The images, as pods see them: without rights, in a namespace under the strictest standard."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
from kubernetes_asyncio.client import ApiClient
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from tests.house.test_source import ROOT
from tests.kubernetes import pods

REPORT = (Path(__file__).parent / "image_report.py").read_text(encoding="utf-8")
# What an image is for, by its modules, and what must not be in it.
IMPORTS = {
    "session": [
        "alongside",
        "jupyterhub.singleuser",
        "jupyterlab",
        "distributed",
        "dask.dataframe",
    ],
    "service": ["alongside_service.service", "alongside.platforms.kubernetes"],
    "hub": ["alongside_spawners.kubernetes", "jupyterhub.app"],
}
STRANGERS = {
    "session": {"kubernetes-asyncio", "fastapi", "pytest"},
    "service": {"jupyterlab", "distributed", "dask", "pandas", "jupyterhub-kubespawner", "pytest"},
    "hub": {"jupyterlab", "distributed", "dask", "pandas", "fastapi", "pytest"},
}
PROGRAMS = {
    "session": "jupyterhub-singleuser --version; dask scheduler --version; alongside --help",
    "service": "python -m alongside_service --version",
    "hub": "jupyterhub --version; configurable-http-proxy --version",
}


async def report(api: ApiClient, namespace: str, image: str, *imports: str) -> dict[str, Any]:
    """What `image_report.py` says in a pod of this image."""
    command = ["python", "-c", REPORT, *imports]
    await pods.start(api, namespace, pods.restricted("report", image, command=command))
    said = await pods.output(api, namespace, "report")
    found: dict[str, Any] = json.loads(said.splitlines()[-1])
    return found


def locked(target: str, environment: dict[str, str]) -> dict[str, str]:
    """The versions that an image's lock file has for such an environment."""
    text = (ROOT / "requirements" / f"image-{target}.txt").read_text(encoding="utf-8")
    pins = [Requirement(line) for line in re.findall(r"^(\w.*?) \\$", text, re.MULTILINE)]
    return {
        canonicalize_name(pin.name): next(iter(pin.specifier)).version
        for pin in pins
        if pin.marker is None or pin.marker.evaluate(environment)
    }


@pytest.mark.shows("K117")
@pytest.mark.parametrize("target", IMPORTS)
async def test_an_image_has_what_its_lock_file_names_and_runs_without_rights(
    target: str, kubernetes: ApiClient, namespace: str, images: dict[str, str]
) -> None:
    """To the version, whoever builds it and when; root's disk stays as it was built."""
    found = await report(kubernetes, namespace, images[target], *IMPORTS[target])
    packages = {canonicalize_name(name): version for name, version in found["packages"].items()}
    assert packages.pop(canonicalize_name("jupyterhub-alongside"))
    assert packages == locked(target, found["environment"])
    assert not STRANGERS[target] & packages.keys()
    assert found["user"] == 1000
    assert not {"/", "/opt/alongside"} & set(found["writable"])
    # A pod has no place to keep bytecode, so what isn't compiled is compiled at every start.
    assert not found["uncompiled"]


@pytest.mark.parametrize(("target", "programs"), PROGRAMS.items())
async def test_programs_start_by_the_names_that_pods_have_for_them(
    target: str, programs: str, kubernetes: ApiClient, namespace: str, images: dict[str, str]
) -> None:
    """In the image's own environment."""
    pod = pods.restricted("programs", images[target], command=["sh", "-exc", programs])
    await pods.start(kubernetes, namespace, pod)
    await pods.output(kubernetes, namespace, "programs")


EXTENSIONS = "jupyter labextension list; jupyter server extension list"


async def test_lab_in_the_session_image_has_the_panel(
    kubernetes: ApiClient, namespace: str, images: dict[str, str]
) -> None:
    """Both halves of it, as JupyterLab and its server find them."""
    command = ["sh", "-ec", f"({EXTENSIONS}) 2>&1"]
    pod = pods.restricted("extensions", images["session"], command=command)
    await pods.start(kubernetes, namespace, pod)
    said = re.sub(r"\x1b\[\d+m", "", await pods.output(kubernetes, namespace, "extensions"))
    assert re.search(r"jupyterhub-alongside v\S+ enabled OK", said)
    assert re.search(r"alongside_lab enabled", said)
    assert re.search(r"alongside_lab +OK", said)


@pytest.mark.shows("T36")
async def test_a_session_starts_without_a_hub(
    kubernetes: ApiClient, namespace: str, images: dict[str, str]
) -> None:
    """The image serves JupyterLab anywhere: nothing in it is bound to a hub."""
    pod = pods.restricted(
        "lab",
        images["session"],
        *("jupyter", "lab", "--no-browser", "--ServerApp.ip=0.0.0.0"),
        readinessProbe={"httpGet": {"path": "/api", "port": 8888}, "periodSeconds": 1},
    )
    await pods.start(kubernetes, namespace, pod)
    await pods.until_ready(kubernetes, namespace, "lab")
