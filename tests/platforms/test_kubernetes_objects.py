"""The objects of a backend on Kubernetes, compared as dicts. No cluster."""

from __future__ import annotations

import base64
import re
from typing import Any

import pytest

from alongside.kinds import get_kind
from alongside.kinds.base import Role
from alongside.models import Pod, Share, Spec, Status
from alongside.names import label_of
from alongside.platforms.kubernetes import objects, processes
from alongside.platforms.kubernetes.builder import natural, process
from alongside.platforms.kubernetes.custom import dask_cluster
from alongside.platforms.kubernetes.objects import PREFIX
from alongside.platforms.kubernetes.policy import Doors, policy
from alongside.platforms.kubernetes.setting import Setting
from alongside.testing import make_spec

DASK = get_kind("dask")
OWNER = {
    "apiVersion": "v1",
    "kind": "ConfigMap",
    "metadata": {"name": "alongside-x", "uid": "0815"},
}
NAME = re.compile(r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?")
LABEL = re.compile(r"([A-Za-z0-9]([A-Za-z0-9_.-]{0,61}[A-Za-z0-9])?)?")


def setting(**changes: Any) -> Setting:
    return Setting(namespace="here", image="dask:1", **changes)


def spec_of(options: dict[str, Any] | None = None, **changes: Any) -> Spec:
    return make_spec("dask", options, platform="kubernetes", **changes)


def roles_of(spec: Spec) -> tuple[Role, ...]:
    return DASK.roles(DASK.Options.model_validate(spec.options))


def doors(spec: Spec) -> Doors:
    return Doors.of(objects.head_of(roles_of(spec)))


def role_of(spec: Spec, name: str) -> Role:
    return next(role for role in roles_of(spec) if role.name == name)


def deployment(spec: Spec, name: str, settings: Setting | None = None) -> dict[str, Any]:
    role = role_of(spec, name.rpartition("-")[0] or name)
    command = DASK.command(role, name, spec, processes.place(spec, roles_of(spec)))
    return processes.deployment(spec, role, name, command, settings or setting(), OWNER)


def container(spec: Spec, name: str, settings: Setting | None = None) -> dict[str, Any]:
    (found,) = deployment(spec, name, settings)["spec"]["template"]["spec"]["containers"]
    return dict(found)


def everything(spec: Spec) -> list[dict[str, Any]]:
    roles = roles_of(spec)
    place = processes.place(spec, roles)
    commands = {role.name: DASK.command(role, process(role, 1), spec, place) for role in roles}
    return [
        objects.record(spec, Status()),
        objects.secret(spec, {"token": b"x"}, OWNER),
        policy(spec, doors(spec), setting(), OWNER),
        objects.service(spec, roles, OWNER),
        dask_cluster(spec, roles, commands, setting(), OWNER),
        *(deployment(spec, process(role, 1)) for role in roles),
    ]


@pytest.mark.parametrize(
    "owner", ["ada", "Åsa Ünïcode", "名前", "a@b.example", "x" * 200, "-", "../..", "UPPER case"]
)
def test_any_owner_and_name_make_valid_objects(owner: str) -> None:
    spec = spec_of(owner=owner, name=f"{owner} etl")
    for item in everything(spec):
        metadata = item["metadata"]
        assert NAME.fullmatch(metadata["name"])
        assert metadata["labels"][f"{PREFIX}/owner"] == label_of(owner)
        assert all(LABEL.fullmatch(value) for value in metadata["labels"].values())
        assert metadata["annotations"][f"{PREFIX}/owner"] == owner
        assert objects.id_of(item) == spec.id


def test_two_owners_never_have_the_same_label() -> None:
    owners = ["a-b", "a.b", "a_b", "A-b", "a--b", "名前", "前名", "x" * 64, "x" * 65]
    assert len({label_of(owner) for owner in owners}) == len(owners)


def test_all_but_the_record_are_owned() -> None:
    """So that who deletes it deletes them all."""
    record, *others = everything(spec_of())
    assert "ownerReferences" not in record["metadata"]
    for item in others:
        (reference,) = item["metadata"]["ownerReferences"]
        assert (reference["uid"], reference["controller"]) == ("0815", True)


def test_a_record_is_read_as_it_was_written() -> None:
    spec = spec_of({"workers": 3}, owner="名前", shares=(Share(user="bob"),))
    status = Status(message="Åsa's is up", ready=2)
    assert objects.parse_record(objects.record(spec, status)) == (spec, status)


@pytest.mark.parametrize(
    "data", [None, {}, {"status": "{}"}, {"spec": "{"}, {"spec": "[]"}, {"spec": "{}"}]
)
def test_a_spoilt_record_is_a_value_error(data: Any) -> None:
    with pytest.raises(ValueError, match=r"specification|validation"):
        objects.parse_record({"data": data})


@pytest.mark.parametrize("logs", [None, "", "[]", "{}"])
def test_a_record_without_logs(logs: str | None) -> None:
    assert objects.record_logs({"data": {"logs": logs} if logs is not None else None}) == {}


def test_credentials_are_in_the_secret_alone() -> None:
    spec = spec_of()
    contents = DASK.secrets(spec)
    item = objects.secret(spec, contents, OWNER)
    assert item["immutable"]
    assert objects.secret_contents(item) == contents
    others = str([one for one in everything(spec) if one["kind"] != "Secret"])
    for content in contents.values():
        assert content.decode() not in others
        assert base64.b64encode(content).decode() not in others


# -- who may connect ---------------------------------------------------------------------------


def sessions(owner: str) -> dict[str, Any]:
    labels = {f"{PREFIX}/component": "session", f"{PREFIX}/owner": label_of(owner)}
    return {"podSelector": {"matchLabels": labels}}


def test_the_policy_lets_in_its_own_the_owner_and_the_service() -> None:
    spec = spec_of(owner="ada")
    service = {"podSelector": {"matchLabels": {"app": "service"}}}
    item = policy(spec, doors(spec), setting(service_peers=(service,)), OWNER)
    own = {"podSelector": {"matchLabels": {f"{PREFIX}/id": spec.id}}}
    assert item["spec"] == {
        **own,
        "policyTypes": ["Ingress"],
        "ingress": [
            {"from": [own]},
            {"from": [sessions("ada")], "ports": [{"protocol": "TCP", "port": 8786}]},
            {
                "from": [service],
                "ports": [{"protocol": "TCP", "port": port} for port in (8786, 8787)],
            },
        ],
    }


def test_only_those_who_may_attach_are_let_in_too() -> None:
    shares = (
        Share(user="bob", access="attach"),
        Share(user="eve", access="read"),
        Share(group="staff", access="attach"),
    )
    spec = spec_of(owner="ada", shares=shares)
    rules = policy(spec, doors(spec), setting(), OWNER)["spec"]["ingress"]
    assert [rule["from"] for rule in rules[1:]] == [[sessions("ada"), sessions("bob")]]


def test_a_policy_never_lets_in_everybody() -> None:
    """A rule without peers would."""
    spec = spec_of(owner="")
    for rule in policy(spec, doors(spec), setting(), OWNER)["spec"]["ingress"]:
        assert rule["from"]


def steps(owner: str, **more: str) -> dict[str, Any]:
    labels = {f"{PREFIX}/component": "step", f"{PREFIX}/owner": label_of(owner), **more}
    return {"podSelector": {"matchLabels": labels}}


def test_the_steps_of_its_own_run_are_let_in_and_no_others() -> None:
    spec = spec_of(owner="ada", run="weather-1", shares=(Share(user="bob", access="attach"),))
    clients = policy(spec, doors(spec), setting(), OWNER)["spec"]["ingress"][1]
    own = steps("ada", **{f"{PREFIX}/run": "weather-1"})
    assert clients["from"] == [sessions("ada"), sessions("bob"), own]
    assert clients["ports"] == [{"protocol": "TCP", "port": 8786}]


@pytest.mark.parametrize("session", ["", "lab"])
def test_a_sessions_backend_lets_in_the_steps_of_its_owner(session: str) -> None:
    spec = spec_of(owner="ada", session=session)
    clients = policy(spec, doors(spec), setting(), OWNER)["spec"]["ingress"][1]
    assert clients["from"] == [sessions("ada"), steps("ada")]


def test_nobodys_backend_lets_in_no_steps() -> None:
    spec = spec_of(owner="", session="")
    assert "step" not in str(policy(spec, doors(spec), setting(), OWNER))


def test_sessions_of_another_namespace() -> None:
    elsewhere = {"namespaceSelector": {"matchLabels": {"name": "hub"}}}
    item = policy(spec_of(owner="a"), doors(spec_of()), setting(session_peer=elsewhere), OWNER)
    assert item["spec"]["ingress"][1]["from"] == [{**elsewhere, **sessions("a")}]


# -- pods --------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["scheduler", "worker-2"])
def test_pods_have_no_rights(name: str) -> None:
    """The restricted Pod Security Standard, and no account."""
    pod = deployment(spec_of(), name)["spec"]["template"]["spec"]
    assert pod["automountServiceAccountToken"] is False
    assert pod["enableServiceLinks"] is False
    assert pod["securityContext"] == {
        "runAsNonRoot": True,
        "runAsUser": 1000,
        "seccompProfile": {"type": "RuntimeDefault"},
    }
    assert pod["containers"][0]["securityContext"] == {
        "allowPrivilegeEscalation": False,
        "capabilities": {"drop": ["ALL"]},
        "readOnlyRootFilesystem": True,
    }
    assert not {"hostNetwork", "hostPID", "hostIPC"} & pod.keys()


def test_gpus_are_in_limits_and_requests_alike() -> None:
    spec = spec_of({"workers": 1, "cores": 2, "memory": "6 GiB", "gpus": 1})
    settings = setting(overcommit=4.0)
    assert container(spec, "worker-1", settings)["resources"] == {
        "limits": {"cpu": "2", "memory": "6442450944", "nvidia.com/gpu": "1"},
        "requests": {"cpu": "500m", "memory": "6442450944", "nvidia.com/gpu": "1"},
    }
    other = setting(gpu_resource="amd.com/gpu")
    assert container(spec, "worker-1", other)["resources"]["limits"]["amd.com/gpu"] == "1"


def test_what_a_kind_leaves_unbounded_the_platform_may_bound() -> None:
    """Namespaces with a ResourceQuota refuse pods that name no amount."""
    unbounded = {"requests": {"cpu": "100m", "memory": "256Mi"}, "limits": {"memory": "2Gi"}}
    settings = setting(unbounded=unbounded)
    assert container(spec_of(), "scheduler", settings)["resources"] == {
        "requests": {"cpu": "100m", "memory": "256Mi"},
        "limits": {"memory": "2Gi"},
    }
    worker = container(spec_of({"memory": "1 GiB"}), "worker-1", settings)["resources"]
    assert worker["limits"]["memory"] == worker["requests"]["memory"] == str(2**30)


def test_a_profile_adds_to_pods_and_wins_over_the_platform() -> None:
    pod = Pod(
        image="mine:2",
        node_selector={"disk": "fast"},
        tolerations=({"key": "gpu", "operator": "Exists"},),
        volumes=({"name": "data", "persistentVolumeClaim": {"claimName": "c"}},),
        volume_mounts=({"name": "data", "mountPath": "/shared"},),
        environment={"GREETING": "hello"},
        image_pull_secrets=("registry",),
        priority_class="low",
        runtime_class="gvisor",
    )
    base = Pod(
        image="theirs:1", node_selector={"zone": "a", "disk": "slow"}, environment={"A": "b"}
    )
    item = deployment(spec_of(pod=pod), "scheduler", setting(pod=base))
    made = item["spec"]["template"]["spec"]
    assert made["containers"][0]["image"] == "mine:2"
    assert made["nodeSelector"] == {"zone": "a", "disk": "fast"}
    assert made["tolerations"] == [{"key": "gpu", "operator": "Exists"}]
    assert made["volumes"][-1]["persistentVolumeClaim"] == {"claimName": "c"}
    assert made["containers"][0]["volumeMounts"][-1]["mountPath"] == "/shared"
    environment = {e["name"]: e.get("value") for e in made["containers"][0]["env"]}
    assert environment.items() >= {"GREETING": "hello", "A": "b"}.items()
    assert made["imagePullSecrets"] == [{"name": "registry"}]
    assert (made["priorityClassName"], made["runtimeClassName"]) == ("low", "gvisor")


def test_a_profile_cannot_take_over_our_labels() -> None:
    """They say who may connect."""
    labels = {f"{PREFIX}/owner": "eve", f"{PREFIX}/component": "session", "team": "red"}
    template = deployment(spec_of(owner="ada", pod=Pod(labels=labels)), "worker-1")
    found = template["spec"]["template"]["metadata"]["labels"]
    assert found[f"{PREFIX}/owner"] == label_of("ada")
    assert found[f"{PREFIX}/component"] == "backend"
    assert found["team"] == "red"


# -- conventions -------------------------------------------------------------------------------


def test_names_and_labels_are_those_of_the_dask_operator() -> None:
    spec = spec_of({"workers": 2, "groups": [{"name": "big", "workers": 1}]})
    names = {}
    for one in ("scheduler", "worker-2", "big-1"):
        item = deployment(spec, one)
        labels = item["metadata"]["labels"]
        names[one] = item["metadata"]["name"], labels.get("dask.org/workergroup-name")
        assert labels["dask.org/cluster-name"] == spec.id
        assert labels["dask.org/component"] == ("scheduler" if one == "scheduler" else "worker")
    assert names == {
        "scheduler": (f"{spec.id}-scheduler", None),
        "worker-2": (f"{spec.id}-default-worker-2", f"{spec.id}-default"),
        "big-1": (f"{spec.id}-big-worker-1", f"{spec.id}-big"),
    }


def test_a_deployment_selects_its_own_pods_only() -> None:
    spec = spec_of({"workers": 2})
    selectors = [
        str(deployment(spec, name)["spec"]["selector"])
        for name in ("scheduler", "worker-1", "worker-2")
    ]
    assert len(set(selectors)) == 3
    for name in ("scheduler", "worker-1"):
        item = deployment(spec, name)
        labels = item["spec"]["template"]["metadata"]["labels"]
        assert labels.items() >= item["spec"]["selector"]["matchLabels"].items()


def test_names_are_sorted_as_people_count() -> None:
    names = ["worker-10", "worker-9", "scheduler", "big-2"]
    assert sorted(names, key=natural) == ["big-2", "scheduler", "worker-9", "worker-10"]
