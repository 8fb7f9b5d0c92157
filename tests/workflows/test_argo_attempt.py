"""What runs in the pod of a step, with real processes; the rest of the pod is a directory."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from alongside_workflows import Step, task
from alongside_workflows.executors.argo import attempt
from alongside_workflows.executors.argo.attempt import (
    LARGEST,
    RETRY,
    TAKEN,
    Unfit,
    completed,
    encoded,
    run,
)
from alongside_workflows.executors.argo.compile import manifests
from alongside_workflows.task import BAD_INPUT, CANCELLED, FAILED
from tests.workflows.argo_runs import API, SETTINGS, command, run_of

WRITER = (
    "import json, os;"
    "open(os.environ['ALONGSIDE_RESULTS'], 'w').write('n=' + json.dumps({value}));"
    "print('written')"
)


class Pod:
    """A directory with what the volumes of a step's pod hold."""

    def __init__(self, base: Path, *steps: Step) -> None:
        self.base, self.step = base, steps[-1].name
        (told, _) = manifests(run_of(*steps, directory=str(base)), SETTINGS, "")
        (base / "task").mkdir(parents=True)
        (base / "task" / "task.json").write_text(told["data"][self.step])
        (base / "access").mkdir()
        (base / "access" / "token").write_text("s3cret")

    def run(self, environment: Mapping[str, str] = os.environ) -> int:
        return run(self.base / "run", self.base, environment)

    def told(self, name: str) -> Any:
        return json.loads((self.base / "told" / f"{name}.json").read_text())

    def folder(self, attempt: int = 1) -> Path:
        return self.base / "run" / self.step / str(attempt)


def python(name: str, source: str, **more: Any) -> Step:
    return command(name, sys.executable, "-c", source.replace("{", "{{").replace("}", "}}"), **more)


def test_results_are_told_to_argo_and_the_log_is_kept(tmp_path: Path) -> None:
    pod = Pod(tmp_path, python("fetch", WRITER.replace("{value}", "[1, 'ü']"), results=("n",)))
    assert pod.run() == 0
    assert pod.told("results") == {"n": [1, "ü"]}
    assert pod.told("outcome")["exit_code"] == 0
    assert "written" in (pod.folder() / "log.txt").read_text()
    assert (pod.folder() / "token").stat().st_mode & 0o777 == 0o600


def test_kubernetes_is_told_what_came_of_it_before_argo_has_noticed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    message = tmp_path / "termination-log"
    message.touch()
    monkeypatch.setattr(attempt, "_TERMINATION", str(message))
    pod = Pod(tmp_path, python("fetch", WRITER.replace("{value}", "'{{x}}'"), results=("n",)))
    assert pod.run() == 0
    told = json.loads(message.read_text())
    assert told["results"] == {"n": "{{x}}"}
    assert told["outcome"].items() <= pod.told("outcome").items()
    message.write_text("")
    long = "'x' * 5000"  # Kubernetes would cut it off
    pod = Pod(tmp_path / "2", python("fetch", WRITER.replace("{value}", long), results=("n",)))
    assert pod.run() == 0
    assert message.read_text() == ""
    pod = Pod(tmp_path / "3", command("fetch", "false"))
    assert pod.run() == FAILED
    assert message.read_text() == "{message} {remedy}".format(**pod.told("outcome"))


def test_a_later_step_gets_them_as_they_were(tmp_path: Path) -> None:
    value = ["{{workflow.name}}", "$(HOME)", 'a "quoted" \n line', 3]
    fetch = command("fetch", "true", results=("n",))
    step = command("use", "echo", "got {n}", takes={"n": "fetch.n"})
    pod = Pod(tmp_path, fetch, step)
    taken = '{"fetch":' + encoded({"n": value}) + "}"
    assert pod.run({**os.environ, TAKEN: taken, RETRY: "2"}) == 0
    assert json.loads((pod.folder(3) / "task.json").read_text())["values"] == {"n": value}
    printed = (pod.folder(3) / "log.txt").read_text()
    assert f"got {json.dumps(value, ensure_ascii=False)}" in printed


