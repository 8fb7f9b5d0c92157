"""Whatever is handed in: what can't be is refused before anything begins, and the rest fails with a
sentence and what to do; nothing of it is left. By the service's API, with real runs.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from alongside.endpoint import complete
from alongside_workflows.task import BAD_INPUT, DEAD_KERNEL, FAILED, TIMED_OUT
from tests.client.real import RealService, real_service
from tests.waiting import wait_until
from tests.workflows.local_runs import leftovers
from tests.workflows.notebooks import notebook

pytestmark = pytest.mark.slow

STRANGE = 'it\'s "quoted" $HOME ${PATH} $(id) `id` {n} %s \\n\n\ttab\r\nZürich 漢字 \u2028 👩‍🔬'
MARK = "open('begun', 'a').write('x')"
LOUD = "import sys\nfor _ in range(100):\n    sys.stdout.write('x' * 999_999 + '\\n')"


@pytest.fixture(scope="module")
def real() -> Iterator[RealService]:
    with real_service() as service:
        yield service


@pytest.fixture
def ada(real: RealService) -> Iterator[httpx.Client]:
    headers = {"Authorization": f"token {real.token}"}
    with httpx.Client(base_url=complete(real.url), headers=headers, timeout=30) as client:
        yield client


def command(name: str, *words: str, **more: Any) -> dict[str, Any]:
    return {"name": name, "command": words or ["true"], **more}


@pytest.mark.parametrize(
    ("steps", "field", "words"),
    [
        ([command("a", after=["b"]), command("b", after=["a"])], "steps", "a → b → a"),
        ([command("a", after=["a"])], "steps", "a → a"),
        ([command("it's")], "steps.0.name", "can't be the name"),
        ([command("a\nb")], "steps.0.name", "can't be the name"),
        ([command("$HOME")], "steps.0.name", "can't be the name"),
        ([command("zürich")], "steps.0.name", "can't be the name"),
        ([command("../../etc")], "steps.0.name", "can't be the name"),
        ([command("a", parameters={"a b": 1})], "steps.0.parameters", "a b"),
        ([command("a", parameters=[1])], "steps.0.parameters", ""),
        ([command("a", parameters={"n": 1})], "steps.0.command", "{n} stands nowhere"),
        ([command("a", "echo", "{n}")], "steps.0.command", "{n} is no parameter"),
        ([command("a", "awk", "{ print }")], "steps.0.command", "write {{ for a brace"),
        ([command("a", outputs={"o": "x\ny"})], "steps.0.outputs", ""),
        ([command("a", retry={"times": "often"})], "steps.0.retry.times", ""),
        ([command("a", timeout="soon")], "steps.0.timeout", ""),
        ([command("a", comand=["x"])], "steps.0.comand", ""),
        ([{"name": "a", "command": "rm -rf"}], "steps.0.command", ""),
        ([{"name": "a"}], "steps.0", "either `notebook` or `command`"),
        ([command("a", "{n}", takes={"n": "b.n"})], "steps.0.takes.n", "which is no step"),
        ([], "steps", ""),
    ],
)
def test_what_can_not_be_a_workflow_is_refused_and_nothing_begins(
    ada: httpx.Client, steps: list[Any], field: str, words: str
) -> None:
    answer = ada.post("runs", json={"workflow": {"name": "w", "steps": steps}})
    assert answer.status_code == 422, answer.text
    (*_, problem) = answer.json()["errors"]
    assert problem["field"].startswith(f"workflow.{field}"), problem
    assert words in problem["message"]
    assert problem["remedy"] or "give either" in problem["message"], problem
    assert ada.get("runs").json() == []


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b"\xff", b'{"workflow": NaN}'])
def test_what_is_no_request_is_refused(ada: httpx.Client, content: bytes) -> None:
    headers = {"Content-Type": "application/json"}
    answer = ada.post("runs", content=content, headers=headers)
    assert 400 <= answer.status_code < 500
    assert answer.json()["remedy"] or answer.json()["errors"][0]["remedy"]
    assert ada.get("runs").json() == []


@pytest.mark.timeout(300)
def test_bad_notebooks_fail_with_a_sentence_and_leave_nothing(
    ada: httpx.Client, tmp_path: Path
) -> None:
    notebook(tmp_path / "good.ipynb", "n: int = 1\ntext: str = ''", MARK)
    notebook(tmp_path / "for-nobody.ipynb", MARK, kernel=None)
    notebook(tmp_path / "strange.ipynb", "text: str = ''", "said = text")
    notebook(tmp_path / "dies.ipynb", "import os, signal; os.kill(os.getpid(), signal.SIGKILL)")
    notebook(tmp_path / "endless.ipynb", "while True: pass")
    notebook(tmp_path / "loud.ipynb", LOUD)
    (tmp_path / "broken.ipynb").write_text("{'cells': [")
    (tmp_path / "table.ipynb").write_text('{"a": 1}')
    wrong: dict[str, tuple[dict[str, Any], int, str]] = {
        "missing": ({"notebook": "gone.ipynb"}, BAD_INPUT, "There is no notebook"),
        "broken": ({"notebook": "broken.ipynb"}, BAD_INPUT, "is not JSON"),
        "other": ({"notebook": "table.ipynb"}, BAD_INPUT, "no notebook"),
        "no-kernel": ({"notebook": "for-nobody.ipynb"}, BAD_INPUT, "which kernel"),
        "cobol": ({"notebook": "good.ipynb", "kernel": "cobol"}, BAD_INPUT, "no kernel 'cobol'"),
        "type": ({"notebook": "good.ipynb", "parameters": {"n": "many"}}, BAD_INPUT, "n can't be"),
        "stranger": ({"notebook": "good.ipynb", "parameters": {"m": 1}}, BAD_INPUT, "variable m"),
        "input": ({"notebook": "good.ipynb", "inputs": {"x": "gone.csv"}}, BAD_INPUT, "gone.csv"),
        "output": (command("output", outputs={"x": "gone.csv"}), FAILED, "did not make"),
        "dies": ({"notebook": "dies.ipynb"}, DEAD_KERNEL, "SIGKILL"),
        "endless": ({"notebook": "endless.ipynb", "timeout": "20 s"}, TIMED_OUT, "cell 1 of 1"),
    }
    good: list[dict[str, Any]] = [
        {"name": "loud", "notebook": "loud.ipynb"},
        {
            "name": "strange",
            "notebook": "strange.ipynb",
            "parameters": {"text": STRANGE},
            "results": ["said"],
        },
        command("words", "printf", "%s", "{text}", parameters={"text": STRANGE}),
    ]
    steps = [*({"name": name} | step for name, (step, _, _) in wrong.items()), *good]
    flow = {"name": "wrong", "steps": steps, "directory": str(tmp_path), "parallel": 3}
    id = ada.post("runs", json={"workflow": flow}).json()["id"]

    def over() -> dict[str, Any] | None:
        run: dict[str, Any] = ada.get(f"runs/{id}").json()
        return run if run["state"] == "failed" else None

    run = wait_until("it has failed", over, 200)
    seen = {step["name"]: step for step in run["steps"]}
    for name, (_, code, words) in wrong.items():
        step = seen[name]
        assert step["state"] == "failed", step
        assert step["attempts"][0]["exit_code"] == code, step
        assert words in step["message"], step
        assert step["remedy"], step
    assert not (tmp_path / "begun").exists()
    assert {seen[step["name"]]["state"] for step in good} == {"succeeded"}
    assert seen["strange"]["results"] == {"said": STRANGE}
    assert ada.get(f"runs/{id}/steps/words/log").text.rstrip("\n") == STRANGE
    assert len(ada.get(f"runs/{id}/steps/loud/notebook").content) < 20e6
    wait_until("nothing is left", lambda: not leftovers(tmp_path), 30)
