"""The chart on a real cluster, installed by the real Helm under the restricted Pod Security."""

from __future__ import annotations

import itertools
import json
import shutil
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from kr8s.objects import Pod
from kubernetes_asyncio.client import ApiClient, AuthorizationV1Api

from tests.helm.chart import CHART
from tests.kubernetes.release import CATALOGUE, Chart, Release, fresh_namespace, wait_for

pytestmark = pytest.mark.timeout(600)
VERBS = ("get", "list", "watch", "create", "update", "patch", "delete", "deletecollection")
OPTIONS = {"workers": 1, "memory": "512 MiB"}
SMALL = {"profile": "dask-small", "backend": {"kind": "dask", "options": OPTIONS}}


@pytest.fixture(scope="module")
def release(chart: Chart) -> Iterator[Release]:
    """A release that the tests of this module share; each leaves it as it was."""
    with chart(hub__storage__enabled=True) as one:
        yield one


@pytest.mark.shows("K106")
def test_one_installation_on_an_empty_cluster_gives_a_login_page(release: Release) -> None:
    """And a service behind it, which also `helm test` finds in order."""
    page = httpx.get(release.address(), follow_redirects=True, trust_env=False, timeout=30)
    assert page.status_code == 200
    assert page.url.path == "/hub/login"
    assert "Password" in page.text
    assert "Succeeded" in release.test()
    health = httpx.get(
        f"{release.address()}/services/alongside/api/v1/healthz", trust_env=False, timeout=30
    )
    assert health.json() == {"status": "ok", "leading": True}


def test_nobody_gets_in_with_another_password(release: Release) -> None:
    """Not even with that of the admins, unless as an admin."""
    for password in ("", "password", release.password("admin-password")):
        with httpx.Client(
            base_url=release.address(), follow_redirects=True, trust_env=False, timeout=30
        ) as client:
            client.get("/hub/login")
            (xsrf,) = (c.value for c in client.cookies.jar if c.name == "_xsrf")
            form = {"username": "ada", "password": password, "_xsrf": xsrf}
            assert client.post("/hub/login", data=form).status_code == 403


ALLOWED: dict[tuple[str, str], set[str]] = {
    ("", "configmaps"): {"get", "list", "watch", "create", "patch", "delete"},
    ("", "secrets"): {"get", "create", "delete"},
    ("", "services"): {"create", "delete"},
    ("networking.k8s.io", "networkpolicies"): {"create", "patch", "delete"},
    ("kubernetes.dask.org", "daskclusters"): {
        *("get", "list", "watch", "create", "patch", "delete"),
    },
    ("alongside.jupyter.org", "arkoudaclusters"): {
        *("get", "list", "watch", "create", "patch", "delete"),
    },
    ("apps", "deployments"): {"get", "list", "watch", "create", "delete"},
    ("", "pods"): {"list", "watch", "delete"},
    ("", "pods/log"): {"get"},
    ("", "events"): {"list", "watch"},
    ("", "resourcequotas"): {"list"},
    ("coordination.k8s.io", "leases"): {"create"},
    ("discovery.k8s.io", "endpointslices"): {"create"},
}
DENIED = (
    ("", "pods/exec"),
    ("", "pods/ephemeralcontainers"),
    ("", "serviceaccounts"),
    ("", "serviceaccounts/token"),
    ("", "persistentvolumeclaims"),
    ("", "nodes"),
    ("", "namespaces"),
    ("rbac.authorization.k8s.io", "roles"),
    ("rbac.authorization.k8s.io", "rolebindings"),
    ("apps", "daemonsets"),
    ("batch", "jobs"),
    ("kubernetes.dask.org", "daskjobs"),
)


@pytest.mark.shows("K94")
async def test_the_service_may_do_what_it_needs_and_nothing_else(
    release: Release, kubernetes: ApiClient
) -> None:
    """Each verb on each sort of object, here and in another namespace."""
    here, name = release.namespace, "alongside"
    account = f"system:serviceaccount:{here}:{name}"

    async def may(space: str, group: str, resource: str, verb: str, named: str = "") -> bool:
        resource, _, below = resource.partition("/")
        what = {"namespace": space, "verb": verb, "group": group, "name": named}
        asked = {**what, "resource": resource, "subresource": below}
        body = {"spec": {"user": account, "resourceAttributes": asked}}
        answer = await AuthorizationV1Api(kubernetes).create_subject_access_review(body)
        return bool(answer.status.allowed)

    for group, resource in (*ALLOWED, *DENIED):
        found = {verb for verb in VERBS if await may(here, group, resource, verb)}
        assert found == ALLOWED.get((group, resource), set()), resource
        elsewhere = [verb for verb in VERBS if await may("kube-system", group, resource, verb)]
        assert not elsewhere, resource
    for group, resource in (
        ("coordination.k8s.io", "leases"),
        ("discovery.k8s.io", "endpointslices"),
    ):
        assert await may(here, group, resource, "patch", name)
        assert not await may(here, group, resource, "patch", "other")


CONNECT = """
import json, socket, sys
from concurrent.futures import ThreadPoolExecutor

def reached(place):
    host, _, port = place.rpartition(":")
    try:
        socket.create_connection((host, int(port)), timeout=5).close()
    except OSError:
        return False
    return True

places = sys.argv[1:]
with ThreadPoolExecutor() as pool:
    print(json.dumps([p for p, found in zip(places, pool.map(reached, places)) if found]))
"""


def reached(release: Release, labels: dict[str, str], *places: str) -> set[str]:
    """Which of these a pod with these labels can connect to."""
    return set(json.loads(release.run(labels, "python", "-c", CONNECT, *places)))


