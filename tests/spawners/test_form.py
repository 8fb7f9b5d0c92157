"""The spawn form: what it shows, and what comes back of it."""

from __future__ import annotations

from html.parser import HTMLParser
from typing import Any

import pytest

from alongside.errors import Unavailable
from alongside.kinds import get_kind
from alongside_spawners.form import choice_from_form, render_form, render_without_service
from alongside_spawners.form.view import FormView

GIB = 2**30


def offers(**profiles: Any) -> dict[str, Any]:
    """What the service would answer for these profiles."""
    dask = get_kind("dask")
    kinds = {
        "dask": {
            "title": dask.title,
            "description": dask.description,
            "member": dask.member,
            "schema": dask.Options.model_json_schema(),
            "lifetime": {"idle": "30 min", "maximum": "8 h"},
            "required": False,
        }
    }
    small = {
        "title": "Small",
        "description": "",
        "platform": "local",
        "session": {"cores": 2, "memory": "4 GiB"},
        "default": "dask",
        "backends": kinds,
    }
    listed = [
        {"name": name, **small, **given} for name, given in (profiles or {"small": {}}).items()
    ]
    nothing = dict.fromkeys(("backends", "workers", "cores", "memory", "gpus"), 0)
    me = {
        "limits": {"backends": 4, "workers": None, "cores": 32, "memory": "96 GiB", "gpus": None},
        "used": nothing | {"cores": 8},
        "capacity": {
            "local": {
                "total": nothing | {"cores": 64, "memory": 256 * GIB},
                "free": nothing | {"cores": 60, "memory": 200 * GIB},
            }
        },
    }
    return {"catalogue": {"profiles": listed, "problem": ""}, "me": me}


class Page(HTMLParser):
    """The controls of a page as a browser without scripts would send them."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.sent: dict[str, list[str]] = {}
        self.ids: list[str] = []
        self.labelled: set[str] = set()
        self.controls: list[dict[str, str | None]] = []
        self._select = ""
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        if given.get("id"):
            self.ids.append(str(given["id"]))
        if tag == "label" and given.get("for"):
            self.labelled.add(str(given["for"]))
        if tag in {"input", "select"} and given.get("type") != "hidden":
            self.controls.append(given)
        if tag == "select":
            self._select = str(given["name"])
            self.sent[self._select] = [""]
        if tag == "option" and "selected" in given:
            self.sent[self._select] = [str(given.get("value") or "")]
        if tag == "input" and given.get("name"):
            chosen = given.get("type") not in {"radio", "checkbox"} or "checked" in given
            if chosen:
                self.sent.setdefault(str(given["name"]), []).append(str(given.get("value") or ""))


@pytest.mark.shows("T21")
def test_sending_the_form_untouched_asks_for_the_defaults() -> None:
    page = Page(render_form(offers(), None))
    assert choice_from_form(page.sent) == {
        "profile": "small",
        "backend": {"kind": "dask", "options": {"workers": 2, "cores": 1, "memory": "1 GiB"}},
    }


def options_shown(given: dict[str, Any]) -> set[str]:
    """The options of the backend that have an input."""
    page = Page(render_form(given, None))
    asked = choice_from_form(page.sent)["backend"]["options"]
    return set(asked)


def test_gpus_are_asked_for_only_where_there_are_some() -> None:
    given = offers()
    assert "gpus" not in options_shown(given)
    given["me"]["capacity"]["local"]["total"]["gpus"] = 4
    assert "gpus" in options_shown(given)
    given["me"]["limits"]["gpus"] = 0
    assert "gpus" not in options_shown(given)


def test_what_a_form_cant_ask_has_no_input() -> None:
    given = offers()
    properties = given["catalogue"]["profiles"][0]["backends"]["dask"]["schema"]["properties"]
    assert properties["groups"]["format"] == "hidden"
    assert options_shown(given) == {"workers", "cores", "memory"}


@pytest.mark.parametrize(
    "choice",
    [
        {"profile": "other", "backend": None},
        {
            "profile": "other",
            "backend": {
                "kind": "dask",
                "name": "étude",
                "keep": True,
                "lifetime": {"idle": "10 min"},
                "options": {"workers": 7, "cores": 2, "memory": "3 GiB"},
            },
        },
        {
            "profile": "small",
            "backend": {
                "kind": "dask",
                "options": {
                    "cores": 1,
                    "memory": "1 GiB",
                    "adaptive": {"minimum": 1, "maximum": 9},
                },
            },
        },
    ],
)
@pytest.mark.shows("K15")
def test_the_last_choice_is_filled_in_and_comes_back_as_it_was(choice: dict[str, Any]) -> None:
    html = render_form(offers(small={}, other={}), choice)
    assert choice_from_form(Page(html).sent) == choice
    assert "Your last choice is filled in" in html


@pytest.mark.shows("T36", "T37")
def test_an_image_is_chosen_from_those_that_the_profile_names() -> None:
    """From a list, or written where there is a pattern; untouched, it is the profile's own."""
    listed = ["registry.example.org/r:1", "registry.example.org/julia:1"]
    course = {"images": ["registry.example.org/course/*"], "default": None}
    given = offers(small={"images": listed, "default": None}, course=course, plain={})

    def sent(last: Any) -> dict[str, list[str]]:
        return Page(render_form(given, last)).sent

    assert "image" not in choice_from_form(sent(None))
    assert "image:plain" not in sent(None)
    html = render_form(given, None)
    assert all(f'<option value="{name}">{name}</option>' in html for name in listed)
    for profile, image in (("small", listed[1]), ("course", "registry.example.org/course/a:1")):
        choice = {"profile": profile, "image": image, "backend": None}
        assert choice_from_form(sent(choice)) == choice
    gone = {"profile": "small", "image": "registry.example.org/gone:1", "backend": None}
    assert "image" not in choice_from_form(sent(gone))


