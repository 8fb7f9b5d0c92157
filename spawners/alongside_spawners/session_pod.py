"""What a profile makes of a session's pod. Pure.

KubeSpawner's settings are those of the operator. What a profile says is laid over them for one
start, as late as possible, so that nothing that a user sends comes after it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from alongside.models import Pod
from alongside.names import label_of
from alongside_spawners.choice import Choice

COMPONENT = "alongside.jupyter.org/component"
OWNER = "alongside.jupyter.org/owner"

SETTINGS = (
    "cpu_limit",
    "cpu_guarantee",
    "mem_limit",
    "mem_guarantee",
    "image",
    "image_pull_secrets",
    "node_selector",
    "tolerations",
    "volumes",
    "volume_mounts",
    "priority_class_name",
)
"""KubeSpawner's settings that a profile may change."""

Expand = Callable[[Any], Any]


def with_choice(plain: Mapping[str, Any], choice: Choice) -> dict[str, Any]:
    """The `SETTINGS` of a session, from the operator's and what the service has allowed.

    Mappings and lists are joined, the profile's entries winning; a guarantee of the operator's is
    kept where it fits under the profile's limit.
    """
    pod, found = choice.pod, dict(plain)
    found["cpu_limit"], found["cpu_guarantee"] = _sized(
        choice.cores, plain["cpu_limit"], plain["cpu_guarantee"]
    )
    found["mem_limit"], found["mem_guarantee"] = _sized(
        choice.memory, plain["mem_limit"], plain["mem_guarantee"]
    )
    found["image"] = pod.image or plain["image"]
    found["priority_class_name"] = pod.priority_class or plain["priority_class_name"]
    found["node_selector"] = {**plain["node_selector"], **pod.node_selector}
    found["tolerations"] = _joined(plain["tolerations"], pod.tolerations, None)
    found["volumes"] = _joined(plain["volumes"], pod.volumes, "name")
    found["volume_mounts"] = _joined(plain["volume_mounts"], pod.volume_mounts, "mountPath")
    secrets = [{"name": name} for name in pod.image_pull_secrets]
    found["image_pull_secrets"] = _joined(
        [{"name": s} if isinstance(s, str) else s for s in plain["image_pull_secrets"] or ()],
        secrets,
        "name",
    )
    return found


def _sized(wanted: Any, limit: Any, guarantee: Any) -> tuple[Any, Any]:
    """Limit and guarantee; without a guarantee Kubernetes reserves as much as the limit says."""
    if not wanted:
        return limit, guarantee
    return wanted, min(guarantee, wanted) if guarantee else None


def _joined(plain: Any, added: Iterable[Any], key: str | None) -> list[Any]:
    """The operator's entries and the profile's; of two with the same key, the profile's."""
    mine = list(added)
    names = {entry.get(key) for entry in mine} if key else set()
    kept = [
        entry
        for entry in _entries(plain)
        if (entry.get(key) not in names if key else entry not in mine)
    ]
    return [*kept, *mine]


def _entries(setting: Any) -> list[Any]:
    """KubeSpawner takes a mapping, whose keys only say the order, as well as a list."""
    if isinstance(setting, Mapping):
        return [setting[name] for name in sorted(setting)]
    return list(setting or ())


def shared_with_backend(
    settings: Mapping[str, Any], names: Iterable[str], expand: Expand
) -> dict[str, Any]:
    """What a backend's containers get of the session's: image, and the volumes named.

    `expand` fills in templates such as ``{username}``. The result is the `pod` of a launch.
    """
    wanted = set(names)
    volumes = [v for v in _entries(settings["volumes"]) if expand(v["name"]) in wanted]
    mounts = [m for m in _entries(settings["volume_mounts"]) if expand(m["name"]) in wanted]
    pod = {
        "image": settings["image"],
        "image_pull_secrets": [
            s if isinstance(s, str) else s["name"] for s in settings["image_pull_secrets"] or ()
        ],
        "volumes": expand(volumes),
        "volume_mounts": expand(mounts),
    }
    return {name: value for name, value in pod.items() if value}


def finish(manifest: Any, added: Pod, own_labels: Mapping[str, str], user: str) -> Any:
    """The pod as it is sent: what the profile adds, and what no session goes without.

    added : what the profile says of labels, annotations and runtime class
    manifest : KubeSpawner's ``V1Pod``, changed in place and returned
    own_labels : labels that KubeSpawner finds its pods by, which nobody may change
    """
    meta, spec = manifest.metadata, manifest.spec
    meta.labels = {
        **(meta.labels or {}),
        **added.labels,
        **own_labels,
        COMPONENT: "session",
        OWNER: label_of(user),
    }
    meta.annotations = {**(meta.annotations or {}), **added.annotations}
    if added.runtime_class:
        spec.runtime_class_name = added.runtime_class
    spec.automount_service_account_token = False
    if spec.enable_service_links is None:
        spec.enable_service_links = False
    notebook = spec.containers[0]
    # the last lines that a notebook server printed before it ended, for whoever waits for it
    notebook.termination_message_policy = (
        notebook.termination_message_policy or "FallbackToLogsOnError"
    )
    spec.security_context = {**_POD_SECURITY, **(spec.security_context or {})}
    notebook.security_context = restricted(notebook.security_context or {})
    return manifest


_POD_SECURITY: dict[str, Any] = {"seccompProfile": {"type": "RuntimeDefault"}}


def restricted(context: Mapping[str, Any]) -> dict[str, Any]:
    """A container's security context with what the restricted policy asks for.

    What the operator has said stays. Whoever lets a session be root or gain privileges has left
    that policy, and capabilities are then as the operator says.

    >>> restricted({"runAsUser": 1000})["runAsNonRoot"]
    True
    >>> restricted({"runAsUser": 0})
    {'runAsUser': 0}
    """
    if (
        context.get("privileged")
        or context.get("allowPrivilegeEscalation")
        or context.get("runAsUser") == 0
    ):
        return dict(context)
    defaults = {
        "runAsNonRoot": True,
        "allowPrivilegeEscalation": False,
        "capabilities": {"drop": ["ALL"]},
    }
    return {**defaults, **context}
