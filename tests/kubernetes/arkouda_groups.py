"""Arkouda groups on a cluster: their definition, the operator as a process, and a bench."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from kubernetes_asyncio.client import (
    ApiClient,
    ApiextensionsV1Api,
    CustomObjectsApi,
)
from kubernetes_asyncio.config import new_client_from_config
from ruamel.yaml import YAML

from alongside.kinds.arkouda.messages import Answer, ask
from alongside.models import Spec
from tests.helm.chart import CHART
from tests.kubernetes import watching
from tests.kubernetes.backends import LIMIT, Bench, bench_of

GROUPS = ("alongside.jupyter.org", "v1alpha1")
PLURAL = "arkoudaclusters"


async def install(kubeconfig: str) -> None:
    """Have the chart's definition in a cluster; returns when objects of it can be made."""
    text = Path(CHART, "crds", f"{PLURAL}.yaml").read_text(encoding="utf-8")
    definition = YAML(typ="safe").load(text)
    async with await new_client_from_config(kubeconfig, persist_config=False) as api:
        extensions = ApiextensionsV1Api(api)
        await extensions.patch_custom_resource_definition(
            definition["metadata"]["name"],
            definition,
            field_manager="alongside-tests",
            force=True,
            _content_type="application/apply-patch+yaml",
        )
        await watching.until(
            extensions.list_custom_resource_definition,
            field_selector=f"metadata.name={definition['metadata']['name']}",
            condition=lambda one: any(
                c.type == "Established" and c.status == "True" for c in one.status.conditions or []
            ),
        )


class Operator:
    """The operator, as a process of this host that looks after one namespace."""

    def __init__(self, kubeconfig: str, namespace: str, exporter_image: str, log: Path) -> None:
        self._command = [
            *(sys.executable, "-m", "alongside_operator", "--namespace", namespace),
            *("--exporter-image", exporter_image),
        ]
        self._environment = {**os.environ, "KUBECONFIG": kubeconfig}
        self._log = log
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(
                self._command, env=self._environment, stdout=log, stderr=log
            )

    def kill(self) -> None:
        """As the loss of its node would."""
        process, self._process = self._process, None
        if process is not None:
            assert process.poll() is None, self._log.read_text(encoding="utf-8")[-2000:]
            process.kill()
            process.wait(30)


class GroupBench(Bench):
    """A bench whose backends are Arkouda groups of small locales."""

    kind = "arkouda"
    small = {"locales": 1, "memory": "256 MiB"}
    places = {
        **Bench.places,
        PLURAL: f"/apis/{GROUPS[0]}/{GROUPS[1]}",
        "statefulsets": "/apis/apps/v1",
    }
    image: str
    operator: Operator

    def spec(self, options: dict[str, Any] | None = None, **changes: Any) -> Spec:
        pod = {"image": self.image, **changes.pop("pod", {})}
        return super().spec(options, pod=pod, **changes)

    async def until_left(self, spec: Spec, wanted: set[str]) -> None:
        """No more than this is left, once Kubernetes' own collector has done its part."""
        end = time.monotonic() + LIMIT
        while (found := await self.left(spec)) != wanted:
            assert time.monotonic() < end, f"left after {LIMIT:g} s: {found}, not {wanted}"
            await asyncio.sleep(0.3)

    @property
    def custom(self) -> tuple[CustomObjectsApi, tuple[str, ...]]:
        """The API of the groups' resources, and where these are."""
        return CustomObjectsApi(self.api), (*GROUPS, self.namespace, PLURAL)

    async def said(self, spec: Spec, command: str) -> Answer:
        """What its server answers to who has the credentials. Names of the cluster aren't known
        here, so by the address of its pod."""
        connection = await self.platform.connection(spec.id)
        assert connection.address == f"tcp://{spec.id}.{self.namespace}:5555"
        (pod,) = await self.items("pods", f"{self.role(spec, 'server')}")
        address = f"tcp://{pod['status']['podIP']}:5555"
        return ask(address, connection.credentials["token"], command, timeout=10)

    def role(self, spec: Spec, role: str) -> str:
        """The selector of its pods of one role."""
        prefix = "alongside.jupyter.org"
        return f"{prefix}/id={spec.id},{prefix}/role={role}"


@asynccontextmanager
async def groups(
    kubeconfig: str,
    api: ApiClient,
    namespace: str,
    images: dict[str, str],
    log: Path,
    *,
    account: str = "",
) -> AsyncIterator[GroupBench]:
    """A bench with an operator; afterwards nothing of its groups is left.

    `account` is the kubeconfig of the platform, where that is another than the operator's.
    """
    operator = Operator(kubeconfig, namespace, images["service"], log)
    operator.start()
    try:
        async with bench_of(
            GroupBench, account or kubeconfig, api, namespace, images["session"], images={}
        ) as it:
            it.image, it.operator = images["arkouda-double"], operator
            yield it
    finally:
        operator.kill()
