"""What is written down and said, across versions of ours."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from alongside.models import Backend, Lifetime, Spec, Status, now
from alongside.testing.waiting import make_spec


def test_an_older_version_reads_a_newer_ones_records_and_answers() -> None:
    """While two replicas differ, after a rollback, and in a session with an older image."""
    known = make_spec("dask")
    later = {"that": "a later version knows"}
    assert Spec.model_validate(known.model_dump(mode="json") | later) == known
    status = Status(ready=1)
    assert Status.model_validate(status.model_dump(mode="json") | later) == status
    told = Backend.of(known, status).model_dump(mode="json")
    assert Backend.model_validate(told | later).id == known.id


def test_what_people_write_may_have_no_unknown_key() -> None:
    """A typing error is told, not passed over."""
    with pytest.raises(ValidationError):
        Lifetime.model_validate({"idel": "30 min"})


def test_a_record_of_before_is_read() -> None:
    """Without the fields that came later."""
    old = make_spec("dask").model_dump(mode="json", exclude={"needed", "claimed", "pod"})
    assert Spec.model_validate(old).created <= now()
