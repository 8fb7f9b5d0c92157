"""What the chart grants the service where backends run, and accounts with such rights."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from kubernetes_asyncio.client import ApiClient, CoreV1Api, RbacAuthorizationV1Api
from ruamel.yaml import YAML

from tests.helm import chart


def chart_rules(folder: Path) -> list[dict[str, Any]]:
    """What the chart grants the service where backends run."""
    found = chart.objects(chart.render(folder))
    rules: list[dict[str, Any]] = chart.named(found, "Role", "alongside-backends")["rules"]
    return rules


def without(rules: list[dict[str, Any]], resource: str, verb: str) -> list[dict[str, Any]]:
    """The rules but for one verb of one resource."""
    changed = []
    for rule in rules:
        if resource in rule["resources"]:
            others = [name for name in rule["resources"] if name != resource]
            if others:
                changed.append({**rule, "resources": others})
            verbs = [one for one in rule["verbs"] if one != verb]
            changed.append({**rule, "resources": [resource], "verbs": verbs})
        else:
            changed.append(rule)
    return changed


async def grant(
    kubeconfig: str,
    kubernetes: ApiClient,
    namespace: str,
    folder: Path,
    rules: list[dict[str, Any]],
) -> str:
    """Make an account with these rights and no others; the path of its kubeconfig."""
    core, rbac = CoreV1Api(kubernetes), RbacAuthorizationV1Api(kubernetes)
    named = {"metadata": {"name": "tried"}}
    await core.create_namespaced_service_account(namespace, named)
    await rbac.create_namespaced_role(namespace, {**named, "rules": rules})
    subject = {"kind": "ServiceAccount", "name": "tried", "namespace": namespace}
    role = {"apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": "tried"}
    await rbac.create_namespaced_role_binding(
        namespace, {**named, "roleRef": role, "subjects": [subject]}
    )
    request: Any = {"spec": {"expirationSeconds": 3600}}
    token = await core.create_namespaced_service_account_token("tried", namespace, request)
    yaml = YAML(typ="safe")
    config = yaml.load(Path(kubeconfig).read_text(encoding="utf-8"))
    for user in config["users"]:
        user["user"] = {"token": token.status.token}
    file = folder / "tried.yaml"
    with file.open("w", encoding="utf-8") as stream:
        yaml.dump(config, stream)
    return str(file)
