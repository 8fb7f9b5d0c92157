"""Another size for a locale group with what is in its memory: service, platform and client real,
the server a double unless there is a real one."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import json
import os
import signal
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest

import alongside
from alongside import saved
from alongside.carrying import KeptInFiles
from alongside.cli import main
from alongside.errors import AlongsideError, Conflict, InvalidRequest, NotFound, NotReady
from alongside.handle import BackendHandle
from alongside.kinds.arkouda import Arkouda, keeper
from alongside.kinds.arkouda import client as clients
from alongside.kinds.arkouda.messages import ask
from alongside.phases import Phase
from alongside.progress import Progress, Step
from alongside.resizing import from_panel, relaunch
from alongside.versions import VersionsDiffer
from tests.client.arkouda_kernel import AGES, REAL, imported
from tests.client.real import RealService, real_service
from tests.doubles.arkouda import CLIENT, server
from tests.lab.kernel import Kernel
from tests.waiting import wait_until

pytestmark = pytest.mark.slow

DOUBLE_ONLY = pytest.mark.skipif(REAL, reason="a fault that only the double has")
CATALOGUE = """\
profiles:
  arrays:
    title: Arrays
    default: arkouda
    backends:
      arkouda:
        options:
          locales: {default: 2, minimum: 1, maximum: 4}
          cores: 1
          memory: {default: 400 MiB, minimum: 200 MiB, maximum: 1 GiB}
        lifetime: {idle: 30 min, maximum: 8 h}
"""


@pytest.fixture(scope="module", params=AGES)
def age(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(scope="module")
def service(age: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RealService]:
    with pytest.MonkeyPatch.context() as patch:
        executable = server(tmp_path_factory.mktemp("server"), age=age)
        patch.setenv(keeper.VARIABLE, str(executable))
        with real_service(CATALOGUE) as running:
            yield running


@pytest.fixture
def ak(
    service: RealService, age: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Any]:
    """The client in a kernel of a session of ada's, whose working directory is empty."""
    (tmp_path / "notebooks").mkdir()
    monkeypatch.chdir(tmp_path / "notebooks")
    for name, value in service.environment.items():
        monkeypatch.setenv(name, value)
    with imported(age, monkeypatch) as module:
        try:
            yield module
        finally:
            for backend in alongside.backends():
                backend.stop(wait=True)
            alongside.session.close()


@pytest.fixture
def etl(ak: Any) -> BackendHandle:
    """A group of two locales that the kernel is attached to."""
    handle = alongside.launch("arkouda", name="etl", locales=2)
    assert alongside.attach("etl") is ak
    return handle


class Told:
    """What was told of the way."""

    def __init__(self) -> None:
        self.heard: list[Progress] = []

    def __call__(self, progress: Progress) -> None:
        self.heard.append(progress)

    @property
    def steps(self) -> list[Step]:
        found: list[Step] = []
        for progress in self.heard:
            if progress.step not in found[-1:]:
                found.append(progress.step)
        return found


ALL = [Step.SAVING, Step.VERIFYING, Step.STOPPING, Step.STARTING, Step.RESTORING, Step.DONE]


def left() -> list[Path]:
    """What is saved in the working directory."""
    return [path for path in Path.cwd().glob(".alongside/saved/*") if path.is_dir()]


def servers(service: RealService, handle: BackendHandle) -> list[psutil.Process]:
    found = []
    for process in psutil.process_iter(["cmdline", "cwd"]):
        words = " ".join(process.info["cmdline"] or ())
        if handle.id in f"{words} {process.info['cwd']}" and "-nl" in words.split():
            found.append(process)
    return found


@pytest.mark.shows("K29")
def test_a_group_gets_another_size_and_keeps_what_is_in_it(ak: Any, etl: BackendHandle) -> None:
    names: dict[str, Any] = {"a": ak.arange(0, 100, 1), "b": ak.ones(7), "n": 3}
    told = Told()
    assert etl.scale(3, namespace=names, tell=told) is etl
    gc.collect()
    assert told.steps == ALL
    assert (etl.phase, etl.state.ready, etl.state.options["locales"]) == (Phase.RUNNING, 3, 3)
    assert ak.get_config()["numLocales"] == 3
    assert names["a"].sum() == 4950
    assert names["b"].sum() == 7
    assert left() == []
    etl.scale(1, namespace=names, tell=told, keep=True)
    assert (names["a"].to_ndarray()[:3].tolist(), ak.get_config()["numLocales"]) == ([0, 1, 2], 1)
    (kept,) = left()
    assert kept.name.startswith("etl-")
    assert not saved.read(kept).unfinished
    # the size that it has already is no reason to start anew
    etl.scale(1, namespace=names, tell=told)
    assert "already" in str(told.heard[-1])
    names.clear()


