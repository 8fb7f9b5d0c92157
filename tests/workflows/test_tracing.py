"""What made what, over several runs: asked of the real service, by the records of real steps."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest

import alongside
from alongside.async_client import AsyncClient
from alongside.cli import main
from alongside.errors import Conflict, NotFound
from alongside_workflows import aio, submit, trace, with_notebooks, workflow
from alongside_workflows.files import parse_workflow
from alongside_workflows.trace_comparing import compared
from alongside_workflows.tracing import Act, File, Trace, acts_of, back, onward
from tests.client.real import RealService, real_service
from tests.workflows.notebooks import notebook

SEGMENT = """
import os
values = [int(word) for word in open(image).read().split()]
os.makedirs(segments, exist_ok=True)
for part, chosen in (("air", False), ("foam", True)):
    found = [v for v in values if (v > threshold) is chosen]
    open(f"{segments}/{part}.txt", "w").write(" ".join(map(str, found)))
"""
COUNT = 'n=$(wc -w < "$segments/foam.txt"); echo "n=$n" >> "$ALONGSIDE_RESULTS"'
REPORT = 'echo "{count_n} voxels of $(cat "$title")" > "$report"'


@pytest.fixture(scope="module")
def real() -> Iterator[RealService]:
    with real_service() as service:
        yield service


@pytest.fixture(scope="module")
def service(real: RealService) -> Iterator[alongside.Client]:
    with alongside.Client(real.url, real.token) as client:
        yield client


@pytest.fixture(scope="module")
def place(service: alongside.Client, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where two runs, one after the other, have made a report of an image."""
    place = tmp_path_factory.mktemp("foam")
    notebook(place / "segment.ipynb", "threshold = 5\nimage = ''\nsegments = ''", SEGMENT)
    (place / "image.txt").write_text("1 9 3 8 7")
    (place / "title.txt").write_text("foam")
    first = workflow("segment", directory=place)
    first.notebook(
        "segment.ipynb",
        parameters={"threshold": 6},
        inputs={"image": "image.txt"},
        outputs={"segments": "segments"},
    )
    second = workflow("report", directory=place)
    count = second.command("count", ["sh", "-c", COUNT], inputs={"segments": "segments"})
    second.command(
        "report",
        ["sh", "-c", REPORT, count.results["n"]],
        inputs={"title": "title.txt"},
        outputs={"report": "report.txt"},
    )
    aside = workflow("aside", directory=place)
    aside.command("aside", ["sh", "-c", "echo 1 > aside.txt"], outputs={"aside": "aside.txt"})
    for flow in (first, aside, second):
        submit(flow, service=service, wait=True, wait_for=60)
    assert (place / "report.txt").read_text() == "3 voxels of foam\n"
    return place


def hash_of(path: Path) -> str:
    return sha256(path.read_bytes()).hexdigest()


@pytest.mark.shows("T122")
def test_from_a_report_back_to_the_image(service: alongside.Client, place: Path) -> None:
    found = trace(place / "report.txt", service=service)
    assert [act.step for act in found.acts] == ["report", "count", "segment"]
    report, count, segment = found.acts
    assert report.run == count.run != segment.run
    assert (segment.workflow, segment.attempt, segment.values) == ("segment", 1, {"threshold": 6})
    assert segment.code.sha256 == hash_of(place / "segment.ipynb")
    assert {"Python", "ipykernel", "jupyterhub-alongside"} <= segment.software.keys()
    (image,) = segment.read
    assert (image.place, image.sha256) == (
        (place / "image.txt").as_uri(),
        hash_of(place / "image.txt"),
    )
    assert count.read[0].sha256 == segment.made[0].sha256
    assert report.values == {"count_n": 3}
    assert segment.started < segment.ended <= count.started < report.ended
    assert segment.host
    assert (found.runs, found.more) == (3, 0)

    copy = shutil.copy(place / "report.txt", place / "copy.txt")
    again = trace(copy, service=service)  # wherever it lies
    assert again.acts == trace(hash_of(place / "report.txt"), service=service).acts == found.acts
    one = trace(place / "segments" / "foam.txt", service=service)  # of a directory that was made
    assert one.file == segment.made[0]
    assert [act.step for act in one.acts] == ["segment"]


