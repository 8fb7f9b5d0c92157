"""Runs in Python: submitted, waited for, looked at; against a service that answers as the real."""

from __future__ import annotations

import re
import shlex
from pathlib import Path
from typing import Any

import nbformat.v4
import pytest
from nbclient import NotebookClient

import alongside_workflows
from alongside.async_client import AsyncClient
from alongside.cli.arguments import make_parser
from alongside.client import Client
from alongside.errors import Conflict, InvalidFields, InvalidRequest, NotFound, NotReady
from alongside_workflows import (
    Run,
    RunFailed,
    RunHandle,
    State,
    aio,
    backend,
    check,
    find_run,
    list_runs,
    read_workflow,
    running,
    submit,
    workflow,
)
from alongside_workflows.files import parse_workflow
from alongside_workflows.log_following import grown
from alongside_workflows.running import the_step
from tests.client.fake_service import TOKEN
from tests.client.reaching import client, session, url
from tests.workflows.fake_runs import FakeRuns
from tests.workflows.serving_runs import notebook, service

__all__ = ["client", "notebook", "service", "session", "url"]
ROOT = Path(__file__).parents[2]
GUIDE = ROOT / "docs" / "how-to" / "run-workflows.md"


def diamond() -> alongside_workflows.building.Draft:
    w = workflow("diamond", directory="/data")
    a, b, c, d = (w.command(name, ["echo", name]) for name in "abcd")
    a >> [b, c] >> d
    return w


@pytest.mark.shows("K59")
@pytest.mark.usefixtures("session")
def test_in_a_session_a_workflow_is_submitted_and_waited_for_without_any_address(
    service: FakeRuns,
) -> None:
    run = submit(diamond())
    assert (run.name, run.state, len(run.steps)) == ("diamond", State.WAITING, 4)
    heard: list[State] = []
    assert run.wait(60, tell=lambda seen: heard.append(seen.state)) is run
    assert run.state is State.SUCCEEDED
    assert heard[-2:] == [State.RUNNING, State.SUCCEEDED]
    assert run.step("D").results == {"n": 10}
    assert repr(run) == f"<run 'diamond': succeeded, 4 of 4 steps ({run.id})>"
    assert service.bodies[-1]["session"] == ""
    assert [found.id for found in list_runs()] == [run.id]
    assert find_run("diamond").id == find_run(run.id).id == run.id


@pytest.mark.shows("K59")
def test_a_notebook_is_a_workflow_of_one_step(
    client: Client, service: FakeRuns, notebook: Path
) -> None:
    run = submit(
        notebook,
        {"n": 10, "scale": 2},
        backend="dask",
        options={"workers": 2},
        profile="small",
        retries=2,
        timeout="1 h",
        executor="local",
        wait=True,
        service=client,
    )
    assert run.state is State.SUCCEEDED
    sent = service.bodies[-1]
    assert "session" not in sent
    assert sent["executor"] == "local"
    assert sent["workflow"] == {
        "name": "plot",
        "directory": str(Path.cwd()),
        "steps": [
            {
                "name": "plot",
                "notebook": "plot.ipynb",
                "parameters": {"n": 10, "scale": 2},
                "backend": {"kind": "dask", "options": {"workers": 2}, "profile": "small"},
                "retry": {"times": 2},
                "timeout": "1 h",
            }
        ],
    }


def test_what_does_not_fit_to_a_notebook_is_told_before_anything_is_sent(
    client: Client, service: FakeRuns, notebook: Path
) -> None:
    with pytest.raises(InvalidFields) as caught:
        submit(notebook, {"n": "many", "tittle": "x"}, service=client)
    told = str(caught.value)
    assert "tittle" in told
    assert "n" in told
    assert "scale" in told
    with pytest.raises(InvalidRequest, match="belong to a backend"):
        submit(notebook, {"scale": 1.0}, options={"workers": 2}, service=client)
    with pytest.raises(InvalidRequest, match="neither a notebook nor a definition"):
        submit("plot.py", service=client)
    with pytest.raises(InvalidRequest, match=r"gone\.ipynb"):
        submit("gone.ipynb", service=client)
    assert service.requests == []


