"""``alongside submit`` and ``alongside runs``: what they print, send and return."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from alongside.cli import main
from alongside_workflows import text
from alongside_workflows.runs import Attempt, Run, State, StepRun
from alongside_workflows.task import Spent
from tests.client.reaching import session, url
from tests.workflows.fake_runs import FakeRuns
from tests.workflows.serving_runs import notebook, service

__all__ = ["notebook", "service", "session", "url"]
EXAMPLES = Path(__file__).parents[2] / "examples"
DIAMOND = str(EXAMPLES / "diamond.yaml")
Command = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def run(session: dict[str, str], capsys: pytest.CaptureFixture[str]) -> Command:
    """Run a command in a session of ada's; in this process, which is quicker than another one."""

    def run(*arguments: str) -> subprocess.CompletedProcess[str]:
        try:
            status = main(arguments)
        except SystemExit as wrong:  # the command line can't be read
            status = int(wrong.code or 0)
        printed = capsys.readouterr()
        return subprocess.CompletedProcess(arguments, status, printed.out, printed.err)

    return run


@pytest.mark.shows("K69")
def test_a_definition_is_submitted_and_the_exit_status_is_its_outcome(
    run: Command, service: FakeRuns
) -> None:
    done = run("submit", DIAMOND, "--follow")
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("dag-diamond has succeeded (dag-diamond-")
    told = [line.split()[:2] for line in done.stderr.splitlines()]
    assert told[0] == ["a", "running"]
    assert told[-1] == ["d", "succeeded"]
    service.failing = "c"
    done = run("submit", DIAMOND, "--wait", "--json")
    assert done.returncode == 1
    failed = json.loads(done.stdout)
    assert (failed["state"], failed["steps"][2]["state"]) == ("failed", "failed")
    assert done.stderr == ""
    assert "has failed at c: Cell 2 raised" in run("submit", DIAMOND, "--wait").stderr


def test_a_notebook_is_brought_where_nobody_sees_it(
    run: Command, service: FakeRuns, notebook: Path
) -> None:
    assert run("submit", "plot.ipynb", "-p", "scale=2", "--bring").returncode == 0
    (spec,) = service.runs.values()
    assert spec.workflow.directory == ""
    assert spec.workflow.notebooks[str(spec.workflow.steps[0].notebook)]["cells"]


def test_parameters_of_a_notebook_have_its_types(
    run: Command, service: FakeRuns, notebook: Path
) -> None:
    Path("values.yaml").write_text("n: 1\nscale: 0.5\n")
    done = run(
        *("submit", "plot.ipynb", "-p", "n=10", "-p", "title=10", "-p", "names=[x, 'y z']"),
        *("--parameters", "values.yaml", "--backend", "dask", "--option", "workers=2"),
        *("--option", "memory=1 GiB", "--minimum", "1", "--profile", "small", "--name", "Plots"),
        *("--retries", "2", "--timeout", "1 h", "--cache", "--output", "out.ipynb"),
        *("--kernel", "python3", "--executor", "local", "--json"),
    )
    assert done.returncode == 0, done.stderr
    sent = service.bodies[-1]
    assert sent["session"] == ""
    assert sent["executor"] == "local"
    assert sent["workflow"]["name"] == "Plots"
    (step,) = sent["workflow"]["steps"]
    assert step["parameters"] == {"n": 10, "scale": 0.5, "title": "10", "names": ["x", "y z"]}
    assert step["backend"]["options"] == {"workers": 2, "memory": "1 GiB"}
    assert (step["backend"]["minimum"], step["backend"]["profile"]) == (1, "small")
    assert (step["retry"]["times"], step["timeout"], step["cache"]) == (2, "1 h", True)
    assert (step["output"], step["kernel"]) == ("out.ipynb", "python3")


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["plot.ipynb", "-p", "n"], "is not like name=value"),
        (["plot.ipynb", "--nonsense"], "unrecognized arguments"),
        (["plot.ipynb", "-p", "n=many", "-p", "scale=1"], "n"),
        (["plot.ipynb", "-p", "scale=1", "-p", "q=1"], "q"),
        (["plot.ipynb"], "scale"),
        (["plot.ipynb", "-p", "scale=1", "--option", "workers=2"], "--backend dask"),
        (["plot.ipynb", "-p", "scale=1", "--timeout", "soon"], "not a length of time"),
        (["gone.ipynb"], "gone.ipynb"),
        (["plot.txt"], "neither a notebook nor a definition"),
        ([DIAMOND, "-p", "n=1"], "has no parameter 'n'"),
        ([DIAMOND, "--backend", "dask"], "single notebook only"),
        (["wrong.yaml"], "wrong.yaml, line 3: steps.0.comand is not known"),
    ],
)
def test_what_can_not_be_is_status_2_and_nothing_begins(
    run: Command, service: FakeRuns, notebook: Path, words: list[str], sentence: str
) -> None:
    Path("wrong.yaml").write_text("name: x\nsteps:\n  - {name: a, comand: [x]}\n")
    done = run("submit", *words)
    assert done.returncode == 2, done.stdout
    assert sentence in done.stderr
    assert service.requests == []


