"""Addresses: of the service, of dashboards, and what is read from the environment."""

from __future__ import annotations

import doctest
from types import ModuleType

import pytest

from alongside import endpoint, links, versions
from alongside.endpoint import Endpoint, complete
from alongside.errors import InvalidRequest
from alongside.links import dashboard_link

API = "https://hub.example.org/services/alongside/api/v1"


@pytest.mark.parametrize(
    "url",
    [
        "https://hub.example.org",
        "https://hub.example.org/",
        "https://hub.example.org/hub/home",
        "https://hub.example.org/services/alongside/",
        API,
    ],
)
def test_the_address_of_hub_service_or_api_will_do(url: str) -> None:
    assert complete(url) == API


def test_a_hub_below_a_path_keeps_it() -> None:
    assert complete("http://a.example/jupyter/hub/") == (
        "http://a.example/jupyter/services/alongside/api/v1"
    )


@pytest.mark.parametrize(
    "url", ["hub", "ftp://hub", "http://", f"http://a:{'b'}@hub", "http://hub:x"]
)
def test_what_is_no_address_is_refused_with_an_example(url: str) -> None:
    with pytest.raises(InvalidRequest, match=r"https://hub\.example\.org"):
        complete(url)


def test_arguments_win_and_leave_the_session_out() -> None:
    session = {
        "ALONGSIDE_API": "http://127.0.0.1:1/services/alongside/api/v1",
        "JUPYTERHUB_API_TOKEN": "secret",
        "ALONGSIDE_SESSION": "",
        "JUPYTERHUB_USER": "ada",
    }
    inside = Endpoint.find(environ=session)
    assert (inside.session, inside.user) == ("", "ada")
    elsewhere = Endpoint.find("https://hub.example.org", "other", session)
    assert (elsewhere.url, elsewhere.token) == (API, "other")
    assert (elsewhere.session, elsewhere.user) == (None, "")
    assert "secret" not in repr(inside)


@pytest.mark.parametrize("token", ["two words", "line\nbreak", "ü", "x" * 5000])
def test_a_token_that_none_is_never_reaches_a_header(token: str) -> None:
    with pytest.raises(InvalidRequest, match="token"):
        Endpoint.find("http://hub.example.org", token, {})


def test_links_to_dashboards_are_where_browsers_find_the_hub() -> None:
    path = "/services/alongside/backends/etl-1/dashboard/status"
    assert dashboard_link("etl-1", {}) == path
    public = {"JUPYTERHUB_PUBLIC_HUB_URL": "https://hub.example.org/jupyter/hub/"}
    api = {"ALONGSIDE_API": "http://10.0.0.1:8081/jupyter/services/alongside/api/v1"}
    assert dashboard_link("etl-1", api) == f"/jupyter{path}"
    assert dashboard_link("etl-1", public | api) == f"https://hub.example.org/jupyter{path}"


@pytest.mark.parametrize("module", [endpoint, links, versions])
def test_examples_in_docstrings_are_right(module: ModuleType) -> None:
    assert doctest.testmod(module).failed == 0