def test_a_definition_takes_the_parameters_that_it_has(client: Client, service: FakeRuns) -> None:
    path = ROOT / "examples" / "weather.yaml"
    run = submit(path, {"megabytes": 48}, name="tonight", service=client)
    sent = service.bodies[-1]["workflow"]
    assert (run.name, sent["parameters"]) == ("tonight", {"megabytes": 48})
    assert alongside_workflows.Workflow.model_validate(sent).steps == read_workflow(path).steps
    with pytest.raises(InvalidRequest, match="weather has no parameter 'megabyte'"):
        submit(path, {"megabyte": 48}, service=client)
    with pytest.raises(InvalidRequest, match="single notebook only"):
        submit(path, retries=2, service=client)
    with pytest.raises(InvalidRequest, match="single notebook only"):
        submit(path, backend="session", service=client)


@pytest.mark.shows("K59")
def test_a_workflow_of_heras_is_submitted_as_it_is(client: Client, service: FakeRuns) -> None:
    from hera.workflows import DAG, Workflow, script

    @script(add_cwd_to_sys_path=False, image="python:alpine3.6")
    def echo(message):
        print(message)

    with (
        Workflow(generate_name="dag-diamond-", entrypoint="diamond") as theirs,
        DAG(name="diamond"),
    ):
        a, b, c, d = (echo(name=name, arguments={"message": name}) for name in "ABCD")
        a >> [b, c] >> d
    submit(theirs, service=client)
    sent = alongside_workflows.Workflow.model_validate(service.bodies[-1]["workflow"])
    assert sent.graph.before == diamond().build().graph.before
    assert sent.step("a").image == "python:alpine3.6"
    with pytest.raises(InvalidRequest, match="int is nothing that can be submitted"):
        submit(3, service=client)  # type: ignore[arg-type]  # on purpose


def test_a_workflow_can_be_checked_without_a_run(client: Client, service: FakeRuns) -> None:
    assert check(diamond(), service=client).name == "diamond"
    assert service.runs == {}
    assert service.requests == [("POST", "workflows/check")]


@pytest.mark.shows("K69")
def test_a_submission_whose_answer_is_lost_is_one_run(client: Client, service: FakeRuns) -> None:
    service.drop = 1
    run = submit(diamond(), service=client)
    assert list(service.runs) == [run.id]
    assert [method for method, _ in service.requests] == ["POST", "POST"]


def test_a_failure_says_where_and_why_and_is_resumed(client: Client, service: FakeRuns) -> None:
    service.failing = "b"
    with pytest.raises(RunFailed, match="diamond has failed at b: Cell 2 raised") as caught:
        submit(diamond(), wait=True, service=client)
    assert caught.value.remedy == "Correct the cell, then resume the run."
    assert caught.value.run is not None
    run = find_run(caught.value.run.id, service=client)
    assert run.wait(check=False).state is State.FAILED
    assert run.log() == "b says hello\n"
    assert run.resume().wait().state is State.SUCCEEDED
    with pytest.raises(Conflict, match="has succeeded"):
        run.resume()


def test_what_has_come_out_is_had_by_step_and_attempt(client: Client, service: FakeRuns) -> None:
    run = submit(diamond(), wait=True, service=client)
    assert run.log("B", lines=5, attempt=1) == "b says hello\n"
    assert service.asked == {"tail": "5", "attempt": "1"}
    assert run.notebook("c").metadata["step"] == "c"
    assert run.notebook().metadata["step"] == "d"
    assert run.record() == {"@graph": []}
    with pytest.raises(NotFound, match="It has: a, b, c, d"):
        run.log("q")


