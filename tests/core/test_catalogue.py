"""What a user may ask for, and what comes of it."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from alongside.catalogue import Catalogue, narrow
from alongside.catalogue_file import parse_catalogue
from alongside.errors import CatalogueError, InvalidRequest, NotAllowed
from alongside.kinds import get_kind
from alongside.models import Pod
from alongside.narrowing import Rule
from alongside.requests import Launch, Requester, UserOptions, parse

TEXT = """\
profiles:
  small:
    title: Small
    default: dask
    backends:
      dask:
        options:
          workers: {default: 2, minimum: 1, maximum: 4}
          cores: 1
          memory: {default: 1 GiB, minimum: 512 MiB, maximum: 2 GiB}
        lifetime: {idle: 30 min, maximum: 8 h}
  plain:
    title: No backend
  course:
    title: Course
    groups: [datf]
    users: [tutor]
    until: 2026-12-31
    backends:
      dask:
        options:
          workers: {maximum: 8}
          adaptive: {default: {minimum: 1, maximum: 3}}
        lifetime: {maximum: 2 h}
"""
CATALOGUE = parse_catalogue(TEXT)
ADA = Requester("ada")
STUDENT = Requester("eve", frozenset({"datf"}))


def resolve(options: dict[str, Any], who: Requester = ADA, **launch: Any) -> Any:
    """The specification that comes of a launch."""
    return CATALOGUE.resolve(who, Launch(kind="dask", options=options, **launch), nonce="n")


@pytest.mark.shows("K1")
def test_a_launch_without_wishes_gets_the_profiles_defaults() -> None:
    spec = resolve({})
    each = {"cores": 1, "memory": "1 GiB", "gpus": 0}
    assert spec.options == {"workers": 2, **each, "adaptive": None, "groups": []}
    assert (spec.profile, spec.name, spec.owner) == ("small", "dask", "ada")
    assert spec.resources.workers == 2
    assert spec.lifetime.maximum == timedelta(hours=8)


@pytest.mark.shows("T40")
@pytest.mark.parametrize(
    ("options", "field", "remedy"),
    [
        ({"workers": 5}, "options.workers", "Choose at most 4."),
        ({"workers": 0}, "options.workers", "Choose at least 1."),
        ({"workers": -1}, "options.workers", "Choose at least 1."),
        ({"workers": "many"}, "options.workers", "Write a whole number."),
        ({"workers": float("nan")}, "options.workers", "Correct the value."),
        ({"workers": 10**30}, "options.workers", "Choose at most 4."),
        ({"cores": 2}, "options.cores", "Choose at most 1."),
        ({"memory": "3 GiB"}, "options.memory", "Choose at most 2 GiB."),
        ({"memory": "1 MiB"}, "options.memory", "Choose at least 512 MiB."),
        ({"memory": "3 parsec"}, "options.memory", "Write an amount with a unit"),
        ({"memory": -1}, "options.memory", "Write an amount with a unit"),
        ({"disks": 1}, "options.disks", "Remove it, or check its spelling."),
        ({"adaptive": {"minimum": 3, "maximum": 1}}, "options.adaptive", "Choose a minimum"),
        ({"adaptive": {"maximum": 5}}, "options", "Choose at most 4."),
    ],
)
def test_a_wrong_size_is_refused_with_field_and_remedy(
    options: dict[str, Any], field: str, remedy: str
) -> None:
    with pytest.raises(InvalidRequest) as caught:
        resolve(options)
    assert caught.value.field == field
    assert remedy in caught.value.remedy


def test_all_that_is_wrong_is_told_at_once() -> None:
    with pytest.raises(InvalidRequest) as caught:
        resolve({"workers": 0, "memory": "x", "wrong": 1})
    errors: Any = caught.value.problem()["errors"]
    assert [e["field"] for e in errors] == ["options.workers", "options.memory", "options.wrong"]


@pytest.mark.shows("K15")
def test_who_asks_for_a_number_of_workers_gets_it_though_the_profile_is_adaptive() -> None:
    assert resolve({}, STUDENT, profile="course").options["adaptive"]["maximum"] == 3
    assert resolve({"workers": 5}, STUDENT, profile="course").options["adaptive"] is None


@pytest.mark.shows("K99")
def test_an_adaptive_backend_counts_with_its_maximum() -> None:
    spec = resolve({"adaptive": {"minimum": 1, "maximum": 4}})
    assert (spec.resources.workers, spec.resources.cores) == (4, 4)


@pytest.mark.shows("T34")
def test_a_profile_is_offered_to_its_groups_and_users_until_its_day() -> None:
    course = CATALOGUE.profiles["course"]
    assert course.open_to(STUDENT, date(2026, 12, 31))
    assert course.open_to(Requester("tutor"), date(2026, 12, 31))
    assert not course.open_to(ADA, date(2026, 12, 31))
    assert not course.open_to(STUDENT, date(2027, 1, 1))


@pytest.mark.shows("T34")
def test_another_groups_profile_is_refused_like_one_that_is_not_there() -> None:
    def refusal(profile: str) -> str:
        with pytest.raises(NotAllowed) as caught:
            resolve({}, profile=profile)
        return str(caught.value).replace(profile, "*")

    assert refusal("course") == refusal("nowhere")


def test_a_lifetime_may_be_shorter_than_the_profiles_but_not_longer() -> None:
    shorter = parse(Launch, {"kind": "dask", "lifetime": {"maximum": "1 h"}})
    spec = CATALOGUE.resolve(ADA, shorter, nonce="")
    assert spec.lifetime.maximum == timedelta(hours=1)
    assert spec.lifetime.idle == timedelta(minutes=30)
    longer = parse(Launch, {"kind": "dask", "lifetime": {"maximum": "9 h"}})
    with pytest.raises(InvalidRequest, match=r"longer than the profile allows.*at most 8 h"):
        CATALOGUE.resolve(ADA, longer, nonce="")


def test_spawn_options_come_to_a_profile_and_a_launch() -> None:
    def choose(wish: dict[str, Any]) -> tuple[str, Launch | None]:
        return CATALOGUE.choose(ADA, parse(UserOptions, wish))

    name, launch = choose({})
    assert (name, launch and launch.kind) == ("small", "dask")
    assert choose({"backend": None}) == ("small", None)
    assert choose({"profile": "plain"}) == ("plain", None)
    name, launch = choose({"backend": {"kind": "dask", "options": {"workers": 3}}})
    assert launch is not None
    assert launch.options == {"workers": 3}
    with pytest.raises(InvalidRequest, match="offers: none"):
        choose({"profile": "plain", "backend": {"kind": "dask"}})


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=80),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=20), inner),
    max_leaves=8,
)
_OPTIONS = st.fixed_dictionaries(
    {},
    optional={
        "workers": _JSON | st.integers(-2, 6),
        "cores": _JSON | st.integers(-1, 3),
        "memory": _JSON | st.sampled_from(["1 GiB", "2 GiB", "3 GiB", "1e3 GB"]),
        "adaptive": _JSON
        | st.fixed_dictionaries({"minimum": st.integers(-1, 9), "maximum": st.integers(-1, 9)}),
    },
)
_BACKEND = st.fixed_dictionaries(
    {"kind": st.sampled_from(["dask", "arkouda", "Dask", ""]) | _JSON},
    optional={
        "name": _JSON,
        "options": _OPTIONS | _JSON,
        "lifetime": _JSON | st.fixed_dictionaries({"maximum": st.sampled_from(["1 h", "9 h"])}),
        "keep": _JSON,
        "extra": _JSON,
    },
)
_WISHES = _JSON | st.fixed_dictionaries(
    {},
    optional={
        "profile": st.sampled_from(["small", "course", "plain", "?"]) | _JSON,
        "backend": _BACKEND | _JSON,
    },
)


@pytest.mark.shows("T40")
@pytest.mark.timeout(900)  # on a machine that does other things too
@pytest.mark.parametrize("count", [300, pytest.param(10_000, marks=pytest.mark.slow)])
def test_no_random_wish_breaks_anything_or_exceeds_the_profile(count: int) -> None:
    tried = settings(
        max_examples=count, deadline=None, suppress_health_check=list(HealthCheck), database=None
    )
    tried(given(_WISHES)(_is_refused_or_within_the_profile))()


def _is_refused_or_within_the_profile(wish: Any) -> None:
    try:
        name, launch = CATALOGUE.choose(ADA, parse(UserOptions, wish))
    except (InvalidRequest, NotAllowed):
        return
    assert name in {"small", "plain"}
    if launch is not None:
        spec = CATALOGUE.resolve(ADA, launch, nonce="")
        assert 1 <= spec.resources.workers <= 4
        assert spec.resources.cores <= 4
        assert spec.resources.memory <= 4 * 2 * 2**30
        assert spec.lifetime.maximum is not None
        assert spec.lifetime.maximum <= timedelta(hours=8)


def test_the_schema_of_a_profile_has_its_bounds_and_defaults() -> None:
    properties = CATALOGUE.profiles["small"].options_model("dask").model_json_schema()["properties"]
    workers, memory = properties["workers"], properties["memory"]
    assert (workers["minimum"], workers["maximum"], workers["default"]) == (1, 4, 2)
    assert (memory["x-minimum"], memory["x-maximum"]) == (2**29, 2**31)
    assert memory["default"] == "1 GiB"
    assert memory["format"] == "memory"
    assert properties["cores"]["minimum"] == properties["cores"]["maximum"] == 1


@pytest.mark.parametrize(
    ("rules", "sentence"),
    [
        ({"wheels": Rule(default=1)}, "has no option 'wheels'"),
        ({"workers": Rule(maximum=20_000)}, "too large"),
        ({"workers": Rule(minimum=0)}, "too small"),
        ({"workers": Rule(minimum=4, maximum=2)}, "minimum is more than maximum"),
        ({"workers": Rule(default=9, maximum=4)}, "default is outside"),
        ({"memory": Rule(default="4 GiB", maximum="2 GiB")}, "default is outside"),
        ({"memory": Rule(default="4 bushels")}, "not an amount of memory"),
        ({"adaptive": Rule(minimum={"maximum": 2})}, "has no order"),
        (
            {"workers": Rule(maximum=2), "adaptive": Rule(default={"maximum": 4})},
            "contradict each other",
        ),
    ],
)
def test_a_rule_that_cannot_be_is_told_when_the_catalogue_is_read(
    rules: dict[str, Rule], sentence: str
) -> None:
    with pytest.raises(InvalidRequest, match=sentence):
        narrow(get_kind("dask"), rules)


def test_a_default_of_the_kind_moves_into_the_profiles_bounds() -> None:
    model = narrow(get_kind("dask"), {"workers": Rule(minimum=5), "memory": Rule(maximum="1 MiB")})
    assert model().model_dump()["workers"] == 5
    assert model().model_dump()["memory"] == 2**20


def test_a_fixed_value_that_has_no_order_is_the_only_one_taken() -> None:
    fixed = {"minimum": 1, "maximum": 2}
    rule = Rule(default=fixed, minimum=fixed, maximum=fixed)
    model: Any = narrow(get_kind("dask"), {"adaptive": rule})
    model(adaptive=fixed)
    with pytest.raises(ValueError, match="the profile fixes this"):
        model(adaptive={"minimum": 1, "maximum": 1})


@pytest.mark.parametrize(
    ("old", "new", "sentence"),
    [
        ("default: dask", "default: arkouda", "not among its backends"),
        ("title: Small", "title: Small\n    platform: moon", "platform 'moon' is not installed"),
        (
            "    default: dask\n    backends:\n      dask:",
            "    backends:\n      spark:",
            "no kind of backend called 'spark'",
        ),
        ("idle: 30 min", "idle: 30 lightyears", "not a length of time"),
        ("title: Small", "titel: Small", "titel is not known"),
    ],
)
def test_a_wrong_catalogue_is_refused(old: str, new: str, sentence: str) -> None:
    with pytest.raises(CatalogueError, match=sentence):
        parse_catalogue(TEXT.replace(old, new, 1))


def test_the_catalogue_is_the_same_whatever_it_is_made_of() -> None:
    assert Catalogue.model_validate(CATALOGUE.model_dump()).profiles.keys() == (
        CATALOGUE.profiles.keys()
    )


def test_a_backend_has_the_sessions_image_unless_an_operator_runs_it() -> None:
    """Such a server is not started from what sessions have."""
    text = """
profiles:
  both:
    title: Both
    pod: {image: "lab:2", labels: {team: red}}
    backends:
      dask: {}
      arkouda: {}
  own:
    title: Own
    backends:
      arkouda: {pod: {image: "server:3"}}
"""
    catalogue, session = parse_catalogue(text), Pod(image="lab:1", node_selector={"disk": "fast"})

    def pod(kind: str, profile: str) -> Pod:
        launch = Launch(kind=kind, profile=profile, pod=session)
        return catalogue.resolve(ADA, launch, nonce="n").pod

    assert pod("dask", "both").image == "lab:2"
    beside = pod("arkouda", "both")
    assert (beside.image, beside.labels, beside.node_selector) == (
        "",
        {"team": "red"},
        {"disk": "fast"},
    )
    assert pod("arkouda", "own").image == "server:3"
    assert catalogue.unclaimed("both", "arkouda").pod.image == ""
