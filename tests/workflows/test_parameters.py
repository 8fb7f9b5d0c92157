"""The parameters that a notebook has."""

from __future__ import annotations

from typing import Any

import pytest
from nbformat import NotebookNode
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

from alongside_workflows.parameters import Parameter, find, read


def notebook(*cells: str | NotebookNode, tagged: str | None = None) -> NotebookNode:
    """A notebook of code cells, the tagged one first."""
    first = [new_code_cell(tagged, metadata={"tags": ["parameters"]})] if tagged else []
    others = [new_code_cell(cell) if isinstance(cell, str) else cell for cell in cells]
    return new_notebook(cells=[*first, *others])


def only(*cells: str, tagged: str | None = None) -> Parameter:
    [parameter] = read(notebook(*cells, tagged=tagged))
    return parameter


def names(*cells: str, tagged: str | None = None) -> list[str]:
    return [parameter.name for parameter in read(notebook(*cells, tagged=tagged))]


@pytest.mark.shows("T109")
def test_tagged_parameters_come_first_and_then_every_constant_of_any_cell() -> None:
    found = read(
        notebook(
            new_markdown_cell("# n = 1"),
            "threshold = 10000  # grey value\nimage = load(path)",
            new_code_cell("path = 'a.npy'", metadata={"tags": ["parameters"]}),
            "extra: float = 1",
        )
    )
    assert [(p.name, p.type, p.default, p.cell, p.tagged, p.help) for p in found] == [
        ("path", "str", "a.npy", 2, True, ""),
        ("threshold", "int", 10000, 1, False, "grey value"),
        ("extra", "float", 1, 3, False, ""),
    ]


@pytest.mark.parametrize(
    ("code", "type", "nullable", "default"),
    [
        ("x = 1", "int", False, 1),
        ("x = -1_000", "int", False, -1000),
        ("x = 1e3", "float", False, 1000.0),
        ("x = True", "bool", False, True),
        ("x = None", "any", False, None),
        ("x = 'a' \\\n  'b'", "str", False, "ab"),
        ("x = (\n  1,  # one\n  2,\n)", "list", False, [1, 2]),
        ("x = [1, [2.5, None]]", "list", False, [1, [2.5, None]]),
        ("x = {'a': {'b': []}}", "dict", False, {"a": {"b": []}}),
        ("x: int = None", "int", True, None),
        ("x: int | None = 3", "int", True, 3),
        ("x: Optional[float] = 3", "float", True, 3),
        ("x: typing.Optional['int'] = 3", "int", True, 3),
        ("x: Union[int, float] = 3", "float", False, 3),
        ("x: 'list[str]' = []", "list", False, []),
        ("x: Mapping[str, int] = {}", "dict", False, {}),
        ("x: Path = 'a'", "any", False, "a"),
        ("x: Final = 4", "int", False, 4),
        ("x: Annotated[float, 'm/s'] = 4", "float", False, 4),
        ("x = 4  # type: float metres", "float", False, 4),
    ],
)
def test_types_come_from_annotations_and_else_from_defaults(
    code: str, type: str, nullable: bool, default: Any
) -> None:
    for found in (only(code), only(tagged=code)):
        assert (found.type, found.nullable, found.default) == (type, nullable, default)
        assert found.literal
        assert not found.required


def test_choices_are_told() -> None:
    found = only("mode: Literal['fast', 'exact'] = 'fast'")
    assert found.choices == ("fast", "exact")
    assert found.type == "str"
    assert found.fits("exact")
    assert not found.fits("slow")
    assert not only("level: Literal[1, 2] = 1").fits(True)
    assert find(notebook("a: Literal['x'] = None"), ["a"])["a"].fits(None)


def test_help_is_the_comment_at_the_end_of_the_line() -> None:
    assert only("x = [\n  1,\n]  #  how many").help == "how many"
    assert only("x = 1  # type: float # metres").help == "metres"
    assert [p.help for p in read(notebook("a = 1; b = 2  # whose?"))] == ["", ""]


def test_a_tagged_parameter_may_be_computed_or_have_no_value() -> None:
    computed = only(tagged="path = os.environ['HOME']")
    assert (computed.type, computed.literal, computed.required) == ("any", False, False)
    assert computed.source == "os.environ['HOME']"
    for code in ("n: int", "n: int = ..."):
        wanted = only(tagged=code)
        assert (wanted.type, wanted.required) == ("int", True)
    assert names("n: int") == []


@pytest.mark.parametrize("value", ["1e999", "{1: 2}", "{1, 2}", "b'a'", "2j", "f'{a}'", "..."])
def test_what_json_does_not_have_is_no_default(value: str) -> None:
    assert names(f"x = {value}") == []
    found = only(tagged=f"x = {value}")
    assert found.default is None
    assert not found.literal


