"""Pods that a namespace under Kubernetes' strictest standard lets in, and what they say."""

from __future__ import annotations

from typing import Any

from kubernetes_asyncio.client import ApiClient, CoreV1Api

from tests.kubernetes import watching

# The directories that a container with a read-only root may write to.
WRITABLE = ("/tmp", "/home/jovyan")


def restricted(name: str, image: str, *arguments: str, **container: Any) -> dict[str, Any]:
    """A pod with one container, whose image's entry point gets these arguments (if any).

    It runs without any rights, with a read-only root. Keywords add to the container's definition.
    """
    definition: dict[str, Any] = {
        "name": "main",
        "image": image,
        "imagePullPolicy": "IfNotPresent",
        "securityContext": {
            "allowPrivilegeEscalation": False,
            "capabilities": {"drop": ["ALL"]},
            "readOnlyRootFilesystem": True,
        },
        "volumeMounts": [
            {"name": "scratch", "mountPath": path, "subPath": path.replace("/", "_")}
            for path in WRITABLE
        ],
        **container,
    }
    if arguments:
        definition["args"] = list(arguments)
    return {
        "metadata": {"name": name},
        "spec": {
            "automountServiceAccountToken": False,
            "enableServiceLinks": False,
            "restartPolicy": "Never",
            "terminationGracePeriodSeconds": 1,
            "securityContext": {
                "runAsNonRoot": True,
                "fsGroup": 1000,
                "seccompProfile": {"type": "RuntimeDefault"},
            },
            "containers": [definition],
            "volumes": [{"name": "scratch", "emptyDir": {}}],
        },
    }


async def start(api: ApiClient, namespace: str, pod: dict[str, Any]) -> None:
    """Have it made."""
    await CoreV1Api(api).create_namespaced_pod(namespace, pod)


async def until_ready(api: ApiClient, namespace: str, name: str, limit_s: float = 90) -> Any:
    """The pod, when its readiness probe has succeeded. TimeoutError after `limit_s` seconds."""
    return await watching.until(
        CoreV1Api(api).list_namespaced_pod,
        namespace,
        field_selector=f"metadata.name={name}",
        condition=lambda pod: any(
            c.type == "Ready" and c.status == "True" for c in pod.status.conditions or []
        ),
        limit_s=limit_s,
    )


async def output(api: ApiClient, namespace: str, name: str, limit_s: float = 90) -> str:
    """All that a pod has said, when it has ended well. AssertionError if it has ended badly."""
    core = CoreV1Api(api)
    pod = await watching.until(
        core.list_namespaced_pod,
        namespace,
        field_selector=f"metadata.name={name}",
        condition=lambda pod: pod.status.phase in {"Succeeded", "Failed"},
        limit_s=limit_s,
    )
    # As text: the client would read JSON as an object, and write that out in Python's way.
    response = await core.read_namespaced_pod_log(name, namespace, _preload_content=False)
    said: str = await response.text()
    assert pod.status.phase == "Succeeded", said or pod.status
    return said
