"""The built distribution."""

from __future__ import annotations

import json
import subprocess
import sys
import zipfile
from email.parser import Parser
from pathlib import Path
from typing import Any

import pytest

from tests.house.test_source import PACKAGES, ROOT, tracked

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> zipfile.ZipFile:
    """The wheel, built now."""
    folder = tmp_path_factory.mktemp("wheel")
    subprocess.run(
        [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder)],
        cwd=ROOT,
        check=True,
        capture_output=True,
        timeout=120,
    )
    (path,) = folder.glob("*.whl")
    return zipfile.ZipFile(path)


def test_it_has_our_packages_and_nothing_else(wheel: zipfile.ZipFile) -> None:
    """No tests, no tools, no top-level name that isn't ours."""
    tops = {name.split("/")[0] for name in wheel.namelist()}
    assert {top for top in tops if not top.endswith((".dist-info", ".data"))} == set(PACKAGES)
    assert not [n for n in wheel.namelist() if "test_" in n or "__pycache__" in n]


def test_every_tracked_file_of_a_package_is_in_it(wheel: zipfile.ZipFile) -> None:
    """Templates, styles and type markers as well."""
    names = set(wheel.namelist())
    for package, folder in PACKAGES.items():
        ours = [ROOT / name for name in tracked() if (ROOT / name).is_relative_to(folder)]
        assert ours
        assert {f"{package}/{p.relative_to(folder).as_posix()}" for p in ours} <= names
        assert f"{package}/py.typed" in names


def test_its_metadata_tells_licence_python_and_extras(wheel: zipfile.ZipFile) -> None:
    """What an installer asks for."""
    (name,) = (n for n in wheel.namelist() if n.endswith(".dist-info/METADATA"))
    metadata = Parser().parsestr(wheel.read(name).decode())
    assert metadata["Name"] == "jupyterhub-alongside"
    assert metadata["License-Expression"] == "BSD-3-Clause"
    assert metadata["Requires-Python"] == ">=3.11"
    assert {"hub", "local", "service", "session"} <= set(metadata.get_all("Provides-Extra") or [])
    assert any(n.endswith("licenses/LICENSE") for n in wheel.namelist())
    assert "make run" in Path(ROOT / "README.md").read_text(encoding="utf-8")


def test_it_brings_what_jupyterlab_loads(wheel: zipfile.ZipFile) -> None:
    """The bundle where JupyterLab looks, with its settings, and without what only builds it."""
    parts = {n.partition(".data/data/")[2] for n in wheel.namelist() if ".data/data/" in n}
    place = "share/jupyter/labextensions/jupyterhub-alongside"
    package = json.loads((ROOT / "labextension" / "package.json").read_text(encoding="utf-8"))
    assert package["name"] == place.rpartition("/")[2]
    entry = package_of(wheel, f"{place}/package.json")["jupyterlab"]["_build"]["load"]
    assert f"{place}/{entry}" in parts
    assert f"{place}/install.json" in parts
    assert any(n.startswith(f"{place}/schemas/") and n.endswith("plugin.json") for n in parts)
    assert "etc/jupyter/jupyter_server_config.d/alongside_lab.json" in parts
    assert "alongside/static/widget.js" in wheel.namelist()
    assert not [n for n in wheel.namelist() if n.endswith((".map", ".ts", ".tsx"))]


def test_what_it_brings_is_what_has_been_built_last(wheel: zipfile.ZipFile) -> None:
    """No bundle of an earlier source."""
    built = ROOT / "labextension" / "alongside_lab" / "labextension"
    script = next(n for n in wheel.namelist() if "/static/remoteEntry." in n)
    assert wheel.read(script) == (built / "static" / Path(script).name).read_bytes()
    sources = ROOT / "labextension" / "src"
    newest = max(path.stat().st_mtime for path in sources.rglob("*.ts*"))
    assert (built / "package.json").stat().st_mtime >= newest, "run: make"


def package_of(wheel: zipfile.ZipFile, path: str) -> dict[str, Any]:
    """A JSON file among the wheel's data."""
    (name,) = (n for n in wheel.namelist() if n.endswith(f".data/data/{path}"))
    found: dict[str, Any] = json.loads(wheel.read(name))
    return found
