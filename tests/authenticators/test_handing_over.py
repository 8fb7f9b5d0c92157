"""What a session gets of what is known of its user."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from jupyterhub.spawner import SimpleLocalProcessSpawner

from alongside_authenticators.handing_over import Expired, Missing, filled, hand_over, share
from alongside_authenticators.refusals import SpawnRefused

KNOWN: dict[str, Any] = {
    "X-Mount": {"username": "u-1", "private_key": "-----BEGIN " + "PRIVATE KEY-----"},
    "uid": 1007,
    "X.Y": {"z": "dotted"},
    "dn": "/C=DK/CN=Ada",
    "blank": "",
}


@pytest.mark.shows("T11")
@pytest.mark.parametrize(
    ("template", "result"),
    [
        ("plain", "plain"),
        ("{dn}", "/C=DK/CN=Ada"),
        ("{uid}", 1007),
        ("/store/{X-Mount.username}/{uid}", "/store/u-1/1007"),
        ("{X.Y.z}", "dotted"),
        ({"a": ["{uid}"], "u{uid}": True}, {"a": [1007], "u1007": True}),
        (("{uid}", 2), [1007, 2]),
    ],
)
def test_templates_are_filled(template: Any, result: Any) -> None:
    """A text that is one place gets the value as it is."""
    assert filled(template, KNOWN) == result


@pytest.mark.parametrize(
    "template", ["{nothing}", "{X-Mount.nothing}", "{dn.x}", "{blank}", "a{b}"]
)
def test_what_is_not_known_is_missing(template: str) -> None:
    """Also what is blank."""
    with pytest.raises(Missing):
        filled(template, KNOWN)


@given(st.text() | st.booleans() | st.lists(st.text()))
def test_within_a_longer_text_there_are_plain_words_only(value: Any) -> None:
    """So no value leads out of a path or into another option."""
    try:
        text = filled("/store/{v}/x", {"v": value})
    except (SpawnRefused, Missing):
        return
    word = text.removeprefix("/store/").removesuffix("/x")
    assert word == value
    assert "/" not in word
    assert word not in {".", ".."}
    assert not word.startswith("-")


@pytest.mark.shows("T10", "T11")
def test_settings_of_a_spawner_are_added_to_and_nothing_is_taken_away() -> None:
    """Volumes with their mounts; entries without value are left out, and told of."""
    shared = {"name": "home"}
    spawner = SimpleNamespace(
        environment={"LANG": "C"}, volumes=[shared], volume_mounts=None, uid=None, gid=5
    )
    left_out = hand_over(
        spawner,
        {
            "environment": {"DN": "{dn}", "NOT": "{nothing}", "WHO": "{X.Y}"},
            "volumes": [
                {"name": "store", "csi": {"volumeAttributes": {"user": "{X-Mount.username}"}}},
                {"name": "{nothing}"},
            ],
            "volume_mounts": [{"name": "store", "mountPath": "/store"}],
            "uid": "{uid}",
            "gid": "{nothing}",
        },
        KNOWN,
    )
    assert spawner.environment == {"LANG": "C", "DN": "/C=DK/CN=Ada", "WHO": '{"z": "dotted"}'}
    assert spawner.volumes == [
        shared,
        {"name": "store", "csi": {"volumeAttributes": {"user": "u-1"}}},
    ]
    assert spawner.volume_mounts == [{"name": "store", "mountPath": "/store"}]
    assert (spawner.uid, spawner.gid) == (1007, 5)
    assert left_out == ["environment.NOT", "volumes.1", "gid"]


def test_what_a_failed_start_was_given_is_not_given_twice() -> None:
    """The hub keeps its spawner; a pod with two volumes of one name would be refused."""
    template = {
        "volumes": [{"name": "store", "csi": {"user": "{who}"}}],
        "volume_mounts": [
            {"name": "store", "mountPath": "/store"},
            {"name": "store", "mountPath": "/again"},
        ],
        "args": ["--flag"],
    }
    spawner = SimpleNamespace(volumes=[{"name": "home"}], volume_mounts=(), args=["-v"])
    for who in ("ada", "bob"):
        hand_over(spawner, template, {"who": who})
    assert spawner.volumes == [{"name": "home"}, {"name": "store", "csi": {"user": "bob"}}]
    assert spawner.volume_mounts == template["volume_mounts"]
    assert spawner.args == ["-v", "--flag"]


def test_volumes_may_be_a_list_or_a_mapping_on_either_side() -> None:
    """As KubeSpawner has them."""
    home, store = {"name": "home"}, {"name": "store"}
    spawner = SimpleNamespace(volumes={"1": home}, volume_mounts=[home])
    hand_over(spawner, {"volumes": [store], "volume_mounts": {"2": store}}, {})
    assert spawner.volumes == spawner.volume_mounts == [home, store]


@pytest.mark.shows("T10")
@pytest.mark.parametrize("place", ["{X-Mount}", "{X-Mount.private_key}"])
def test_no_private_key_gets_into_an_environment(place: str) -> None:
    """Whatever is listed."""
    spawner = SimpleNamespace(environment={})
    with pytest.raises(SpawnRefused, match="private key"):
        hand_over(spawner, {"environment": {"KEY": place}}, KNOWN)
    assert spawner.environment == {}


@pytest.mark.shows("T10")
@pytest.mark.parametrize("place", ["{X-Mount.private_key}", ["-i", "{X-Mount.private_key}"]])
@pytest.mark.parametrize("setting", ["args", "cmd", "extra_labels"])
def test_no_private_key_gets_into_arguments_or_labels(setting: str, place: Any) -> None:
    """It is for the settings by which storage is mounted, and no other."""
    spawner = SimpleNamespace(**{setting: None})
    with pytest.raises(SpawnRefused, match=f"setting {setting} .* private key"):
        hand_over(spawner, {setting: place}, KNOWN)
    assert getattr(spawner, setting) is None
    spawner = SimpleNamespace(mounts=[])
    hand_over(spawner, {"mounts": [{"options": {"key": "{X-Mount.private_key}"}}]}, KNOWN)
    assert spawner.mounts == [{"options": {"key": KNOWN["X-Mount"]["private_key"]}}]


@pytest.mark.shows("T10")
@pytest.mark.parametrize("place", ["{old}", "{old.host}", "sftp://{old.host}"])
def test_what_has_expired_isn_t_handed_over(place: str) -> None:
    """Nor left out as if nobody had ever sent it."""
    known = {"old": {"host": "store", "expires": 1}, "new": {"host": "store", "expires": 2**40}}
    assert filled(place.replace("old", "new"), known)
    with pytest.raises(Expired, match="as old has expired"):
        filled(place, known)
    with pytest.raises(SpawnRefused, match="Sign in again"):
        share(SimpleNamespace(environment={}), [], {"environment": {"STORE": place}}, known, "/x")


def test_what_doesn_t_fit_a_setting_refuses_the_session_in_words() -> None:
    """By the real spawner's own types."""
    with pytest.raises(SpawnRefused, match="set_spawner_attributes"):
        share(SimpleLocalProcessSpawner(), [], {"start_timeout": "{dn}"}, KNOWN, "/x")


@pytest.mark.parametrize("value", ["a\0b", "\ud800"])
def test_what_can_be_in_no_environment_is_refused_before_the_start(value: str) -> None:
    """In words, not as a fault of the hub."""
    with pytest.raises(SpawnRefused, match="binary data"):
        hand_over(SimpleNamespace(environment={}), {"environment": {"V": "{v}"}}, {"v": value})