def test_a_check_submits_nothing(run: Command, service: FakeRuns) -> None:
    done = run("submit", DIAMOND, "--check")
    assert done.stdout == "dag-diamond can be submitted: 4 steps.\n"
    assert json.loads(run("submit", DIAMOND, "--check", "--json").stdout)["name"] == "dag-diamond"
    assert service.runs == {}


def test_runs_are_looked_at_and_ended_and_taken_up(
    run: Command, service: FakeRuns, tmp_path: Path
) -> None:
    assert "You have no runs" in run("runs").stdout
    service.failing = "b"
    submitted = json.loads(run("submit", DIAMOND, "--json").stdout)
    id = submitted["id"]
    failed = run("runs", "show", "dag-diamond", "--wait")
    assert (failed.returncode, "failed at b" in failed.stderr) == (1, True)
    assert id in run("runs", "list").stdout
    assert "Correct the cell" in run("runs", "show", id).stdout
    assert run("runs", "log", id).stdout == "b says hello\n"
    assert run("runs", "log", id, "a", "--lines", "3", "--attempt", "1").stdout == "a says hello\n"
    assert service.asked == {"tail": "3", "attempt": "1"}
    resumed = run("runs", "resume", id, "--wait")
    assert (resumed.returncode, "has succeeded" in resumed.stdout) == (0, True)
    out = tmp_path / "out.ipynb"
    assert run("runs", "notebook", id, "c", "-o", str(out)).stdout == f"Written: {out}\n"
    assert json.loads(out.read_text())["metadata"]["step"] == "c"
    assert json.loads(run("runs", "record", id).stdout) == {"@graph": []}
    assert "is deleted" in run("runs", "delete", id).stdout
    missing = run("runs", "show", id)
    assert (missing.returncode, "There is no run" in missing.stderr) == (1, True)


def test_each_command_speaks_json(run: Command, service: FakeRuns) -> None:
    service.endless = True
    id = json.loads(run("submit", DIAMOND, "--json").stdout)["id"]
    assert [one["id"] for one in json.loads(run("runs", "--json").stdout)] == [id]
    assert json.loads(run("runs", "--json", "show", id).stdout)["id"] == id
    assert json.loads(run("runs", "cancel", id, "--json").stdout)["state"] == "cancelled"
    assert json.loads(run("runs", "resume", id, "--json").stdout)["state"] == "running"
    assert json.loads(run("runs", "log", id, "a", "--json").stdout) == {"lines": ["a says hello"]}
    assert json.loads(run("runs", "delete", id, "--json").stdout) == [id]
    problem = json.loads(run("runs", "show", id, "--json").stderr)
    assert problem["type"] == "urn:alongside:problem:not-found"


def test_a_log_is_followed_to_the_end_of_its_step(run: Command, service: FakeRuns) -> None:
    service.failing = "c"
    id = json.loads(run("submit", DIAMOND, "--json").stdout)["id"]
    done = run("runs", "log", id, "b", "--follow")
    assert (done.returncode, done.stdout) == (0, "b says hello\n"), done.stderr
    failed = run("runs", "log", id, "c", "--follow", "--json")
    assert (failed.returncode, json.loads(failed.stdout)) == (1, {"lines": ["c says hello"]})
    assert run("runs", "log", id, "d", "--follow").returncode == 1  # it will never begin


def test_a_report_is_written(run: Command, service: FakeRuns, tmp_path: Path) -> None:
    id = json.loads(run("submit", DIAMOND, "--wait", "--json").stdout)["id"]
    page = tmp_path / "b.html"
    done = run("runs", "report", id, "b", "-o", str(page))
    assert (done.returncode, page.read_text()) == (0, "<p>b</p>")