def test_a_run_is_cancelled_and_deleted(client: Client, service: FakeRuns) -> None:
    service.endless = True
    run = submit(diamond(), service=client)
    with pytest.raises(NotReady, match="still running"):
        run.wait(0.5)
    assert run.cancel().state is State.CANCELLED
    with pytest.raises(RunFailed, match="was cancelled"):
        run.wait()
    run.delete()
    run.delete()
    with pytest.raises(NotFound):
        run.refresh()
    with pytest.raises(NotFound, match="There is no run 'diamond'"):
        find_run("diamond", service=client)


def test_of_a_name_that_several_use_ones_own_run_is_meant(
    client: Client, service: FakeRuns
) -> None:
    own = submit(diamond(), service=client)
    service.owner = "bob"
    theirs = submit(diamond(), service=client)
    assert find_run("diamond", service=client).id == own.id
    assert find_run(theirs.id, service=client).run.owner == "bob"


def test_a_service_that_is_away_is_waited_for(client: Client, service: FakeRuns) -> None:
    run = submit(diamond(), service=client)
    service.drop = 7  # more than one request is repeated
    assert run.wait(60).state is State.SUCCEEDED


def test_waiting_listens_and_does_not_ask_again_and_again(
    client: Client, service: FakeRuns
) -> None:
    service.endless = True
    run = submit(diamond(), service=client)
    seen: list[State] = []
    service.cut = 2  # streams that break are opened again

    def tell(run: Run) -> None:
        seen.append(run.state)
        if run.steps[-1].state is State.RUNNING and service.streams == 3:
            service.endless = False
            client.run(running.cancel(run.id))

    assert run.wait(60, check=False, tell=tell).state is State.CANCELLED
    assert seen[-1] is State.CANCELLED
    assert run.run.workflow is not None
    looks = [path for method, path in service.requests if (method, path[:5]) == ("GET", "runs/")]
    assert len(looks) <= 5  # once a stream, and when it had ended


def test_whoever_waits_hears_that_a_run_is_deleted(client: Client, service: FakeRuns) -> None:
    service.endless = True
    run = submit(diamond(), service=client)

    def tell(seen: Run) -> None:
        if seen.state is State.RUNNING:
            run.delete()

    with pytest.raises(NotFound):
        run.wait(60, tell=tell)


async def test_the_same_for_asyncio(url: str, service: FakeRuns) -> None:
    async with AsyncClient(url, TOKEN) as asked:
        run = await aio.submit(diamond(), name="later", session=None, service=asked)
        assert (run.name, run.state) == ("later", State.WAITING)
        assert await run is run
        assert run.state is State.SUCCEEDED
        assert await run.log("b") == "b says hello\n"
        assert (await run.notebook("c")).metadata["step"] == "c"
        assert await run.report() == "<p>d</p>"
        assert await run.record() == {"@graph": []}
        assert [found.id for found in await aio.list_runs(service=asked)] == [run.id]
        assert (await aio.check(diamond(), service=asked)).name == "diamond"
        service.endless = True
        run = await aio.submit(diamond(), service=asked)
        with pytest.raises(NotReady, match="still running"):
            await run.wait(0.5)
        await run.cancel()
        with pytest.raises(RunFailed, match="was cancelled"):
            await run
        await (await run.resume()).wait()
        await run.refresh()
        await run.delete()
        with pytest.raises(NotFound):
            await aio.find_run("diamond", service=asked)


@pytest.mark.parametrize(
    ("before", "now", "fresh", "gap"),
    [
        ("", "ab", "ab", False),
        ("ab", "ab", "", False),
        ("ab", "abc", "c", False),
        ("abc", "bcde", "de", False),
        ("abc", "xyz", "xyz", True),
        ("aab", "ab", "", False),
    ],
)
def test_what_is_new_in_a_log(before: str, now: str, fresh: str, gap: bool) -> None:
    assert grown(list(before), list(now)) == (list(fresh), gap)