def test_a_result_that_isnt_there_is_told_in_words(tmp_path: Path) -> None:
    fetch = command("fetch", "true", results=("n",))
    pod = Pod(tmp_path, fetch, command("use", "echo", "{n}", takes={"n": "fetch.n"}))
    assert pod.run({TAKEN: '{"fetch":{}}'}) == BAD_INPUT
    outcome = pod.told("outcome")
    assert "'fetch' has left no result 'n'" in outcome["message"]
    assert outcome["remedy"]


def test_a_command_that_fails_fails_the_pod(tmp_path: Path) -> None:
    pod = Pod(tmp_path, python("bad", "raise SystemExit(3)"))
    assert pod.run() == FAILED
    assert "exit" in pod.told("outcome")["message"]


def test_a_process_that_is_killed_is_told(tmp_path: Path) -> None:
    kill = "import os, signal; os.kill(os.getppid(), signal.SIGKILL)"
    pod = Pod(tmp_path, python("victim", kill))
    assert pod.run() == 128 + signal.SIGKILL
    assert "out of memory" in pod.told("outcome")["message"]


def test_results_that_are_too_large_fail_the_step_in_words(tmp_path: Path) -> None:
    # each of them is small enough for the step itself
    names = ("n", "m")
    source = (
        "import json, os;"
        "open(os.environ['ALONGSIDE_RESULTS'], 'w').write("
        f"chr(10).join(name + '=' + json.dumps('x' * {LARGEST // 2}) for name in {names!r}))"
    )
    pod = Pod(tmp_path, python("large", source, results=names))
    assert pod.run() == FAILED
    assert f"{LARGEST} can be handed on" in pod.told("outcome")["message"]
    assert not (tmp_path / "told" / "results.json").exists()


def test_the_end_of_a_pod_reaches_the_step(tmp_path: Path) -> None:
    source = "import time; print('begun', flush=True); time.sleep(60)"
    Pod(tmp_path, python("long", source))
    module = "alongside_workflows.executors.argo.attempt"
    script = (
        f"import os, sys; from pathlib import Path; from {module} import run;"
        f"sys.exit(run(Path({str(tmp_path / 'run')!r}), Path({str(tmp_path)!r}), os.environ))"
    )
    process = subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE)
    try:
        assert process.stdout is not None
        assert b"begun" in process.stdout.readline()
        process.terminate()
        assert process.wait(30) == CANCELLED
    finally:
        process.kill()
        process.communicate()


@pytest.mark.parametrize("value", ["{{", "{{{", "$(x)", {"a{{": ["}}", "$"]}, "é\n\"'\\"])
@pytest.mark.shows("K66")
def test_what_is_handed_on_has_no_sign_that_others_take_for_theirs(value: Any) -> None:
    text = encoded(value)
    assert "{{" not in text
    assert "$" not in text
    assert json.loads(text) == value


@pytest.mark.parametrize(
    "name", ["TASK", "PROGRESS", "OUTCOME", "LOG", "TOKEN", "FAILED", "BAD_INPUT"]
)
def test_it_means_the_same_as_the_task_does(name: str) -> None:
    assert getattr(attempt, name) == getattr(task, name)


def test_it_begins_at_once() -> None:
    source = f"import sys, {attempt.__name__}; sys.exit('pydantic' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", source], check=False).returncode == 0


def test_values_are_completed_and_attempts_counted_on() -> None:
    told = {"task": {"values": {"a": 1}, "attempt": 3}, "takes": {"b": ["s", "r"]}}
    assert completed(told, {"s": {"r": None}}, 1) == {"values": {"a": 1, "b": None}, "attempt": 4}
    with pytest.raises(Unfit):
        completed(told, {}, 0)


def test_the_api_is_part_of_what_a_step_is_told() -> None:
    (told, _) = manifests(run_of(command("x")), SETTINGS, API)
    assert json.loads(told["data"]["x"])["task"]["api"] == API