def test_an_interruption_leaves_the_run_going_and_says_how_to_look_at_it(
    session: dict[str, str], service: FakeRuns
) -> None:
    service.endless = True
    words = [sys.executable, "-m", "alongside.cli", "submit", DIAMOND, "--wait"]
    with subprocess.Popen(words, stderr=subprocess.PIPE, text=True) as process:
        assert process.stderr is not None
        assert process.stderr.readline().startswith("a")
        process.send_signal(signal.SIGINT)
        rest = process.communicate(timeout=60)[1]
    (id,) = service.runs
    assert process.returncode == 130
    assert f"alongside runs show {id}" in rest
    assert f"alongside runs cancel {id}" in rest
    assert not [path for method, path in service.requests if path.endswith("cancel")]


def test_on_a_terminal_lines_are_redrawn(session: dict[str, str]) -> None:
    ours, theirs = os.openpty()
    words = [sys.executable, "-m", "alongside.cli", "submit", DIAMOND, "--wait"]
    with subprocess.Popen(words, stdout=subprocess.PIPE, stderr=theirs) as process:
        os.close(theirs)
        shown = b""
        while True:
            try:
                part = os.read(ours, 4096)
            except OSError:  # the other end is closed
                break
            if not part:
                break
            shown += part
        process.communicate(timeout=60)
    os.close(ours)
    assert b"\x1b[4F\x1b[J" in shown
    last = shown.rpartition(b"\x1b[J")[2].decode().split("\r\n")
    assert [line.split()[:2] for line in last if line] == [[n, "succeeded"] for n in "abcd"]


def test_without_the_libraries_other_commands_work_and_these_say_what_is_missing() -> None:
    code = (
        "import sys; sys.modules['ruamel.yaml'] = None; from alongside.cli import main; "
        "sys.exit(main(['runs', '--url', 'http://127.0.0.1:1']))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)
    assert done.returncode == 1
    assert "ruamel.yaml is not installed" in done.stderr
    assert "jupyterhub-alongside[workflows]" in done.stderr


def a_run(steps: list[StepRun], template: Run) -> Run:
    return template.model_copy(update={"steps": tuple(steps)})


def test_of_many_steps_those_that_matter_are_shown(service: FakeRuns) -> None:
    service.runs.clear()
    spec = _spec()
    steps = [StepRun(name=f"s{n}", state=State.SUCCEEDED) for n in range(990)]
    steps += [StepRun(name=f"r{n}", state=State.RUNNING, cell=n, cells=9) for n in range(10)]
    lines = text.lines(a_run(steps, spec), 20, 80)
    assert len(lines) == 11
    assert lines[-1] == "990 of 1000 steps done"
    assert lines[3].split() == ["r3", "running", "3/9"]


def test_nothing_in_a_run_commands_the_terminal() -> None:
    bad = StepRun(name="a", state=State.FAILED, message="\x1b[2J\x07 gone")
    shown = text.run(a_run([bad], _spec()), _spec().created)
    assert "\x1b" not in shown
    assert "\x07" not in shown


@pytest.mark.shows("T90")
def test_where_the_time_of_a_step_went_is_shown() -> None:
    spent = Spent(
        staging_in=3.0, bytes_in=6 * 2**20, waiting=70.0, computing=0.2514, staging_out=0.0
    )
    tried = [one.model_copy(update={"spent": spent}) for one in (_tried(1), _tried(2))]
    steps = [StepRun(name="a", attempts=tuple(tried)), StepRun(name="b", attempts=(_tried(1),))]
    shown = text.run(a_run(steps, _spec()), _spec().created).splitlines()
    assert shown[-2].split()[0] == "STEP"
    assert re.split(" {2,}", shown[-1]) == [
        *("a", "6 MiB in 3 s (2 MiB/s)", "1 min 10 s", "0.25 s")
    ]
    assert text.times(_spec()) == ""


def _tried(number: int) -> Attempt:
    return Attempt.model_validate(
        {"number": number, "state": "running", "started": "2026-01-01T00:00:00Z"}
    )


def _spec() -> Run:
    moment = _tried(1).started
    return Run(
        id="x-aaaa",
        name="x",
        owner="ada",
        executor="local",
        session=None,
        origin="",
        state=State.RUNNING,
        message="",
        remedy="",
        created=moment,
        started=moment,
        ended=None,
        steps=(),
    )
