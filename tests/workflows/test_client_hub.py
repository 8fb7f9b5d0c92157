"""Runs from the command line and with curl: a real hub, its real service, real processes."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import nbformat.v4
import pytest

from tests.service.conftest import CATALOGUE
from tests.service.hub import RealHub, hub_home, real_hub
from tests.workflows.local_runs import nothing_left

pytestmark = pytest.mark.slow

Command = Callable[..., subprocess.CompletedProcess[str]]
MEET = "touch {me}; for i in $(seq 400); do [ -e {other} ] && exit 0; sleep 0.05; done; exit 1"
"""Succeeds only while another one runs that does the same."""


@pytest.fixture(scope="module")
def home() -> Iterator[Path]:
    with hub_home(CATALOGUE) as path:
        yield path


@pytest.fixture(scope="module")
def hub(home: Path) -> Iterator[RealHub]:
    with real_hub(home, home / "catalogue.yaml") as hub:
        yield hub
        root = hub.client(hub.token_of("root"))
        for run in root.get("runs").json():
            root.delete(f"runs/{run['id']}")
    nothing_left(home / "runs")


@pytest.fixture(scope="module")
def token(hub: RealHub) -> str:
    return hub.token_of("ada")


@pytest.fixture
def run(
    hub: RealHub, token: str, tmp_path: Path
) -> Callable[..., subprocess.CompletedProcess[str]]:
    """Run a command of ada's in an empty directory."""

    def run(*words: str) -> subprocess.CompletedProcess[str]:
        environment = os.environ | {"ALONGSIDE_API": hub.api, "JUPYTERHUB_API_TOKEN": token}
        return subprocess.run(
            [sys.executable, "-m", "alongside.cli", *words],
            env=environment,
            cwd=tmp_path,
            capture_output=True,
            text=True,
            timeout=100,
        )

    return run


@pytest.mark.shows("K64")
def test_the_branches_of_a_diamond_run_at_the_same_time(run: Command, tmp_path: Path) -> None:
    steps = [
        {"name": "a", "command": ["echo", "A"]},
        {"name": "b", "command": ["sh", "-c", MEET.format(me="b", other="c")], "after": ["a"]},
        {"name": "c", "command": ["sh", "-c", MEET.format(me="c", other="b")], "after": ["a"]},
        {"name": "d", "command": ["echo", "D"], "after": ["b", "c"]},
    ]
    (tmp_path / "diamond.json").write_text(json.dumps({"name": "diamond", "steps": steps}))
    done = run("submit", "diamond.json", "--wait", "--json")
    assert done.returncode == 0, done.stderr
    ended = json.loads(done.stdout)
    assert ended["state"] == "succeeded"
    assert run("runs", "log", ended["id"], "d").stdout.splitlines()[-1] == "D"


@pytest.mark.shows("K59")
def test_a_notebook_is_submitted_fails_is_corrected_and_resumed(
    run: Command, tmp_path: Path
) -> None:
    given = nbformat.v4.new_code_cell("n = 3", metadata={"tags": ["parameters"]})
    work = nbformat.v4.new_code_cell("import pathlib; print(n * pathlib.Path('f').read_text())")
    made = nbformat.v4.new_notebook(cells=[given, work])
    made.metadata["kernelspec"] = {"name": "python3", "display_name": "Python 3"}
    nbformat.write(made, tmp_path / "times.ipynb")
    failed = run("submit", "times.ipynb", "-p", "n=4", "--wait")
    assert failed.returncode == 1, failed.stdout
    assert "times has failed at times" in failed.stderr
    (tmp_path / "f").write_text("ab")
    resumed = run("runs", "resume", "times", "--wait")
    assert resumed.returncode == 0, resumed.stderr
    assert "has succeeded" in resumed.stdout
    executed = nbformat.reads(run("runs", "notebook", "times").stdout, as_version=4)
    assert executed.cells[-1].outputs[0].text == "abababab\n"
    assert "@graph" in json.loads(run("runs", "record", "times").stdout)
    assert "is deleted" in run("runs", "delete", "times").stdout


@pytest.mark.shows("T113", "T121")
def test_joined_notebooks_are_followed_and_had_as_reports(run: Command, tmp_path: Path) -> None:
    cells = {"a": "data = list(range(1000))", "b": "print(f'The sum is {sum(data)}.')"}
    for name, code in cells.items():
        made = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(code)])
        made.metadata["kernelspec"] = {"name": "python3", "display_name": "Python 3"}
        nbformat.write(made, tmp_path / f"{name}.ipynb")
    first = {"name": "a", "notebook": "a.ipynb"}
    steps = [first, {"name": "b", "notebook": "b.ipynb", "joined": "a"}]
    (tmp_path / "pair.json").write_text(json.dumps({"name": "pair", "steps": steps}))
    done = run("submit", "pair.json", "--follow")
    assert done.returncode == 0, done.stderr
    assert ["b", "succeeded"] in [line.split()[:2] for line in done.stderr.splitlines()]
    assert run("runs", "log", "pair", "b", "--follow").returncode == 0
    report = run("runs", "report", "pair", "b", "-o", "b.html")
    assert report.returncode == 0, report.stderr
    assert "The sum is 499500." in (tmp_path / "b.html").read_text()


@pytest.mark.shows("K69")
@pytest.mark.skipif(shutil.which("curl") is None, reason="needs curl")
def test_curl_submits_a_workflow_and_the_same_key_makes_one_run(hub: RealHub, token: str) -> None:
    step = {"name": "hello", "command": ["echo", "Hello"]}
    body = json.dumps({"workflow": {"name": "hello", "steps": [step]}})

    def curl(*words: str) -> tuple[int, dict[str, str]]:
        sent = ["-H", "Content-Type: application/json", "-H", "Idempotency-Key: tonight"]
        shown = ["-s", "--noproxy", "*", "-w", "\n%{http_code}", "--max-time", "30"]
        done = subprocess.run(
            ["curl", *shown, *sent, *words, "-d", body, f"{hub.api}/runs"],
            capture_output=True,
            text=True,
            check=True,
            timeout=60,
        )
        answer, _, status = done.stdout.rpartition("\n")
        return int(status), json.loads(answer)

    authorised = ("-H", f"Authorization: token {token}")
    first, again = curl(*authorised), curl(*authorised)
    assert first[0] == again[0] == 202
    assert first[1]["id"] == again[1]["id"]
    assert curl()[0] == 401