@pytest.mark.shows("K51")
def test_another_release_of_the_client_is_told_when_attaching(
    ak: Any, etl: BackendHandle, monkeypatch: pytest.MonkeyPatch
) -> None:
    theirs = etl.state.versions["arkouda"]
    monkeypatch.setattr(ak, "__version__", "v2023.05.05")
    with pytest.warns(VersionsDiffer, match=f"arkouda {theirs} there, 2023.5.5 here"):
        alongside.attach("etl")


async def test_so_it_does_for_asyncio(ak: Any, etl: BackendHandle) -> None:
    names: dict[str, Any] = {"a": ak.arange(0, 10, 1)}
    async with alongside.AsyncClient() as client:
        handle = await client.backend("etl")
        await handle.scale(1, namespace=names, tell=Told())
        assert handle.state.options["locales"] == 1
    assert names["a"].sum() == 45
    names.clear()


def test_a_size_that_cannot_be_is_refused_before_anything_is_saved(
    ak: Any, etl: BackendHandle
) -> None:
    names = {"a": ak.ones(3)}
    told = Told()
    with pytest.raises(InvalidRequest):
        etl.scale(0, namespace=names, tell=told)
    assert told.heard == []
    # what only the service knows, its quota and bounds, is refused before the stop
    with pytest.raises(AlongsideError, match=r"etl is as it was\.") as raised:
        etl.scale(5, namespace=names, tell=told)
    assert not isinstance(raised.value, KeptInFiles)
    assert left() == []
    assert names["a"].sum() == 3
    assert etl.refresh().phase is Phase.RUNNING
    names.clear()


def test_what_would_be_lost_is_said_and_discarded_only_when_told_to(
    ak: Any, etl: BackendHandle
) -> None:
    with pytest.raises(Conflict, match="nothing in the memory of etl") as raised:
        etl.scale(1, namespace={"n": 1}, tell=Told())
    assert "discard=True" in raised.value.remedy
    other = alongside.launch("arkouda", name="other", locales=1)
    with pytest.raises(Conflict, match="not attached to other"):
        other.scale(2, namespace={}, tell=Told())
    with alongside.Client() as client, pytest.raises(Conflict, match="would be lost"):
        client.scale("other", 2)
    other.scale(2, tell=Told(), discard=True)
    assert other.state.ready == 2


def test_the_command_line_refuses_and_discards_only_when_told_to(
    ak: Any, etl: BackendHandle, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["scale", "etl", "1"]) == 1
    said = capsys.readouterr().err
    assert "would be lost" in said
    assert "--discard" in said
    assert etl.refresh().state.wanted == 2
    assert main(["scale", "etl", "1", "--discard", "--wait", "--timeout", "30"]) == 0
    assert etl.refresh().state.ready == 1


