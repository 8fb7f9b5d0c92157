"""The homes of steps are those of sessions: by KubeSpawner's own names."""

from __future__ import annotations

import itertools
from types import SimpleNamespace
from typing import Any

import pytest
from kubespawner import KubeSpawner

from alongside.models import Pod
from alongside_workflows.executors.argo.homes import filled, named

NAMES = (
    *("ada", "a", "ada-l", "ada--l", "ada-", "-ada", "Ada", "7ada", "ada@example.org", "ädä", "Ω"),
    *("a" * 46, "a" * 47, "a" * 48, "a" * 49, "9" * 60, f"{'b' * 14}--{'c' * 20}", "--", "x y z"),
)
SESSIONS = ("", "etl", "Night Run", "s" * 45, "s" * 60, "ü", "--", "1")
TEMPLATES = (
    "home-{user_server}",
    "claim-{username}",
    "{username}--{servername}",
    "of-{servername}-",
    "plain",
)


@pytest.mark.parametrize("template", TEMPLATES)
def test_the_templates_mean_what_they_mean_to_kubespawner(template: str) -> None:
    for user, session in itertools.product(NAMES, SESSIONS):
        # its own method, on what that looks at: a whole one needs a cluster
        spawner: Any = SimpleNamespace(
            name=session,
            user=SimpleNamespace(name=user, id=1),
            slug_scheme="safe",
            _namespace_default=lambda: "hubs",
        )
        claim = {"name": "home", "persistentVolumeClaim": {"claimName": template}}
        pod = filled(Pod(volumes=(claim,)), user, session)
        found = pod.volumes[0]["persistentVolumeClaim"]["claimName"]
        assert found == KubeSpawner._expand_user_properties(spawner, template), (user, session)


def test_there_are_homes_where_a_volume_is_each_users_own() -> None:
    data = {"name": "data", "persistentVolumeClaim": {"claimName": "data"}}
    own = {"name": "home", "persistentVolumeClaim": {"claimName": "home-{user_server}"}}
    mount = {"name": "data", "mountPath": "/home", "subPath": "{username}"}
    assert not named(Pod())
    assert not named(Pod(volumes=(data,)))
    assert named(Pod(volumes=(data, own)))
    assert named(Pod(volumes=(data,), volume_mounts=(mount,)))


def test_only_these_templates_are_filled_in() -> None:
    mount = {"name": "home", "mountPath": "/home/{username}", "subPath": "{unknown}"}
    pod = filled(Pod(volume_mounts=(mount,), environment={"A": "{username}"}), "ada", None)
    assert pod.volume_mounts == ({**mount, "mountPath": "/home/ada"},)
    assert pod.environment == {"A": "{username}"}
