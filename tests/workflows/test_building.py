"""Writing workflows in Python: what comes out is what a definition says."""

from __future__ import annotations

import doctest
from pathlib import Path
from types import ModuleType

import pytest

from alongside.errors import InvalidFields, InvalidRequest
from alongside_workflows import Retry, backend, building, draft_steps, read_workflow, workflow

EXAMPLES = Path(__file__).parents[2] / "examples"


@pytest.mark.shows("K59", "K64")
def test_a_diamond_takes_three_lines_and_is_the_one_of_the_definition() -> None:
    with workflow("dag-diamond", directory=EXAMPLES) as diamond:
        a, b, c, d = (diamond.command(name, ["echo", name]) for name in "ABCD")
        a >> [b, c] >> d
    assert diamond.build() == read_workflow(EXAMPLES / "diamond.yaml")


@pytest.mark.shows("K59")
def test_a_workflow_with_all_that_one_can_have_is_the_one_of_the_definition() -> None:
    w = workflow(
        "weather",
        description="Made-up weather is fetched and cleaned, looked at in two ways at once, "
        "and reported.",
        parameters={"megabytes": 24},
        directory=EXAMPLES,
    )
    cluster = w.shared("cluster", backend("dask", workers=2, memory="512 MiB", minimum=1))
    fetch = w.command(
        "fetch",
        ["python", "make_data.py", "data/weather", "--megabytes", "{megabytes}"],
        outputs={"data": Path("data/weather")},
        cache=True,
    )
    clean = w.notebook(
        "weather/clean.ipynb",
        inputs={"data": "data/weather"},
        outputs={"readings": "data/clean"},
        parameters={"hottest": 40.0},
    )
    monthly = w.notebook(
        "weather/monthly.ipynb",
        inputs={"readings": "data/clean"},
        outputs={"months": "data/monthly.csv"},
        backend=cluster,
        after=clean,
    )
    regions = w.notebook(
        "weather/regions.ipynb",
        inputs={"data": "data/weather", "readings": "data/clean"},
        outputs={"regions": "data/regions.csv"},
        backend=cluster,
        after=[clean],
        retries=Retry(times=2, pause="5 s"),
    )
    fetch >> clean
    w.notebook(
        Path("weather/report.ipynb"),
        inputs={"months": "data/monthly.csv", "regions": "data/regions.csv"},
        outputs={"report": "data/report.md"},
        parameters={"kept": clean.results["kept"], "hottest": regions.results["hottest"]},
        after=monthly,
        output="data/report-{run}.ipynb",
    )
    assert w.build() == read_workflow(EXAMPLES / "weather.yaml")


def test_order_can_be_said_of_many_steps() -> None:
    w = workflow("many", directory="/data")
    a, b, c, d, e = (w.command(name, ["true"]) for name in "abcde")
    [a, b] >> c >> [d, e]
    assert w.build().graph.before == {"a": (), "b": (), "c": ("a", "b"), "d": ("c",), "e": ("c",)}
    assert repr(w) == "<workflow 'many' of 5 steps>"
    assert repr(a) == "<step 'a'>"


def test_a_result_is_taken_by_notebooks_and_commands_and_so_gives_the_order() -> None:
    w = workflow("results", directory="/data")
    first = w.notebook("Load data.ipynb", cores=2, memory="1 GiB", timeout="1 h", retries=1)
    w.notebook("fit.ipynb", parameters={"n": first.results["n"], "m": first.results["m"]})
    w.command("tell", ["echo", first.results["n"], "{x}"], parameters={"x": 1})
    built = w.build()
    assert built.step("load-data").results == ("n", "m")
    assert built.step("load-data").resources.memory == 2**30
    assert built.step("fit").takes == {"n": "load-data.n", "m": "load-data.m"}
    assert built.step("tell").command == ("echo", "{load_data_n}", "{x}")
    assert built.step("tell").needs == ("load-data",)


def test_names_of_our_choosing_never_meet() -> None:
    w = workflow("names", directory="/data")
    names = [w.notebook(path).name for path in ("a/x.ipynb", "b/x.ipynb", "数据.ipynb")]
    assert names == ["x", "x-2", "notebook"]
    long = [w.notebook(f"{'y' * 60}.ipynb").name for _ in range(2)]
    assert long == ["y" * 50, "y" * 48 + "-2"]


def test_data_stays_in_memory_where_one_notebook_goes_on_in_the_kernel_of_another() -> None:
    w = workflow("joined", directory="/data")
    load = w.notebook("load.ipynb")
    w.notebook("plot.ipynb", joined=load, kernel="python3")
    assert w.build().step("plot").needs == ("load",)


def test_relative_paths_are_meant_from_here(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    w = workflow("here")
    w.notebook("a.ipynb")
    assert w.build().directory == str(tmp_path)


def test_what_is_wrong_is_told_where_it_is_written() -> None:
    w = workflow("wrong", directory="/data")
    with pytest.raises(InvalidFields, match=r"steps\.a\.timeout: not a length of time"):
        w.notebook("a.ipynb", timeout="soon")
    with pytest.raises(InvalidRequest, match="list of words"):
        w.command("a", "echo a")
    with pytest.raises(InvalidRequest, match="can't be the name of a step"):
        w.command("!", ["echo"])
    with pytest.raises(InvalidFields, match=r"backend\.minimum is too small"):
        backend("dask", minimum=-1)
    elsewhere = workflow("other", directory="/data").notebook("b.ipynb")
    with pytest.raises(InvalidRequest, match="step of another workflow"):
        w.notebook("a.ipynb") >> elsewhere
    with pytest.raises(InvalidRequest, match="'load' is not a step"):
        w.command("b", ["true"], after=["load"])  # type: ignore[list-item]  # on purpose


def test_the_end_of_the_block_tells_all_that_does_not_fit() -> None:
    w = workflow("wrong", directory="/data")
    a, b = w.command("a", ["true"]), w.command("b", ["true"], backend="large")
    a >> b >> a
    with pytest.raises(InvalidFields) as caught, w:
        pass
    told = " ".join(error.message for error in caught.value.errors)
    assert "a → b → a is a circle" in told or "b → a → b is a circle" in told
    assert "'large', which is not under `backends`" in told


def test_an_error_in_the_block_is_not_covered_by_another_one() -> None:
    with pytest.raises(ZeroDivisionError), workflow("empty", directory="/data"):
        _ = 1 / 0


@pytest.mark.shows("K59")
@pytest.mark.parametrize("module", [building, draft_steps])
def test_examples_in_docstrings_are_right(module: ModuleType) -> None:
    assert doctest.testmod(module).failed == 0
