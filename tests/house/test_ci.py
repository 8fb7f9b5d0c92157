"""What continuous integration runs, with programs in its way that only note how they are called."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest

from tests.house.test_source import ROOT

NOTE = '#!/bin/sh\necho "$(basename "$0") $*" >>"$NOTES"\n'
AGAIN = "--last-failed --last-failed-no-failures none -n 0"
TESTS = ["make check", "make test-hub-5.5", "make test", "make test-slow"]


@pytest.fixture
def places(tmp_path: Path) -> Path:
    """A folder for stand-ins, with those that every run finds."""
    stand_in(tmp_path, "make", '[ "$1" != "$BROKEN" ]')
    for name in ("chromium", "slapd", "nginx", "apache2", "sshd", "sshfs", "prometheus"):
        stand_in(tmp_path, name, "")
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
            "CACHE": str(places),
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
    assert makes == [*TESTS, "make test-kubernetes"]
    assert (
        called.index("cluster build") < called.index("helm version") < called.index("make images")
    )
    assert called[-4:-2] == ["cluster status", "cluster up --nodes 2 --policies"]
    assert called[-1] == "cluster down"


def test_argo_is_built_beside_the_tests_and_up_before_those_that_need_it(places: Path) -> None:
    """Where it is beside the program that makes clusters."""
    stand_in(places, "argo", '[ "$1" != "$BROKEN" ]')
    code, called = run(places, str(places / "cluster"))
    assert code == 0
    assert called.index("make images") < called.index("argo build")
    assert called.index("cluster up --nodes 2 --policies") < called.index("argo up --requeue 1s")
    assert called.index("argo up --requeue 1s") < called.index("make test-kubernetes")
    assert called[-1] == "cluster down"
    (places / "notes").unlink()
    for broken in ("build", "up"):
        code, called = run(places, str(places / "cluster"), broken=broken)
        assert code != 0
        assert "make test-kubernetes" not in called
        (places / "notes").unlink()
    _, called = run(places, str(places / "nothing"))
    assert not [one for one in called if one.startswith("argo")]


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
    assert called == TESTS
    said = (places / "output").read_text()
    assert "Not run: make test-kubernetes" in said
    assert re.search(r"Of the slow tests, part ([1-4])/4:", said)


@pytest.mark.parametrize("target", ["test-hub-5.5", "test", "test-slow", "test-kubernetes"])
def test_few_that_fail_run_once_more_by_themselves(places: Path, target: str) -> None:
    """And are named; what fails then as well, fails."""
    note_failed(places, target, 8)
    stand_in(places, "make", '[ "$1" != "$BROKEN" ] || [ -n "$2" ]')
    code, called = run(places, str(places / "cluster"), broken=target)
    assert code == 0
    assert called.count(f"make {target}") == 1
    assert f"make {target} ARGS={AGAIN}" in called
    assert "tests/test_2.py::test_it" in (places / "output").read_text()
    stand_in(places, "make", '[ "$1" != "$BROKEN" ]')
    code, called = run(places, str(places / "cluster"), broken=target)
    assert code != 0


def test_many_that_fail_do_not(places: Path) -> None:
    """Nor what isn't a test."""
    for number in (9, 0):
        note_failed(places, "test", number)
        code, called = run(places, str(places / "cluster"), broken="test")
        assert code != 0
        assert f"make test ARGS={AGAIN}" not in called


def note_failed(places: Path, target: str, number: int) -> None:
    """As pytest does: so many tests; none, and there is no file."""
    file = places / target / "v" / "cache" / "lastfailed"
    file.parent.mkdir(parents=True, exist_ok=True)
    file.unlink(missing_ok=True)
    if number:
        lines = [f'  "tests/test_{n}.py::test_it": true' for n in range(number)]
        file.write_text("{\n" + ",\n".join(lines) + "\n}", encoding="utf-8")