def test_a_run_shows_itself_and_nothing_in_it_is_markup(client: Client, service: FakeRuns) -> None:
    service.failing = "b"
    run = submit(diamond(), name="<i>x</i>", service=client).wait(check=False)
    html = run._repr_html_()
    assert "&lt;i&gt;x&lt;/i&gt;" in html
    assert "&lt;b&gt;no&lt;/b&gt;" in html
    assert "<b>" not in html
    assert html.count("<tr>") == 5


@pytest.mark.usefixtures("session")
def test_a_run_that_is_displayed_in_a_notebook_is_live(service: FakeRuns) -> None:
    """On a real kernel: the output of its cell is another one when it has ended."""
    shows = """
from alongside_workflows import submit, workflow
w = workflow("shown", directory="/data")
w.command("a", ["true"])
run = submit(w)
run"""
    waits = """
import threading, time
while any(one.name == "alongside-showing" for one in threading.enumerate()):
    time.sleep(0.02)"""
    v4: Any = nbformat.v4
    made = v4.new_notebook(cells=[v4.new_code_cell(code) for code in (shows, waits)])
    NotebookClient(made, kernel_name="python3", timeout=60).execute()
    (shown,) = made.cells[0].outputs
    assert "<strong>shown</strong> succeeded" in shown.data["text/html"]
    assert service.streams == 1


def test_a_run_of_many_steps_shows_those_that_matter(client: Client, service: FakeRuns) -> None:
    w = workflow("many", directory="/data")
    steps = [w.command(f"s{number}", ["true"]) for number in range(200)]
    steps[0] >> steps[1:]
    service.failing = "s0"
    run = submit(w, service=client).wait(check=False)
    html = run._repr_html_()
    assert "and 150 more steps" in html
    assert "s0<" in html
    assert the_step(run.run, None).name == "s0"


@pytest.mark.shows("K59")
@pytest.mark.usefixtures("session")
def test_the_python_of_the_guides_works_and_calls_everything_that_is_public(
    notebook: Path,
) -> None:
    for name in ("fit.ipynb", "report.ipynb"):
        notebook.with_name(name).write_bytes(notebook.read_bytes())
    others = ("workflows-on-kubernetes.md", "schedule-workflows.md")
    blocks = [
        block
        for guide in (GUIDE, *map(GUIDE.with_name, others))
        for block in re.findall(r"```python\n(.*?)```", guide.read_text("utf-8"), re.DOTALL)
    ]
    space: dict[str, object] = {}
    for block in blocks:
        exec(compile(block, str(GUIDE), "exec"), space)
    code = "\n".join(blocks)
    called = [name for name in alongside_workflows.__all__ if name[0].islower()]
    called += [name for name in vars(RunHandle) if not name.startswith("_")]
    called += [n for n in vars(alongside_workflows.building.Draft) if not n.startswith("_")]
    missing = [name for name in called if not re.search(rf"\b{name}\b", code)]
    assert missing == ["own"]  # what steps of one draft ask it


@pytest.mark.usefixtures("notebook")
def test_definitions_and_commands_of_the_guide_are_right() -> None:
    text = GUIDE.read_text(encoding="utf-8")
    for block in re.findall(r"```yaml\n(.*?)```", text, re.DOTALL):
        assert parse_workflow(block).name == "report"
    commands = re.findall(r"^alongside (.*?)(?: +#.*)?$", text, re.MULTILINE)
    assert len(commands) > 10
    for line in commands:
        make_parser().parse_args(shlex.split(line))


def test_a_backend_is_asked_for_by_its_words(client: Client, notebook: Path) -> None:
    wish = backend("dask", workers=3, minimum=1)
    submit(notebook, {"scale": 1.5}, backend=wish, service=client)
    submit(notebook, {"scale": 1.5}, backend="session", service=client)
    found = [run.refresh().run.workflow for run in list_runs(service=client)]
    assert [flow and flow.steps[0].backend for flow in found] == ["session", wish]
