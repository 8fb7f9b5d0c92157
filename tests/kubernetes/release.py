"""The chart, installed in a namespace of its own."""

from __future__ import annotations

import base64
import json
import secrets
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Any

import httpx
import kr8s
from kr8s.objects import ConfigMap, Namespace, Pod, Secret, Service

from tests.helm.chart import CHART, helm, nested

CATALOGUE = """\
profiles:
  dask-small:
    title: Small
    description: JupyterLab with a Dask cluster of up to 4 workers, for trying things out.
    platform: kubernetes
    default: dask
    backends:
      dask:
        options:
          workers: {default: 2, minimum: 1, maximum: 4}
          cores: 1
          memory: {default: 1 GiB, minimum: 256 MiB, maximum: 2 GiB}
        lifetime: {idle: 30 min, maximum: 8 h}
        start_timeout: 10 min
"""
SHARED_HOMES = {
    "KubeSpawner": {"storage_access_modes": ["ReadWriteMany"]},
    # a node that others use too takes its time to import JupyterLab
    "AlongsideKubeSpawner": {"shared_volumes": ["home"], "http_timeout": 120},
}
"""Settings of a hub whose backends see their users' homes."""
LIMIT = 180.0  # seconds for what takes twenty, on a machine that others use too
RESTRICTED = {"pod-security.kubernetes.io/enforce": "restricted"}
KINDS = (
    "configmaps",
    "secrets",
    "services",
    "serviceaccounts",
    "persistentvolumeclaims",
    "pods",
    "deployments.apps",
    "networkpolicies.networking.k8s.io",
    "poddisruptionbudgets.policy",
    "resourcequotas",
    "limitranges",
    "roles.rbac.authorization.k8s.io",
    "rolebindings.rbac.authorization.k8s.io",
    "leases.coordination.k8s.io",
    "endpointslices.discovery.k8s.io",
    "daskclusters.kubernetes.dask.org",
)


def wait_for(condition: Callable[[], Any], what: str, limit_s: float = LIMIT) -> Any:
    """What a condition returns as soon as that is true; asked ten times a second.

    Less often where to look takes long, so that what is waited for has the processors.
    """
    deadline = time.monotonic() + limit_s
    while True:
        began = time.monotonic()
        if found := condition():
            return found
        now = time.monotonic()
        assert now < deadline, f"not within {limit_s:g} s: {what}"
        time.sleep(max(0.1, 2 * (now - began)))


class Release:
    """A release called `alongside` of the chart, with the images under test."""

    def __init__(self, api: Any, namespace: str, images: dict[str, str], folder: Path) -> None:
        self.api = api
        self.namespace = namespace
        self.folder = folder
        self.values: dict[str, Any] = {
            "hub.enabled": True,
            "hub.proxy.type": "NodePort",
            "hub.storage.enabled": False,
        }
        places = set()
        for target, name in images.items():
            place, _, image = name.rpartition("/")
            short, _, tag = image.rpartition(":")
            places.add((place, tag))
            self.values[f"images.{target}"] = short
        ((self.values["images.registry"], self.values["images.tag"]),) = places

    # -- Helm --------------------------------------------------------------------------------

    def install(self, *more: str, chart: Path = CHART, **changes: Any) -> None:
        """Install or upgrade; returns when all pods are ready. Dots are written as ``__``."""
        self.values |= {name.replace("__", "."): value for name, value in changes.items()}
        file = self.folder / "values.json"
        file.write_text(json.dumps(nested(self.values)))
        self._helm(
            *("upgrade", "--install", "alongside", str(chart), "--values", str(file)),
            *(more or ("--wait", "--timeout", f"{LIMIT:g}s")),
        )

    def rollback(self) -> None:
        """To the revision before."""
        self._helm("rollback", "alongside", "--wait", "--timeout", f"{LIMIT:g}s")

    def test(self) -> str:
        """What ``helm test`` says."""
        return self._helm("test", "alongside", "--timeout", f"{LIMIT:g}s")

    def uninstall(self) -> None:
        """Returns when all that the release had made is gone."""
        self._helm("uninstall", "alongside", "--wait", "--timeout", f"{LIMIT:g}s")

    def _helm(self, *arguments: str) -> str:
        return helm(*arguments, "--namespace", self.namespace, limit_s=LIMIT + 20).stdout

    # -- what is there -----------------------------------------------------------------------

    def held(self) -> set[str]:
        """Everything in the namespace, but for Helm's own notes and the pods of its Deployments."""
        found = {
            f"{kind}/{one.name}"
            for kind in KINDS
            for one in self.api.get(kind, namespace=self.namespace)
            if not (kind == "pods" and "helm.sh/chart" in one.labels)
        }
        # Kubernetes puts the certificate into each namespace, a moment after it was made.
        ours = found - {"configmaps/kube-root-ca.crt"}
        return {one for one in ours if not one.startswith("secrets/sh.helm.release")}

    def pods(self, **labels: str) -> dict[str, str]:
        """Names and unique ids of the pods with these labels of ours."""
        selector = {f"alongside.jupyter.org/{name}": value for name, value in labels.items()}
        found = self.api.get("pods", namespace=self.namespace, label_selector=selector)
        return {
            pod.name: pod.metadata.uid for pod in found if "deletionTimestamp" not in pod.metadata
        }

    def address(self) -> str:
        """The hub, from this host: a port of a node."""
        service = Service.get("alongside-proxy", namespace=self.namespace, api=self.api)
        node = next(iter(self.api.get("nodes")))
        (ip,) = (a["address"] for a in node.status.addresses if a["type"] == "InternalIP")
        return f"http://{ip}:{service.spec.ports[0].nodePort}"

    def answers(self) -> bool:
        """Whether there is a page to sign in."""
        try:
            page = httpx.get(f"{self.address()}/hub/login", trust_env=False, timeout=30)
        except httpx.TransportError:
            return False
        return page.is_success

    def password(self, key: str = "password") -> str:
        """The one that was made up."""
        secret = Secret.get("alongside-hub", namespace=self.namespace, api=self.api)
        return base64.b64decode(secret.data[key]).decode()

    def config_map(self, name: str) -> ConfigMap:
        """One of the release's ConfigMaps."""
        return ConfigMap.get(name, namespace=self.namespace, api=self.api)

    def run(self, labels: dict[str, str], *command: str) -> str:
        """What a command prints in a pod of its own, made for it, with these labels."""
        image = f"{self.values['images.registry']}/{self.values['images.service']}"
        name = f"probe-{secrets.token_hex(3)}"
        pod = Pod(
            {
                "metadata": {"name": name, "namespace": self.namespace, "labels": labels},
                "spec": {
                    "restartPolicy": "Never",
                    "automountServiceAccountToken": False,
                    "securityContext": {
                        "runAsNonRoot": True,
                        "runAsUser": 1000,
                        "seccompProfile": {"type": "RuntimeDefault"},
                    },
                    "containers": [
                        {
                            "name": "probe",
                            "image": f"{image}:{self.values['images.tag']}",
                            "command": list(command),
                            "securityContext": {
                                "allowPrivilegeEscalation": False,
                                "capabilities": {"drop": ["ALL"]},
                            },
                        }
                    ],
                },
            },
            api=self.api,
        )
        pod.create()

        def ended() -> bool:
            pod.refresh()
            return pod.status.get("phase") in ("Succeeded", "Failed")

        try:
            wait_for(ended, f"the end of {name}")
            return "\n".join(pod.logs())
        finally:
            pod.delete(grace_period=0)

    # -- people ------------------------------------------------------------------------------

    @contextmanager
    def browser(self, user: str) -> Iterator[Browser]:
        """Somebody who has logged in with the hub's password."""
        with httpx.Client(
            base_url=self.address(), follow_redirects=True, timeout=60, trust_env=False
        ) as client:
            yield Browser(client, user, self.password())


