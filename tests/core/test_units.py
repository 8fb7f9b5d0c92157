"""Amounts of memory and spans of time."""

from __future__ import annotations

import math
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter

from alongside.units import (
    Duration,
    format_duration,
    format_memory,
    parse_duration,
    parse_memory,
)


@pytest.mark.parametrize(
    ("text", "size"),
    [
        ("1 GiB", 2**30),
        ("1GiB", 2**30),
        ("512 MiB", 2**29),
        ("1.5 GiB", 3 * 2**29),
        ("100 MB", 10**8),
        ("4 G", 2**32),
        ("4Gi", 2**32),
        ("16 b", 16),
        (2**30, 2**30),
        (1024.0, 1024),
    ],
)
def test_memory_is_read_as_people_write_it(text: object, size: int) -> None:
    assert parse_memory(text) == size


@pytest.mark.parametrize(
    "text",
    [
        *("", "-1 GiB", "0", "4", "0 GiB", "1 parsec", "NaN", "1e999 GiB", "9" * 30 + " GiB"),
        *("1 GiB; x", "٣ GiB", " " * 100),
        *(0, -5, 1.5, True, None, [], math.nan, math.inf),
    ],
)
def test_what_is_no_amount_of_memory_is_refused_with_an_example(text: object) -> None:
    with pytest.raises(ValueError, match=r"write an amount with a unit"):
        parse_memory(text)


@given(st.integers(1, 2**60))
def test_memory_survives_being_written_and_read_closely(size: int) -> None:
    assert parse_memory(format_memory(size)) == pytest.approx(size, rel=0.005)


@pytest.mark.parametrize(
    ("text", "span"),
    [
        ("30 min", timedelta(minutes=30)),
        ("8 h", timedelta(hours=8)),
        ("1 h 30 min", timedelta(minutes=90)),
        ("2 days", timedelta(days=2)),
        (90, timedelta(seconds=90)),
    ],
)
def test_durations_are_read_as_people_write_them(text: object, span: timedelta) -> None:
    assert parse_duration(text) == span


@pytest.mark.parametrize(
    "text",
    ["", "30", "-1 h", "0 s", 0, -1, True, None, {}, "NaN", math.nan, math.inf, "1000 d", "soon"],
)
def test_what_is_no_duration_is_refused_with_an_example(text: object) -> None:
    with pytest.raises(ValueError, match='for example "30 min"'):
        parse_duration(text)


@given(st.integers(1, 366 * 86400))
def test_durations_survive_being_written_and_read(seconds: int) -> None:
    span = timedelta(seconds=seconds)
    assert parse_duration(format_duration(span)) == span


@given(st.one_of(st.text(), st.integers(), st.floats(), st.booleans(), st.none(), st.binary()))
def test_nothing_but_a_value_error_comes_of_anything(value: object) -> None:
    for parse in (parse_memory, parse_duration):
        try:
            parse(value)
        except ValueError:
            continue


@pytest.mark.parametrize("seconds", [0.000001, 0.1, 1.5, 3600.25, 5400, 366 * 86400])
def test_a_duration_in_json_reads_as_the_same_span(seconds: float) -> None:
    adapter = TypeAdapter(Duration)
    span = timedelta(seconds=seconds)
    assert adapter.validate_json(adapter.dump_json(span)) == span
