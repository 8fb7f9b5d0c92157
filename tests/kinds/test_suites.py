"""Dask, and a kind of somebody else's, do what every kind must do."""

from __future__ import annotations

import pytest

from alongside.testing import KindSuite


class TestDask(KindSuite):
    kind = "dask"
    size = "workers"


@pytest.mark.shows("K122")
class TestToy(KindSuite):
    """A kind that is installed from outside, written in a hundred lines."""

    kind = "toy"
    size = "sleepers"