class Browser:
    """A logged-in user's cookies."""

    def __init__(self, client: httpx.Client, user: str, password: str) -> None:
        self.client, self.user = client, user
        client.get("/hub/login")
        form = {"username": user, "password": password, "_xsrf": self._xsrf()}
        page = client.post("/hub/login", params={"next": "/hub/home"}, data=form)
        assert page.url.path == "/hub/home", page.text[:500]

    def _xsrf(self) -> str:
        return [
            c.value for c in self.client.cookies.jar if c.name == "_xsrf" and c.path == "/hub/"
        ][-1]

    def hub(self, method: str, path: str, **arguments: Any) -> httpx.Response:
        """A request to the hub's API, as one of its pages makes it."""
        headers = {"X-XSRFToken": self._xsrf(), "Referer": f"{self.client.base_url}/hub/home"}
        return self.client.request(method, f"/hub/api/{path}", headers=headers, **arguments)

    def start(self, options: dict[str, Any]) -> None:
        """Start the user's session; returns when it is ready."""
        answer = self.hub("POST", f"users/{self.user}/server", json=options)
        assert answer.status_code in (201, 202), answer.text

        def ready() -> bool:
            servers = self.hub("GET", f"users/{self.user}").json()["servers"]
            assert servers, "the session has ended"
            return bool(servers[""]["ready"])

        wait_for(ready, "the session is ready")

    def stop(self) -> None:
        """End the user's session; returns when the hub has it no more."""
        answer = self.hub("DELETE", f"users/{self.user}/server")
        assert answer.status_code in (202, 204), answer.text
        wait_for(lambda: not self.hub("GET", f"users/{self.user}").json()["servers"], "its end")


@contextmanager
def fresh_namespace(
    kubeconfig: str, labels: dict[str, str] = RESTRICTED
) -> Iterator[tuple[Any, str]]:
    """The API, and a namespace, restricted unless otherwise said, that is gone afterwards."""
    api = kr8s.api(kubeconfig=kubeconfig)
    name = f"alongside-test-{secrets.token_hex(4)}"
    space = Namespace({"metadata": {"name": name, "labels": labels}}, api=api)
    space.create()
    try:
        wait_for(lambda: list(api.get("serviceaccounts", "default", namespace=name)), "an account")
        yield api, name
    finally:
        space.delete()
        wait_for(lambda: not space.exists(), "the namespace is gone")


Chart = Callable[..., AbstractContextManager["Release"]]
"""What installs the chart for the time of a ``with``, with values as `Release.install` has them."""


@contextmanager
def installed(
    kubeconfig: str, images: dict[str, str], folder: Path, **values: Any
) -> Iterator[Release]:
    """A release in a namespace of its own, with `CATALOGUE` if the values have none; afterwards all
    of it is gone."""
    ours = {
        "catalogue__text": CATALOGUE,
        "service__settings": {"KubernetesPlatform": {"core_overcommit": 20.0}},
    }
    with fresh_namespace(kubeconfig) as (api, namespace):
        release = Release(api, namespace, images, folder)
        release.install(**ours | values)
        if values.get("hub__enabled", True):  # its proxy may be ready before it knows the hub
            wait_for(release.answers, "the page to sign in")
        yield release
        release.uninstall()
