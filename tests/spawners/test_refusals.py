"""Refusals read the same on the form, over REST, and on both lines of JupyterHub."""

from __future__ import annotations

import pytest
from tornado import web

from alongside.errors import (
    AlongsideError,
    InvalidFields,
    InvalidRequest,
    NotAllowed,
    StorageFailed,
    Unavailable,
)
from alongside_spawners.refusals import Refusal, status_of
from alongside_spawners.service_client import Service


def test_a_refusal_has_sentence_remedy_and_status() -> None:
    refusal = Refusal(NotAllowed("There is no profile 'x' for you.", "Choose one of: small."))
    assert isinstance(refusal, web.HTTPError)
    assert refusal.status_code == 403
    assert refusal.jupyterhub_message == "There is no profile 'x' for you. Choose one of: small."


def test_every_wrong_field_is_told() -> None:
    wrong = [InvalidRequest("a is bad.", "Mend a.", "a"), InvalidRequest("b is <bad>.", "", "b")]
    refusal = Refusal(InvalidFields(wrong))
    assert refusal.jupyterhub_message == "a is bad. Mend a. b is <bad>."
    assert (
        refusal.jupyterhub_html_message
        == "<ul><li>a is bad. Mend a.</li><li>b is &lt;bad&gt;.</li></ul>"
    )


def test_percent_signs_and_markup_stay_what_they_are() -> None:
    refusal = Refusal(NotAllowed("100 %s of <it>"))
    assert "100 %s of <it>" in str(refusal)
    assert refusal.jupyterhub_html_message == "<strong>100 %s of &lt;it&gt;</strong>"


@pytest.mark.parametrize(
    ("error", "status"),
    [(NotAllowed("x"), 403), (StorageFailed("x"), 507), (Unavailable("x"), 503)],
)
def test_the_status_is_the_error_s_own(error: AlongsideError, status: int) -> None:
    assert status_of(error) == status


def test_the_service_s_token_is_in_no_representation() -> None:
    assert "s3cret" not in repr(Service("http://service.test/api/v1", "s3cret"))
