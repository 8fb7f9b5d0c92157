"""The spawn form with Arkouda beside Dask: chosen like it, or shown with why it can't be."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

from alongside.kinds import get_kind
from alongside.kinds.base import Kind, Obstacle
from alongside_spawners.form import choice_from_form, render_form
from alongside_spawners.form.view import FormView
from tests.doubles.memory_platform import MemoryPlatform
from tests.service.conftest import running
from tests.spawners.test_form import Page, offers

MISSING = {
    "detail": "No Arkouda server is installed on this machine.",
    "remedy": "Ask an administrator to set ALONGSIDE_ARKOUDA_SERVER.",
}


def both(**over: Any) -> dict[str, Any]:
    """A profile that has Dask and Arkouda; `over` changes Arkouda's offer."""
    given = offers()
    catalogue = given["catalogue"]
    arkouda = get_kind("arkouda")
    catalogue["profiles"][0]["backends"]["arkouda"] = {
        "title": arkouda.title,
        "description": arkouda.description,
        "member": arkouda.member,
        "schema": arkouda.Options.model_json_schema(),
        "lifetime": {"idle": "2 h", "maximum": "12 h"},
        "required": False,
        "unavailable": None,
    } | over
    catalogue["kinds"] = {
        kind: {"title": o["title"], "member": o["member"], "scaling": "live"}
        for kind, o in catalogue["profiles"][0]["backends"].items()
    }
    return given


def sent(html: str, **chosen: str) -> dict[str, Any]:
    """What comes of the form when these controls have these values."""
    controls = Page(html).sent | {name: [value] for name, value in chosen.items()}
    return choice_from_form(controls)


@pytest.mark.shows("K2")
def test_one_of_both_kinds_is_chosen_and_sized() -> None:
    html = render_form(both(), None)
    assert sent(html)["backend"]["kind"] == "dask"
    size = {"number:small:arkouda:locales": "3", "text:small:arkouda:memory": "8 GiB"}
    assert sent(html, kind="arkouda", **size)["backend"] == {
        "kind": "arkouda",
        "options": {"locales": 3, "cores": 1, "memory": "8 GiB", "rows": 0},
    }


@pytest.mark.shows("K2", "K29")
def test_there_is_one_size_and_it_says_what_it_counts() -> None:
    [size] = [size for size in FormView.of(both(), None).sizes if size.kind == "arkouda"]
    assert [field.path for field in size.fields] == ["locales", "cores", "memory", "rows"]
    locales, cores, memory, rows = size.fields
    assert "the server's own included" in locales.hint
    assert (size.counts, size.groups) == ("locales", ())
    assert rows.needs is not None
    assert rows.needs["of"] == "memory"
    # what has a quota or a machine for its end has a slider; rows have neither
    assert [field.slider is not None for field in (locales, cores, memory, rows)] == [
        *(True, True, True),
        False,
    ]


@pytest.mark.shows("K15")
def test_the_last_locale_group_is_filled_in() -> None:
    options = {"locales": 5, "cores": 2, "memory": "3 GiB", "rows": 10**9}
    choice = {"profile": "small", "backend": {"kind": "arkouda", "options": options}}
    assert choice_from_form(Page(render_form(both(), choice)).sent) == choice


def test_the_quota_of_members_is_called_by_all_kinds_words() -> None:
    assert FormView.of(both(), None).data["members"] == "Workers and locales"
    assert FormView.of(offers(), None).data["members"] == "Members"  # an older service


@pytest.mark.shows("K2")
@pytest.mark.parametrize("last", [None, {"profile": "small", "backend": {"kind": "arkouda"}}])
def test_a_kind_that_cant_run_here_is_shown_with_why_and_cant_be_chosen(last: Any) -> None:
    given = both(unavailable=MISSING)
    html = render_form(given, last)
    [card] = [c for c in FormView.of(given, last).kinds if c.value == "arkouda"]
    assert card.why == f"{MISSING['detail']} {MISSING['remedy']}"
    [control] = [c for c in Page(html).controls if c.get("value") == "arkouda"]
    assert "disabled" in control
    assert "checked" not in control
    assert card.why in html
    assert sent(html)["backend"]["kind"] == "dask"


