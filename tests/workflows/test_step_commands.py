"""A command as a step."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import pytest

from alongside.errors import InvalidRequest
from alongside.platforms.local import process
from alongside_workflows.step.commands import LARGEST_LOG
from alongside_workflows.task import BAD_INPUT, CANCELLED, CRATE, FAILED, TIMED_OUT
from alongside_workflows.words import filled
from tests.workflows.notebooks import Attempt, wait_for
from tests.workflows.test_step_notebooks import read_crate


def test_words_are_filled_with_what_they_name() -> None:
    words = ["{n}", "-f={label}", "{{{n}}}", "{many}", "{made}", "plain $HOME"]
    values: dict[str, Any] = {"n": 2, "label": "a 'b'\n{n}", "many": [1, "é"], "other": 1}
    assert filled(words, values, ["other"], {"made": Path("/out")}) == [
        "2",
        "-f=a 'b'\n{n}",
        "{2}",
        '[1, "é"]',
        "/out",
        "plain $HOME",
    ]


def test_all_that_is_wrong_with_words_is_told_at_once() -> None:
    with pytest.raises(InvalidRequest) as error:
        filled(["{no}", "awk '{ print }'"], {"unused": 1})
    for part in ("{no} is no", "single {", "single }", "'unused' is given"):
        assert part in error.value.message


def test_a_command_has_results_outputs_and_a_record(tmp_path: Path) -> None:
    (tmp_path / "in.txt").write_text("input")
    code = (
        "import os, sys; print(sys.argv[1:], flush=True);"
        "open(os.environ['made'], 'w').write(open(os.environ['data']).read() * int(sys.argv[1]));"
        "print('count=3\\n\\nname=\"x\"', file=open(os.environ['ALONGSIDE_RESULTS'], 'w'));"
        "print(os.getcwd(), file=sys.stderr)"
    )
    attempt = Attempt(
        tmp_path,
        values={"n": 2},
        step={
            "command": [sys.executable, "-c", code, "{n}", "{made}"],
            "inputs": {"data": "in.txt"},
            "outputs": {"made": "made"},
            "results": ["count", "name"],
        },
    )
    outcome = attempt.run()
    assert outcome.results == {"count": 3, "name": "x"}
    assert (tmp_path / "made").read_text() == "inputinput"
    assert attempt.log == f"['2', '{tmp_path}/made']\n{tmp_path}\n"
    entities = read_crate(attempt.folder / CRATE)
    assert entities[entities["#attempt"]["instrument"]["@id"]]["name"] == Path(sys.executable).name


@pytest.mark.parametrize(
    ("command", "code", "message"),
    [
        (["sh", "-c", "exit 3"], FAILED, "The command 'sh' has failed (exit code 3)."),
        (["sh", "-c", "kill -9 $$"], FAILED, "killed by signal 9 (SIGKILL)"),
        (["no-such-program"], BAD_INPUT, "The command 'no-such-program' can't be run: No such"),
        (["/etc/passwd"], BAD_INPUT, "Permission denied"),
        (["echo", "{n}"], BAD_INPUT, "{n} is no parameter"),
        (["true"], FAILED, "Results are missing: count."),
        (["sh", "-c", "echo count=[ > $ALONGSIDE_RESULTS"], FAILED, "'count' is not JSON"),
        (["sh", "-c", "echo count=NaN > $ALONGSIDE_RESULTS"], FAILED, "'count' is not JSON"),
    ],
)
def test_a_command_that_fails_says_how(
    tmp_path: Path, command: list[str], code: int, message: str
) -> None:
    outcome = Attempt(tmp_path, step={"command": command, "results": ["count"]}).run()
    assert outcome.exit_code == code
    assert message in outcome.message
    assert outcome.remedy


def test_the_whole_group_of_a_command_ends_with_it(tmp_path: Path) -> None:
    """Also what has left the group, and what ignores being asked."""
    command = ["sh", "-c", "trap '' TERM; setsid sleep 1000 & echo begun; sleep 1000"]
    attempt = Attempt(tmp_path, step={"command": command})
    with attempt.started() as started:
        wait_for(lambda: len(attempt.offspring()) == 3 and "begun" in attempt.log)
        below = attempt.offspring()
        started.terminate()
        assert started.wait(15) == CANCELLED
        assert process.wait_gone(below, 0) == []


def test_a_command_that_leaves_something_behind_ends(tmp_path: Path) -> None:
    attempt = Attempt(tmp_path, step={"command": ["sh", "-c", "setsid sleep 1000 & echo done"]})
    assert attempt.run().succeeded
    assert attempt.log == "done\n"


def test_a_step_that_is_killed_takes_its_command_along(tmp_path: Path) -> None:
    attempt = Attempt(tmp_path, step={"command": ["sleep", "1000"]})
    with attempt.started() as started:
        below = wait_for(attempt.offspring)
        started.kill()
        assert process.wait_gone(below, 5) == []


def test_a_command_that_takes_too_long_has_failed(tmp_path: Path) -> None:
    outcome = Attempt(tmp_path, step={"command": ["sleep", "1000"], "timeout": 1}).run()
    assert outcome.exit_code == TIMED_OUT


def test_what_a_command_prints_is_bounded(tmp_path: Path) -> None:
    flood = ["sh", "-c", "head -c 100000000 /dev/zero; echo done=1 > $ALONGSIDE_RESULTS"]
    attempt = Attempt(tmp_path, step={"command": flood, "results": ["done"]})
    assert attempt.run().results == {"done": 1}
    assert LARGEST_LOG < (attempt.folder / "log.txt").stat().st_size < LARGEST_LOG + 100
