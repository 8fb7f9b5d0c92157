"""The record of a whole run: one RO-Crate made of those that its steps have written.

https://www.researchobject.org/ro-crate/specification/1.1/
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from typing import Any

from alongside.errors import AlongsideError
from alongside_service.bounded import executor_answers
from alongside_workflows.executors.base import Executor, ObservedRun
from alongside_workflows.runs import StepRun
from alongside_workflows.step.crate import CONTEXT
from alongside_workflows.task import CRATE

_OUTSIDE = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:")
"""How an `@id` begins that means the same wherever it stands: a URL of a file too."""


async def record_of(executor: Executor, run: ObservedRun) -> dict[str, Any]:
    """The crate of a run as far as it has come: steps without a record are listed without."""
    crates: dict[str, Mapping[str, Any]] = {}
    for step in run.status.steps:
        if not step.attempts:
            continue
        try:
            async with executor_answers():
                number = step.attempts[-1].number
                text = await executor.file(run.spec.id, step.name, number, CRATE)
            document = json.loads(text)
        except (AlongsideError, ValueError):
            continue
        if isinstance(document, dict) and isinstance(document.get("@graph"), list):
            crates[step.name] = document
    return merged(run, crates)


def merged(run: ObservedRun, crates: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
    """One graph: the run, its steps, and under ``steps/<name>/`` what each has recorded. Pure."""
    spec, status = run.spec, run.status
    action = {
        "@id": f"#{spec.id}",
        "@type": "OrganizeAction",
        "name": spec.workflow.name,
        "agent": {"@id": "#owner"},
        "actionStatus": str(status.state),
        "startTime": _time(status.started or spec.created),
        "endTime": _time(status.ended),
        "error": status.message or None,
        "instrument": {"@id": "#definition"},
        "object": [{"@id": f"#step-{step.name}"} for step in status.steps],
    }
    graph: list[dict[str, Any]] = [
        {
            "@id": CRATE,
            "@type": "CreativeWork",
            "conformsTo": {"@id": "https://w3id.org/ro/crate/1.1"},
            "about": {"@id": "./"},
        },
        {
            "@id": "./",
            "@type": "Dataset",
            "name": f"{spec.workflow.name}, run {spec.id}",
            "description": spec.workflow.description or None,
            "datePublished": _time(status.ended or spec.created),
            "mentions": {"@id": f"#{spec.id}"},
            "hasPart": [{"@id": f"steps/{name}/"} for name in crates],
        },
        {"@id": "#owner", "@type": "Person", "name": spec.owner},
        {
            "@id": "#definition",
            "@type": "SoftwareSourceCode",
            "name": spec.workflow.name,
            "encodingFormat": "application/json",
            "text": spec.workflow.model_dump_json(exclude_unset=True),
        },
        action,
        *(_step(step, step.name in crates) for step in status.steps),
    ]
    found = _Entities()
    for name, crate in crates.items():
        found.take(f"steps/{name}/", crate["@graph"])
    graph += found.all.values()
    return {"@context": [*CONTEXT], "@graph": [_told(entity) for entity in graph]}


def _step(step: StepRun, recorded: bool) -> dict[str, Any]:
    return {
        "@id": f"#step-{step.name}",
        "@type": "ControlAction",
        "name": step.name,
        "actionStatus": str(step.state),
        "startTime": _time(step.started),
        "endTime": _time(step.ended),
        "error": step.message if step.state == "failed" else None,
        "identifier": step.digest or None,
        "isBasedOn": step.unchanged or None,
        "object": {"@id": f"steps/{step.name}/"} if recorded else None,
    }


class _Entities:
    """The entities of all steps' crates, each once."""

    def __init__(self) -> None:
        self.all: dict[str, dict[str, Any]] = {}

    def take(self, folder: str, graph: Iterable[Any]) -> None:
        """Add those of one step: its own get their place in this folder.

        What is outside of all crates, as a file that one step writes and another one reads, is one
        entity; unless it has changed between them, then each has its own, with its hash.
        """
        taken = [e for e in graph if isinstance(e, dict) and e.get("@id") != CRATE]
        places = {
            id: self._place(id, folder, e) for e in taken if isinstance(id := e.get("@id"), str)
        }
        for entity in taken:
            moved = _moved(entity, folder, places)
            id = str(moved.get("@id"))
            if id in self.all:
                moved = _together(self.all[id], moved)
            elif id != entity.get("@id") and _OUTSIDE.match(str(entity.get("@id"))):
                moved["url"] = entity["@id"]
            self.all[id] = moved

    def _place(self, id: str, folder: str, entity: Mapping[str, Any]) -> str:
        if not _OUTSIDE.match(id):
            return _local(id, folder)
        known, hash = self.all.get(id, {}).get("sha256"), entity.get("sha256")
        return f"#{folder}{id}" if known and hash and known != hash else id


def _together(one: Mapping[str, Any], other: Mapping[str, Any]) -> dict[str, Any]:
    """What two steps say of the same thing: a step has its own name for what it reads or writes."""
    found = dict(one)
    for key, value in other.items():
        known = found.get(key)
        if known is None:
            found[key] = value
        elif key == "name" and value != known:
            found["alternateName"] = _union(found.get("alternateName", []), value)
        elif value != known and key != "name":
            found[key] = _union(known, value)
    return found


def _union(known: Any, more: Any) -> list[Any]:
    found = list(known) if isinstance(known, list) else [known]
    return found + [m for m in (more if isinstance(more, list) else [more]) if m not in found]


def _moved(value: Any, folder: str, places: Mapping[str, str]) -> Any:
    if isinstance(value, list):
        return [_moved(item, folder, places) for item in value]
    if not isinstance(value, dict):
        return value
    found = {key: _moved(item, folder, places) for key, item in value.items()}
    if isinstance(id := value.get("@id"), str):
        outside = _OUTSIDE.match(id)
        found["@id"] = places.get(id, id if outside else _local(id, folder))
    return found


def _local(id: str, folder: str) -> str:
    return f"#{folder}{id[1:]}" if id.startswith("#") else folder + id.removeprefix("./")


def _told(entity: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in entity.items() if value not in (None, [])}


def _time(moment: Any) -> str | None:
    return moment.isoformat() if moment is not None else None
