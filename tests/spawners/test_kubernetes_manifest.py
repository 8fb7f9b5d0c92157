"""The pod of a session is a function of configuration and choice: compared as it would be sent."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from alongside.names import label_of
from alongside.units import parse_memory
from alongside_spawners.pod_spawner import PodSpawner
from alongside_spawners.refusals import Refusal
from tests.spawners.pods import (
    choice,
    environment,
    make_spawner,
    manifest,
    notebook,
    without_cluster,
)

GIB = parse_memory("1 GiB")


@pytest.fixture(autouse=True)
def nowhere(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    without_cluster(monkeypatch, tmp_path)


async def test_a_session_has_no_token_of_the_cluster_and_no_privileges() -> None:
    spawner = make_spawner({"automount_service_account_token": True, "service_account": "iam"})
    pod = await manifest(spawner, choice())
    spec, container = pod["spec"], notebook(pod)
    assert spec["automountServiceAccountToken"] is False
    assert spec["enableServiceLinks"] is False
    assert spec["securityContext"] == {"seccompProfile": {"type": "RuntimeDefault"}}
    assert container["securityContext"] == {
        "runAsUser": 1000,
        "runAsNonRoot": True,
        "allowPrivilegeEscalation": False,
        "capabilities": {"drop": ["ALL"]},
    }


async def test_it_is_restricted_also_without_the_service() -> None:
    spawner = make_spawner()
    spawner.service_url = ""
    pod = await manifest(spawner, None)
    assert pod["spec"]["automountServiceAccountToken"] is False
    assert notebook(pod)["securityContext"]["capabilities"] == {"drop": ["ALL"]}


@pytest.mark.parametrize(
    ("settings", "expected"),
    [
        ({"uid": 0}, {"runAsUser": 0, "allowPrivilegeEscalation": False}),
        (
            {"allow_privilege_escalation": True},
            {"runAsUser": 1000, "allowPrivilegeEscalation": True},
        ),
        (
            {"container_security_context": {"readOnlyRootFilesystem": True}},
            {
                "runAsUser": 1000,
                "runAsNonRoot": True,
                "allowPrivilegeEscalation": False,
                "capabilities": {"drop": ["ALL"]},
                "readOnlyRootFilesystem": True,
            },
        ),
    ],
)
async def test_what_the_operator_says_of_privileges_stays(
    settings: dict[str, Any], expected: dict[str, Any]
) -> None:
    pod = await manifest(make_spawner(settings), choice())
    assert notebook(pod)["securityContext"] == expected


async def test_policies_find_a_session_and_its_owner_by_labels_that_no_profile_changes() -> None:
    spawner = make_spawner({"extra_labels": {"course": "general", "team": "a"}})
    pod = await manifest(
        spawner,
        choice(
            labels={
                "course": "dask-101",
                "component": "something-else",
                "alongside.jupyter.org/owner": "somebody-else",
            }
        ),
    )
    labels = pod["metadata"]["labels"]
    assert labels["alongside.jupyter.org/component"] == "session"
    assert labels["alongside.jupyter.org/owner"] == label_of("mock@name")
    assert labels["component"] == "singleuser-server"
    assert (labels["course"], labels["team"]) == ("dask-101", "a")


async def test_a_profile_sizes_and_places_its_sessions() -> None:
    spawner = make_spawner(
        {
            "cpu_guarantee": 0.5,
            "mem_guarantee": "4G",
            "node_selector": {"pool": "users"},
            "image_pull_secrets": ["general"],
            "tolerations": [{"key": "users", "operator": "Exists"}],
        }
    )
    toleration = {"key": "gpu", "operator": "Exists"}
    pod = await manifest(
        spawner,
        choice(
            cores=2,
            memory=GIB,
            image="registry.example/gpu:2",
            node_selector={"gpu": "yes"},
            tolerations=(toleration,),
            image_pull_secrets=("registry",),
            priority_class="courses",
            runtime_class="nvidia",
            annotations={"note": '{"a": 1}'},
        ),
    )
    spec, container = pod["spec"], notebook(pod)
    assert container["image"] == "registry.example/gpu:2"
    assert environment(pod)["JUPYTER_IMAGE"] == "registry.example/gpu:2"
    assert container["resources"]["limits"] == {"cpu": 2.0, "memory": GIB}
    assert container["resources"]["requests"] == {"cpu": 0.5, "memory": GIB}
    assert spec["nodeSelector"] == {"pool": "users", "gpu": "yes"}
    assert spec["tolerations"] == [{"key": "users", "operator": "Exists"}, toleration]
    assert spec["imagePullSecrets"] == [{"name": "general"}, {"name": "registry"}]
    assert spec["priorityClassName"] == "courses"
    assert spec["runtimeClassName"] == "nvidia"
    assert pod["metadata"]["annotations"]["note"] == '{"a": 1}'


async def test_volumes_of_a_profile_come_on_top_of_the_operators_and_replace_by_name() -> None:
    spawner = make_spawner(
        {
            "volumes": {
                "1": {"name": "home", "persistentVolumeClaim": {"claimName": "home-{username}"}},
                "2": {"name": "scratch", "emptyDir": {}},
            },
            "volume_mounts": [
                {"name": "home", "mountPath": "/home/jovyan"},
                {"name": "scratch", "mountPath": "/scratch"},
            ],
        }
    )
    pod = await manifest(
        spawner,
        choice(
            volumes=(
                {"name": "scratch", "emptyDir": {"medium": "Memory"}},
                {"name": "data", "persistentVolumeClaim": {"claimName": "data-{username}"}},
            ),
            volume_mounts=({"name": "data", "mountPath": "/data", "readOnly": True},),
        ),
    )
    user = "mock-name---6241db84"
    assert pod["spec"]["volumes"] == [
        {"name": "home", "persistentVolumeClaim": {"claimName": f"home-{user}"}},
        {"name": "scratch", "emptyDir": {"medium": "Memory"}},
        {"name": "data", "persistentVolumeClaim": {"claimName": f"data-{user}"}},
    ]
    assert [m["mountPath"] for m in notebook(pod)["volumeMounts"]] == [
        "/home/jovyan",
        "/scratch",
        "/data",
    ]


async def test_variables_of_a_profile_are_literal_and_cannot_be_the_hubs() -> None:
    spawner = make_spawner({"environment": {"COURSE": "general", "OTHER": "stays"}})
    pod = await manifest(
        spawner,
        choice(
            environment={
                "COURSE": '{"name": "dask-101"}',
                "JUPYTERHUB_USER": "root",
                "ALONGSIDE_API": "http://elsewhere",
            }
        ),
    )
    seen = environment(pod)
    assert seen["COURSE"] == '{"name": "dask-101"}'
    assert seen["OTHER"] == "stays"
    assert seen["JUPYTERHUB_USER"] == "mock@name"
    assert seen["ALONGSIDE_API"] == spawner.session_service_url


async def test_nothing_of_one_profile_is_left_for_the_next() -> None:
    spawner = make_spawner({"mem_limit": "2G", "node_selector": {"pool": "users"}})
    plain = await manifest(spawner, choice())
    large = await manifest(
        spawner,
        choice(
            cores=8,
            memory=8 * GIB,
            image="registry.example/other:1",
            node_selector={"gpu": "yes"},
            tolerations=({"key": "gpu"},),
            volumes=({"name": "data", "emptyDir": {}},),
            volume_mounts=({"name": "data", "mountPath": "/data"},),
            environment={"A": "b"},
            labels={"a": "b"},
            annotations={"a": "b"},
            image_pull_secrets=("registry",),
            priority_class="high",
            runtime_class="nvidia",
        ),
    )
    assert large != plain
    assert await manifest(spawner, choice()) == plain
    assert await manifest(spawner, None) == plain


async def test_kubespawners_own_profiles_are_not_used_beside_the_catalogue(
    caplog: pytest.LogCaptureFixture,
) -> None:
    own = {
        "display_name": "Huge",
        "default": True,
        "kubespawner_override": {"mem_limit": "900G", "image": "registry.example/huge:1"},
    }
    spawner = make_spawner({"profile_list": [own]})
    spawner.user_options = {"profile": "huge", "image": "registry.example/mine:1"}
    pod = await manifest(spawner, choice(memory=GIB))
    assert notebook(pod)["image"] == "registry.example/lab:1"
    assert notebook(pod)["resources"]["limits"] == {"memory": GIB}
    assert "profile_list is not used" in caplog.text


async def test_a_backend_has_the_sessions_image_and_the_volumes_that_are_shared() -> None:
    spawner = make_spawner(
        {
            "image_pull_secrets": ["general"],
            "volumes": [
                {"name": "home", "persistentVolumeClaim": {"claimName": "home-{username}"}},
                {"name": "private", "emptyDir": {}},
            ],
            "volume_mounts": [
                {"name": "home", "mountPath": "/home/jovyan"},
                {"name": "private", "mountPath": "/private"},
            ],
        },
        shared_volumes=["home"],
    )
    spawner._choice = choice(image="registry.example/gpu:2")
    assert spawner.backend_place() == {
        "pod": {
            "image": "registry.example/gpu:2",
            "image_pull_secrets": ["general"],
            "volumes": [
                {
                    "name": "home",
                    "persistentVolumeClaim": {"claimName": "home-mock-name---6241db84"},
                }
            ],
            "volume_mounts": [{"name": "home", "mountPath": "/home/jovyan"}],
        }
    }


async def test_a_template_that_cannot_be_filled_in_is_refused_in_words() -> None:
    spawner = make_spawner(shared_volumes=["home"])
    spawner._choice = choice(
        volumes=({"name": "home", "persistentVolumeClaim": {"claimName": "{nobody}"}},)
    )
    with pytest.raises(Refusal, match="template that can't be filled in: 'nobody'"):
        spawner.backend_place()


async def test_a_cluster_that_does_not_answer_is_said_in_words() -> None:
    spawner = make_spawner({"start_timeout": 5, "k8s_api_request_timeout": 1})
    with pytest.raises(Refusal, match="The cluster does not answer"):
        await PodSpawner.start(spawner)


@pytest.mark.shows("T27")
async def test_without_a_service_the_list_of_profiles_is_kubespawners() -> None:
    """Form, what comes of it, and what it does to the pod."""
    large = {"display_name": "Large", "kubespawner_override": {"cpu_limit": 8}}
    spawner = make_spawner({"profile_list": [large]})
    spawner.service_url = ""
    form = spawner.options_form
    assert "Large" in form
    spawner.user_options = spawner.options_from_form({"profile": ["large"]})
    assert spawner.user_options == {"profile": "large"}
    assert notebook(await manifest(spawner, None))["resources"]["limits"]["cpu"] == 8
