"""Setting parameters: the values arrive exactly, and nothing else of the notebook changes."""

from __future__ import annotations

import math
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from nbformat import NotebookNode
from nbformat.v4 import new_code_cell

from alongside.errors import InvalidRequest
from alongside_workflows.literals import literal
from alongside_workflows.rewriting import InvalidParameters, apply
from tests.workflows.test_parameters import notebook

NUMBERS = st.integers() | st.floats(allow_nan=False, allow_infinity=False)
TEXT = st.text(st.characters(), max_size=30) | st.sampled_from(
    [
        "$HOME `ls` ${x}",
        "'\"\\\n\r\t\0",
        "'''\"\"\"",
        "{n} %s \\N{DASH}",
        "ÆØÅ 你好 🎉\u2028",
        "\ud800",
    ]
)
VALUES = st.recursive(
    st.none() | st.booleans() | NUMBERS | TEXT,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXT, inner, max_size=4),
    max_leaves=12,
)
quickly = settings(max_examples=150, deadline=None, database=None)


def rewritten(code: str, optional: tuple[str, ...] = (), **values: Any) -> str:
    source = apply(notebook(code), values, optional).cells[0].source
    assert isinstance(source, str)
    return source


def executed(code: str, **variables: Any) -> dict[str, Any]:
    space: dict[str, Any] = {"quick": True, "f": lambda: (8, 9), **variables}
    exec(code, space)
    return space


def same(a: Any, b: Any) -> bool:
    """Equal, of the same types, in the same order; -0.0 is not 0.0."""
    if isinstance(a, dict) and isinstance(b, dict):
        return list(a) == list(b) and all(same(a[key], b[key]) for key in a)
    if isinstance(a, list) and isinstance(b, list):
        return len(a) == len(b) and all(map(same, a, b))
    if isinstance(a, float):
        return type(a) is type(b) and a == b and math.copysign(1, a) == math.copysign(1, b)
    return type(a) is type(b) and a == b


PLACES = [
    # what is before the value, the value, what is after it
    ("x = ", "None", ""),
    ("# x = 1\nx=", "None", "# x = 2\ny = 'x = 3'\n"),
    (
        "if quick:\n    if quick:\n\tx  =  ".replace("\t", " " * 8),
        "None",
        "  # why\n\n\nz = [1,\n 2]",
    ),
    ("import os; x = ", "None", "; y = 2;"),
    ("x: 'any'  =  ", "{\n  'a': 1,  # one\n\n}", "  # many\r\ny = 2\r\n"),
    ("x = \\\n  ", "None", "\n"),
    ("x = (  # why\n    ", "None", "  # here\n)  # so\n"),
    ("x = ", '"""\nx = 1\n"""', "\n'''\nx = 2\n'''\n"),
    ("if quick: x = ", "None", "\nelse: pass  # no"),
    ("try:\n  x = ", "None", "\nfinally:\n  pass"),
    ("a = b = 1\nx = ", "[i for i in range(3)]", "\nassert b"),
]


@quickly
@given(value=VALUES, place=st.sampled_from(PLACES))
@pytest.mark.shows("T109")
def test_only_the_value_changes_and_it_arrives_exactly(
    value: Any, place: tuple[str, str, str]
) -> None:
    before, old, after = place
    untyped = old if not old.startswith(("{", '"')) else f"dict({old})"
    code = rewritten(before + untyped + after, x=value)
    assert code.startswith(before)
    assert code.endswith(after)
    assert "\n" not in code[len(before) : len(code) - len(after)]
    assert same(executed(code)["x"], value)


@quickly
@given(value=VALUES)
def test_a_value_arrives_where_ipythons_syntax_is_around_it(value: Any) -> None:
    before = (
        "%load_ext dask\n!pip install \\\n   a\nfiles = !ls | sort\nif quick:\n    %cd x\n    x = "
    )
    after = "  # %no\n    len?\n!echo {x} 'a\n??"
    code = rewritten(f"{before}None{after}", x=value)
    assert code.startswith(before)
    assert code.endswith(after)
    assert same(executed(f"x = {code[len(before) : len(code) - len(after)]}")["x"], value)


@quickly
@given(
    statements=st.lists(
        st.tuples(
            st.sampled_from(["a", "b", "c", "ø", "x1"]),
            st.sampled_from(
                ["{} = {}", "{}: int = {}", "if quick:\n    {} = {}", "{} = (\n {}\n)"]
            ),
            st.sampled_from(["", "  # comment", " # ' \""]),
        ),
        min_size=1,
    ),
    new=st.dictionaries(st.sampled_from(["a", "b", "c", "ø", "x1"]), st.integers()),
)
def test_other_variables_keep_their_values(
    statements: list[tuple[str, str, str]], new: dict[str, int]
) -> None:
    lines = [form.format(name, 5) + end for name, form, end in statements]
    present = {name for name, _, _ in statements}
    code = rewritten("\n".join(lines), tuple(new), **new)
    space = executed(code)
    assert {name: space[name] for name in present} == {name: new.get(name, 5) for name in present}
    for name, form, end in statements:
        assert form.format(name, new.get(name, 5)) + end in code