def test_a_default_that_cant_run_here_leaves_the_session_alone() -> None:
    given = both(unavailable=MISSING)
    given["catalogue"]["profiles"][0]["default"] = "arkouda"
    assert sent(render_form(given, None)) == {"profile": "small", "backend": None}


def test_what_only_some_profiles_can_run_may_be_chosen_there() -> None:
    given = both(unavailable=MISSING)
    elsewhere = json.loads(json.dumps(both()["catalogue"]["profiles"][0]))
    given["catalogue"]["profiles"].append(elsewhere | {"name": "cluster"})
    view = FormView.of(given, None)
    [card] = [c for c in view.kinds if c.value == "arkouda"]
    assert card.why == ""  # the script says it for the one that can't
    assert view.data["profiles"]["small"]["unavailable"].keys() == {"arkouda"}
    assert view.data["profiles"]["cluster"]["unavailable"] == {}
    assert [(s.profile, s.kind) for s in view.sizes] == [
        ("small", "dask"),
        ("cluster", "dask"),
        ("cluster", "arkouda"),
    ]


def test_every_control_of_both_kinds_has_a_label_of_its_own() -> None:
    page = Page(render_form(both(), None))
    assert len(page.ids) == len(set(page.ids))
    named = [c for c in page.controls if str(c.get("name", "")).startswith("number:small:arkouda")]
    assert [c["id"] in page.labelled for c in named] == [True, True, True]
    assert not re.search(r"[Ww]orker", _part(page, render_form(both(), None)))


def _part(page: Page, html: str) -> str:
    """The markup of the locale group's size."""
    start = html.index('data-kind="arkouda"')
    return html[start : html.index("</fieldset>", start)]


CATALOGUE = """
profiles:
  both:
    title: Both
    default: dask
    backends:
      dask: {}
      arkouda: {options: {locales: {maximum: 64}}}
"""


class Bare(MemoryPlatform):
    """A platform that lacks what Arkouda needs."""

    def obstacle(self, kind: Kind) -> Obstacle | None:
        lacks = kind.name == "arkouda"
        return Obstacle("ServerMissing", *MISSING.values()) if lacks else None


@pytest.fixture
def catalogue(tmp_path: Path) -> Path:
    path = tmp_path / "catalogue.yaml"
    path.write_text(CATALOGUE)
    return path


def wish(**options: Any) -> dict[str, Any]:
    return {"profile": "both", "backend": {"kind": "arkouda", "options": options}}


@pytest.mark.shows("K2", "K15")
async def test_the_service_says_what_a_platform_lacks_and_refuses_it(catalogue: Path) -> None:
    async with running(catalogue, Bare()) as run:
        ada = run.user("ada")
        offered = (await ada.get("catalogue")).json()
        [profile] = offered["profiles"]
        lacks = {kind: offer["unavailable"] for kind, offer in profile["backends"].items()}
        assert lacks == {"dask": None, "arkouda": MISSING}
        refused = await ada.post("spawn-options", json=wish(locales=2))
        assert refused.status_code == 503
        assert refused.json()["detail"] == MISSING["detail"]
        assert refused.json()["remedy"] == MISSING["remedy"]
        launched = await ada.post("backends", json={"kind": "arkouda", "profile": "both"})
        assert (launched.status_code, launched.json()["detail"]) == (503, MISSING["detail"])


@pytest.mark.shows("K2")
async def test_the_service_advises_on_the_number_of_locales(catalogue: Path) -> None:
    async with running(catalogue) as run:
        ada = run.user("ada")
        offered = (await ada.get("catalogue")).json()
        assert offered["kinds"]["arkouda"]["member"] == "locale"
        assert offered["kinds"]["arkouda"]["scaling"] == "relaunch"
        said = await ada.post("spawn-options", json=wish(locales=2, memory="8 GiB", rows=10**9))
        assert "choose at least 6 locales of 8 GiB" in said.json()["advice"]
        said = await ada.post("spawn-options", json=wish(locales=2))
        assert said.json()["advice"] == ""
