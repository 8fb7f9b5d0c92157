"""Images that users name themselves: whose, from where, and for what."""

from __future__ import annotations

import pytest

from alongside.catalogue_file import parse_catalogue
from alongside.errors import CatalogueError, NotAllowed
from alongside.images import is_allowed
from alongside.models import Pod
from alongside.requests import Launch, Requester, UserOptions, parse

DIGEST = "a" * 64
CATALOGUE = parse_catalogue(
    """\
profiles:
  plain:
    title: Plain
    platform: kubernetes
    backends: {dask: {}}
  course:
    title: Course
    groups: [course]
    platform: kubernetes
    pod: {image: "registry.example.org/plain:1"}
    images: ["registry.example.org/course/*@sha256:*", "registry.example.org/plain:2"]
    default: dask
    backends:
      dask: {}
      arkouda: {pod: {image: "registry.example.org/arkouda:1"}}
"""
)
ADA = Requester("ada")
STUDENT = Requester("eve", frozenset({"course"}))
OWN = f"registry.example.org/course/week-3@sha256:{DIGEST}"


def image_of(kind: str, image: str | None, who: Requester = STUDENT) -> str:
    """What a backend's containers run in."""
    pod = Pod(image="registry.example.org/session:1")  # as the spawner hands on the session's
    launch = Launch(kind=kind, profile="course", image=image, pod=pod)
    return CATALOGUE.resolve(who, launch, nonce="n").pod.image


@pytest.mark.shows("T37", "K11")
def test_the_members_of_a_group_name_images_that_its_keepers_have_made() -> None:
    """Of the group's own part of a registry, by digest, with nobody else's help."""
    assert image_of("dask", None) == "registry.example.org/plain:1"
    assert image_of("dask", OWN) == OWN
    assert image_of("dask", "registry.example.org/plain:2") == "registry.example.org/plain:2"
    wish = parse(UserOptions, {"profile": "course", "image": OWN})
    name, launch = CATALOGUE.choose(STUDENT, wish)
    assert launch is not None
    assert (name, launch.image) == ("course", OWN)


@pytest.mark.shows("T37")
def test_nobody_else_names_them() -> None:
    """Neither who is in no such group, nor in a profile that allows none."""
    with pytest.raises(NotAllowed, match="There is no profile 'course' for you"):
        image_of("dask", OWN, ADA)
    for who in (ADA, STUDENT):
        wish = parse(UserOptions, {"profile": "plain", "backend": None, "image": OWN})
        with pytest.raises(NotAllowed, match=r"Profile plain doesn't allow the image .* Leave it"):
            CATALOGUE.choose(who, wish)


def test_what_an_operator_of_a_kind_runs_is_not_the_users_image() -> None:
    assert image_of("arkouda", OWN) == "registry.example.org/arkouda:1"


@pytest.mark.shows("T37")
@pytest.mark.parametrize(
    "image",
    [
        "registry.example.org/course/week-3:latest",  # no digest
        f"registry.example.org/other/week-3@sha256:{DIGEST}",
        f"registry.example.org.evil.example/course/week-3@sha256:{DIGEST}",
        f"evil.example/registry.example.org/course/week-3@sha256:{DIGEST}",
        f"registry.example.org/course/a b@sha256:{DIGEST}",
        f"registry.example.org/course/{{{{x}}}}@sha256:{DIGEST}",
        f"registry.example.org/course/x\n@sha256:{DIGEST}",
        "registry.example.org/plain:22",
        "",
    ],
)
def test_an_image_from_elsewhere_is_refused_in_a_sentence(image: str) -> None:
    with pytest.raises(NotAllowed, match=r"doesn't allow the image .* Choose one of: ") as refused:
        image_of("dask", image)
    assert refused.value.field == "image"


def test_one_pattern_allows_any_image() -> None:
    assert is_allowed("docker.io/library/python:3", ["*"])
    assert not is_allowed("two words", ["*"])


@pytest.mark.parametrize(
    ("pattern", "complaint"),
    [
        ("registry.example.org*", "leaves the registry open. Write it, and a / behind it"),
        ("registry.*/course/*", "leaves the registry open. Write all of it before the /"),
        ("registry.example.org/[ab]*", "is no image"),
        ("", "is no image"),
    ],
)
def test_a_pattern_that_allows_more_than_it_seems_is_refused(pattern: str, complaint: str) -> None:
    text = f"profiles: {{course: {{title: Course, images: ['{pattern}']}}}}"
    with pytest.raises(CatalogueError) as caught:
        parse_catalogue(text)
    assert complaint in str(caught.value)


def test_images_that_would_be_ignored_are_refused() -> None:
    with pytest.raises(CatalogueError, match=r"there are no images on one machine\. Leave"):
        parse_catalogue("profiles: {course: {title: Course, images: ['*']}}")
