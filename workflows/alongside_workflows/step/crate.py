"""The record of an attempt: what made what, as an RO-Crate (profile Process Run Crate). Pure.

See https://w3id.org/ro/wfrun/process. One JSON document in JSON-LD, flat: entities that refer to
each other by `@id`.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any
from urllib.parse import quote

from pydantic import JsonValue

from alongside_workflows.step.staging import Staged
from alongside_workflows.task import CRATE, LOG, OUTPUT, Outcome, Spent, StepBackend, Task

_SPECIFICATION = "https://w3id.org/ro/crate/1.1"
_PROFILE = "https://w3id.org/ro/wfrun/process/0.5"
CONTEXT = [f"{_SPECIFICATION}/context", "https://w3id.org/ro/terms/workflow-run/context"]
_IMAGE = re.compile(
    r"(?:(?P<registry>[^/]+[.:][^/]*|localhost)/)?(?P<name>[^:@]+)"
    r"(?::(?P<tag>[^@]+))?(?:@sha256:(?P<sha256>[0-9a-f]{64}))?"
)

Entity = dict[str, Any]


@dataclass(frozen=True)
class Facts:
    """What is recorded of an attempt. Hashes are SHA-256 in hexadecimal digits."""

    task: Task
    outcome: Outcome
    started: datetime
    notebook: Staged | None = None
    notebook_hash: str = ""
    executed_hash: str = ""
    inputs: Mapping[str, Staged] = field(default_factory=dict)
    outputs: Mapping[str, Staged] = field(default_factory=dict)
    backend: StepBackend = field(default_factory=StepBackend)
    software: Mapping[str, str] = field(default_factory=dict)
    """Names and versions."""
    host: str = ""
    """Name of the machine or pod."""
    log: bool = False


def crate(facts: Facts) -> dict[str, JsonValue]:
    """The document."""
    return _Crate(facts).document()


class _Crate:
    def __init__(self, facts: Facts) -> None:
        self._facts = facts
        self._entities: dict[str, Entity] = {}
        self._parts: list[str] = []

    def document(self) -> dict[str, JsonValue]:
        facts, task, outcome = self._facts, self._facts.task, self._facts.outcome
        objects = [
            *(self._file(place, outcome.inputs.get(n), n) for n, place in facts.inputs.items()),
            *(self._value("parameter", name, value) for name, value in task.values.items()),
        ]
        results = [
            *(
                self._file(place, outcome.outputs[name], name)
                for name, place in facts.outputs.items()
                if name in outcome.outputs
            ),
            *(self._value("result", name, value) for name, value in outcome.results.items()),
        ]
        if facts.executed_hash:
            results.append(self._part(OUTPUT, "The executed notebook", facts.executed_hash))
        if facts.log:
            results.append(self._part(LOG, "What was printed"))
        succeeded = outcome.succeeded
        action: Entity = {
            "@type": "CreateAction",
            "name": f"{task.workflow}: {task.step.name}, attempt {task.attempt}",
            "instrument": self._instrument(),
            "agent": self._add(f"#owner-{quote(task.owner)}", "Person", name=task.owner),
            "startTime": facts.started.isoformat(),
            "endTime": outcome.ended.isoformat(),
            "actionStatus": {
                "@id": f"http://schema.org/{'Completed' if succeeded else 'Failed'}ActionStatus"
            },
            "object": objects,
            "result": results,
            "additionalProperty": self._circumstances(),
        }
        if not succeeded:
            action["error"] = outcome.message
        if task.image:
            action["containerImage"] = self._image(task.image)
        if task.step.environment:
            # Names only: a value may be a secret.
            action["environment"] = [
                self._add(f"#environment-{name}", "PropertyValue", name=name)
                for name in task.step.environment
            ]
        self._entities["#attempt"] = {"@id": "#attempt"} | action
        return {"@context": [*CONTEXT], "@graph": [*self._root(), *self._entities.values()]}

    def _root(self) -> list[Entity]:
        task = self._facts.task
        self._add(_PROFILE, "CreativeWork", name="Process Run Crate", version="0.5")
        about = f"Step {task.step.name} of run {task.run}"
        return [
            {
                "@id": CRATE,
                "@type": "CreativeWork",
                "conformsTo": {"@id": _SPECIFICATION},
                "about": {"@id": "./"},
            },
            {
                "@id": "./",
                "@type": "Dataset",
                "name": f"{task.workflow}: {task.step.name}",
                "description": f"{about}, attempt {task.attempt}.",
                "datePublished": self._facts.outcome.ended.isoformat(),
                "conformsTo": {"@id": _PROFILE},
                "hasPart": [{"@id": part} for part in self._parts],
                "mentions": {"@id": "#attempt"},
            },
        ]

    def _instrument(self) -> Entity:
        facts, step = self._facts, self._facts.task.step
        needs = [
            self._add(
                f"#software-{quote(name)}",
                "SoftwareApplication",
                name=name,
                softwareVersion=version,
            )
            for name, version in facts.software.items()
        ]
        if facts.notebook is None:
            words = list(step.command or ())
            name = Path(words[0]).name if words else step.name
            return self._add(
                "#command",
                "SoftwareApplication",
                name=name,
                description=json.dumps(words, ensure_ascii=False),
                softwareRequirements=needs,
            )
        self._file(facts.notebook, facts.notebook_hash, facts.notebook.path.name)
        id = id_of(facts.notebook)
        self._entities[id] |= {
            "@type": ["File", "SoftwareSourceCode"],
            "encodingFormat": "application/x-ipynb+json",
            "softwareRequirements": needs,
        }
        return {"@id": id}

    def _circumstances(self) -> list[Entity]:
        task, outcome, backend = self._facts.task, self._facts.outcome, self._facts.backend
        found: dict[str, JsonValue] = {
            "exit status": outcome.exit_code,
            "run": task.run,
            "step": task.step.name,
            "attempt": task.attempt,
        }
        if task.digest:
            found["digest"] = task.digest
        if self._facts.host:
            found["host"] = self._facts.host
        if backend.id:
            found |= {
                "backend": backend.id,
                "backend kind": backend.kind,
                "backend members": backend.members,
                "backend members wanted": backend.wanted,
            }
            if self._options():
                found["backend options"] = self._options()
        return [
            *(self._value("circumstance", name, value) for name, value in found.items()),
            *(
                self._value("circumstance", name, value, unitText=unit)
                for name, value, unit in _spent(outcome.spent)
            ),
        ]

    def _options(self) -> dict[str, JsonValue]:
        wish = self._facts.task.step.wish(self._facts.task.attempt)
        return {} if wish is None or isinstance(wish, str) else dict(wish.options)

    def _image(self, image: str) -> Entity:
        match = _IMAGE.fullmatch(image)
        parts = {k: v for k, v in match.groupdict().items() if v} if match else {"name": image}
        return self._add(
            "#image",
            "ContainerImage",
            additionalType={"@id": "https://w3id.org/ro/terms/workflow-run#DockerImage"},
            **parts,
        )

    def _file(self, staged: Staged, hash: str | None, name: str) -> Entity:
        kind = "Dataset" if staged.path.is_dir() else "File"
        more = {"sha256": hash} if hash else {}
        id = id_of(staged)
        if id not in self._entities:
            self._parts.append(id)
        return self._add(id, kind, name=name, **more)

    def _part(self, id: str, name: str, hash: str = "") -> Entity:
        self._parts.append(id)
        form = "application/x-ipynb+json" if id.endswith(".ipynb") else "text/plain"
        more = {"sha256": hash} if hash else {}
        return self._add(id, "File", name=name, encodingFormat=form, **more)

    def _value(self, kind: str, name: str, value: JsonValue, **more: str) -> Entity:
        plain = value if isinstance(value, str | int | float | bool) else json.dumps(value)
        return self._add(f"#{kind}-{quote(name)}", "PropertyValue", name=name, value=plain, **more)

    def _add(self, id: str, kind: str, **properties: Any) -> Entity:
        """Add an entity, and give the reference to it."""
        self._entities[id] = {"@id": id, "@type": kind} | properties
        return {"@id": id}


def _spent(spent: Spent | None) -> list[tuple[str, float, str]]:
    """Where the time went: names, values and units. The seconds add up to the action's time."""
    if spent is None:
        return []
    found = [
        ("staging in", spent.staging_in, "s"),
        ("bytes staged in", spent.bytes_in, "B"),
        ("bandwidth in", spent.bandwidth_in, "B/s"),
        ("waiting for the backend", spent.waiting, "s"),
        ("computing", spent.computing, "s"),
        ("staging out", spent.staging_out, "s"),
        ("bytes staged out", spent.bytes_out, "B"),
        ("bandwidth out", spent.bandwidth_out, "B/s"),
    ]
    return [one for one in found if not (one[2] == "B/s" and not one[1])]


def id_of(staged: Staged) -> str:
    """By what a record names it: a URL without what may be secret."""
    return quote(staged.shown, safe=":/?&=@%+,;~") if staged.remote else staged.path.as_uri()
