"""Names that people choose, and the ids made from them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alongside.errors import InvalidRequest
from alongside.names import backend_id, check_name, is_backend_id


@pytest.mark.parametrize(
    "name", ["etl", "Ünïcode ü", "a/b", "../../etc", "<script>", "日本語", "with space", "x" * 63]
)
def test_any_printable_name_is_kept(name: str) -> None:
    assert check_name(name) == name


@pytest.mark.parametrize(
    "name", ["", "   ", "x" * 64, "x" * 10_000, "a\nb", "a\0b", "\u202eevil", "\ud800"]
)
def test_other_names_are_refused_with_a_remedy(name: str) -> None:
    with pytest.raises(InvalidRequest) as caught:
        check_name(name)
    assert "1 to 63 printable" in caught.value.remedy


def test_composed_and_decomposed_accents_are_one_name() -> None:
    assert check_name("e\u0301tl") == check_name("\u00e9tl")


@given(st.text(), st.none() | st.text(), st.text(), st.text())
def test_every_id_is_a_short_dns_label_and_repeatable(
    owner: str, session: str | None, name: str, nonce: str
) -> None:
    id = backend_id(owner, session, name, nonce)
    assert is_backend_id(id)
    assert len(id) <= 40
    assert id == backend_id(owner, session, name, nonce)


def test_different_requests_never_share_an_id() -> None:
    ids = {
        backend_id(owner, session, name, nonce)
        for owner in ("ada", "bob")
        for session in (None, "", "-", "x")
        for name in ("etl", "etl-")
        for nonce in ("1", "2")
    }
    assert len(ids) == 32


@pytest.mark.parametrize("text", ["../x", "", "A", "x/y", "-x", "x-", "x" * 41, "x\n"])
def test_what_is_no_id_is_seen(text: str) -> None:
    assert not is_backend_id(text)