@pytest.mark.shows("T109")
def test_variables_in_three_cells_indented_annotated_multi_line_commented() -> None:
    before = notebook(
        "import numpy as np  # numbers\n\nn_samples: int = 10_000   # enough\n",
        "%matplotlib inline\nif True:\n    threshold = (\n        0.8  # lower\n    )\n\tname = 1"[
            :-9
        ],
        "labels = {\n    'a': [1, 2],  # first\n}\ntitle = '''\nn_samples = 3\n'''; keep = 1\n",
        new_code_cell("tagged = 'x'  # as papermill has it", metadata={"tags": ["parameters"]}),
    )
    values: dict[str, Any] = {"n_samples": 5, "threshold": 0.5, "labels": {"b": []}, "tagged": "y"}
    after = apply(before, values)
    assert [cell.source for cell in after.cells] == [
        "import numpy as np  # numbers\n\nn_samples: int = 5   # enough\n",
        "%matplotlib inline\nif True:\n    threshold = (\n        0.5  # lower\n    )\n",
        "labels = {'b': []}\ntitle = '''\nn_samples = 3\n'''; keep = 1\n",
        "tagged = 'y'  # as papermill has it",
    ]
    assert before.cells[0].source.startswith("import numpy as np  # numbers\n\nn_samples: int = 10")


@pytest.mark.parametrize(
    ("code", "values", "expected"),
    [
        ("n = 1\nn = 2", {"n": 3}, "n = 3\nn = 3"),
        ("n = 1\nn = n + 1", {"n": 3}, "n = 3\nn = n + 1"),
        ("n = 1\nn += 1", {"n": 3}, "n = 3\nn += 1"),
        ("n = read()", {"n": 3}, "n = 3"),
        ("n = n + 1", {"n": 3}, "n = 3"),
        ("n = 1\nn = a.n + f(n=2)", {"n": 3}, "n = 3\nn = 3"),
        ("n = 1\nn = f(n, 1)[n].a", {"n": 3}, "n = 3\nn = f(n, 1)[n].a"),
        ("n = 1\ndef f():\n    n = 2", {"n": 3}, "n = 3\ndef f():\n    n = 2"),
        ("def f():\n    n = 2", {"n": 3}, "def f():\n    n = 3"),
        ("class A: n = 2", {"n": 3}, "class A: n = 3"),
        (
            "n = 1\ndef f():\n    global n\n    n = 2",
            {"n": 3},
            "n = 3\ndef f():\n    global n\n    n = 3",
        ),
        ("a = b = 1  # c", {"a": 3}, "a = b = 1; a = 3  # c"),
        ("a = b = 1; c = 2", {"a": 3, "b": 4}, "a = b = 1; a = 3; b = 4; c = 2"),
        ("(a, [b, *c]) = f()", {"c": [3]}, "(a, [b, *c]) = f(); c = [3]"),
        ("size = 1, 2", {"size": [3, 4]}, "size = (3, 4)"),
        ("size = (\n  1, 2)", {"size": [[3]]}, "size = ([3],)"),
        ("size = (1, 2)", {"size": []}, "size = ()"),
        ("n = (1)", {"n": -3}, "n = (-3)"),
        ("files = !ls -l", {"files": ["a"]}, "files = ['a']"),
        ("%%time\nn = 1", {"n": 3}, "%%time\nn = 3"),
        ("a = 'masked_0_'\n!ls", {"a": "masked_0_"}, "a = 'masked_0_'\n!ls"),
        ("x: float = 1.5", {"x": 2}, "x: float = 2"),
        ("x: bool | None = True", {"x": None}, "x: bool | None = None"),
    ],
)
def test_which_assignments_are_replaced(code: str, values: dict[str, Any], expected: str) -> None:
    assert rewritten(code, **values) == expected


def test_what_is_assigned_in_the_tagged_cell_is_set_there_only() -> None:
    code = notebook("def f():\n    n = 5", "n = 6", tagged="n = 1\nm: int  # how many")
    after = apply(code, {"n": 2, "m": 4})
    assert [cell.source for cell in after.cells] == [
        "n = 2\nm: int = 4  # how many",
        "def f():\n    n = 5",
        "n = 6",
    ]


