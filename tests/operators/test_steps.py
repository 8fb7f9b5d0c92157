"""The order of launch and deletion, and what is done about losses, whoever was killed meanwhile."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from tests.operators.world import World

LOCALES = ["sums-locale-0", "sums-locale-1"]


def running(**spec: Any) -> World:
    """A world in which the group runs."""
    world = World(**spec)
    world.settle()
    assert world.status["phase"] == "Running", world.status
    return world


def in_order(world: World, *words: str) -> bool:
    """Whether these came in this order; each once, and no other one like it later."""
    places = [world.log.index(word) for word in words]
    return places == sorted(places)


@pytest.mark.shows("K27", "K3")
def test_the_server_is_made_when_all_locales_accept_ssh() -> None:
    world = World()
    stages: list[str] = []
    for _ in range(12):
        world.step()
        stages.append(world.status.get("phase", ""))
        made = ("pods", "sums-server") in world.objects
        ready = [name for name in LOCALES if f"ready {name}" in world.log]
        assert not made or len(ready) == 2, world.log
        world.kubernetes()
    assert list(dict.fromkeys(stages)) == ["", "Pending", "Starting", "Running"]
    assert world.status["address"] == "sums.here:5555"
    assert (world.status["localesReady"], world.status["replicas"]) == (3, 3)
    assert world.status["selector"] == "alongside.jupyter.org/group=sums"


def test_a_locale_that_is_slow_is_waited_for() -> None:
    """And a pod that is ending is none."""
    world = World()
    for _ in range(3):
        world.step()
        world.kubernetes()
    world.objects["pods", LOCALES[0]]["metadata"]["deletionTimestamp"] = "2026-11-21T12:00:00Z"
    world.objects["pods", LOCALES[1]]["status"] = {
        "podIP": "10.0.0.9",
        "conditions": [{"type": "Ready", "status": "True"}],
    }
    world.step()
    assert ("pods", "sums-server") not in world.objects
    assert world.status["message"] == "1 of 2 locales beside the server's accept SSH."


@pytest.mark.shows("K28")
def test_down_the_name_goes_first_then_the_server_then_the_locales() -> None:
    world = running()
    world.delete()
    world.settle()
    assert world.custom is None
    assert not world.objects
    assert in_order(
        world,
        "gone sums",
        "ending sums-server",
        "gone sums-server",
        "gone sums-locale",
        "ending sums-locale-0",
        "gone group",
    )


@pytest.mark.shows("K28")
def test_the_same_when_the_server_has_ended_before() -> None:
    world = running()
    world.end_server(137)
    world.delete()
    world.settle()
    assert not world.objects
    assert in_order(world, "gone sums-server", "ending sums-locale-1", "gone group")


@pytest.mark.shows("K45")
def test_one_locale_is_a_server_alone() -> None:
    world = running(locales=1)
    assert {name for kind, name in world.objects if kind == "pods"} == {"sums-server"}
    assert {name for kind, name in world.objects if kind == "services"} == {"sums"}
    world.delete()
    world.settle()
    assert not world.objects


@pytest.mark.shows("K12")
def test_another_number_is_a_new_launch_in_order() -> None:
    world = running()
    address = world.objects["services", "sums"]["metadata"]["uid"]
    world.log.clear()
    world.change(locales=5)
    world.settle()
    assert world.status["phase"] == "Running"
    assert world.status["localesReady"] == 5
    assert world.status["observedGeneration"] == 2
    assert len(world.all("pods")) == 5
    assert in_order(
        world,
        "gone sums-server",
        "ending sums-locale-0",
        "gone sums-locale-0",
        "made statefulsets sums-locale",
        "ready sums-locale-3",
        "made pods sums-server",
    )
    assert world.objects["services", "sums"]["metadata"]["uid"] == address


def test_two_changes_at_once_end_in_the_last_one() -> None:
    """Also when the second comes while the first is being made true."""
    world = running()
    world.change(locales=5)
    for rounds in (1, 3, 2):
        for _ in range(rounds):
            world.step()
            world.kubernetes()
        world.change(locales=rounds + 1)
        world.change(policy="relaunch")
    world.settle()
    assert world.status["phase"] == "Running"
    assert world.status["localesReady"] == 3
    assert world.status["relaunches"] == 0
    assert len(world.all("pods")) == 3


def test_what_does_not_need_a_launch_goes_on() -> None:
    world = running()
    world.log.clear()
    world.change(policy="relaunch", clients=[{"podSelector": {"matchLabels": {"a": "b"}}}])
    world.settle()
    assert world.status["phase"] == "Running"
    assert not [line for line in world.log if "ready" not in line], world.log
    rules = world.objects["networkpolicies", "sums-server"]["spec"]["ingress"]
    assert {"podSelector": {"matchLabels": {"a": "b"}}} in rules[1]["from"]


@pytest.mark.shows("K34")
def test_a_way_in_from_outside_comes_changes_and_goes_while_the_group_runs() -> None:
    world = running()
    world.log.clear()
    world.change(service={"type": "NodePort", "nodePort": 31055})
    world.settle()
    outside = world.objects["services", "sums-outside"]
    assert world.log == ["made services sums-outside"]
    assert outside["spec"]["type"] == "NodePort"
    (port,) = outside["spec"]["ports"]
    assert (port["port"], port["nodePort"]) == (5555, 31055)
    world.change(service={"type": "LoadBalancer"})
    world.settle()
    assert outside["spec"]["type"] == "LoadBalancer"
    # what Kubernetes has filled in since is no reason to do it again
    outside["spec"] |= {"clusterIP": "10.0.0.9", "sessionAffinity": "None"}
    outside["spec"]["ports"][0]["nodePort"] = 30123
    assert not world.plan().actions
    world.change(service={"type": "ClusterIP"})
    world.settle()
    assert ("services", "sums-outside") not in world.objects
    assert ("services", "sums") in world.objects
    assert world.status["phase"] == "Running"
    assert not [line for line in world.log if "pods" in line], world.log


@pytest.mark.shows("K34")
@pytest.mark.parametrize("end", ["deletion", "crash", "removal"])
def test_no_service_remains_however_it_ends(end: str) -> None:
    world = running(service={"type": "NodePort"})
    world.log.clear()
    match end:
        case "deletion":
            world.delete()
        case "crash":
            world.end_server(139)
        case "removal":  # by force, without its node
            world.lose("sums-server")
    world.settle()
    assert not world.all("services")
    if end == "deletion":
        assert in_order(world, "gone sums", "ending sums-server", "gone sums-server")
        assert in_order(world, "gone sums-outside", "ending sums-server")


@pytest.mark.shows("K76")
@pytest.mark.parametrize("policy", ["fail", "relaunch"])
def test_a_lost_locale(policy: str) -> None:
    """Its Set makes a new one at once, which the server does not know."""
    world = running(policy=policy)
    world.log.clear()
    world.lose("sums-locale-1")
    world.settle()
    if policy == "fail":
        assert world.status["phase"] == "Failed"
        assert world.status["reason"] == "LocaleLost"
        assert "lost locale 2" in world.status["message"]
        assert not world.objects
    else:
        assert world.status["phase"] == "Running"
        assert world.status["relaunches"] == 1
        assert in_order(world, "gone sums-server", "ending sums-locale-0", "made pods sums-server")


def test_a_locale_whose_container_was_started_again_is_lost() -> None:
    world = running()
    status = {"name": "locale", "restartCount": 1}
    world.objects["pods", "sums-locale-0"]["status"]["containerStatuses"] = [status]
    world.settle()
    assert world.status["reason"] == "LocaleLost"


def test_a_locale_that_is_silent_for_a_moment_is_not_lost() -> None:
    world = running()
    ready = {"type": "Ready", "status": "False", "lastTransitionTime": "2026-11-21T12:00:00Z"}
    world.objects["pods", "sums-locale-0"]["status"]["conditions"] = [ready]
    world.step()
    assert world.status["phase"] == "Running"
    world.now += timedelta(seconds=70)
    world.settle()
    assert world.status["reason"] == "LocaleLost"


@pytest.mark.parametrize(
    ("code", "how", "reason", "said"),
    [
        (137, {"reason": "OOMKilled"}, "OutOfMemory", "more memory or more locales"),
        (255, {"message": "It was hit by a meteorite."}, "ServerEnded", "meteorite"),
        (0, {}, "ShutDown", "by a client"),
    ],
)
def test_a_server_that_ends(code: int, how: dict[str, str], reason: str, said: str) -> None:
    world = running()
    world.end_server(code, **how)
    world.settle()
    assert (world.status["phase"], world.status["reason"]) == ("Failed", reason)
    assert said in world.status["message"]
    assert not world.objects


def test_a_server_that_a_client_has_shut_down_stays_down() -> None:
    """Whatever the policy says."""
    world = running(policy="relaunch")
    world.end_server(0)
    world.settle()
    assert world.status["reason"] == "ShutDown"


def test_a_server_whose_pod_is_removed() -> None:
    world = running()
    world.lose("sums-server")
    world.settle()
    assert world.status["reason"] == "ServerLost"


def test_a_group_that_fails_again_and_again_is_given_up() -> None:
    world = running(policy="relaunch")
    for number in itertools.count(1):
        world.end_server(1)
        world.settle()
        if world.status["phase"] == "Failed":
            break
        assert world.status["relaunches"] == number
    assert number == 6
    assert "launched again 5 times" in world.status["message"]


def test_one_that_ran_well_for_long_gets_new_credit() -> None:
    world = running(policy="relaunch")
    for _ in range(9):
        world.end_server(1)
        world.settle()
        world.now += timedelta(minutes=20)
    assert world.status["phase"] == "Running"


@pytest.mark.shows("K6")
def test_a_start_that_takes_too_long_ends_with_what_was_wrong() -> None:
    world = World(startSeconds=30)
    full = "0/2 nodes are available: 2 Insufficient cpu."
    for _ in range(3):
        world.step()
        world.kubernetes()
    for name in LOCALES:
        world.objects["pods", name]["status"] = {
            "phase": "Pending",
            "podIP": "",
            "conditions": [{"type": "PodScheduled", "status": "False", "message": full}],
        }
    world.step()
    assert (world.status["phase"], world.status["reason"]) == ("Pending", "Unschedulable")
    assert "Insufficient cpu" in world.status["message"]
    world.now += timedelta(seconds=31)
    world.settle()
    assert (world.status["phase"], world.status["reason"]) == ("Failed", "StartTimeout")
    assert "Insufficient cpu" in world.status["message"]
    assert not world.objects


def test_a_failed_group_is_launched_again_by_another_specification() -> None:
    world = running()
    world.end_server(1)
    world.settle()
    world.change(memory=4 * 2**30)
    world.settle()
    assert world.status["phase"] == "Running"


@pytest.mark.shows("K34")
def test_what_is_left_of_another_group_of_that_name_goes_first() -> None:
    world = running()
    assert world.custom
    world.custom["metadata"] |= {"uid": "group-2", "generation": 1}
    world.custom["status"] = {}
    world.log.clear()
    world.settle()
    assert world.status["phase"] == "Running"
    owners = {o["metadata"]["ownerReferences"][0]["uid"] for o in world.objects.values()
              if "ownerReferences" in o["metadata"]}  # fmt: skip
    assert owners == {"group-2"}
    assert in_order(world, "gone sums", "gone sums-server", "made pods sums-server")


def test_a_node_that_never_reports_does_not_hold_the_deletion_up() -> None:
    world = running()
    world.delete()
    for _ in range(3):
        world.step()
    assert ("pods", "sums-server") in world.objects
    world.now += timedelta(seconds=40)
    world.step()
    assert ("pods", "sums-server") not in world.objects


def test_a_secret_that_is_missing_is_named() -> None:
    world = World()
    for _ in range(2):
        world.step()
        world.kubernetes()
    pod = world.objects["pods", "sums-locale-0"]
    said = 'MountVolume.SetUp failed for volume "keys" : secret "{}" not found'
    note = {
        "metadata": {"name": "note"},
        "involvedObject": {"uid": pod["metadata"]["uid"]},
        "reason": "FailedMount",
        "message": said.format("token"),
    }
    world.objects["events", "note"] = note
    world.step()
    assert world.status["reason"] == "TokenMissing"
    assert "Secret token" in world.status["message"]
    note["message"] = said.format("sums-ssh")
    world.log.clear()
    del world.objects["secrets", "sums-ssh"]
    world.settle()
    assert "made secrets sums-ssh" in world.log
    assert world.status["phase"] == "Running"


def test_a_quota_that_lets_no_locale_in_is_named() -> None:
    world = World()
    world.step()
    world.step()
    note = {
        "metadata": {"name": "note"},
        "involvedObject": {"uid": "any"},
        "reason": "FailedCreate",
        "message": "create Pod sums-locale-0 failed: exceeded quota: tight, requested: cpu=2",
    }
    world.objects["events", "note"] = note
    world.step()
    assert world.status["reason"] == "QuotaExceeded"
    assert "exceeded quota: tight" in world.status["message"]


TALES: dict[str, tuple[Callable[[], World], Callable[[World], None]]] = {
    "launch": (World, lambda world: None),
    "scale": (running, lambda world: world.change(locales=5)),
    "loss": (lambda: running(policy="relaunch"), lambda world: world.lose("sums-locale-0")),
    "failure": (running, lambda world: world.end_server(3)),
    "deletion": (running, lambda world: world.delete()),
}


@pytest.mark.shows("K60")
@pytest.mark.parametrize("tale", list(TALES))
def test_an_operator_that_is_killed_at_any_write_goes_on(tale: str) -> None:
    """At each of its writes, once and at several in a row: the end is the same, and the order."""
    make, deed = TALES[tale]
    whole = make()
    deed(whole)
    whole.settle()
    for rounds, writes, times in itertools.product(range(8), range(4), (1, 3)):
        world = make()
        deed(world)
        world.log.clear()
        for _ in range(rounds):
            if world.custom:
                world.step()
            world.kubernetes()
        for _ in range(times):
            if world.custom:
                world.step(most=writes)
            world.kubernetes()
        world.settle()
        where = f"{tale}, after {rounds} rounds and {writes} writes, {times} times"
        assert set(world.objects) == set(whole.objects), where
        if whole.custom is None:
            assert world.custom is None, where
        else:
            for key in ("phase", "localesReady", "reason"):
                assert world.status[key] == whole.status[key], where
        assert_order(world.log, where)


def assert_order(log: list[str], where: str) -> None:
    """No server without its locales, none of these taken away under a server."""
    up: set[str] = set()
    server = False
    for line in log:
        word, name = line.split()[0], line.split()[-1]
        if word == "ready" and "locale" in name:
            up.add(name)
        if line == "made pods sums-server":
            server = True
        if word == "gone" and name == "sums-server":
            server = False
        if word == "ending" and "locale" in name:
            assert not server, f"{where}: {log}"


def test_locales_are_never_used_twice() -> None:
    """Processes of the first server may still be on them."""
    world = running(policy="relaunch")
    before = {pod["metadata"]["uid"] for pod in world.all("pods")}
    world.end_server(1)
    world.settle()
    assert not before & {pod["metadata"]["uid"] for pod in world.all("pods")}
