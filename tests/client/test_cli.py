"""The command line, run as people run it: as a process."""

from __future__ import annotations

import json
import os
import subprocess
import sys

import pytest

from alongside.cli import text
from alongside.cli.arguments import make_parser
from alongside.models import Connection
from alongside.phases import Phase
from tests.client.fake_service import TOKEN, FakeService


@pytest.fixture
def run(url: str):
    """Run a command in a session of ada's."""

    def run(*arguments: str, **changes: str) -> subprocess.CompletedProcess[str]:
        environment = {k: v for k, v in os.environ.items() if not k.startswith(("ALONG", "JUPY"))}
        environment |= {
            "ALONGSIDE_API": url,
            "ALONGSIDE_SESSION": "",
            "JUPYTERHUB_API_TOKEN": TOKEN,
            "JUPYTERHUB_USER": "ada",
        }
        return subprocess.run(
            [sys.executable, "-m", "alongside.cli", *arguments],
            env=environment | changes,
            capture_output=True,
            text=True,
            timeout=60,
        )

    return run


@pytest.mark.shows("K8", "T131")
def test_each_action_of_the_panel_is_a_command(run, service: FakeService) -> None:
    launched = run(
        *("launch", "dask", "--name", "etl", "--workers", "4", "--cores", "1"),
        *("--memory", "1 GiB", "--keep", "--idle", "30 min"),
    )
    assert launched.returncode == 0, launched.stderr
    assert launched.stdout.startswith("etl is running, 4 of 4 ready")
    body = service.bodies[-1]
    assert body["options"] == {"workers": 4, "cores": 1, "memory": "1 GiB"}
    assert (body["lifetime"]["idle"], body["keep"], body["session"]) == ("30 min", True, "")

    assert "etl" in run("list").stdout
    assert "of 6 ready" in run("scale", "etl", "6", "--wait").stdout
    assert (
        "1, maximum 3"
        in run("scale", "etl", "--adaptive", "1:3").stdout + run("show", "etl").stdout
    )
    assert run("logs", "etl", "worker-0", "--lines", "1").stdout == "worker-0: second line\n"
    assert run("stop", "etl", "--wait").stdout == "etl has ended.\n"
    assert "You have no backends" in run("list").stdout
    assert "etl" in run("list", "--all").stdout


def test_each_command_speaks_json(run, service: FakeService) -> None:
    launched = json.loads(run("launch", "dask", "--adaptive", "1:4", "--json").stdout)
    assert launched["options"]["adaptive"] == {"minimum": 1, "maximum": 4}
    assert [one["id"] for one in json.loads(run("list", "--json").stdout)] == [launched["id"]]
    assert json.loads(run("show", "--json").stdout)["phase"] == "running"
    assert json.loads(run("scale", "dask", "3", "--json").stdout)["wanted"] == 3
    lines = run("logs", "dask", "--json", "--lines", "1").stdout.splitlines()
    assert [json.loads(line) for line in lines] == [{"line": "scheduler: second line"}]
    assert json.loads(run("stop", "dask", "--json").stdout) == [launched["id"]]
    checks = json.loads(run("doctor", "--json").stdout)
    assert {"environment", "service", "token", "disk", "dask"} <= {c["check"] for c in checks}


def test_what_fails_is_a_sentence_with_a_remedy_and_status_1(run) -> None:
    done = run("show", "elt")
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == "alongside: There is no backend 'elt'.\nBackends that run: none.\n"
    problem = json.loads(run("show", "elt", "--json").stderr)
    assert problem["type"] == "urn:alongside:problem:not-found"
    assert problem["remedy"] == "Backends that run: none."


def test_a_value_that_the_service_refuses_names_its_field(run) -> None:
    done = run("launch", "dask", "--memory", "much")
    assert done.returncode == 1
    assert "options.memory" in done.stderr
    assert "4 GiB" in done.stderr


@pytest.mark.parametrize(
    "arguments",
    [
        (),
        ("launch",),
        ("launch", "spark"),
        ("launch", "dask", "--workers", "many"),
        ("launch", "dask", "--adaptive", "4"),
        ("scale", "etl"),
        ("scale", "etl", "3", "--adaptive", "1:2"),
        ("logs", "etl", "--lines", "-1"),
        ("stop",),
        ("frobnicate",),
    ],
)
def test_a_wrong_command_line_is_status_2(arguments: tuple[str, ...]) -> None:
    with pytest.raises(SystemExit) as exit:
        make_parser().parse_args(arguments)
    assert exit.value.code == 2


def test_a_service_that_is_down_is_a_sentence(run) -> None:
    done = run("list", ALONGSIDE_API="http://127.0.0.1:9")
    assert done.returncode == 1
    assert "can't be reached" in done.stderr
    assert "Traceback" not in done.stderr


def test_the_doctor_finds_a_healthy_session(run, service: FakeService, cluster: Connection) -> None:
    id = service.add()
    service.connections[id] = cluster
    done = run("doctor")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "dask answers, 2 workers" in done.stdout
    assert "FAILED" not in done.stdout


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"ALONGSIDE_API": ""}, "ALONGSIDE_API is not set"),
        ({"JUPYTERHUB_API_TOKEN": ""}, "JUPYTERHUB_API_TOKEN is not set"),
        ({"JUPYTERHUB_API_TOKEN": "stolen"}, "FAILED  token"),
        ({"ALONGSIDE_API": "http://127.0.0.1:9"}, "FAILED  service"),
    ],
)
def test_the_doctor_says_what_is_wrong_and_what_to_do(run, changes: dict[str, str], said: str):
    done = run("doctor", **changes)
    assert done.returncode == 1
    assert said in done.stdout


def test_the_doctor_tells_of_a_cluster_that_has_failed(run, service: FakeService) -> None:
    service.add(phase=Phase.FAILED, message="The disk is full.", remedy="Delete something.")
    done = run("doctor")
    assert done.returncode == 1
    assert "The disk is full." in done.stdout
    assert "Delete something." in done.stdout


def test_a_table_keeps_its_columns_and_the_terminal_its_state() -> None:
    lines = text.table([("NAME", "ID"), ("数据\x1b[31m", "a"), ("etl", "b")]).splitlines()
    assert lines == ["NAME       ID", "数据 [31m  a", "etl        b"]


def test_import_is_light() -> None:
    code = (
        "import sys, alongside; "
        "heavy = {'distributed', 'dask', 'httpx', 'pydantic', 'asyncio'} & set(sys.modules); "
        "assert not heavy, heavy; alongside.Client; "
        "heavy = {'distributed', 'dask'} & set(sys.modules); assert not heavy, heavy"
    )
    subprocess.run([sys.executable, "-c", code], check=True, timeout=60)