@pytest.mark.parametrize(
    "code",
    [
        "total = 0\ntotal += 1",
        "total = 0\nfor total in range(3): pass",
        "total = None\nfor x in y:\n    total = best(x)",
        "total = None\nwith open('a') as total: pass",
        "if quick:\n    total = 1",
        "def f():\n    total = 1",
        "class A:\n    total = 1",
        "total = other + 1",
        "total = total + 1",
        "a.total = 1; a['total'] = 1",
        "f(total=1)",
        "%%bash\ntotal=1",
        "%%writefile a.py\ntotal = 1",
        "print 'old'\ntotal = 1",
        "total = 1 +",
    ],
)
def test_working_variables_are_not_offered(code: str) -> None:
    assert names(code) == []


def test_a_variable_that_goes_on_counting_from_its_default_is_offered() -> None:
    assert names("n = 1", "n = n * 2") == ["n"]
    assert only("n = 1", "if quick:\n    n = 2.5").type == "float"
    assert only("n = 1", "n = 'a'").type == "any"


def test_ipythons_syntax_does_not_hide_the_rest_of_a_cell() -> None:
    code = (
        "%matplotlib inline\n!pip install \\\n  dask\nfiles = !ls\nnow = %time\nhelp?\nlen??\n"
        "if True:\n    !ls {a}\n    %cd ..\nn = 5  # how many\ntext = '''\n%no magic\n!none\n'''"
    )
    assert names(code) == ["n", "text"]
    assert names("%%time\nn = 5") == ["n"]
    assert names("\n%%capture out\nn = 5") == ["n"]
    assert names("%%time?\nn = 5") == ["n"]
    assert names("%%time") == []


def test_cells_that_cant_be_read_are_passed_over() -> None:
    assert names("n = 1", "print 'two'", "\x0cm = 1", "x = '\ud800'", "k = 2") == ["n", "k"]


@pytest.mark.parametrize(
    "deep",
    ["[" * 5000 + "]" * 5000, "-" * 100_000 + "1", "+".join(["1"] * 50_000), "a" + ".b" * 50_000],
)
def test_a_cell_that_is_nested_too_deeply_ends_no_process(deep: str) -> None:
    assert names(f"x = {deep}", "k = 2") == ["k"]


def test_what_papermill_has_injected_holds() -> None:
    cells = [
        new_code_cell("n: int = 1  # how many", metadata={"tags": ["parameters"]}),
        new_code_cell("n = 7", metadata={"tags": ["injected-parameters"]}),
    ]
    [found] = read(notebook(*cells))
    assert (found.default, found.type, found.help, found.cell) == (7, "int", "how many", 0)


def test_notebooks_of_other_languages_have_none() -> None:
    other = notebook("n <- 1\nm = 2")
    other.metadata.kernelspec = {"name": "ir", "language": "R", "display_name": "R"}
    assert read(other) == []
    assert find(other, ["m"]) == {}
    bare = notebook("m = 2")
    bare.metadata.kernelspec = {"name": "python3", "display_name": "Python 3"}
    assert [p.name for p in read(bare)] == ["m"]


def test_any_variable_can_be_found_offered_or_not() -> None:
    code = notebook("def f():\n    inner = 1", "total = 0\ntotal += 1", "data = load()")
    found = find(code, ["inner", "total", "data", "none"])
    assert {name: p.type for name, p in found.items()} == {
        "inner": "int",
        "total": "int",
        "data": "any",
    }


def test_text_becomes_what_the_parameter_takes() -> None:
    parameter = {p.name: p for p in read(notebook("a = 1; b = 1.5; c = True; d = 'x'; e = None"))}
    assert parameter["a"].from_text(" 10 ") == 10
    assert parameter["a"].from_text("1.5") == "1.5"
    assert parameter["b"].from_text("2") == 2
    assert parameter["c"].from_text("False") is False
    assert parameter["c"].from_text("true") is True
    assert parameter["d"].from_text("10") == "10"
    assert parameter["e"].from_text("10") == "10"
    assert only("x = [1]").from_text("[1, 2]") == [1, 2]
    assert only("x = [1]").from_text("[" * 100_000) == "[" * 100_000


def test_it_can_be_sent_as_json() -> None:
    [found] = read(notebook(tagged="n: int | None = 2**70  # big"))
    again = Parameter.model_validate_json(found.model_dump_json())
    assert again == found
    assert not again.literal
    assert only(f"n = {2**70}").default == 2**70
