"""The nodes of a Workflow's status: what Argo has seen of each task and pod. Pure."""

from __future__ import annotations

import base64
import gzip
import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from alongside.platforms.kubernetes.resources import Object
from alongside_workflows.executors.argo.naming import task_name

NUMBER = "number"
"""Argument of every task: the number that its first attempt has, which counts over resumptions."""
ENDED = ("Succeeded", "Failed", "Error", "Skipped", "Omitted")


@dataclass(frozen=True)
class Node:
    """One node, as Argo has it."""

    raw: Object

    @property
    def name(self) -> str:
        return str(self.raw.get("name", ""))

    @property
    def id(self) -> str:
        return str(self.raw.get("id", ""))

    @property
    def phase(self) -> str:
        return str(self.raw.get("phase", ""))

    @property
    def message(self) -> str:
        return str(self.raw.get("message", ""))

    @property
    def is_retry(self) -> bool:
        """Whether it stands for several attempts."""
        return self.raw.get("type") == "Retry"

    @property
    def is_pod(self) -> bool:
        return self.raw.get("type") == "Pod"

    @property
    def ended(self) -> bool:
        return self.phase in ENDED

    @property
    def started_at(self) -> datetime | None:
        return moment(self.raw.get("startedAt"))

    @property
    def finished_at(self) -> datetime | None:
        return moment(self.raw.get("finishedAt"))

    @property
    def exit_code(self) -> int | None:
        """Of the main container; None when it hasn't ended, or was never there."""
        said = str((self.raw.get("outputs") or {}).get("exitCode", ""))
        return int(said) if said.isdecimal() else None

    @property
    def progress(self) -> tuple[int | None, int | None]:
        """Cells that were begun, and all.

        Argo takes note every few seconds only, so that what has ended is asked itself; and it says
        1 of 1 by itself, which means nothing.
        """
        told = self.output("outcome")
        if isinstance(cell := told.get("cell"), int) and isinstance(all := told.get("cells"), int):
            return cell, all
        done, _, all = str(self.raw.get("progress", "")).partition("/")
        if not (done.isdecimal() and all.isdecimal()) or int(all) < 2:
            return None, None
        return int(done), int(all)

    @property
    def first(self) -> int:
        """The number of the first attempt that it stands for."""
        for parameter in (self.raw.get("inputs") or {}).get("parameters") or ():
            if parameter.get("name") == NUMBER and str(parameter.get("value", "")).isdecimal():
                return int(parameter["value"])
        return 1

    def output(self, name: str) -> dict[str, Any]:
        """What it has told under this name, empty if nothing."""
        for parameter in (self.raw.get("outputs") or {}).get("parameters") or ():
            if parameter.get("name") == name:
                try:
                    told = json.loads(parameter.get("value") or "{}")
                except ValueError:
                    return {}
                return told if isinstance(told, dict) else {}
        return {}


class Nodes:
    """All nodes of a Workflow, by their names."""

    def __init__(self, workflow: Object) -> None:
        status = workflow.get("status") or {}
        raw = _uncompressed(status) or status.get("nodes") or {}
        self._root = str(workflow["metadata"]["name"])
        self._by_name = {str(node.get("name", "")): Node(node) for node in raw.values()}
        self._attempts: dict[str, list[tuple[int, Node]]] = {}
        for name, node in self._by_name.items():
            if node.is_pod and (match := _ATTEMPT.fullmatch(name)):
                self._attempts.setdefault(match[1], []).append((int(match[2]), node))

    def __iter__(self) -> Iterator[Node]:
        return iter(self._by_name.values())

    def of(self, name: str) -> Node | None:
        """The node of this name."""
        return self._by_name.get(name)

    def task(self, step: str) -> Node | None:
        """The node that stands for a step."""
        return self._by_name.get(f"{self._root}.{task_name(step)}")

    def attempts(self, step: str) -> dict[int, Node]:
        """The pods that have begun, by the numbers of the attempts that they are."""
        node = self.task(step)
        if node is None:
            return {}
        tries = self.tries(node)
        return {node.first + number: each for number, each in tries if each.started_at is not None}

    def tries(self, node: Node) -> list[tuple[int, Node]]:
        """The pods' nodes that a step's node stands for, numbered from 0, the last one last."""
        if node.is_retry:
            return sorted(self._attempts.get(node.name, ()), key=_number)
        return [(0, node)] if node.is_pod else []


_ATTEMPT = re.compile(r"(.+)\((\d+)\)")


def _number(attempt: tuple[int, Node]) -> int:
    return attempt[0]


def moment(text: Any) -> datetime | None:
    """A time as Kubernetes writes it."""
    return datetime.fromisoformat(text) if isinstance(text, str) and text else None


def _uncompressed(status: Mapping[str, Any]) -> dict[str, Any]:
    """The nodes of a large Workflow, which Argo packs."""
    packed = status.get("compressedNodes")
    if not packed:
        return {}
    nodes = json.loads(gzip.decompress(base64.b64decode(packed)))
    return nodes if isinstance(nodes, dict) else {}


__all__ = ["NUMBER", "Node", "Nodes", "moment"]