@pytest.mark.parametrize(
    "last",
    [
        None,
        [],
        "text",
        {"profile": ["small"]},
        {"profile": "gone", "backend": {"kind": "dask"}},
        {"backend": {"kind": ["dask"]}},
        {"backend": {"kind": "arkouda"}},
        {"profile": "small", "image": 3},
        {"profile": "small", "backend": {"kind": "dask", "options": 3}},
        {"profile": "small", "backend": {"kind": "dask", "options": {"workers": {"a": 1}}}},
        {"profile": "small", "backend": {"kind": "dask", "options": {"workers": 10**40}}},
        {"profile": "small", "backend": {"kind": "dask", "options": {"memory": "-1 ¼"}}},
        {"profile": "small", "backend": {"kind": "dask", "name": 3, "lifetime": 3, "keep": "x"}},
    ],
)
def test_whatever_was_chosen_before_the_form_can_be_shown(last: Any) -> None:
    page = Page(render_form(offers(), last))
    assert choice_from_form(page.sent)["profile"] == "small"


@pytest.mark.shows("T21")
def test_every_control_has_a_label_and_every_id_is_there_once() -> None:
    page = Page(render_form(offers(small={}, **{"Ünï <i>'\"": {}}), None))
    assert len(page.ids) == len(set(page.ids))
    unlabelled = [
        control
        for control in page.controls
        if control.get("id") not in page.labelled
        and control.get("aria-hidden") != "true"  # sliders: the number beside them is labelled
        and not str(control.get("name", "")).endswith("@mode")  # inside their labels
    ]
    assert unlabelled == []


def test_names_are_shown_and_are_never_markup() -> None:
    hostile = "<script>alert(1)</script>\"'"
    html = render_form(offers(**{hostile: {"title": hostile, "description": hostile}}), None)
    assert "<script>alert" not in html
    assert choice_from_form(Page(html).sent)["profile"] == hostile


@pytest.mark.shows("T40")
def test_without_a_service_the_form_says_so_and_offers_the_session_alone() -> None:
    html = render_without_service(Unavailable("The service is <away>.", "Wait."))
    assert "The service is &lt;away&gt;." in html
    assert choice_from_form(Page(html).sent) == {"backend": None}


def test_nobody_is_offered_nothing_without_a_word() -> None:
    nothing = offers()
    nothing["catalogue"]["profiles"] = []
    assert "Ask an administrator" in render_form(nothing, None)


def test_nothing_on_the_page_comes_from_elsewhere() -> None:
    html = render_form(offers(), None)
    assert "http://" not in html
    assert "https://" not in html
    assert "src=" not in html


def test_what_is_typed_wrongly_reaches_the_service_as_it_was_typed() -> None:
    sent: dict[str, list[Any]] = {
        "profile": ["small"],
        "kind": ["dask"],
        "number:small:dask:workers": ["many"],
        "number:small:dask:cores": [""],
        "number:other:dask:cores": ["3"],
        "unknown": ["3"],
        "profile_file": [{"body": b""}],
    }
    assert choice_from_form(sent)["backend"]["options"] == {"workers": "many", "cores": ""}


def test_a_form_that_says_nothing_asks_for_nothing() -> None:
    assert choice_from_form({}) == {}
    assert choice_from_form({"profile": []}) == {}


@pytest.mark.shows("T32")
@pytest.mark.parametrize(
    ("lifetime", "sentence"),
    [
        (
            {"idle": "2 h", "maximum": "5 d"},
            "Session ends after 2 h without use, at the latest after 5 d.",
        ),
        ({"idle": "20 min", "maximum": None}, "Session ends after 20 min without use."),
        ({"maximum": "8 h"}, "Session ends after 8 h."),
        ({"idle": None, "maximum": None}, ""),
        (None, ""),
    ],
)
def test_it_says_when_the_session_ends(lifetime: Any, sentence: str) -> None:
    view = FormView.of(offers(small={"session": {"lifetime": lifetime}}), None)
    assert view.data["profiles"]["small"]["session"]["ends"] == sentence
