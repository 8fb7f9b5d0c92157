"""A log that is followed: every line once, and only what is new is asked for."""

from __future__ import annotations

from pathlib import Path

import alongside
from alongside_workflows import submit, workflow
from alongside_workflows.log_following import LogFollower
from tests.client.real import real_service

SAME = 4000
"""Lines that can't be told from each other: more than are compared where logs are no files."""


def test_lines_that_are_all_the_same_are_told_each_once(tmp_path: Path) -> None:
    script = f"""
        yes same | head -n {SAME}; printf 'it goes '; touch there
        while [ ! -e go ]; do sleep 0.05; done
        printf 'on ü\\n'; yes same | head -n {SAME}; printf end
    """
    flow = workflow("talk", directory=tmp_path)
    flow.command("talk", ["sh", "-c", script])
    told: list[str] = []
    asked: list[int] = []

    def write(text: str) -> None:
        told.append(text)
        if "".join(told).count("same\n") == SAME and (tmp_path / "there").exists():
            (tmp_path / "go").touch()

    with real_service() as real, alongside.Client(real.url, real.token) as service:
        handle = submit(flow, service=service)
        follower = LogFollower(service, handle.id, None, None, 3 * SAME, write, lambda text: None)
        ask = follower._ask

        def counted(step: str, number: int, start: int) -> tuple[bytes, bool]:
            content, placed = ask(step, number, start)
            asked.append(len(content))
            return content, placed

        follower._ask = counted  # type: ignore[method-assign]  # to count
        assert follower.follow()
        printed = handle.log(lines=2 * SAME + 2)
    assert "".join(told) == printed
    assert printed.count("same\n") == 2 * SAME
    assert printed.splitlines()[SAME] == "it goes on ü"
    assert printed.endswith("same\nend")
    assert sum(asked) == len(printed.encode())  # nothing was sent twice
