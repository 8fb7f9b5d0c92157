"""What pods say already of which Argo has not taken note yet. Pure.

From the end of a step's process until Argo says so it takes the kubelet's rounds, Argo's own
container beside it and the rounds of its controller: about three seconds, and more than ten with
the controller's defaults. The pod tells the exit code at once; and a step that has succeeded leaves
there what came of it, too (see `attempt`). Of a failure it is Argo that knows what follows.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

from alongside.platforms.kubernetes.resources import Object
from alongside_workflows.executors.argo.nodes import Node, Nodes

MAIN = "main"
"""The container of a pod in which the step runs."""
NODE = "workflows.argoproj.io/node-name"
"""Annotation of a pod: the name of its node."""


def ahead(workflow: Object, pods: Iterable[Object]) -> Object:
    """The Workflow as it will be when Argo has taken note of what these pods of it say."""
    status = workflow.get("status") or {}
    if status.get("phase") != "Running" or (workflow.get("spec") or {}).get("shutdown"):
        return workflow
    nodes = Nodes(workflow)
    changed = {
        node.name: found
        for pod in pods
        if (node := nodes.of(_node_name(pod))) is not None
        and not node.ended
        and (found := _later(node, _main(pod)))
    }
    if not changed:
        return workflow
    for node in nodes:
        # several attempts at one step: it has succeeded with its last one
        if node.is_retry and not node.ended and (last := _last(node, nodes, changed)):
            changed[node.name] = last
    whole = {node.name: {**node.raw, **changed.get(node.name, {})} for node in nodes}
    later = {**status, "nodes": whole, "compressedNodes": ""}
    if ends := _ends(workflow, whole):
        later |= {"phase": "Succeeded", "finishedAt": max(ends)}
    return {**workflow, "status": later}


def _node_name(pod: Object) -> str:
    return str((pod["metadata"].get("annotations") or {}).get(NODE, ""))


def _main(pod: Object) -> Object:
    """The state of the step's container."""
    for container in (pod.get("status") or {}).get("containerStatuses") or ():
        if container.get("name") == MAIN:
            return container.get("state") or {}
    return {}


def _later(node: Node, state: Object) -> Object:
    """What is new of a node, by the state of its container."""
    if node.phase == "Pending" and state.get("running"):
        return {"phase": "Running", "message": ""}
    ended = state.get("terminated") or {}
    if ended.get("exitCode") != 0:
        return {}
    try:
        told: dict[str, Any] = json.loads(ended.get("message") or "")
        parameters = [{"name": name, "value": json.dumps(value)} for name, value in told.items()]
    except (ValueError, AttributeError):
        return {}  # not by Alongside's process, or too long to be told here
    outputs = {"exitCode": "0", "parameters": parameters}
    return {"phase": "Succeeded", "finishedAt": ended.get("finishedAt"), "outputs": outputs}


def _last(node: Node, nodes: Nodes, changed: dict[str, Object]) -> Object:
    found = [changed.get(each.name, {}) for _, each in nodes.tries(node)][-1:]
    return found[0] if found and found[0].get("phase") == "Succeeded" else {}


def _ends(workflow: Object, nodes: dict[str, Object]) -> list[str]:
    """When each task ended, if all have succeeded; empty if not."""
    templates = {template["name"]: template for template in workflow["spec"]["templates"]}
    tasks = templates[workflow["spec"]["entrypoint"]]["dag"]["tasks"]
    root = workflow["metadata"]["name"]
    found = [nodes.get(f"{root}.{task['name']}", {}) for task in tasks]
    if any(node.get("phase") != "Succeeded" for node in found):
        return []
    return [str(node.get("finishedAt") or "") for node in found]


__all__ = ["MAIN", "NODE", "ahead"]
