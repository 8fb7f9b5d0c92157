"""The objects of a group: every dependent number follows from one, and nothing has a right."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
from cryptography.hazmat.primitives.serialization import load_ssh_private_key, load_ssh_public_key

from alongside.platforms.kubernetes.resources import Object
from alongside_operator import doors, keys, pods
from alongside_operator.group import Group, Setting
from tests.operators.world import World

SETTING = Setting("alongside:1", ({"namespaceSelector": {}},))


def group(**spec: Any) -> Group:
    world = World(**spec)
    assert world.custom
    return Group.of(world.custom)


def crew(number: int) -> list[tuple[str, str]]:
    return [(f"uid-{n}/0", f"10.0.1.{n}") for n in range(number)]


def pod_specs(one: Group) -> Iterator[Object]:
    if one.others:
        yield pods.locales(one)["spec"]["template"]["spec"]
    yield pods.server(one, SETTING, crew(one.others))["spec"]


def main(spec: Object) -> Object:
    """The container of a locale, or of the server."""
    (found,) = (c for c in spec["containers"] if c["name"] != "exporter")
    return dict(found)


def environment(container: Object) -> dict[str, str]:
    return {v["name"]: v.get("value", "") for v in container["env"]}


@pytest.mark.shows("K29")
@pytest.mark.parametrize("number", range(1, 17))
def test_every_number_follows_from_one(number: int) -> None:
    one = group(locales=number)
    container = main(pods.server(one, SETTING, crew(one.others))["spec"])
    words = container["command"][4:]
    assert words[words.index("-nl") + 1] == str(number)
    assert len(environment(container)["ALONGSIDE_LOCALES"].split()) == number - 1
    if number > 1:
        assert pods.locales(one)["spec"]["replicas"] == number - 1
    assert len(doors.services(one)) == (2 if number > 1 else 1)


@pytest.mark.shows("K36", "K37")
def test_amounts_and_switches_arrive() -> None:
    server = {"port": 6000, "flags": ["--logLevel=LogLevel.DEBUG"], "env": {"A": "b c"}}
    one = group(server=server, cores=4, cpuRequest="500m", memory=2 * 2**30)
    template = pods.locales(one)["spec"]["template"]["spec"]
    body = pods.server(one, SETTING, crew(2))
    container = main(body["spec"])
    words = container["command"][4:]
    assert "--ServerPort=6000" in words
    assert "--authenticate=true" in words
    limit = next(int(w.partition("=")[2]) for w in words if w.startswith("--memMax="))
    assert limit == 2 * 2**30 - 2 * 2**30 // 10
    assert words[-1] == "--logLevel=LogLevel.DEBUG"
    for each in (container, main(template)):
        assert each["resources"] == {
            "limits": {"cpu": "4", "memory": str(2 * 2**30)},
            "requests": {"cpu": "500m", "memory": str(2 * 2**30)},
        }
        assert environment(each)["CHPL_RT_NUM_THREADS_PER_LOCALE"] == "4"
        assert environment(each)["A"] == "b c"


@pytest.mark.shows("K40", "K62")
def test_all_pods_are_restricted_whoever_they_run_as() -> None:
    one = group(user={"uid": 1009, "gid": 1019, "groups": [7]})
    for spec in pod_specs(one):
        security = spec["securityContext"]
        assert security["runAsNonRoot"] is True
        assert (security["runAsUser"], security["runAsGroup"]) == (1009, 1019)
        assert security["supplementalGroups"] == [7]
        assert security["seccompProfile"] == {"type": "RuntimeDefault"}
        assert spec["automountServiceAccountToken"] is False
        assert spec["enableServiceLinks"] is False
        for container in spec["containers"]:
            assert container["securityContext"] == {
                "allowPrivilegeEscalation": False,
                "capabilities": {"drop": ["ALL"]},
                "readOnlyRootFilesystem": True,
            }
    account = pods.locales(one)["spec"]["template"]["metadata"]["annotations"][pods.ACCOUNT]
    assert account.endswith("arkouda:x:1009:1019:Arkouda:/alongside/run:/bin/sh\n")


@pytest.mark.shows("K49")
def test_pods_of_a_group_spread_over_nodes_where_there_are_several() -> None:
    one = group(locales=4)
    for spec in pod_specs(one):
        (spread,) = spec["topologySpreadConstraints"]
        assert spread["topologyKey"] == "kubernetes.io/hostname"
        assert spread["whenUnsatisfiable"] == "ScheduleAnyway"
        labels = pods.locales(one)["spec"]["template"]["metadata"]["labels"]
        assert spread["labelSelector"]["matchLabels"].items() <= labels.items()


def test_secrets_are_in_files_only_and_each_pod_has_what_it_needs() -> None:
    one = group()
    secret = keys.secret(one)
    text = json.dumps([*pod_specs(one), *doors.services(one), *doors.policies(one, SETTING)])
    for value in secret["data"].values():
        assert value not in text
    assert "ARKOUDA_SERVER_TOKEN" not in text

    def files(spec: Object) -> set[str]:
        return {i["path"] for v in spec["volumes"] for i in v.get("secret", {}).get("items", ())}

    locale, server = pod_specs(one)
    assert files(locale) == {keys.PUBLIC, keys.HOST_KEY}
    assert files(server) == {"token", keys.KEY, keys.KNOWN}


@pytest.mark.shows("K31")
def test_each_launch_has_keys_of_its_own_that_fit() -> None:
    one, other = keys.contents(), keys.contents()
    key = load_ssh_private_key(one[keys.KEY], None)
    host = load_ssh_private_key(one[keys.HOST_KEY], None)
    assert key.public_key() == load_ssh_public_key(one[keys.PUBLIC])
    name, known = one[keys.KNOWN].split(maxsplit=1)
    assert name == b"arkouda"
    assert host.public_key() == load_ssh_public_key(known)
    assert not set(one.values()) & set(other.values())


@pytest.mark.shows("K30")
def test_groups_do_not_meet() -> None:
    """Selectors name the group; locales let its own pods in, by SSH and GASNet, and nobody else."""
    one = group()
    server, locale = doors.policies(one, SETTING)
    own = {"podSelector": {"matchLabels": {"alongside.jupyter.org/group": "sums"}}}
    assert locale["spec"]["ingress"] == [
        {"from": [own], "ports": [{"protocol": "TCP", "port": 2222}, {"protocol": "UDP"}]}
    ]
    first, metrics = server["spec"]["ingress"]
    assert first == {"from": [own]}
    assert metrics["ports"] == [{"protocol": "TCP", "port": 5080}]
    for service in doors.services(one):
        labels = service["spec"]["selector"]
        assert labels["alongside.jupyter.org/group"] == "sums"
        pod = pods.locales(one)["spec"]["template"]["metadata"]["labels"]
        if labels["alongside.jupyter.org/role"] == "locale":
            assert labels.items() <= pod.items()


def test_all_that_belongs_to_it_goes_with_it_and_says_whose_it_is() -> None:
    one = group()
    bodies = [
        keys.secret(one),
        pods.locales(one),
        pods.server(one, SETTING, crew(2)),
        *doors.services(one),
        *doors.policies(one, SETTING),
    ]
    for body in bodies:
        metadata = body["metadata"]
        assert metadata["ownerReferences"][0]["uid"] == "group-1"
        assert metadata["labels"]["alongside.jupyter.org/id"] == "sums-x"
        assert metadata["labels"]["alongside.jupyter.org/owner"] == "ada"


def test_what_a_profile_adds_is_in_all_pods() -> None:
    volume = {"name": "data", "persistentVolumeClaim": {"claimName": "data"}}
    mount = {"name": "data", "mountPath": "/data"}
    more = {
        "node_selector": {"disk": "fast"},
        "tolerations": [{"key": "hpc", "operator": "Exists"}],
        "volumes": [volume],
        "volume_mounts": [mount],
        "environment": {"X": "1"},
        "labels": {"team": "physics"},
        "image_pull_secrets": ["registry"],
        "priority_class": "low",
    }
    one = group(pod=more)
    for spec in pod_specs(one):
        assert spec["nodeSelector"] == {"disk": "fast"}
        assert spec["tolerations"] == more["tolerations"]
        assert volume in spec["volumes"]
        assert mount in main(spec)["volumeMounts"]
        assert spec["imagePullSecrets"] == [{"name": "registry"}]
        assert spec["priorityClassName"] == "low"
    assert pods.server(one, SETTING, crew(2))["metadata"]["labels"]["team"] == "physics"


@pytest.mark.shows("K38")
def test_server_and_locales_have_the_same_settings() -> None:
    """One description makes both: image, account, volumes, environment."""
    volume = {"name": "data", "persistentVolumeClaim": {"claimName": "data"}}
    pod = {"volumes": [volume], "volume_mounts": [{"name": "data", "mountPath": "/data"}]}
    one = group(server={"env": {"A": "1"}}, pod=pod)
    specs = list(pod_specs(one))
    assert all(volume in spec["volumes"] for spec in specs)
    locale, server = (main(spec) for spec in specs)
    assert {m["mountPath"] for m in locale["volumeMounts"]} == {
        m["mountPath"] for m in server["volumeMounts"]
    } - {"/alongside/secrets"}
    assert locale["image"] == server["image"]
    mine, theirs = environment(server), environment(locale)
    assert {k: v for k, v in mine.items() if not k.startswith("ALONGSIDE_")} == theirs
