"""Quotas and capacity."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alongside.errors import CapacityExceeded, QuotaExceeded
from alongside.models import Capacity, Resources
from alongside.quotas import Limits, Quotas, check, check_capacity, total

GIB = 2**30


def test_own_limits_count_before_groups_before_the_default() -> None:
    quotas = Quotas(
        default=Limits(backends=1, cores=4),
        groups={"a": Limits(backends=2), "b": Limits(backends=5, workers=9)},
        users={"ada": Limits(backends=3)},
    )
    assert quotas.limits_for("ada", ["a", "b"]).backends == 3
    assert quotas.limits_for("bob", ["a", "b"]).backends == 5
    assert quotas.limits_for("bob", ["a", "b"]).workers == 9
    assert quotas.limits_for("bob", ["a", "b"]).cores == 4
    assert quotas.limits_for("eve", ["unknown"]).backends == 1


@pytest.mark.shows("K99")
def test_a_refusal_names_limit_use_and_what_is_left() -> None:
    with pytest.raises(QuotaExceeded) as caught:
        check(Resources(memory=3 * GIB), Resources(memory=2 * GIB), Limits(memory=4 * GIB))
    assert caught.value.message == "Your quota is 4 GiB memory; 2 GiB in use, 3 GiB more asked for."
    assert caught.value.remedy == "Ask for at most 2 GiB, or stop a backend first."
    assert caught.value.field == "options.memory"


@pytest.mark.parametrize(
    ("used", "limit", "remedy"),
    [
        (2, 3, "Ask for at most 1, or stop a backend first."),
        (3, 3, "Stop a backend first."),
        (4, 3, "Stop a backend first."),
        (0, 0, "Ask an administrator for some."),
    ],
)
def test_a_remedy_is_something_that_can_be_done(used: int, limit: int, remedy: str) -> None:
    with pytest.raises(QuotaExceeded) as caught:
        check(Resources(gpus=2), Resources(gpus=used), Limits(gpus=limit))
    assert caught.value.remedy == remedy


def test_what_is_not_asked_for_is_not_refused() -> None:
    check(Resources(cores=1), Resources(workers=99), Limits(workers=1))
    check(Resources(backends=10**9), Resources(), Limits())


@given(st.lists(st.integers(0, 10), max_size=8), st.integers(0, 30), st.integers(0, 20))
def test_what_is_admitted_never_exceeds_the_limit(
    before: list[int], asked: int, limit: int
) -> None:
    used = total(Resources(workers=n) for n in before)
    try:
        check(Resources(workers=asked), used, Limits(workers=limit))
    except QuotaExceeded:
        assert used.workers + asked > limit
    else:
        assert not asked or used.workers + asked <= limit


def test_capacity_tells_never_from_not_now() -> None:
    capacity = Capacity(total=Resources(cores=8), free=Resources(cores=2))
    check_capacity(Resources(cores=2), capacity)
    with pytest.raises(CapacityExceeded, match=r"only 2 of 8 are free now.*try again"):
        check_capacity(Resources(cores=4), capacity)
    with pytest.raises(CapacityExceeded, match="only 8 in all"):
        check_capacity(Resources(cores=9), capacity)


def test_unknown_capacity_refuses_nothing_but_gpus_on_a_known_machine() -> None:
    check_capacity(Resources(cores=99, gpus=1), Capacity(total=Resources(), free=Resources()))
    known = Capacity(total=Resources(cores=2), free=Resources(cores=2))
    with pytest.raises(CapacityExceeded):
        check_capacity(Resources(gpus=1), known)