@pytest.mark.shows("T158")
def test_the_network_is_closed_but_for_those_who_belong_together(release: Release) -> None:
    """Tried from pods, with the policies enforced."""
    hub, service = "alongside-hub:8081", "alongside:8790"
    door, api = "alongside-proxy:80", "alongside-proxy-api:8001"
    places = (hub, service, door, api)
    assert reached(release, {"app": "stranger"}, *places) == {door}
    session = {"alongside.jupyter.org/component": "session"}
    assert reached(release, session, *places) >= {hub, service}
    assert api not in reached(release, session, *places)


@pytest.mark.shows("K107", "K108")
def test_a_session_and_its_cluster_outlive_upgrade_and_rollback(
    release: Release, tmp_path: Path
) -> None:
    """The next version of the chart, two replicas, other settings; and back again."""
    before = release.held()
    newer = shutil.copytree(CHART, tmp_path / "alongside")
    text = (newer / "Chart.yaml").read_text()
    (newer / "Chart.yaml").write_text(text.replace("version: 0.1.0-dev0", "version: 9.0.0"))
    password = release.password()
    with release.browser("grace") as browser:
        browser.start(SMALL)
        own = wait_for(lambda: both(release), "a session, a scheduler and a worker")
        wait_for(lambda: computed(release) == "3", "a result")
        replicas = release.values.get("service.replicas", 1)
        release.install(
            chart=newer, service__replicas=2, hub__settings={"Spawner": {"debug": True}}
        )
        assert both(release) == own
        assert release.password() == password
        wait_for(lambda: computed(release) == "3", "a result after the upgrade")
        assert scaled(release, 2)
        wait_for(lambda: len(both(release) or ()) == 4, "another worker")
        release.rollback()
        release.values |= {"service.replicas": replicas, "hub.settings": {}}
        assert own.items() <= (both(release) or {}).items()
        wait_for(lambda: computed(release) == "3", "a result after the rollback")
        browser.stop()
    wait_for(lambda: release.held() <= before | ended(release), "nothing is left")


def both(release: Release) -> dict[str, str] | None:
    """The pods of session and cluster, once all are there."""
    session, backend = release.pods(component="session"), release.pods(component="backend")
    return {**session, **backend} if session and len(backend) >= 2 else None


def in_session(release: Release, *command: str) -> str:
    """What a command prints in the session's container, or nothing if it fails."""
    (name,) = release.pods(component="session")
    pod = Pod.get(name, namespace=release.namespace, api=release.api)
    done = pod.exec(list(command), check=False, timeout=60)
    return str(done.stdout.decode()).strip() if done.returncode == 0 else ""


def computed(release: Release) -> str:
    """A sum, computed on the session's cluster."""
    code = (
        "from distributed import Client; print(Client(timeout=20).submit(sum, [1, 2]).result(20))"
    )
    return in_session(release, "python", "-c", code)


def scaled(release: Release, workers: int) -> bool:
    """Ask for so many workers."""
    (one,) = json.loads(in_session(release, "alongside", "list", "--json"))
    in_session(release, "alongside", "scale", one["id"], str(workers))
    return True


def ended(release: Release) -> set[str]:
    """The records of ended backends, which are kept for a while."""
    found = release.api.get(
        "configmaps",
        namespace=release.namespace,
        label_selector={"alongside.jupyter.org/component": "record"},
    )
    return {f"configmaps/{one.name}" for one in found}


def test_an_edited_catalogue_is_used_without_a_restart(release: Release) -> None:
    """A profile more on the form, and no other pod."""
    pods = service_pods(release)
    release.config_map("alongside-catalogue").patch(
        {"data": {"catalogue.yaml": CATALOGUE + "  quiet: {title: Quiet, platform: kubernetes}\n"}}
    )
    # the kubelet looks at a pod's ConfigMaps now and then, and when something of the pod changes
    for name in pods:
        Pod.get(name, namespace=release.namespace, api=release.api).annotate({"looked": "now"})
    with release.browser("ada") as browser:
        wait_for(lambda: "Quiet" in browser.client.get("/hub/spawn").text, "the new profile")
    assert service_pods(release) == pods
    release.install()


def service_pods(release: Release) -> dict[str, str]:
    """Names and restarts of the service's pods."""
    found = release.api.get(
        "pods",
        namespace=release.namespace,
        label_selector={"app.kubernetes.io/component": "service"},
    )
    return {pod.name: pod.metadata.uid for pod in found}


@pytest.mark.shows("K106")
def test_every_combination_of_modules_installs_and_leaves_nothing(
    kubeconfig: str, dask_definitions: None, images: dict[str, str], tmp_path: Path
) -> None:
    """Hub, bounds and network policies: switched one after the other, then removed."""
    with fresh_namespace(kubeconfig) as (api, namespace):
        release = Release(api, namespace, images, tmp_path)
        empty = release.held()
        for hub, bounds, policies in itertools.product((False, True), repeat=3):
            release.install(
                "--wait=false",
                hub__enabled=hub,
                backends__quota__enabled=bounds,
                backends__quota__hard={"pods": "20"},
                backends__limits__enabled=bounds,
                backends__limits__limits=[{"type": "Container", "max": {"memory": "64Gi"}}],
                networkPolicies__enabled=policies,
            )
            kinds = {one.partition("/")[0] for one in release.held() - empty}
            assert ("resourcequotas" in kinds) == ("limitranges" in kinds) == bounds
            assert ("networkpolicies.networking.k8s.io" in kinds) == policies
            assert ("deployments.apps/alongside-hub" in release.held()) == hub
        release.install()
        release.uninstall()
        wait_for(lambda: release.held() == empty, "everything is gone")
