"""The example workflows, submitted as their first line says."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.client.real import RealService
from tests.examples.submitting import log, steps, submit


@pytest.mark.shows("K64")
def test_v1_the_diamond(folder: Path, real: RealService) -> None:
    run = submit(folder, real, "diamond.yaml")
    seen = steps(run)
    times = {name: step["attempts"][0] for name, step in seen.items()}
    assert times["a"]["ended"] <= min(times["b"]["started"], times["c"]["started"])
    assert max(times["b"]["ended"], times["c"]["ended"]) <= times["d"]["started"]
    for name in seen:
        assert log(folder, real, run, name) == name.upper()


@pytest.mark.shows("T119")
def test_a_diamond_and_another_one(folder: Path, real: RealService) -> None:
    seen = steps(submit(folder, real, "twice.yaml"))
    assert list(seen) == [f"{part}-{name}" for part in ("first", "again") for name in "abcd"]
    times = {name: step["attempts"][0] for name, step in seen.items()}
    assert times["first-d"]["ended"] <= times["again-a"]["started"]


@pytest.mark.slow
@pytest.mark.always
@pytest.mark.shows("K55", "K56", "K68", "K71", "K88")
def test_the_weather(folder: Path, real: RealService) -> None:
    run = submit(folder, real, "weather.yaml")
    seen = steps(run)
    report = (folder / "data" / "report.md").read_text()
    assert f"- {seen['clean']['results']['kept']} readings were used." in report
    assert f"'{seen['regions']['results']['hottest']}'" in report
    assert (folder / "data" / f"report-{run['id']}.ipynb").exists()
    used = {name: step["backend"] for name, step in seen.items()}
    assert used["monthly"] == used["regions"] != ""
    assert {used["fetch"], used["clean"], used["report"]} == {""}
    again = steps(submit(folder, real, "weather.yaml"))
    assert again["fetch"]["unchanged"] == run["id"]