def test_optional_ones_are_set_where_the_notebook_has_them() -> None:
    assert rewritten("n = 1", ("n", "m"), n=2, m=3) == "n = 2"
    assert rewritten("def f():\n    n = 1", ("n",), n=2) == "def f():\n    n = 1"
    computed = "n = sum(values)"  # not what the workflow, or a file of that name, means by it
    assert rewritten(computed, ("n",), n=2) == computed
    assert rewritten(computed, n=2) == "n = 2"
    tagged = notebook(tagged="n = min(1, 3)")
    assert apply(tagged, {"n": 2}, ("n",)).cells[0].source == "n = 2"
    with pytest.raises(InvalidParameters, match="n can't be"):
        rewritten("n = 1", ("n",), n="a")


def test_everything_that_is_wrong_is_told_at_once() -> None:
    code = notebook("threshold = 10000\nname = 'a'", "quick = True", tagged="n: int\nm: float")
    values: dict[str, Any] = {"treshold": 1, "threshold": "high", "name": 3, "quick": 1, "n": True}
    with pytest.raises(InvalidRequest) as caught:
        apply(code, values)
    error = caught.value
    assert isinstance(error, InvalidParameters)
    assert [one.field for one in error.errors] == [
        f"parameters.{name}" for name in ("treshold", "threshold", "name", "quick", "n", "m")
    ]
    for sentence in (
        "The notebook has no variable treshold. Did you mean threshold?",
        "threshold can't be the text 'high'. Give a whole number, as in the notebook: 10000.",
        "name can't be 3. Give text",
        "quick can't be 1. Give true or false",
        "n can't be true. Give a whole number.",
        "The notebook has no value for its parameter m.",
    ):
        assert sentence in str(error)
    problem: Any = error.problem()
    assert len(problem["errors"]) == 6


@pytest.mark.parametrize(
    ("code", "value"),
    [
        ("n = 1", True),
        ("n = 1", 1.0),
        ("n = 1", None),
        ("n = 1.5", "1"),
        ("n = True", 0),
        ("n = 'a'", 1),
        ("n = []", {}),
        ("n = {}", []),
        ("n: int = f()", "a"),
        ("n: Literal['a'] = 'a'", "b"),
        ("n = None", math.nan),
        ("n = None", [{"a": math.inf}]),
        ("n = None", {1: 2}),
        ("n = None", {1, 2}),
        ("n = None", b"a"),
    ],
)
def test_a_value_of_the_wrong_type_is_refused(code: str, value: Any) -> None:
    with pytest.raises(InvalidParameters, match=r"\bn\b"):
        rewritten(code, n=value)


def test_big_and_deep_values() -> None:
    for big in (2**70, -(10**6000)):
        assert executed(rewritten("n = 1", n=big))["n"] == big
    deep: Any = []
    for _ in range(50):
        deep = {"a": [deep]} if len(deep) == 0 else [deep]
    assert executed(rewritten("n = ((None))", n=deep))["n"] == deep
    for _ in range(100_000):
        deep = [deep]
    with pytest.raises(InvalidParameters, match="nested"):
        rewritten("n = None", n=deep)
    while deep:  # Python itself can't free as deep a list at once
        deep = deep[0] if isinstance(deep, list) else None


def test_a_cell_that_cant_be_read_is_named_when_the_variable_can_only_be_there() -> None:
    code = notebook("a = 1", "print 'b = 2'\nn = 3")
    assert apply(code, {"a": 2}).cells[0].source == "a = 2"
    with pytest.raises(InvalidParameters, match="n can't be set: code cell 2"):
        apply(code, {"n": 4})
    with pytest.raises(InvalidParameters, match="no variable print"):
        apply(code, {"print": 4})
    with pytest.raises(InvalidParameters, match="no variable n"):
        apply(notebook("%%bash\nn=3"), {"n": 4})


def test_other_languages_are_refused_by_name() -> None:
    other = notebook("val n = 1")
    other.metadata.kernelspec = {"name": "scala", "language": "Scala", "display_name": "Scala"}
    assert apply(other, {"n": 2}, ["n"]).cells[0].source == "val n = 1"
    with pytest.raises(InvalidParameters, match="the notebook's language is scala"):
        apply(other, {"n": 2})


def test_the_given_notebook_stays_as_it_is() -> None:
    code = notebook("n = 1")
    after: NotebookNode = apply(code, {"n": 2})
    after.cells[0].metadata["x"] = 1
    assert code.cells[0].source == "n = 1"
    assert "x" not in code.cells[0].metadata


@quickly
@given(value=VALUES)
def test_literals_are_one_line_of_python(value: Any) -> None:
    text = literal(value)
    assert "\n" not in text
    assert same(eval(text), value)