@pytest.mark.shows("K81")
def test_from_the_image_on_to_all_that_was_made_of_it(
    service: alongside.Client, place: Path
) -> None:
    found = trace(place / "image.txt", derived=True, service=service)
    assert [act.step for act in found.acts] == ["segment", "count", "report"]
    assert {made.place for act in found.acts for made in act.made} >= {
        (place / "segments").as_uri(),
        (place / "report.txt").as_uri(),
    }
    with_it = trace(place / "segment.ipynb", derived=True, service=service)
    assert with_it.acts == found.acts
    assert trace(place / "image.txt", service=service).acts == ()


@pytest.mark.shows("T122")
def test_as_a_table_as_a_page_and_as_json(
    real: RealService, place: Path, monkeypatch: pytest.MonkeyPatch, capsys: Any
) -> None:
    for name, value in real.environment.items():
        monkeypatch.setenv(name, value)
    monkeypatch.chdir(place)
    assert main(["runs", "trace", "report.txt"]) == 0
    head, _, columns, *rows = capsys.readouterr().out.splitlines()
    assert head == f"{place}/report.txt  sha256 {hash_of(place / 'report.txt')}"
    assert columns.split()[:2] == ["STEP", "RUN"]
    assert [row.split()[0] for row in rows] == ["report", "count", "segment"]
    assert "threshold=6" in rows[-1]
    assert f"segment.ipynb {hash_of(place / 'segment.ipynb')[:8]}" in rows[-1]
    assert main(["runs", "trace", "image.txt", "--derived", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["acts"][0]["step"] == "segment"
    assert main(["runs", "trace", "report.txt", "--html", "trace.html"]) == 0
    html = (place / "trace.html").read_text()
    assert hash_of(place / "segment.ipynb") in html
    assert "<script" not in html
    capsys.readouterr()
    assert main(["runs", "trace", "image.txt"]) == 1
    assert "Nothing in 3 runs is known that made it." in capsys.readouterr().out
    assert main(["runs", "trace", "report.txt", "--limit", "1"]) == 0
    assert "There are 2 earlier ones" in capsys.readouterr().out


@pytest.mark.shows("T122")
def test_of_a_long_history_some_is_asked_for(
    real: RealService,
    service: alongside.Client,
    place: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: Any,
) -> None:
    found = trace(place / "report.txt", service=service)
    assert [act.step for act in found.only(step="co*").acts] == ["count"]
    assert [act.step for act in found.only(step="report", code="sh").acts] == ["report", "count"]
    assert [act.step for act in found.only(code="segment.ipynb").acts] == ["segment"]
    (segment,) = found.only(code=f"{place}/*").acts
    assert [act.step for act in found.only(until=segment.ended).acts] == ["segment"]
    assert len(found.only(since="1 h").acts) == 3
    none = found.only(since="1 h", until="30 min")
    assert (none.acts, none.others) == ((), 3)
    for name, value in real.environment.items():
        monkeypatch.setenv(name, value)
    monkeypatch.chdir(place)
    assert main(["runs", "trace", "report.txt", "--code", "*.ipynb", "--since", "2026-01-01"]) == 0
    assert "2 other steps are left out." in capsys.readouterr().out
    assert main(["runs", "trace", "report.txt", "--since", "soon"]) != 0
    assert "'soon' is no time" in capsys.readouterr().err


async def test_what_has_changed_and_what_is_not_there(real: RealService, place: Path) -> None:
    (place / "aside.txt").write_text("by hand")
    async with AsyncClient(real.url, real.token) as service:
        with pytest.raises(Conflict, match="has changed since") as changed:
            await aio.trace(place / "aside.txt", service=service)
        was = changed.value.remedy.split()[-1]
        (place / "aside.txt").unlink()
        found = await aio.trace(place / "aside.txt", service=service)
        assert [act.step for act in found.acts] == ["aside"]
        assert found.acts == (await aio.trace(was, service=service)).acts
        with pytest.raises(NotFound, match="no record names it"):
            await aio.trace(place / "nothing", service=service)


@pytest.mark.shows("K82")
def test_what_was_done_is_done_again_from_its_record_when_its_notebook_is_another(
    service: alongside.Client, tmp_path: Path
) -> None:
    path = notebook(tmp_path / "n.ipynb", "n = 2\nmade = ''", "open(made, 'w').write(str(n))")
    flow = workflow("again", directory=tmp_path)
    made = tmp_path / "made.txt"
    flow.notebook(str(path), parameters={"n": 3}, outputs={"made": str(made)})
    first = submit(with_notebooks(flow.build()), service=service, wait=True, wait_for=60)
    before = hash_of(made)
    made.unlink()
    path.unlink()
    entities = {entity["@id"]: entity for entity in first.record()["@graph"]}
    kept = parse_workflow(entities["#definition"]["text"])
    submit(kept, service=service, wait=True, wait_for=60)
    assert hash_of(made) == before
    first.delete()


NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)


def act(step: str, minute: int, read: str = "", made: str = "", **more: Any) -> Act:
    """One that has read and made files whose content is their name's first letter."""
    return Act(
        run=more.pop("run", "r"),
        workflow="w",
        step=step,
        started=NOON + timedelta(minutes=minute),
        ended=NOON + timedelta(minutes=minute + 1),
        code=File(place="x"),
        read=tuple(File(place=name, sha256=name[0]) for name in read.split()),
        made=tuple(File(place=name, sha256=name[0]) for name in made.split()),
        **more,
    )


def steps(acts: list[Act]) -> str:
    return " ".join(one.step for one in acts)


def test_who_made_it_is_who_put_it_there_before_it_was_read() -> None:
    acts = [
        act("old", 0, "a1", "b1"),
        act("elsewhere", 2, "a1", "b2"),
        act("use", 4, "b1", "c1"),
        act("late", 6, "c1", "b1"),  # the same content again, and a circle of contents
    ]
    assert steps(back(File(place="c1", sha256="c"), acts)) == "use old"
    assert steps(back(File(place="b1", sha256="b"), acts)) == "late use old"
    assert steps(back(File(place="b9", sha256="b"), acts)) == "late use old"
    assert steps(onward(File(place="a9", sha256="a"), acts)) == "old elsewhere use late"
    assert back(File(place="a1", sha256="a"), acts) == []


def test_values_and_memory_are_traced_within_a_run_and_from_where_they_were_taken() -> None:
    acts = [
        act("fit", 0, "a1", run="earlier"),
        act("fit", 0, "z1", run="another"),
        act("plot", 2, "", "p1", after=(("earlier", "fit"),)),
    ]
    found = back(File(place="p1", sha256="p"), acts)
    assert [one.key for one in found] == [("r", "plot"), ("earlier", "fit")]
    assert steps(onward(File(place="a1", sha256="a"), acts)) == "fit plot"


def test_what_lies_there_is_compared_as_far_as_it_can_be_read(tmp_path: Path) -> None:
    (tmp_path / "a").write_text("a")
    (tmp_path / "b").write_text("b" * 100)
    (tmp_path / "c").mkdir()

    def named(name: str, hash: str = "0" * 64) -> File:
        return File(name=name, place=(tmp_path / name).as_uri(), sha256=hash)

    made = (named("a"), named("b"), named("c"), named("d"), File(place="s3://x/y", sha256="0"))
    act = Act(run="r", workflow="w", step="s", started=NOON, ended=NOON, code=File(place="sh"))
    trace = Trace(
        file=named("a", hash_of(tmp_path / "a")),
        acts=(act.model_copy(update={"made": made}),),
        runs=1,
    )
    told = compared(trace, most=50)
    assert told.file.now == "same"
    assert [file.now for file in told.acts[0].made] == ["changed", "", "changed", "missing", ""]
    assert told.acts[0].code.now == ""


@pytest.mark.parametrize(
    "record",
    [
        {},
        {"@graph": None},
        {"@graph": ["no entity", {"@id": "#definition", "text": "[]"}]},
        {
            "@graph": [
                {"@id": "#steps/a/attempt", "actionStatus": {"@id": "…/CompletedActionStatus"}}
            ]
        },
    ],
)
def test_a_record_that_cannot_be_read_tells_nothing(record: dict[str, Any]) -> None:
    assert acts_of("r", record) == []
