"""Which backend is meant where none is named."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from alongside.errors import NotFound
from alongside.matching import session_backend
from alongside.models import Backend, Status
from alongside.phases import Phase
from alongside.testing import make_spec


def backend(kind: str, name: str, minutes: int = 0, **changes: Any) -> Backend:
    phase = changes.pop("phase", Phase.RUNNING)
    spec = make_spec(kind, name=name, session="", **changes)
    spec = spec.model_copy(update={"created": spec.created + timedelta(minutes=minutes)})
    return Backend.of(spec, Status(phase=phase))


def meant(*backends: Backend, kind: str | None = None) -> str:
    owner = backends[0].owner if backends else "ada"
    return session_backend(backends, kind, "", owner).name


@pytest.mark.shows("K4")
def test_without_a_kind_any_will_do_and_dask_goes_first() -> None:
    """Somebody whose session has an Arkouda group alone doesn't have to say so."""
    group, cluster = backend("arkouda", "arkouda", -5), backend("dask", "etl")
    assert meant(group) == "arkouda"
    assert meant(group, cluster) == "etl"
    assert meant(group, cluster, kind="arkouda") == "arkouda"


def test_the_one_called_like_its_kind_goes_before_older_ones_and_live_before_failed() -> None:
    old, own = backend("dask", "old", -5), backend("dask", "dask")
    lost = backend("dask", "lost", -9, phase=Phase.FAILED)
    assert meant(lost, old, own) == "dask"
    assert meant(lost, old) == "old"
    assert meant(lost) == "lost"


@pytest.mark.parametrize(
    ("kind", "sentence"),
    [(None, "no backend"), ("dask", "no Dask cluster"), ("arkouda", "no Arkouda locale group")],
)
def test_none_is_a_sentence(kind: str | None, sentence: str) -> None:
    with pytest.raises(NotFound, match=sentence) as error:
        meant(kind=kind)
    assert f'launch("{kind or "dask"}")' in str(error.value.remedy)
