"""What continuous integration runs, with programs in its way that only note how they are called."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from tests.house.test_source import ROOT

NOTE = '#!/bin/sh\necho "$(basename "$0") $*" >>"$NOTES"\n'


@pytest.fixture
def places(tmp_path: Path) -> Path:
    """A folder for stand-ins, with those that every run finds."""
    stand_in(tmp_path, "make", '[ "$1" != "$BROKEN" ]')
    stand_in(tmp_path, "chromium", "")
    stand_in(tmp_path, "id", "echo 0")
    stand_in(tmp_path, "helm", "")
    stand_in(
        tmp_path,
        "cluster",
        'case $1 in status) echo "$STATUS";; up) echo starting; echo /kubeconfig;; esac',
    )
    return tmp_path


def stand_in(folder: Path, name: str, script: str) -> None:
    """A program that notes its arguments, and then does this."""
    (folder / name).write_text(f"{NOTE}{script}\n", encoding="utf-8")
    (folder / name).chmod(0o755)


def run(
    places: Path, cluster: str, broken: str = "", status: str = "down"
) -> tuple[int, list[str]]:
    """The exit code, and what was called."""
    notes = places / "notes"
    done = subprocess.run(
        [str(ROOT / ".ci" / "run")],
        env={
            "PATH": f"{places}:/usr/bin:/bin",
            "NOTES": str(notes),
            "CLUSTER": cluster,
            "HELM": str(places / "helm"),
            "BROKEN": broken,
            "STATUS": status,
        },
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    (places / "output").write_text(done.stdout, encoding="utf-8")
    return done.returncode, [n for n in notes.read_text().splitlines() if n.split()[0] != "id"]


def test_a_cluster_is_built_beside_the_tests_used_and_taken_down(places: Path) -> None:
    """Images as well, so that little is left to wait for."""
    code, called = run(places, str(places / "cluster"))
    assert code == 0
    makes = [c for c in called if c.startswith("make ") and c != "make images"]
    assert makes == ["make check", "make test-hub-5.5", "make test", "make test-kubernetes"]
    assert (
        called.index("cluster build") < called.index("helm version") < called.index("make images")
    )
    assert called[-4:] == [
        "cluster status",
        "cluster up --nodes 2 --policies",
        "make test-kubernetes",
        "cluster down",
    ]


def test_a_cluster_is_taken_down_when_its_tests_fail(places: Path) -> None:
    """And the run has failed."""
    code, called = run(places, str(places / "cluster"), broken="test-kubernetes")
    assert code != 0
    assert called[-1] == "cluster down"


def test_a_cluster_that_was_up_stays_up(places: Path) -> None:
    """It is somebody's."""
    code, called = run(places, str(places / "cluster"), status="etcd  pid 12")
    assert code == 0
    assert "make test-kubernetes" in called
    assert "cluster down" not in called


def test_images_that_can_not_be_built_fail_the_run(places: Path) -> None:
    """Not only the tests that need them."""
    code, called = run(places, str(places / "cluster"), broken="images")
    assert code != 0
    assert "make test-kubernetes" not in called


def test_where_no_cluster_can_be_had_that_is_said(places: Path) -> None:
    """And everything else is run."""
    (places / "helm").unlink()
    code, called = run(places, str(places / "nothing"))
    assert code == 0
    assert called == ["make check", "make test-hub-5.5", "make test"]
    assert "Not run: make test-kubernetes" in (places / "output").read_text()