@pytest.mark.shows("K47")
def test_show_tells_facts_and_the_doctor_looks_at_the_client_too(
    ak: Any, etl: BackendHandle, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert main(["show", "etl"]) == 0
    said = capsys.readouterr().out
    for fact, value in etl.refresh().state.facts.items():
        assert fact in said
        assert value in said
    main(["doctor", "--json"])
    found = {one["check"]: one for one in json.loads(capsys.readouterr().out)}
    assert found["arkouda"]["result"] == "ok"
    monkeypatch.setattr(ak, "__version__", "v2020.7.7")
    assert main(["doctor", "--json"]) == 1
    found = {one["check"]: one for one in json.loads(capsys.readouterr().out)}
    assert found["arkouda"]["result"] == "failed"
    assert "releases" in found["arkouda"]["remedy"]


def test_two_at_once_are_told_apart(ak: Any, etl: BackendHandle) -> None:
    names = {"a": ak.ones(3)}
    second: list[AlongsideError] = []

    def tell(progress: Progress) -> None:
        if progress.step is Step.SAVING and not second:
            with pytest.raises(Conflict) as raised:
                relaunch(etl, 1, namespace={}, tell=Told())
            second.append(raised.value)

    etl.scale(3, namespace=names, tell=tell)
    assert "being scaled already" in second[0].message
    assert names["a"].sum() == 3
    names.clear()


def test_somebody_elses_new_start_meanwhile_is_noticed(ak: Any, etl: BackendHandle) -> None:
    names = {"a": ak.ones(3)}

    def tell(progress: Progress) -> None:
        if progress.step is Step.VERIFYING:
            with alongside.Client() as client:
                client.scale("etl", 1, wait=True, timeout=30, discard=True)

    with pytest.raises(KeptInFiles, match="changed by somebody else") as raised:
        etl.scale(3, namespace=names, tell=tell)
    (kept,) = left()
    assert str(kept) in raised.value.remedy
    alongside.restore(kept, namespace=names, tell=Told())
    assert names["a"].sum() == 3
    assert left() == []
    names.clear()


@DOUBLE_ONLY
def test_a_busy_group_is_told_within_seconds_and_left_alone(
    age: str, ak: Any, etl: BackendHandle, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(clients, "PATIENCE", 0.3)
    names = {"a": ak.ones(3)}
    reached = etl.connection()
    token = reached.credentials["token"]

    def answers() -> bool:
        try:
            return ask(reached.address, token, "ruok", timeout=0.2).good
        except NotReady:
            return False

    def compute() -> None:
        seconds = "4" if age == "2021" else ["4"]
        with contextlib.suppress(NotReady):
            ask(reached.address, token, "sleep", seconds, timeout=20)

    busy = threading.Thread(target=compute)
    busy.start()
    wait_until("the group to be busy", lambda: not answers())
    with pytest.raises(NotReady, match=r"busy with a computation.* etl is as it was\."):
        etl.scale(3, namespace=names, tell=Told())
    busy.join(20)
    assert left() == []
    assert names["a"].sum() == 3
    names.clear()


@DOUBLE_ONLY
@pytest.mark.parametrize("step", ALL[:2])
def test_a_server_killed_before_the_stop_is_told(
    service: RealService, ak: Any, etl: BackendHandle, step: Step
) -> None:
    names = {"a": ak.ones(3), "b": ak.ones(5)}

    def tell(progress: Progress) -> None:
        if progress.step is step:
            for process in servers(service, etl):
                process.send_signal(signal.SIGKILL)
            etl.wait(Phase.FAILED, timeout=30)

    with pytest.raises(AlongsideError) as raised:
        etl.scale(3, namespace=names, tell=tell)
    assert "as it was" not in raised.value.message
    # what was whole by then can be had again; what was not has left nothing behind
    assert len(left()) == (step is Step.VERIFYING)
    if step is Step.VERIFYING:
        assert isinstance(raised.value, KeptInFiles)
        handle = alongside.resume(left()[0], namespace=names, tell=Told())
        assert names["b"].sum() == 5
        assert handle.state.options["locales"] == 2
    names.clear()


@DOUBLE_ONLY
@pytest.mark.parametrize("step", [Step.STARTING, Step.RESTORING])
def test_a_server_that_ends_after_the_stop_leaves_files_that_are_told(
    service: RealService, ak: Any, etl: BackendHandle, step: Step
) -> None:
    names = {"a": ak.ones(3), "b": ak.ones(5)}
    program = Path(os.environ[keeper.VARIABLE])
    good = program.read_text()

    def tell(progress: Progress) -> None:
        if progress.step is Step.STOPPING and step is Step.STARTING:
            program.write_text("#!/bin/sh\nexit 3\n")
        if progress.step is step is Step.RESTORING and progress.done == 1:
            for process in servers(service, etl):
                process.send_signal(signal.SIGKILL)
            alongside.backends()[0].wait(Phase.FAILED, timeout=30)

    try:
        with pytest.raises(KeptInFiles, match="What it held is saved in") as raised:
            etl.scale(3, namespace=names, tell=tell)
    finally:
        program.write_text(good)
    (kept,) = left()
    assert f'alongside.resume("{kept}")' in raised.value.remedy
    with pytest.raises(NotFound, match="doesn't run any more"):
        alongside.restore("etl", namespace=names, tell=Told())
    alongside.resume("etl", namespace=names, tell=Told(), locales=1)
    assert (names["a"].sum(), names["b"].sum()) == (3, 5)
    assert ak.get_config()["numLocales"] == 1
    assert left() == []
    names.clear()


@DOUBLE_ONLY
def test_a_disk_that_is_full_leaves_the_group_as_it_was(
    service: RealService, ak: Any, etl: BackendHandle
) -> None:
    import resource

    for process in servers(service, etl):
        for one in [process, *process.children(recursive=True)]:
            resource.prlimit(one.pid, resource.RLIMIT_FSIZE, (200_000, 200_000))
    names = {"small": ak.ones(5), "large": ak.ones(1_000_000)}
    with pytest.raises(AlongsideError, match=r"large could not be saved.* etl is as it was\."):
        etl.scale(3, namespace=names, tell=Told())
    assert left() == []
    assert names["large"].sum() == 1_000_000
    assert etl.refresh().state.ready == 2
    names.clear()


def test_an_earlier_attempt_that_was_interrupted_is_finished_first(
    ak: Any, etl: BackendHandle
) -> None:
    names = {"a": ak.ones(3)}

    def tell(progress: Progress) -> None:
        if progress.step is Step.STARTING:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        etl.scale(3, namespace=names, tell=tell)
    (kept,) = left()
    etl.wait(Phase.RUNNING, timeout=30)
    alongside.attach("etl")
    with pytest.raises(Conflict, match="still in") as raised:
        etl.scale(1, namespace=names, tell=Told())
    assert f'alongside.restore("{kept}")' in raised.value.remedy
    alongside.restore(kept, namespace=names, tell=Told())
    assert names["a"].sum() == 3
    assert ak.get_config()["numLocales"] == 3
    assert left() == []
    names.clear()


@pytest.mark.shows("K74")
def test_paused_overnight_and_resumed_in_another_kernel(ak: Any, etl: BackendHandle) -> None:
    names: dict[str, Any] = {"a": ak.arange(0, 100, 1), "columns": {"x": ak.ones(4)}}
    told = Told()
    kept = etl.pause(namespace=names, tell=told)
    assert told.steps == [Step.SAVING, Step.VERIFYING, Step.STOPPING, Step.DONE]
    wait_until("it is gone", lambda: not alongside.backends())
    names.clear()
    tomorrow: dict[str, Any] = {}
    again = alongside.resume("etl", namespace=tomorrow, tell=told, locales=3)
    assert (again.name, again.state.ready, again.state.profile) == ("etl", 3, "arrays")
    assert tomorrow["a"].sum() == 4950
    assert tomorrow["columns"]["x"].sum() == 4
    assert not kept.exists()
    tomorrow.clear()
    with pytest.raises(NotFound, match="Nothing is saved"):
        alongside.resume("etl", tell=told)


def interrupt(*_: object) -> None:
    raise KeyboardInterrupt


def test_the_panel_reads_a_line_of_json_for_each_step_and_never_an_error(
    ak: Any,
    etl: BackendHandle,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    names = {"a": ak.ones(3)}
    monkeypatch.setattr(saved, "notebook", lambda: names)
    capsys.readouterr()
    from_panel(etl.id, {"locales": 1})
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert {line["alongside"] for line in lines} == {"relaunch"}
    assert list(dict.fromkeys(line["step"] for line in lines)) == [str(step) for step in ALL]
    assert set(lines[0]) == {"alongside", "step", "message", "done", "of", "remedy"}
    assert names["a"].sum() == 3
    for id, options in (("none-such", {"locales": 1}), (etl.id, {"locales": "many"})):
        from_panel(id, options)
        last = json.loads(capsys.readouterr().out.splitlines()[-1])
        assert last["step"] == "failed"
        assert last["message"]
    interrupted = "Interrupted; etl is as it was."
    with monkeypatch.context() as patch:
        patch.setattr(Arkouda, "snapshot", interrupt)
        from_panel(etl.id, {"locales": 2})
    assert json.loads(capsys.readouterr().out.splitlines()[-1])["message"] == interrupted
    from_panel(etl.id, {"locales": 2}, discard=True)
    assert json.loads(capsys.readouterr().out.splitlines()[-1])["step"] == "done"
    assert etl.refresh().state.ready == 2
    names.clear()


async def test_the_widget_has_it_done_between_cells_and_shows_how_far_it_is(
    ak: Any, etl: BackendHandle, monkeypatch: pytest.MonkeyPatch
) -> None:
    from alongside.widget import BackendWidget

    names = {"a": ak.ones(3)}
    monkeypatch.setattr(saved, "notebook", lambda: names)
    widget = BackendWidget(etl._service.endpoint, etl.state)
    assert widget.about["kind"] == {
        "title": "Arkouda locale group",
        "member": "locale",
        "scaling": "relaunch",
    }
    steps: list[Any] = []
    widget.observe(lambda change: steps.append(change["new"]["step"]), "progress")
    answers: list[Any] = []
    monkeypatch.setattr(widget, "send", answers.append)
    widget._received(widget, {"do": "scale", "value": 1, "request": 7}, [])
    assert answers == [{"answer": 7, "problem": None}]
    assert steps == ["saving"]  # not while a cell runs, as this test is one
    await asyncio.sleep(0)  # it is the next thing that this thread does
    assert list(dict.fromkeys(steps)) == [str(step) for step in ALL]
    assert names["a"].sum() == 3
    widget._received(widget, {"do": "scale", "value": 0, "request": 8}, [])
    await asyncio.sleep(0)
    assert widget.progress["step"] == "failed"
    widget.close()
    names.clear()


@pytest.mark.shows("K29", "K52")
def test_in_a_notebooks_kernel(service: RealService, age: str, tmp_path: Path) -> None:
    double = {} if REAL else {"ARKOUDA_DOUBLE_AGE": age, "PYTHONPATH": str(CLIENT)}
    kernel = Kernel({**service.environment, **double})
    try:
        kernel.run(
            f"""
            import os
            os.chdir({str(tmp_path)!r})
            import alongside
            group = alongside.launch("arkouda", locales=2)
            ak = alongside.attach(kind="arkouda")
            a, columns = ak.arange(0, 10, 1), {{"x": ak.ones(4)}}
            same = a
            """
        )
        kernel.run("group.scale(3)", 90)
        assert kernel.run('print(a.sum(), columns["x"].sum(), ak.get_config()["numLocales"])') == (
            "45 4.0 3\n"
        )
        # all of the way is in one output, which changes
        assert any("Looking for what" in str(shown) for shown in kernel.shown)
        assert "arkouda has 3 locales; loaded a, columns, same." in kernel.everything
        # the widget's button, pressed while a cell runs, waits for that cell
        kernel.run("group")
        (model,) = (name for name, state in kernel.models.items() if state.get("view"))
        cell = kernel.start("while not os.path.exists('go'): pass\nb = a.sum()")
        assert kernel.press(model, "scale", 1, kernel.subshell()) is None
        assert kernel.models[model]["progress"]["message"] == "Waiting for the notebook's cells"
        (tmp_path / "go").touch()
        state = kernel.until_state(model, lambda state: state["progress"]["step"] == "done")
        assert state["progress"]["message"] == "arkouda has 1 locale; loaded a, columns, same."
        assert cell
        assert kernel.run('print(b, a.sum(), ak.get_config()["numLocales"])') == "45 45 1\n"
    finally:
        kernel.run("group.stop(wait=True)")
        kernel.close()


def test_what_changes_its_size_while_it_works_is_not_saved(ak: Any, etl: BackendHandle) -> None:
    dask = BackendHandle(etl._service, etl.state.model_copy(update={"kind": "dask"}))
    with pytest.raises(InvalidRequest, match="while it works"):
        relaunch(dask, 3)
    with pytest.raises(InvalidRequest, match="while it works"):
        dask.pause()


def test_a_notebooks_variables_are_those_of_the_main_module_outside_of_ipython() -> None:
    import sys

    assert saved.notebook() is vars(sys.modules["__main__"])


def test_directories_do_not_meet_and_have_plain_names(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    first = saved.new_directory("Größe [1]/..")
    first.mkdir(parents=True)
    assert first.parent == tmp_path / ".alongside" / "saved"
    assert first.name.startswith("Gr-e-1-")
    assert saved.new_directory("Größe [1]/..") != first
